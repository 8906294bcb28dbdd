dist_man1_MANS += packaging/man/nacelle.1 packaging/man/nacelle-top.1 packaging/man/nacelle-stop.1 packaging/man/nacelle-status.1 packaging/man/nacelle-start.1 packaging/man/nacelle-restart.1 packaging/man/nacelle-reload.1 packaging/man/nacelle-ps.1 packaging/man/nacelle-metrics.1 packaging/man/nacelle-logs.1 packaging/man/nacelle-kill.1 packaging/man/nacelle-compile.1 \
	packaging/man/nacelle-inspect.1 packaging/man/nacelle-policy.1 packaging/man/nacelle-posture.1 packaging/man/nacelle-run.1 \
	packaging/man/nacelle-validate.1 packaging/man/nacelle-version.1 \
	packaging/man/nacelle-wast.1 packaging/man/nacelle-wat.1
dist_man5_MANS += packaging/man/nacelle.unit.5

dist_man_MANS += packaging/man/nacelled.8

dist_check_SCRIPTS += packaging/test-manuals
TESTS += packaging/test-manuals

sysctldir = $(prefix)/lib/sysctl.d
dist_sysctl_DATA = packaging/sysctl.d/60-nacelle.conf
