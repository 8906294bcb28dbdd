# tests/unit/text
if HAVE_CHECK
text_tests = tests/unit/text/test-literal tests/unit/text/test-origins tests/unit/text/test-print \
	tests/unit/text/test-script tests/unit/text/test-text
text_test_libs = libtext.a libdecode.a libbase.a $(XXHASH_LIBS) $(UNIT_LIBS)
check_PROGRAMS += $(text_tests)
TESTS += $(text_tests)

tests_unit_text_test_literal_SOURCES = tests/unit/text/test-literal.c
tests_unit_text_test_literal_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_text_test_literal_CFLAGS = $(UNIT_CFLAGS)
tests_unit_text_test_literal_LDADD = $(text_test_libs)

tests_unit_text_test_origins_SOURCES = tests/unit/text/test-origins.c
tests_unit_text_test_origins_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_text_test_origins_CFLAGS = $(UNIT_CFLAGS)
tests_unit_text_test_origins_LDADD = libtext.a libvalidate.a libdecode.a libbase.a $(XXHASH_LIBS) $(UNIT_LIBS)

tests_unit_text_test_print_SOURCES = tests/unit/text/test-print.c
tests_unit_text_test_print_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_text_test_print_CFLAGS = $(UNIT_CFLAGS)
tests_unit_text_test_print_LDADD = $(text_test_libs)

tests_unit_text_test_script_SOURCES = tests/unit/text/test-script.c
tests_unit_text_test_script_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_text_test_script_CFLAGS = $(UNIT_CFLAGS)
tests_unit_text_test_script_LDADD = $(text_test_libs)

tests_unit_text_test_text_SOURCES = tests/unit/text/test-text.c
tests_unit_text_test_text_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_text_test_text_CFLAGS = $(UNIT_CFLAGS)
tests_unit_text_test_text_LDADD = $(text_test_libs)
endif
