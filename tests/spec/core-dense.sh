#!/bin/sh
# The official scripts on the fast generator, with code that checks every access itself.
exec tests/spec/run-wast --suite --dense
