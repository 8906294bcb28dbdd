if HAVE_CHECK
validate_tests = tests/unit/validate/test-validate tests/unit/validate/test-facts
check_PROGRAMS += $(validate_tests)
TESTS += $(validate_tests)

validate_test_libs = libtext.a libvalidate.a libdecode.a libbase.a $(XXHASH_LIBS) $(UNIT_LIBS)

tests_unit_validate_test_validate_SOURCES = tests/unit/validate/test-validate.c \
	tests/unit/validate/wat.h
tests_unit_validate_test_validate_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_validate_test_validate_CFLAGS = $(UNIT_CFLAGS)
tests_unit_validate_test_validate_LDADD = $(validate_test_libs)

tests_unit_validate_test_facts_SOURCES = tests/unit/validate/test-facts.c tests/unit/validate/wat.h
tests_unit_validate_test_facts_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_validate_test_facts_CFLAGS = $(UNIT_CFLAGS)
tests_unit_validate_test_facts_LDADD = $(validate_test_libs)
endif
