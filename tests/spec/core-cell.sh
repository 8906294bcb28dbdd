#!/bin/sh
# The official scripts in locked-down cells, on the fast generator.
exec "${srcdir:-.}"/tests/spec/check-spec fast
