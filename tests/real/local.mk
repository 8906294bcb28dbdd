# Run by run-tests and not by make check: it fetches 80 MB once.
EXTRA_DIST += tests/real/run-real tests/real/node-run.mjs tests/real/unpack.mjs \
	tests/real/package.json tests/real/package-lock.json
