dist_man1_MANS += packaging/man/nacelle.1 packaging/man/nacelle-compile.1 \
	packaging/man/nacelle-inspect.1 packaging/man/nacelle-posture.1 packaging/man/nacelle-run.1 \
	packaging/man/nacelle-validate.1 packaging/man/nacelle-version.1 \
	packaging/man/nacelle-wast.1 packaging/man/nacelle-wat.1

dist_check_SCRIPTS += packaging/test-manuals
TESTS += packaging/test-manuals
