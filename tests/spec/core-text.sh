#!/bin/sh
# Every module of the official scripts, printed as text and read back; and the scripts about custom
# annotations.
tests/spec/round-trip --suite || exit
tests/spec/round-trip "${srcdir:-.}"/tests/spec/proposals/*/*.wast || exit
exec tests/spec/run-wast --suite=custom
