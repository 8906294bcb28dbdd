# Faults of the system below, injected: tests/fault/test-X.
FAULT_TESTS = tests/fault/test-cache-faults tests/fault/test-clock-jumps tests/fault/test-daemon-faults \
	tests/fault/test-hanging-disk
dist_check_SCRIPTS += $(FAULT_TESTS)
TESTS += $(FAULT_TESTS)

check_PROGRAMS += tests/fault/hang
tests_fault_hang_SOURCES = tests/fault/hang.c

check_DATA += tests/fault/clock.so
tests/fault/clock.so: tests/fault/clock.c
	@$(MKDIR_P) tests/fault
	$(AM_V_GEN)$(CC) -O2 -fPIC -shared -o $@ $(srcdir)/tests/fault/clock.c
EXTRA_DIST += tests/fault/clock.c
CLEANFILES += tests/fault/clock.so
