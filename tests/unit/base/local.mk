if HAVE_CHECK
check_PROGRAMS += tests/unit/base/test-base
TESTS += tests/unit/base/test-base
tests_unit_base_test_base_SOURCES = tests/unit/base/test-base.c tests/unit/unit.h
tests_unit_base_test_base_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_base_test_base_CFLAGS = $(UNIT_CFLAGS)
tests_unit_base_test_base_LDADD = libbase.a $(UNIT_LIBS)
endif
