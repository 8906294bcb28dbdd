#!/bin/sh
# Structures and arrays: our own script, with the heap collected when it is due and at every
# allocation, then the official ones with the latter, on each generator of the build.
tiers=fast
if grep -q '^#define HAVE_LLVM 1' config.h; then
	tiers="fast peak mixed"
fi
for tier in $tiers; do
	for collect in '' --collect; do
		# shellcheck disable=SC2086
		tests/spec/run-wast $collect --tier $tier "${srcdir:-.}"/tests/spec/heap/*.wast || exit
	done
done
for tier in $tiers; do
	[ $tier = mixed ] || tests/spec/run-wast --collect --suite --tier $tier || exit
done
