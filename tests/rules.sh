#!/usr/bin/env bash
# rules.sh - the rules that the tree keeps (docs/architecture.md), by grep.
. "${srcdir:-.}/tests/lib.sh"
cd "${srcdir:-.}" || exit 99

sources() { # FOLDER...: the C files below
        find "$@" -name '*.[chS]' -o -name '*.def' 2>/dev/null
}

# refuse NAME PATTERN FOLDER...: no include line below the folders matches the pattern
refuse() {
        local name=$1 pattern=$2 found
        shift 2
        found=$(sources "$@" | xargs -r grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($pattern)" /dev/null)
        if [ -n "$found" ]; then bad "$name" "$found"; else ok "$name"; fi
}

folders() { # the product's folders without those named
        local folder name
        for folder in engine/* policy supervisor/* shim/* kmod-free-bpf; do
                [ -d "$folder" ] || continue
                for name; do [ "$folder" = "$name" ] && continue 2; done
                echo "$folder"
        done
}

refuse "engine knows nothing above it" 'policy/|supervisor/|shim/' engine
refuse "policy knows engine/base alone" \
        'engine/(decode|text|validate|compile|artefact|instance|run|component)/|supervisor/|shim/' policy
refuse "liburing in supervisor/ring alone" 'liburing' $(folders supervisor/ring)
refuse "libseccomp in policy alone" 'seccomp\.h' $(folders policy)
refuse "libcap in policy alone" 'sys/capability\.h' $(folders policy)
refuse "LLVM in engine/compile/peak alone" 'llvm' \
        $(sources $(folders) | grep -v '^engine/compile/peak/')
refuse "libbpf in kmod-free-bpf alone" 'bpf/' $(folders kmod-free-bpf)
refuse "engine/base uses nothing" 'engine/(decode|text|validate|compile|artefact|instance|run)/' engine/base
refuse "the cell never reads modules from bytes but through an artefact" \
        'engine/text/|engine/compile/fast/' supervisor/cell shim

long=$(sources engine policy supervisor shim examples tests | xargs wc -l | awk '$1 > 800 && $2 != "total"')
if [ -z "$long" ]; then ok "no file above 800 lines"; else bad "no file above 800 lines" "$long"; fi

marks=$(grep -rnE 'TODO|FIXME|XXX:' --include='*.[chS]' --include='*.def' engine policy supervisor shim examples)
if [ -z "$marks" ]; then ok "nothing is left for later"; else bad "nothing is left for later" "$marks"; fi
broken=$(grep -rlE '^#!.*(bash|/sh)' --include='*' build-tools tests packaging quickstart run-tests .ci 2>/dev/null |
        while read -r script; do bash -n "$script" 2>&1 | head -n 1; done; for script in build-tools/*.sh tests/lib.sh; do bash -n "$script" 2>&1; done)
if [ -z "$broken" ]; then ok "every script can be read by the shell"; else
        bad "every script can be read by the shell" "$broken"
fi
finish
