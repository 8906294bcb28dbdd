if HAVE_CHECK
CONTROL_TESTS = tests/unit/control/test-control tests/unit/control/test-openmetrics
check_PROGRAMS += $(CONTROL_TESTS)
TESTS += $(CONTROL_TESTS)
tests_unit_control_test_control_SOURCES = tests/unit/control/test-control.c tests/unit/unit.h
tests_unit_control_test_control_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_control_test_control_CFLAGS = $(UNIT_CFLAGS)
tests_unit_control_test_control_LDADD = $(CONTROL_LIBS) $(UNIT_LIBS)
tests_unit_control_test_openmetrics_SOURCES = tests/unit/control/test-openmetrics.c tests/unit/unit.h
tests_unit_control_test_openmetrics_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_control_test_openmetrics_CFLAGS = $(UNIT_CFLAGS)
tests_unit_control_test_openmetrics_LDADD = $(CONTROL_LIBS) $(UNIT_LIBS)
endif
