noinst_LIBRARIES += libproto.a
libproto_a_SOURCES = supervisor/proto/authority.def supervisor/proto/compile_job.h supervisor/proto/descriptors.c \
	supervisor/proto/descriptors.h supervisor/proto/exits.c supervisor/proto/exits.def supervisor/proto/exits.h \
	supervisor/proto/guest_config.c supervisor/proto/guest_config.h supervisor/proto/limits.def \
	supervisor/proto/messages.def supervisor/proto/path.h supervisor/proto/path_ops.def supervisor/proto/proto.c \
	supervisor/proto/proto.h supervisor/proto/stats.h supervisor/proto/tails.def
