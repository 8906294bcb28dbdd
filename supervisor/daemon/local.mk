# nacelled: units, cells, and the sockets through which it is asked.
noinst_LIBRARIES += libdaemon.a
libdaemon_a_SOURCES = supervisor/daemon/backoff.c supervisor/daemon/backoff.h supervisor/daemon/blame.c \
	supervisor/daemon/blame.h supervisor/daemon/cell_modules.c supervisor/daemon/cell_modules.h \
	supervisor/daemon/improve.c supervisor/daemon/improve.h supervisor/daemon/improve_child.c supervisor/daemon/control_socket.c supervisor/daemon/daemon.h \
	supervisor/daemon/denials.c supervisor/daemon/denials.h supervisor/daemon/events.def \
	supervisor/daemon/connecting.c supervisor/daemon/connecting.h supervisor/daemon/spec.c supervisor/daemon/spec.h supervisor/daemon/linked.c supervisor/daemon/linked.h supervisor/daemon/host.c supervisor/daemon/host.h supervisor/daemon/hosted.c supervisor/daemon/hosted.h supervisor/daemon/journal.c \
	supervisor/daemon/journal.h supervisor/daemon/journal_fields.def supervisor/daemon/logs.c \
	supervisor/daemon/logs.h supervisor/daemon/loop.c supervisor/daemon/loop.h supervisor/daemon/nano.c \
	supervisor/daemon/notify.c supervisor/daemon/notify.h supervisor/daemon/on_demand.c \
	supervisor/daemon/on_demand.h supervisor/daemon/path_server.c supervisor/daemon/path_server.h \
	supervisor/daemon/prepare.c supervisor/daemon/requests.c supervisor/daemon/service.c \
	supervisor/daemon/set.c supervisor/daemon/sockets.c supervisor/daemon/sockets.h \
	supervisor/daemon/states.c supervisor/daemon/states.def supervisor/daemon/states.h \
	supervisor/daemon/views.c
DAEMON_LIBS = libdaemon.a libcontrol.a $(BROKER_LIBS) $(JSON_LIBS) $(SYSTEMD_LIBS)

sbin_PROGRAMS += nacelled
nacelled_SOURCES = supervisor/daemon/main.c
nacelled_LDADD = $(DAEMON_LIBS)
