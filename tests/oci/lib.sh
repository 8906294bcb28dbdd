# lib.sh - what the tests of nacelle-oci have in common: sourced behind tests/lib.sh.
#
#   need_oci NAME              programs and the guest are there, or the script ends with a skip
#   bundle NAME [FILTER]       directory $work/NAME with rootfs/guest.wasm and a config.json, changed by a Python
#                              statement about the dictionary c
#   oci WORD...                the runtime with the test's own --root
#   made ID                    number of the container's process
#   ended PID                  waits for "exit N" or "signal N" of the reaper, and prints it
#   locked NAME PID            the cell of the container's process PID looks from outside as it should
#   is NAME GOT WANTED         passes or fails

need_oci() {
        local file
        need_nacelle "$1"
        runtime=$build/nacelle-oci
        for file in "$runtime" "$build/tests/oci/reaper"; do
                [ -x "$file" ] || { skip "$1" "$file is not built"; finish; }
        done
        for file in python3; do
                command -v $file >/dev/null || { skip "$1" "$file is not installed"; finish; }
        done
        [ -f "$build/tests/oci/guest.wasm" ] || { skip "$1" "no compiler for wasm32-wasi"; finish; }
}

# The reaper becomes the parent of all containers; "$0" runs again below it.
under_reaper() {
        [ -z "${REAPED:-}" ] || return 0
        REAPED=$(mktemp -d)
        export REAPED
        "$build/tests/oci/reaper" "$REAPED" "$0" "$@"
        local status=$?
        rm -rf "$REAPED"
        exit $status
}

oci() {
        "$runtime" --root "$work/root" "$@"
}

bundle() {
        local dir=$work/$1
        mkdir -p "$dir/rootfs"
        cp "$build/tests/oci/guest.wasm" "$dir/rootfs/guest.wasm"
        rm -f "$dir/config.json"
        "$runtime" spec --bundle "$dir" || return 1
        python3 - "$dir/config.json" "c['process']['args'] = ['/guest.wasm'] + ${2:-[]}; ${3:-pass}" <<'END'
import json, sys
with open(sys.argv[1]) as f:
    c = json.load(f)
exec(sys.argv[2])
with open(sys.argv[1], "w") as f:
    json.dump(c, f)
END
}

made() {
        oci state "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])'
}

status_of() {
        oci state "$1" 2>&1 | python3 -c '
import json, sys
text = sys.stdin.read()
try:
    print(json.loads(text)["status"])
except ValueError:
    print(text.strip())'
}

ended() {
        local i
        for ((i = 0; i < 600; i++)); do
                [ -s "$REAPED/$1" ] && { cat "$REAPED/$1"; return; }
                sleep 0.05
        done
        echo "still there"
}

is() {
        if [ "$2" = "$3" ]; then ok "$1"; else bad "$1" "got '$2', not '$3'"; fi
}

like() { # NAME GOT PATTERN
        if grep -qE -- "$3" <<<"$2"; then ok "$1"; else bad "$1" "got '$2', which is not like '$3'"; fi
}

locked() {
        local cell
        if grep -q '^#define NACELLE_SANITIZERS 1' "$build/config.h"; then
                skip "$1" "a sanitizer needs system calls that a cell has not"
                return
        fi
        if [ "$(id -u)" -ne 0 ]; then
                skip "$1" "only root can look at a locked process"
                return
        fi
        cell=$(pgrep -P "$2" -x nacelle-cell)
        like "$1" "$("$nacelle" posture "${cell:-0}" 2>&1 | tr '\n' ' ')" 'yes seccomp.*Exposure: 0.*how a cell is expected to look'
}
