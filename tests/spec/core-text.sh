#!/bin/sh
# Every module of the official scripts, printed as text and read back.
exec tests/spec/round-trip --suite
