check_PROGRAMS += tests/fuzz/mutate
TESTS += tests/fuzz/mutate
tests_fuzz_mutate_SOURCES = tests/fuzz/artefact.c tests/fuzz/corpus.h tests/fuzz/fuzz.h tests/fuzz/heap.c \
	tests/fuzz/module.c tests/fuzz/mutate.c tests/fuzz/text.c
tests_fuzz_mutate_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
tests_fuzz_mutate_LDADD = libtext.a libartefact.a libvalidate.a libfast.a $(PEAK_LIBS) libcompile.a \
	libdecode.a libbase.a $(XXHASH_LIBS) $(NETTLE_LIBS) $(LLVM_LIBS)

# Random programs against node's WebAssembly. The second program has the optimising generator too.
GENERATE_SOURCES = tests/fuzz/generate.c tests/fuzz/generate.h \
	tests/fuzz/generate_body.c tests/fuzz/generate_body.h tests/fuzz/generate_control.c tests/fuzz/generate_loops.c \
	tests/fuzz/gc_code.c tests/fuzz/gc_types.c tests/fuzz/generate_gc.c tests/fuzz/generate_gc.h \
	tests/fuzz/load.c tests/fuzz/load.h tests/fuzz/random.c
FUZZ_DIFFERENTIAL_SOURCES = tests/fuzz/fuzz-differential.c $(GENERATE_SOURCES)
check_PROGRAMS += tests/fuzz/fuzz-differential
TESTS += tests/fuzz/fuzz-differential
tests_fuzz_fuzz_differential_SOURCES = $(FUZZ_DIFFERENTIAL_SOURCES)
tests_fuzz_fuzz_differential_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_fuzz_fuzz_differential_LDADD = libtext.a $(BENCH_LIBS)

if HAVE_LLVM
noinst_PROGRAMS += fuzz-differential-peak
fuzz_differential_peak_SOURCES = $(FUZZ_DIFFERENTIAL_SOURCES)
fuzz_differential_peak_CPPFLAGS = $(UNIT_CPPFLAGS)
fuzz_differential_peak_LDFLAGS = $(AM_LDFLAGS) -Wl,-u,peak_compile
fuzz_differential_peak_LDADD = libtext.a $(PEAK_LIBS) $(BENCH_LIBS) $(LLVM_LIBS)

# Both generators side by side: `make check-differential` [N=calls] [SEED=first]; a part of it is a test.
noinst_PROGRAMS += compare-generators
compare_generators_SOURCES = tests/fuzz/compare-generators.c $(GENERATE_SOURCES)
compare_generators_CPPFLAGS = $(UNIT_CPPFLAGS)
compare_generators_LDFLAGS = $(AM_LDFLAGS) -Wl,-u,peak_compile
compare_generators_LDADD = libtext.a $(PEAK_LIBS) $(BENCH_LIBS) $(LLVM_LIBS)
check-differential: compare-generators
	./compare-generators --calls $${N:-1000000} --seed $${SEED:-1}
endif
dist_check_SCRIPTS += tests/fuzz/gc.sh tests/fuzz/differential.sh
TESTS += tests/fuzz/gc.sh tests/fuzz/differential.sh
EXTRA_DIST += tests/fuzz/run-in-node.mjs

# Modules that ask for much.
check_PROGRAMS += tests/fuzz/bombs
TESTS += tests/fuzz/bombs tests/fuzz/bombs-peak.sh
dist_check_SCRIPTS += tests/fuzz/bombs-peak.sh
if HAVE_LLVM
tests_fuzz_bombs_LDFLAGS = $(AM_LDFLAGS) -Wl,-u,peak_compile
endif
tests_fuzz_bombs_SOURCES = tests/fuzz/bombs.c
tests_fuzz_bombs_LDADD = libfast.a $(PEAK_LIBS) libcompile.a libvalidate.a libdecode.a libbase.a $(LLVM_LIBS)

# Protocols, with a sanitizer in whatever reads them: `make check-protocols` [N=steps] [SEED=first]; a few seconds are a test.
check_PROGRAMS += tests/fuzz/control
TESTS += tests/fuzz/control
tests_fuzz_control_SOURCES = tests/fuzz/control.c tests/fuzz/noise.h supervisor/control/connection.c \
	supervisor/control/messages.c engine/base/buffer.c engine/base/error.c
nodist_tests_fuzz_control_SOURCES = supervisor/control/interface.c supervisor/control/service.c
tests_fuzz_control_CFLAGS = $(AM_CFLAGS) $(FUZZ_CFLAGS)
tests_fuzz_control_LDADD = $(JSON_LIBS)

check_PROGRAMS += tests/fuzz/protocol
TESTS += tests/fuzz/protocol
tests_fuzz_protocol_SOURCES = tests/fuzz/protocol.c tests/fuzz/noise.h supervisor/broker/guests.c supervisor/broker/guests_send.c \
	supervisor/broker/path_check.c supervisor/broker/paths.c supervisor/broker/session.c supervisor/proto/descriptors.c \
	supervisor/proto/proto.c
tests_fuzz_protocol_CFLAGS = $(AM_CFLAGS) $(FUZZ_CFLAGS)
tests_fuzz_protocol_LDADD = $(BROKER_LIBS)

check-protocols: tests/fuzz/control tests/fuzz/protocol
	tests/fuzz/control $${N:-5000000} $${SEED:-1}
	tests/fuzz/protocol $${N:-5000000} $${SEED:-1}
.PHONY: check-protocols

# The configurations of containers.
check_PROGRAMS += tests/fuzz/oci-config
TESTS += tests/fuzz/oci-config
tests_fuzz_oci_config_SOURCES = tests/fuzz/oci-config.c tests/fuzz/noise.h tests/unit/oci/bundle.h $(libociconfig_a_SOURCES) policy/ini.c \
	policy/setting.c policy/unit.c policy/unit_finish.c
tests_fuzz_oci_config_CPPFLAGS = $(AM_CPPFLAGS) -DTOP_SRCDIR=\"$(abs_top_srcdir)\"
tests_fuzz_oci_config_CFLAGS = $(AM_CFLAGS) $(FUZZ_CFLAGS)
tests_fuzz_oci_config_LDADD = $(BROKER_LIBS) $(JSON_LIBS)
