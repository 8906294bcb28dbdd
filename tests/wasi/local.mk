# tests/wasi
if HAVE_CHECK
check_PROGRAMS += tests/wasi/test-wasi tests/wasi/test-wasi-threads tests/wasi/test-no-check
TESTS += tests/wasi/test-wasi tests/wasi/test-wasi-threads tests/wasi/test-no-check
tests_wasi_test_no_check_SOURCES = \
	tests/wasi/double.c tests/wasi/double.h tests/wasi/double_paths.c tests/wasi/test-no-check.c
tests_wasi_test_no_check_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_wasi_test_no_check_CFLAGS = $(UNIT_CFLAGS)
tests_wasi_test_no_check_LDADD = libwasi-nocheck.a libbroker.a libpolicy.a libproto.a libring.a \
	librun.a libbase.a $(URING_LIBS) $(UNIT_LIBS)
tests_wasi_test_wasi_SOURCES = \
	tests/wasi/double.c tests/wasi/double.h tests/wasi/double_paths.c \
	tests/wasi/test-attributes.c tests/wasi/test-clocks.c tests/wasi/test-directories.c \
	tests/wasi/test-files.c tests/wasi/test-guest.c tests/wasi/test-hostile.c tests/wasi/test-large.c \
	tests/wasi/test-names.c tests/wasi/test-polls.c tests/wasi/test-sockets.c \
	tests/wasi/test-state.c tests/wasi/test-streams.c tests/wasi/test-wasi.c
tests_wasi_test_wasi_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_wasi_test_wasi_CFLAGS = $(UNIT_CFLAGS)
tests_wasi_test_wasi_LDADD = libwasi.a libbroker.a libpolicy.a libproto.a libring.a librun.a libbase.a \
	$(URING_LIBS) $(UNIT_LIBS)
# The same over the ring's other back end.
tests_wasi_test_wasi_threads_SOURCES = $(tests_wasi_test_wasi_SOURCES)
tests_wasi_test_wasi_threads_CPPFLAGS = $(UNIT_CPPFLAGS) -DRING_KIND=RING_THREADS
tests_wasi_test_wasi_threads_CFLAGS = $(UNIT_CFLAGS)
tests_wasi_test_wasi_threads_LDADD = $(tests_wasi_test_wasi_LDADD)
endif

# Guest programs, compiled when there is a compiler for wasm (examples/local.mk has the rule).
WASI_GUESTS = tests/wasi/guest/copy.wasm tests/wasi/guest/posix.wasm tests/wasi/guest/raw.wasm \
	tests/wasi/guest/server.wasm
if HAVE_WASM_CC
check_DATA += $(WASI_GUESTS)
check_PROGRAMS += tests/wasi/guest/native-posix
endif
# poll() of the C library keeps its subscriptions on the stack, which has 64 KiB by default.
tests/wasi/guest/server.wasm: WASM_LINK_FLAGS += -Wl,-z,stack-size=1048576
tests/wasi/guest/raw.wasm: $(srcdir)/tests/wasi/guest/check.h
tests_wasi_guest_native_posix_SOURCES = tests/wasi/guest/posix.c
tests_wasi_guest_native_posix_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
tests_wasi_guest_native_posix_CFLAGS = -std=gnu17
dist_check_SCRIPTS += tests/wasi/run-guests tests/wasi/run-guests-threads
TESTS += tests/wasi/run-guests tests/wasi/run-guests-threads
EXTRA_DIST += tests/wasi/guest/check.h tests/wasi/guest/copy.c tests/wasi/guest/echo-client.py \
	tests/wasi/guest/raw.c tests/wasi/guest/server.c
CLEANFILES += $(WASI_GUESTS)
