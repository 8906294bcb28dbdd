if HAVE_CHECK
check_PROGRAMS += tests/unit/gc/test-gc
TESTS += tests/unit/gc/test-gc
tests_unit_gc_test_gc_SOURCES = tests/unit/gc/test-gc.c tests/unit/unit.h
tests_unit_gc_test_gc_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_gc_test_gc_CFLAGS = $(UNIT_CFLAGS)
tests_unit_gc_test_gc_LDADD = libinstance.a libbase.a $(UNIT_LIBS)
endif
