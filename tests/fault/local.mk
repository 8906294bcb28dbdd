# Faults of the system below, injected: tests/fault/test-X.
FAULT_TESTS = tests/fault/test-cache-faults tests/fault/test-daemon-faults
dist_check_SCRIPTS += $(FAULT_TESTS)
TESTS += $(FAULT_TESTS)
