if HAVE_CHECK
validate_tests = tests/unit/validate/test-validate tests/unit/validate/test-facts \
	tests/unit/validate/test-gc tests/unit/validate/test-limits
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

tests_unit_validate_test_gc_SOURCES = tests/unit/validate/test-gc.c tests/unit/validate/wat.h
tests_unit_validate_test_gc_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_validate_test_gc_CFLAGS = $(UNIT_CFLAGS)
tests_unit_validate_test_gc_LDADD = $(validate_test_libs)

tests_unit_validate_test_limits_SOURCES = tests/unit/validate/test-limits.c tests/fuzz/fuzz.h \
	tests/fuzz/heap.c
tests_unit_validate_test_limits_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_validate_test_limits_CFLAGS = $(UNIT_CFLAGS)
tests_unit_validate_test_limits_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
tests_unit_validate_test_limits_LDADD = libvalidate.a libdecode.a libbase.a $(UNIT_LIBS)
endif
