#!/bin/sh
# The official scripts on artefacts that hold functions of both generators.
grep -q '^#define HAVE_LLVM 1' config.h || exit 77
exec tests/spec/run-wast --suite --tier mixed
