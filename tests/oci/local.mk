if HAVE_CHECK
check_PROGRAMS += tests/oci/test-parts
TESTS += tests/oci/test-parts
tests_oci_test_parts_SOURCES = tests/oci/test-parts.c tests/unit/unit.h
tests_oci_test_parts_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_oci_test_parts_CFLAGS = $(UNIT_CFLAGS)
tests_oci_test_parts_LDADD = liboci.a libociconfig.a $(BROKER_LIBS) $(JSON_LIBS) $(UNIT_LIBS)
endif

check_PROGRAMS += tests/oci/reaper
tests_oci_reaper_SOURCES = tests/oci/reaper.c

if HAVE_WASM_CC
check_DATA += tests/oci/guest.wasm
endif
CLEANFILES += tests/oci/guest.wasm

dist_check_SCRIPTS += tests/oci/test-bundle tests/oci/test-engines tests/oci/test-scope tests/oci/test-sockets
TESTS += tests/oci/test-bundle tests/oci/test-engines tests/oci/test-scope tests/oci/test-sockets
EXTRA_DIST += tests/oci/guest.c tests/oci/image.py tests/oci/lib.sh tests/oci/things.sh

noinst_PROGRAMS += tests/bench/bench-oci
tests_bench_bench_oci_SOURCES = tests/bench/bench-oci.c
