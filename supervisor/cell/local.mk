CELL_SOURCES = supervisor/cell/cell.h supervisor/cell/channel.c supervisor/cell/control.c \
	supervisor/cell/group.c supervisor/cell/guest.c supervisor/cell/heat.c supervisor/cell/instances.c supervisor/cell/libc.c supervisor/cell/lockdown.c supervisor/cell/main.c \
	supervisor/cell/log.c supervisor/cell/modules.c supervisor/cell/nano.c supervisor/cell/nano.h supervisor/cell/preinit.c supervisor/cell/queue.c supervisor/cell/retire.c supervisor/cell/table.c supervisor/cell/usage.c supervisor/cell/worker.c
CELL_LIBS = libwasi.a libring.a libproto.a libpolicy.a libinstance.a librun.a libartefact.a \
	libvalidate.a libdecode.a libcompile.a libbase.a \
	$(SECCOMP_LIBS) $(CAP_LIBS) $(URING_LIBS) $(NETTLE_LIBS) $(XXHASH_LIBS)

libexec_PROGRAMS += nacelle-cell
nacelle_cell_SOURCES = $(CELL_SOURCES) supervisor/cell/no_attack.c
nacelle_cell_LDADD = $(CELL_LIBS)
