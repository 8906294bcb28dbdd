# lib.sh - the frame of every test written in shell: sourced, not run.
#
#   ok NAME              a test passed
#   bad NAME REASON      a test failed
#   skip NAME REASON     a test could not run here; the reason is never empty
#   need_nacelle NAME    sets $build and $nacelle; ends the script with a skip when something is not built
#   finish               prints "N passed, N failed, N skipped" and exits 0, 1, or 77 (all skipped)
#
# A script that dies before finish() is counted as a failure by its exit status.

set -u
passed=0 failed=0 skipped=0

ok() {
        passed=$((passed + 1))
        echo "pass $1"
}

bad() {
        failed=$((failed + 1))
        echo "FAIL $1: $2"
}

skip() {
        skipped=$((skipped + 1))
        echo "skip $1: ${2:?a skip needs its reason}"
}

need_nacelle() {
        local program
        build=${NACELLE_BUILD:-$PWD}
        nacelle=${NACELLE:-$build/nacelle}
        for program in nacelle nacelle-compiler nacelle-cell; do
                [ -x "$build/$program" ] && continue
                skip "$1" "the program $program is not built"
                finish
        done
}

finish() {
        echo "$passed passed, $failed failed, $skipped skipped"
        [ $failed -eq 0 ] || exit 1
        [ $passed -gt 0 ] || [ $skipped -eq 0 ] || exit 77
        exit 0
}
