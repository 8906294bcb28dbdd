# Faults of the system below, injected: tests/fault/test-X.
FAULT_TESTS = tests/fault/test-cache-faults tests/fault/test-daemon-faults tests/fault/test-hanging-disk
dist_check_SCRIPTS += $(FAULT_TESTS)
TESTS += $(FAULT_TESTS)

check_PROGRAMS += tests/fault/hang
tests_fault_hang_SOURCES = tests/fault/hang.c
