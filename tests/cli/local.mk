if HAVE_CHECK
check_PROGRAMS += tests/cli/test-describe tests/cli/test-options
TESTS += tests/cli/test-describe tests/cli/test-options
tests_cli_test_describe_SOURCES = tests/cli/test-describe.c tests/unit/unit.h
tests_cli_test_describe_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_cli_test_describe_CFLAGS = $(UNIT_CFLAGS)
tests_cli_test_describe_LDADD = libcli.a libtext.a libdecode.a libbase.a $(XXHASH_LIBS) $(UNIT_LIBS)
tests_cli_test_options_SOURCES = tests/cli/test-options.c tests/unit/unit.h
tests_cli_test_options_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_cli_test_options_CFLAGS = $(UNIT_CFLAGS)
tests_cli_test_options_LDADD = libcli.a libbase.a $(UNIT_LIBS)
endif

dist_check_SCRIPTS += tests/cli/test-use tests/cli/test-preinit tests/cli/test-tier tests/cli/test-policy tests/cli/test-imports tests/cli/test-diff
TESTS += tests/cli/test-use tests/cli/test-preinit tests/cli/test-tier tests/cli/test-policy tests/cli/test-imports tests/cli/test-diff
