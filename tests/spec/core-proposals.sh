#!/bin/sh
# The official scripts of proposals that are not in the standard, on each generator of the build.
tiers=fast
if grep -q '^#define HAVE_LLVM 1' config.h; then
	tiers="fast peak"
fi
for folder in proposals/custom-page-sizes proposals/threads proposals/wide-arithmetic legacy; do
	for tier in $tiers; do
		tests/spec/run-wast --suite="$folder" --tier "$tier" || exit
	done
done
# Our own scripts: more cases of the same proposals, and accesses whose values make no difference.
for tier in $tiers; do
	tests/spec/run-wast --tier "$tier" "${srcdir:-.}"/tests/spec/proposals/*/*.wast \
		"${srcdir:-.}"/tests/spec/traps.wast "${srcdir:-.}"/tests/spec/unrolled.wast \
		"${srcdir:-.}"/tests/spec/exceptions-across.wast || exit
done
# NaNs with --deterministic: their bits, on old processors as well.
for tier in $tiers; do
	for cpu in host x86-64-v2; do
		tests/spec/run-wast --deterministic --cpu $cpu --tier "$tier" "${srcdir:-.}"/tests/spec/deterministic.wast ||
			exit
	done
done
