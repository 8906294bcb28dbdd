# Unit tests mirror the tree: tests/unit/FOLDER/test-X.c, added in tests/unit/FOLDER/local.mk.
include tests/unit/base/local.mk
include tests/unit/decode/local.mk
include tests/unit/text/local.mk
include tests/unit/validate/local.mk
include tests/unit/compile/local.mk
include tests/unit/gc/local.mk
include tests/unit/artefact/local.mk
include tests/unit/instance/local.mk
include tests/unit/run/local.mk
include tests/unit/policy/local.mk
include tests/unit/supervisor/local.mk
include tests/unit/control/local.mk
include tests/unit/daemon/local.mk
include tests/unit/oci/local.mk
include tests/wasi/local.mk
include tests/drills/local.mk
include tests/fuzz/local.mk
include tests/bench/local.mk
include tests/real/local.mk
include tests/cli/local.mk
include tests/daemon/local.mk
include tests/oci/local.mk
include tests/fault/local.mk

dist_check_SCRIPTS += tests/rules.sh
EXTRA_DIST += tests/vm/run-vm tests/as-user tests/lib.sh
TESTS += tests/rules.sh

# The number of test programs that must leave a result, for run-tests.
print-tests:
	@echo $(TESTS)

.PHONY: print-tests
