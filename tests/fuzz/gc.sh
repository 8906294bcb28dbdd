#!/bin/sh
# Random programs of structures and arrays: our generators, and collections at every allocation, against
# each other. NACELLE_FUZZ_SEED and NACELLE_FUZZ_COUNT as for fuzz-differential.
NACELLE_FUZZ_COUNT=${NACELLE_FUZZ_COUNT:-32}
export NACELLE_FUZZ_COUNT
if [ -x ./fuzz-differential-peak ]; then
        exec ./fuzz-differential-peak --gc yes
fi
exec tests/fuzz/fuzz-differential --gc yes
