# tests/wasi
if HAVE_CHECK
check_PROGRAMS += tests/wasi/test-wasi tests/wasi/test-no-check
TESTS += tests/wasi/test-wasi tests/wasi/test-no-check
tests_wasi_test_no_check_SOURCES = \
	tests/wasi/double.c tests/wasi/double.h tests/wasi/double_paths.c tests/wasi/test-no-check.c
tests_wasi_test_no_check_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_wasi_test_no_check_CFLAGS = $(UNIT_CFLAGS)
tests_wasi_test_no_check_LDADD = libwasi-nocheck.a libbroker.a libproto.a libring.a \
	librun.a libbase.a $(URING_LIBS) $(UNIT_LIBS)
tests_wasi_test_wasi_SOURCES = \
	tests/wasi/double.c tests/wasi/double.h tests/wasi/double_paths.c \
	tests/wasi/test-attributes.c tests/wasi/test-clocks.c tests/wasi/test-directories.c \
	tests/wasi/test-files.c tests/wasi/test-guest.c tests/wasi/test-hostile.c \
	tests/wasi/test-names.c tests/wasi/test-polls.c tests/wasi/test-sockets.c \
	tests/wasi/test-state.c tests/wasi/test-streams.c tests/wasi/test-wasi.c
tests_wasi_test_wasi_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_wasi_test_wasi_CFLAGS = $(UNIT_CFLAGS)
tests_wasi_test_wasi_LDADD = libwasi.a libbroker.a libproto.a libring.a librun.a libbase.a \
	$(URING_LIBS) $(UNIT_LIBS)
endif
