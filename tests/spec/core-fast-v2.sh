#!/bin/sh
# The official scripts on the fast generator, for the oldest processors that it supports.
exec tests/spec/run-wast --suite --cpu x86-64-v2
