# lib.sh - a daemon of its own for each test script: sourced after tests/lib.sh.
#
#   daemon_need NAME        programs and guests that every script needs, or a skip; a folder $work is made
#   wat NAME TEXT           $work/NAME.wasm
#   unit NAME               $work/units/NAME.nacelle from standard input
#   daemon_start OPTION...  nacelled in the background, its records in $work/log; waits until it answers
#   daemon_stop             asks it to end; its exit status is in $ended
#   ctl COMMAND ARGUMENT... nacelle COMMAND at this daemon
#   until_true SECONDS COMMAND...   tries until it succeeds
#   state UNIT, guest UNIT, cell UNIT, restarts UNIT   single figures

daemon_need() {
        need_nacelle "$1"
        nacelled=$build/nacelled
        [ -x "$nacelled" ] || { skip "$1" "the program nacelled is not built"; finish; }
        work=$(mktemp -d)
        chmod 755 "$work"
        mkdir "$work/units"
        export XDG_CACHE_HOME=$work/cache
        daemon=
        trap 'daemon_kill; rm -rf "$work"' EXIT
        wat hello '(module (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1) (data (i32.const 100) "hello \1b[31mred\nand more\n")
          (func (export "_start") (i32.store (i32.const 0) (i32.const 100)) (i32.store (i32.const 4) (i32.const 24))
            (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 20)))))'
        wat spin '(module (func (export "_start") (loop br 0)))'
        wat trap '(module (func (export "_start") unreachable))'
        wat exit7 '(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1) (func (export "_start") i32.const 7 call $exit))'
        # waits for an hour, in poll_oneoff: one clock subscription of 48 bytes at 0
        wat sleep '(module (import "wasi_snapshot_preview1" "poll_oneoff" (func $p (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1) (func (export "_start") (i32.store (i32.const 16) (i32.const 1))
            (i64.store (i32.const 24) (i64.const 3600000000000)) (i64.store (i32.const 32) (i64.const 1000000))
            (drop (call $p (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200)))))'
}

wat() {
        echo "$2" >"$work/$1.wat"
        "$nacelle" wat -o "$work/$1.wasm" "$work/$1.wat" || bad "make $1.wasm" "nacelle wat failed"
}

unit() {
        cat >"$work/units/$1.nacelle"
}

daemon_start() {
        "$nacelled" --units "$work/units" --control "$work/control" "$@" >>"$work/log" 2>&1 &
        daemon=$!
        until_true 10 ctl ps >"$work/out" 2>&1 && return
        bad "nacelled starts" "$(tail -n 5 "$work/log")"
        finish
}

daemon_stop() {
        [ -n "$daemon" ] || return
        kill -TERM "$daemon" 2>/dev/null
        wait "$daemon"
        ended=$?
        daemon=
}

daemon_kill() {
        [ -n "$daemon" ] || return
        kill -KILL "$daemon" 2>/dev/null
        wait "$daemon" 2>/dev/null
        daemon=
}

ctl() {
        local command=$1
        shift
        timeout 60 "$nacelle" "$command" --control "$work/control" "$@"
}

until_true() {
        local end=$((SECONDS + $1))
        shift
        while ! "$@"; do
                [ $SECONDS -lt $end ] || return 1
                sleep 0.05
        done
}

state() { ctl ps -u --json | sed -n "s/.*\"name\":\"$1\".*\"state\":\"\([a-z]*\)\".*/\1/p"; }
is_state() { [ "$(state "$1")" = "$2" ]; }
field() { ctl ps --json "$1" | head -n 1 | sed -n "s/.*\"$2\":\([0-9]*\).*/\1/p"; }
guest() { field "$1" guest; }
cell() { field "$1" cell; }
restarts() { field "$1" restarts; }

# expect NAME STATUS PATTERN COMMAND...: the status, and the pattern (of grep -E) in what it says
expect() {
        local name=$1 want=$2 pattern=$3 got
        shift 3
        "$@" >"$work/said" 2>&1 </dev/null
        got=$?
        if [ $got -ne "$want" ]; then
                bad "$name" "exit status $got instead of $want: $(head -n 3 "$work/said")"
        elif [ -n "$pattern" ] && ! grep -qE -- "$pattern" "$work/said"; then
                bad "$name" "it does not say $pattern: $(head -n 3 "$work/said")"
        else
                ok "$name"
        fi
}

check() { # NAME COMMAND...
        local name=$1
        shift
        if "$@"; then ok "$name"; else bad "$name" "$*: $(tail -n 3 "$work/log")"; fi
}
