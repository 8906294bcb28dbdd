if HAVE_CHECK
check_PROGRAMS += tests/cli/test-options
TESTS += tests/cli/test-options
tests_cli_test_options_SOURCES = tests/cli/test-options.c tests/unit/unit.h
tests_cli_test_options_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_cli_test_options_CFLAGS = $(UNIT_CFLAGS)
tests_cli_test_options_LDADD = libcli.a libbase.a $(UNIT_LIBS)
endif
