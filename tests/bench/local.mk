noinst_PROGRAMS += bench-validate
bench_validate_SOURCES = tests/bench/bench-validate.c
bench_validate_LDADD = libvalidate.a libdecode.a libbase.a

# The fast generator: speed of compilation, and of its code against the native one.
BENCH_LIBS = libinstance.a libartefact.a librun.a libvalidate.a libfast.a libcompile.a libdecode.a \
	libbase.a $(XXHASH_LIBS) $(NETTLE_LIBS)
check_PROGRAMS += tests/bench/run-wasm
tests_bench_run_wasm_SOURCES = tests/bench/guest.c tests/bench/guest.h tests/bench/run-wasm.c
tests_bench_run_wasm_LDADD = $(BENCH_LIBS)
if HAVE_CHECK
noinst_PROGRAMS += bench-calls
bench_calls_SOURCES = tests/bench/bench-calls.c $(WORLD_SOURCES)
bench_calls_CPPFLAGS = $(UNIT_CPPFLAGS)
bench_calls_CFLAGS = $(UNIT_CFLAGS)
bench_calls_LDADD = $(INSTANCE_LIBS) $(UNIT_LIBS)
endif
