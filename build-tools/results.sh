# results.sh - counting single tests over programs that count in their own ways; sourced, not run.
#
#   check_tree DIR            make check in DIR, show each program, add its tests
#   result_script NAME CMD... run a script that ends with "N passed, N failed, N skipped"
#   result_passed NAME, result_failed NAME REASON, result_skipped NAME REASON: one test each
#   results_finish            reasons of skips, failures, and the count as the last line; exits

total_passed=0 total_failed=0 total_skipped=0
failures=() skips=()

result_passed() {
        total_passed=$((total_passed + 1))
        note "passed: $1"
}

result_failed() {
        total_failed=$((total_failed + 1))
        failures+=("$1: $2")
        note "FAILED: $1: $2"
}

result_skipped() {
        total_skipped=$((total_skipped + 1))
        skips+=("$1: $2")
        note "skipped: $1: $2"
}

# Counts of one log: "PASSED FAILED SKIPPED". Three forms are known: our own last line, the line of
# the check library, and silence, where the exit status is the one test.
log_counts() { # LOG STATUS-WORD
        awk -v word="$2" '
        /^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { p = $1; f = $3; s = $5; known = 1 }
        /^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+$/ {
                gsub(",", ""); f += $5 + $7; p += $3 - $5 - $7; known = 1
        }
        END {
                if (!known) {
                        p = word == "PASS"; s = word == "SKIP"; f = !p && !s
                } else if (word != "PASS" && word != "SKIP" && f == 0) {
                        f = 1 # it counted no failure and yet failed: a crash, a leak
                }
                print p + 0, f + 0, s + 0
        }' "$1"
}

result_log() { # NAME LOG STATUS-WORD
        local name=$1 log=$2 word=$3 p f s line

        read -r p f s < <(log_counts "$log" "$word")
        total_passed=$((total_passed + p))
        total_failed=$((total_failed + f))
        total_skipped=$((total_skipped + s))
        printf '      %-40s %6d passed %4d failed %4d skipped\n' "$name" "$p" "$f" "$s"
        while read -r line; do
                skips+=("$name: ${line#skip }")
        done < <(grep -a '^skip ' "$log")
        if [ "$s" -gt 0 ] && ! grep -qa '^skip ' "$log"; then
                skips+=("$name: $(grep -a . "$log" | tail -n 1)")
        fi
        if [ "$f" -gt 0 ]; then
                failures+=("$name: $f failed, see $log")
                grep -aE '^FAIL |: *[FE]:|ERROR: (Address|Leak|Undefined)|runtime error:|^fail' "$log" |
                        head -n 20 | sed 's/^/      | /'
        fi
}

check_tree() { # DIR
        local dir=$1 trs log word

        find "$dir" -name '*.trs' -delete
        step "Running the tests in $dir" make -C "$dir" -j "$jobs_max" -k check || true
        if [ -z "$(find "$dir" -name '*.trs' -print -quit)" ]; then
                result_failed "$dir" "make check ran no test"
                return
        fi
        # A test program that did not compile leaves no result at all.
        if [ "$(make -s -C "$dir" print-tests | wc -w)" -ne "$(find "$dir" -name '*.trs' | wc -l)" ]; then
                result_failed "$dir" "not every test program could be built"
        fi
        while read -r trs; do
                log=${trs%.trs}.log
                word=$(sed -n 's/^:global-test-result: *//p' "$trs")
                result_log "${trs%.trs}" "$log" "${word:-ERROR}"
        done < <(find "$dir" -name '*.trs' | sort)
}

result_script() { # NAME COMMAND...
        local name=$1 log word=PASS
        shift

        log=build/$(basename "$1").log
        "$@" </dev/null 2>&1 | tee "$log"
        case ${PIPESTATUS[0]} in
        0) ;;
        77) word=SKIP ;;
        *) word=FAIL ;;
        esac
        result_log "$name" "$log" "$word"
}

results_finish() {
        local line

        # One line a reason: the same one is often met by several programs, in several builds.
        if [ ${#skips[@]} -gt 0 ]; then
                echo "Skipped:"
                printf '%s\n' "${skips[@]}" | awk '
                {
                        at = index($0, ": "); who = substr($0, 1, at - 1); why = substr($0, at + 2)
                        sub(/.*\//, "", who)
                        if (!(why in by)) order[++n] = why
                        if (index(by[why] " ", " " who " ") == 0) by[why] = by[why] " " who
                }
                END { for (i = 1; i <= n; i++) print "      " order[i] " (" substr(by[order[i]], 2) ")" }'
        fi
        for line in "${failures[@]}"; do
                echo "FAILED: $line"
        done
        echo "$total_passed passed, $total_failed failed, $total_skipped skipped"
        [ "$total_failed" -eq 0 ] && [ "$total_passed" -gt 0 ]
        exit
}
