#!/bin/sh
# The official scripts on the optimising generator, where the build has it.
grep -q '^#define HAVE_LLVM 1' config.h || exit 77
exec tests/spec/run-wast --suite --tier peak
