# shim/wasi
noinst_LIBRARIES += libwasi.a
libwasi_a_SOURCES = \
	shim/wasi/args.c shim/wasi/attr.c shim/wasi/clock.c shim/wasi/deny.c shim/wasi/dir.c shim/wasi/errno.c \
	shim/wasi/errno.def shim/wasi/guest.c shim/wasi/guest.h shim/wasi/host.h shim/wasi/io.c \
	shim/wasi/move.c \
	shim/wasi/open.c shim/wasi/path.c shim/wasi/path_check.c shim/wasi/poll.c \
	shim/wasi/rights.def shim/wasi/sock.c shim/wasi/state.h shim/wasi/table.c \
	shim/wasi/types.h shim/wasi/watch.c shim/wasi/wasi.c shim/wasi/wasi.def shim/wasi/wasi.h

# For tests alone, in the place of libwasi.a: without the containment check of paths.
noinst_LIBRARIES += libwasi-nocheck.a
libwasi_nocheck_a_SOURCES = $(libwasi_a_SOURCES)
libwasi_nocheck_a_CPPFLAGS = $(AM_CPPFLAGS) -DWASI_NO_PATH_CHECK
