# The control protocol: varlink over a socket of the file system.
CONTROL_DESCRIPTIONS = supervisor/control/io.nacelle.Supervisor.varlink supervisor/control/service.varlink

noinst_LIBRARIES += libcontrol.a
libcontrol_a_SOURCES = supervisor/control/client.c supervisor/control/client.h supervisor/control/connection.c \
	supervisor/control/control.h supervisor/control/messages.c supervisor/control/methods.def \
	supervisor/control/openmetrics.c supervisor/control/openmetrics.h supervisor/control/peer.c
nodist_libcontrol_a_SOURCES = supervisor/control/interface.c supervisor/control/service.c
CONTROL_LIBS = libcontrol.a libbase.a $(JSON_LIBS)

supervisor/control/interface.c: supervisor/control/io.nacelle.Supervisor.varlink supervisor/control/text.awk
	@$(MKDIR_P) supervisor/control
	$(AM_V_GEN)awk -v name=control_interface -f $(srcdir)/supervisor/control/text.awk \
		$(srcdir)/supervisor/control/io.nacelle.Supervisor.varlink >$@
supervisor/control/service.c: supervisor/control/service.varlink supervisor/control/text.awk
	@$(MKDIR_P) supervisor/control
	$(AM_V_GEN)awk -v name=control_service_interface -f $(srcdir)/supervisor/control/text.awk \
		$(srcdir)/supervisor/control/service.varlink >$@

varlinkdir = $(datadir)/varlink
dist_varlink_DATA = supervisor/control/io.nacelle.Supervisor.varlink
EXTRA_DIST += $(CONTROL_DESCRIPTIONS) supervisor/control/text.awk
CLEANFILES += supervisor/control/interface.c supervisor/control/service.c
