#!/bin/sh
# A part of `make check-differential`, half a minute of a processor: always the same programs. NACELLE_FUZZ_SEED and
# NACELLE_FUZZ_CALLS for others.
if [ ! -x ./compare-generators ]; then
	echo "skip random programs on both generators: this build has one"
	exit 77
fi
calls=50000
if grep -q '^#define NACELLE_SANITIZERS 1' config.h; then
	calls=3000
fi
exec ./compare-generators --calls "${NACELLE_FUZZ_CALLS:-$calls}" --seed "${NACELLE_FUZZ_SEED:-1}"
