if HAVE_CHECK
check_PROGRAMS += tests/unit/run/test-enter tests/unit/run/test-fiber tests/unit/run/test-preempt \
	tests/unit/run/test-trap
TESTS += tests/unit/run/test-enter tests/unit/run/test-fiber tests/unit/run/test-preempt tests/unit/run/test-trap
tests_unit_run_test_enter_SOURCES = tests/unit/run/test-enter.c tests/unit/run/code.h tests/unit/sanitizer.h tests/unit/unit.h
tests_unit_run_test_enter_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_run_test_enter_CFLAGS = $(UNIT_CFLAGS)
tests_unit_run_test_enter_LDADD = librun.a libbase.a $(UNIT_LIBS)
tests_unit_run_test_fiber_SOURCES = tests/unit/run/test-fiber.c tests/unit/sanitizer.h tests/unit/unit.h
tests_unit_run_test_fiber_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_run_test_fiber_CFLAGS = $(UNIT_CFLAGS)
tests_unit_run_test_fiber_LDADD = librun.a libbase.a $(UNIT_LIBS)
tests_unit_run_test_trap_SOURCES = tests/unit/run/test-trap.c tests/unit/run/code.h tests/unit/sanitizer.h tests/unit/unit.h
tests_unit_run_test_trap_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_run_test_trap_CFLAGS = $(UNIT_CFLAGS)
tests_unit_run_test_trap_LDADD = librun.a libbase.a $(UNIT_LIBS)
tests_unit_run_test_preempt_SOURCES = tests/unit/run/test-preempt.c tests/unit/sanitizer.h tests/unit/unit.h
tests_unit_run_test_preempt_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_run_test_preempt_CFLAGS = $(UNIT_CFLAGS)
tests_unit_run_test_preempt_LDADD = librun.a libbase.a $(UNIT_LIBS)
endif
