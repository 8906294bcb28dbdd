#!/bin/sh
# Modules that ask for much, and the optimising compiler: half a minute to a minute of a processor. Under sanitizers the
# compiler's own library is what it was, so once is enough.
if ! grep -q '^#define HAVE_LLVM 1' config.h || grep -q '^#define NACELLE_SANITIZERS 1' config.h; then
	echo "skip bombs for the optimising generator: in a build with it and without sanitizers alone"
	exit 77
fi
exec tests/fuzz/bombs peak
