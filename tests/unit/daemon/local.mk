if HAVE_CHECK
DAEMON_TESTS = tests/unit/daemon/test-blame tests/unit/daemon/test-journal tests/unit/daemon/test-loop tests/unit/daemon/test-states
check_PROGRAMS += $(DAEMON_TESTS)
TESTS += $(DAEMON_TESTS)
tests_unit_daemon_test_blame_SOURCES = tests/unit/daemon/test-blame.c tests/unit/unit.h
tests_unit_daemon_test_blame_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_daemon_test_blame_CFLAGS = $(UNIT_CFLAGS)
tests_unit_daemon_test_blame_LDADD = $(DAEMON_LIBS) $(UNIT_LIBS)
tests_unit_daemon_test_journal_SOURCES = tests/unit/daemon/test-journal.c tests/unit/unit.h
tests_unit_daemon_test_journal_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_daemon_test_journal_CFLAGS = $(UNIT_CFLAGS)
tests_unit_daemon_test_journal_LDADD = $(DAEMON_LIBS) $(UNIT_LIBS)
tests_unit_daemon_test_loop_SOURCES = tests/unit/daemon/test-loop.c tests/unit/unit.h
tests_unit_daemon_test_loop_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_daemon_test_loop_CFLAGS = $(UNIT_CFLAGS)
tests_unit_daemon_test_loop_LDADD = $(DAEMON_LIBS) $(UNIT_LIBS)
tests_unit_daemon_test_states_SOURCES = tests/unit/daemon/test-states.c tests/unit/unit.h
tests_unit_daemon_test_states_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_daemon_test_states_CFLAGS = $(UNIT_CFLAGS)
tests_unit_daemon_test_states_LDADD = $(DAEMON_LIBS) $(UNIT_LIBS)
endif
