# A cell of many guests, for the tests that have one.
ONE_CELL = tests/unit/supervisor/one_cell.c tests/unit/supervisor/one_cell.h
if HAVE_CHECK
SUPERVISOR_TESTS = tests/unit/supervisor/test-broker tests/unit/supervisor/test-density tests/unit/supervisor/test-guests-slots tests/unit/supervisor/test-guests tests/unit/supervisor/test-guests-lies tests/unit/supervisor/test-heat tests/unit/supervisor/test-unload tests/unit/supervisor/test-patience tests/unit/supervisor/test-late-answers \
	tests/unit/supervisor/test-paths tests/unit/supervisor/test-proto \
	tests/unit/supervisor/test-ring tests/unit/supervisor/test-ring-threads \
	tests/unit/supervisor/test-wheel
check_PROGRAMS += $(SUPERVISOR_TESTS)
TESTS += $(SUPERVISOR_TESTS)
dist_check_SCRIPTS += tests/unit/supervisor/guests-threads
TESTS += tests/unit/supervisor/guests-threads
tests_unit_supervisor_test_broker_SOURCES = tests/unit/supervisor/test-broker.c tests/unit/unit.h
tests_unit_supervisor_test_broker_CPPFLAGS = $(UNIT_CPPFLAGS) -DBUILD_DIR=\"$(abs_top_builddir)\"
tests_unit_supervisor_test_broker_CFLAGS = $(UNIT_CFLAGS)
tests_unit_supervisor_test_broker_LDADD = libtext.a $(BROKER_LIBS) $(UNIT_LIBS)
tests_unit_supervisor_test_density_SOURCES = tests/unit/supervisor/test-density.c tests/unit/unit.h
tests_unit_supervisor_test_density_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_supervisor_test_density_CFLAGS = $(UNIT_CFLAGS)
tests_unit_supervisor_test_density_LDADD = $(BROKER_LIBS) $(UNIT_LIBS)
tests_unit_supervisor_test_guests_lies_SOURCES = tests/unit/supervisor/test-guests-lies.c tests/unit/unit.h
tests_unit_supervisor_test_guests_lies_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_supervisor_test_guests_lies_CFLAGS = $(UNIT_CFLAGS)
tests_unit_supervisor_test_guests_lies_LDADD = $(BROKER_LIBS) $(UNIT_LIBS)
tests_unit_supervisor_test_guests_slots_SOURCES = tests/unit/supervisor/test-guests-slots.c $(ONE_CELL) tests/unit/unit.h
tests_unit_supervisor_test_guests_slots_CPPFLAGS = $(UNIT_CPPFLAGS) -DBUILD_DIR=\"$(abs_top_builddir)\"
tests_unit_supervisor_test_guests_slots_CFLAGS = $(UNIT_CFLAGS)
tests_unit_supervisor_test_guests_slots_LDADD = libtext.a $(BROKER_LIBS) $(UNIT_LIBS)
tests_unit_supervisor_test_late_answers_SOURCES = tests/unit/supervisor/test-late-answers.c $(ONE_CELL) tests/unit/unit.h
tests_unit_supervisor_test_late_answers_CPPFLAGS = $(UNIT_CPPFLAGS) -DBUILD_DIR=\"$(abs_top_builddir)\"
tests_unit_supervisor_test_late_answers_CFLAGS = $(UNIT_CFLAGS)
tests_unit_supervisor_test_late_answers_LDADD = libtext.a $(BROKER_LIBS) $(UNIT_LIBS)
tests_unit_supervisor_test_patience_SOURCES = tests/unit/supervisor/test-patience.c $(ONE_CELL) tests/unit/unit.h
tests_unit_supervisor_test_patience_CPPFLAGS = $(UNIT_CPPFLAGS) -DBUILD_DIR=\"$(abs_top_builddir)\"
tests_unit_supervisor_test_patience_CFLAGS = $(UNIT_CFLAGS)
tests_unit_supervisor_test_patience_LDADD = libtext.a $(BROKER_LIBS) $(UNIT_LIBS)
tests_unit_supervisor_test_unload_SOURCES = tests/unit/supervisor/test-unload.c $(ONE_CELL) tests/unit/unit.h
tests_unit_supervisor_test_unload_CPPFLAGS = $(UNIT_CPPFLAGS) -DBUILD_DIR=\"$(abs_top_builddir)\"
tests_unit_supervisor_test_unload_CFLAGS = $(UNIT_CFLAGS)
tests_unit_supervisor_test_unload_LDADD = libtext.a $(BROKER_LIBS) $(UNIT_LIBS)
tests_unit_supervisor_test_heat_SOURCES = tests/unit/supervisor/test-heat.c $(ONE_CELL) tests/unit/unit.h
tests_unit_supervisor_test_heat_CPPFLAGS = $(UNIT_CPPFLAGS) -DBUILD_DIR=\"$(abs_top_builddir)\"
tests_unit_supervisor_test_heat_CFLAGS = $(UNIT_CFLAGS)
tests_unit_supervisor_test_heat_LDADD = libtext.a $(BROKER_LIBS) $(UNIT_LIBS)
tests_unit_supervisor_test_guests_SOURCES = tests/unit/supervisor/test-guests.c $(ONE_CELL) tests/unit/unit.h
tests_unit_supervisor_test_guests_CPPFLAGS = $(UNIT_CPPFLAGS) -DBUILD_DIR=\"$(abs_top_builddir)\"
tests_unit_supervisor_test_guests_CFLAGS = $(UNIT_CFLAGS)
tests_unit_supervisor_test_guests_LDADD = libtext.a $(BROKER_LIBS) $(UNIT_LIBS)
tests_unit_supervisor_test_paths_SOURCES = tests/unit/supervisor/test-paths.c tests/unit/unit.h
tests_unit_supervisor_test_paths_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_supervisor_test_paths_CFLAGS = $(UNIT_CFLAGS)
tests_unit_supervisor_test_paths_LDADD = $(BROKER_LIBS) $(UNIT_LIBS)
tests_unit_supervisor_test_proto_SOURCES = tests/unit/supervisor/test-proto.c tests/unit/unit.h
tests_unit_supervisor_test_proto_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_supervisor_test_proto_CFLAGS = $(UNIT_CFLAGS)
tests_unit_supervisor_test_proto_LDADD = libproto.a libbase.a $(UNIT_LIBS)
tests_unit_supervisor_test_ring_SOURCES = tests/unit/supervisor/test-ring.c tests/unit/sanitizer.h tests/unit/unit.h
tests_unit_supervisor_test_ring_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_supervisor_test_ring_CFLAGS = $(UNIT_CFLAGS)
tests_unit_supervisor_test_ring_LDADD = libring.a librun.a libbase.a $(URING_LIBS) $(UNIT_LIBS)
tests_unit_supervisor_test_wheel_SOURCES = tests/unit/supervisor/test-wheel.c tests/unit/unit.h
tests_unit_supervisor_test_wheel_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_supervisor_test_wheel_CFLAGS = $(UNIT_CFLAGS)
tests_unit_supervisor_test_wheel_LDADD = libring.a $(UNIT_LIBS)
tests_unit_supervisor_test_ring_threads_SOURCES = $(tests_unit_supervisor_test_ring_SOURCES)
tests_unit_supervisor_test_ring_threads_CPPFLAGS = $(UNIT_CPPFLAGS) -DRING_KIND=RING_THREADS
tests_unit_supervisor_test_ring_threads_CFLAGS = $(UNIT_CFLAGS)
tests_unit_supervisor_test_ring_threads_LDADD = $(tests_unit_supervisor_test_ring_LDADD)
endif
