noinst_LIBRARIES += libbroker.a
libbroker_a_CPPFLAGS = $(AM_CPPFLAGS) -DLIBEXECDIR=\"$(libexecdir)\"
libbroker_a_SOURCES = supervisor/broker/audit.c supervisor/broker/audit.h supervisor/broker/broker.c \
	supervisor/broker/broker.h supervisor/broker/cell.c supervisor/broker/code_arena.c \
	supervisor/broker/code_arena.h supervisor/broker/cgroup.c supervisor/broker/cgroup.h supervisor/broker/clone.c \
	supervisor/broker/clone.h supervisor/broker/compile.c supervisor/broker/compiler.c supervisor/broker/compiler.h supervisor/broker/preinit.c supervisor/broker/density.c supervisor/broker/density.h \
	supervisor/broker/found.h supervisor/broker/grant.c supervisor/broker/guests.c supervisor/broker/guests.h \
	supervisor/broker/guests_send.c supervisor/broker/guests_state.h \
	supervisor/broker/imports.c supervisor/broker/imports.h supervisor/broker/member.c supervisor/broker/member.h \
	supervisor/broker/internal.h supervisor/broker/listen.c supervisor/broker/listen.h \
	supervisor/broker/outcome.c supervisor/broker/path_check.c supervisor/broker/paths.c \
	supervisor/broker/paths.h supervisor/broker/protect.c supervisor/broker/protect.h supervisor/broker/run.c supervisor/broker/session.c supervisor/broker/spawn.c \
	supervisor/broker/spawn.h supervisor/broker/stamp.c supervisor/broker/stamp.h supervisor/broker/status.c \
	supervisor/broker/tier.c supervisor/broker/tier.h supervisor/broker/connect.c supervisor/broker/connect.h supervisor/broker/connector.c supervisor/broker/connector.h \
	supervisor/broker/pin.c supervisor/broker/pin.h \
	supervisor/broker/unit_run.c supervisor/broker/unit_run.h

# What a program needs that uses the broker.
BROKER_LIBS = libbroker.a libinstance.a libproto.a libpolicy.a libartefact.a libvalidate.a libdecode.a libcompile.a \
	libbase.a $(SECCOMP_LIBS) $(CAP_LIBS) $(GCRYPT_LIBS) $(HOGWEED_LIBS) $(NETTLE_LIBS) $(XXHASH_LIBS)
