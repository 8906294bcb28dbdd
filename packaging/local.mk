dist_man1_MANS += packaging/man/nacelle.1 packaging/man/nacelle-kill.1 packaging/man/nacelle-logs.1 \
	packaging/man/nacelle-metrics.1 packaging/man/nacelle-ps.1 packaging/man/nacelle-reload.1 \
	packaging/man/nacelle-restart.1 packaging/man/nacelle-start.1 packaging/man/nacelle-status.1 \
	packaging/man/nacelle-stop.1 packaging/man/nacelle-top.1 packaging/man/nacelle-compile.1 \
	packaging/man/nacelle-inspect.1 packaging/man/nacelle-posture.1 packaging/man/nacelle-run.1 \
	packaging/man/nacelle-validate.1 packaging/man/nacelle-version.1 \
	packaging/man/nacelle-wast.1 packaging/man/nacelle-wat.1
dist_man1_MANS += packaging/man/nacelle-policy.1 packaging/man/nacelle-explain.1 packaging/man/nacelle-drill.1 packaging/man/nacelle-diff.1
dist_man5_MANS += packaging/man/nacelle.unit.5

dist_man_MANS += packaging/man/nacelled.8 packaging/man/nacelle-oci.8

dist_check_SCRIPTS += packaging/test-manuals
TESTS += packaging/test-manuals

sysctldir = $(prefix)/lib/sysctl.d
dist_sysctl_DATA = packaging/sysctl.d/60-nacelle.conf

# Units for the service manager, with the installed program's path in them.
systemdsystemunitdir = $(prefix)/lib/systemd/system
systemduserunitdir = $(prefix)/lib/systemd/user
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
nodist_systemdsystemunit_DATA = packaging/systemd/nacelled.service
dist_systemdsystemunit_DATA = packaging/systemd/nacelled.socket
dist_systemduserunit_DATA = packaging/systemd/nacelled.socket
nodist_systemduserunit_DATA = packaging/systemd/user/nacelled.service
dist_sysusers_DATA = packaging/sysusers.d/nacelle.conf
dist_tmpfiles_DATA = packaging/tmpfiles.d/nacelle.conf
EXTRA_DIST += packaging/systemd/nacelled.service.in packaging/systemd/nacelled-user.service.in
CLEANFILES += packaging/systemd/nacelled.service packaging/systemd/user/nacelled.service

packaging/systemd/nacelled.service: packaging/systemd/nacelled.service.in Makefile
	@$(MKDIR_P) packaging/systemd
	$(AM_V_GEN)sed 's#[@]sbindir[@]#$(sbindir)#' $(srcdir)/packaging/systemd/nacelled.service.in >$@
packaging/systemd/user/nacelled.service: packaging/systemd/nacelled-user.service.in Makefile
	@$(MKDIR_P) packaging/systemd/user
	$(AM_V_GEN)sed 's#[@]sbindir[@]#$(sbindir)#' $(srcdir)/packaging/systemd/nacelled-user.service.in >$@

# What journalctl -x says of a record; `journalctl --update-catalog` takes it up.
catalogdir = $(prefix)/lib/systemd/catalog
nodist_catalog_DATA = packaging/nacelle.catalog
CATALOG_TABLES = $(srcdir)/policy/denials.def $(srcdir)/supervisor/daemon/events.def
packaging/nacelle.catalog: policy/denials.def supervisor/daemon/events.def packaging/catalog.awk
	@$(MKDIR_P) packaging
	$(AM_V_GEN)awk -f $(srcdir)/packaging/catalog.awk $(CATALOG_TABLES) >$@
EXTRA_DIST += packaging/catalog.awk
CLEANFILES += packaging/nacelle.catalog

dist_check_SCRIPTS += packaging/test-systemd
TESTS += packaging/test-systemd
