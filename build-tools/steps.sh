# steps.sh - progress for the scripts at the root, and the out-of-tree build; sourced, not run.
#
#   step TEXT COMMAND...   run quietly, one line with the time; on failure the end of the output
#   note TEXT              a line
#   build_tree DIR ARGS... autoreconf, configure with ARGS and make in DIR: only what is needed

STEP_LOG=${STEP_LOG:-$(mktemp)}
STEP_DEPTH=0
jobs_max=$(nproc 2>/dev/null || echo 2)

if [ -t 1 ]; then step_terminal=1; else step_terminal=; fi

note() {
        printf '      %s\n' "$*"
}

step() {
        local text=$1 start=$SECONDS status pid
        shift

        # A step within a step writes into the outer one's log.
        if [ "$STEP_DEPTH" -gt 0 ]; then
                "$@"
                return
        fi
        : >"$STEP_LOG"
        (STEP_DEPTH=1; "$@") >"$STEP_LOG" 2>&1 </dev/null &
        pid=$!
        while [ -n "$step_terminal" ] && kill -0 "$pid" 2>/dev/null; do
                printf '\r\033[K%4ss %s  \033[2m%s\033[0m' $((SECONDS - start)) "$text" \
                        "$(tail -n 1 "$STEP_LOG" | tr -d '\r\033' | cut -c 1-50)"
                sleep 0.2
        done
        wait "$pid"
        status=$?
        [ -n "$step_terminal" ] && printf '\r\033[K'
        if [ $status -eq 0 ]; then
                printf '%4ss %s\n' $((SECONDS - start)) "$text"
        else
                printf '%4ss %s: FAILED (%s)\n' $((SECONDS - start)) "$text" $status
                {
                        grep -aE '(error|warning): |Error [0-9]|undefined reference' "$STEP_LOG" | head -n 20
                        echo ...
                        tail -n 20 "$STEP_LOG"
                } | sed 's/^/      | /'
        fi
        return $status
}

# The makefiles renew themselves when a local.mk changes; the first time there are none.
tree_configured() { # DIR ARGS...
        local dir=$1 newest
        shift

        newest=$(find configure.ac Makefile.am -newer configure 2>/dev/null | head -n 1)
        if [ ! -e configure ] || [ ! -e Makefile.in ] || [ -n "$newest" ]; then
                autoreconf -fi || return 1
        fi
        mkdir -p "$dir" || return 1
        if [ ! -e "$dir/config.status" ] || [ "$(cat "$dir/.arguments" 2>/dev/null)" != "$*" ]; then
                (cd "$dir" && ../configure "$@") || return 1
                echo "$*" >"$dir/.arguments"
        fi
}

build_tree() { # DIR ARGS...
        local dir=$1

        step "Configuring $dir" tree_configured "$@" &&
                step "Building $dir" make -C "$dir" -j "$jobs_max" all
}
