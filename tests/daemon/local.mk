DAEMON_SHELL = tests/daemon/test-connect tests/daemon/test-paths tests/daemon/test-imports tests/daemon/test-systemd tests/daemon/test-systemd-user tests/daemon/test-cells tests/daemon/test-life tests/daemon/test-control tests/daemon/test-manager tests/daemon/test-tier-up
dist_check_SCRIPTS += $(DAEMON_SHELL)
EXTRA_DIST += tests/daemon/pid1.sh tests/daemon/pid1-lib.sh tests/daemon/lib.sh tests/daemon/ask.py tests/daemon/manager.py
TESTS += $(DAEMON_SHELL)
