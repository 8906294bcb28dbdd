noinst_PROGRAMS += bench-validate
bench_validate_SOURCES = tests/bench/bench-validate.c
bench_validate_LDADD = libvalidate.a libdecode.a libbase.a

# The fast generator: speed of compilation, and of its code against the native one.
BENCH_LIBS = libinstance.a libartefact.a librun.a libvalidate.a libfast.a $(PEAK_LIBS) libcompile.a libdecode.a \
	libbase.a $(XXHASH_LIBS) $(NETTLE_LIBS) $(LLVM_LIBS)
check_PROGRAMS += tests/bench/run-wasm
tests_bench_run_wasm_SOURCES = tests/bench/guest.c tests/bench/guest.h tests/on_fiber.h tests/bench/run-wasm.c
tests_bench_run_wasm_LDADD = $(BENCH_LIBS)
if HAVE_CHECK
noinst_PROGRAMS += bench-calls
bench_calls_SOURCES = tests/bench/bench-calls.c tests/bench/bench_wasmtime.c tests/bench/bench_wasmtime.h $(WORLD_SOURCES)
bench_calls_CPPFLAGS = $(UNIT_CPPFLAGS)
bench_calls_CFLAGS = $(UNIT_CFLAGS)
bench_calls_LDADD = $(INSTANCE_LIBS) $(UNIT_LIBS) -ldl
endif
noinst_PROGRAMS += tests/bench/bench-compile tests/bench/bench-kernels
tests_bench_bench_compile_SOURCES = tests/bench/guest.c tests/bench/guest.h tests/bench/bench-compile.c
tests_bench_bench_compile_LDADD = $(BENCH_LIBS)
tests_bench_bench_kernels_SOURCES = tests/bench/guest.c tests/bench/guest.h tests/bench/bench-kernels.c
tests_bench_bench_kernels_LDADD = $(BENCH_LIBS) -lm -ldl
EXTRA_DIST += tests/bench/build-kernels.sh

# `make bench` [QUICK=1]: every kernel on every engine; tables in bench/.
EXTRA_PROGRAMS += tests/bench/engines/native tests/bench/engines/nacelle
tests_bench_engines_native_SOURCES = tests/bench/engines/native.c tests/bench/kernels/kernel.h
tests_bench_engines_native_LDADD = -ldl
tests_bench_engines_nacelle_SOURCES = tests/bench/engines/nacelle.c tests/bench/guest.c tests/bench/guest.h
tests_bench_engines_nacelle_LDADD = $(BENCH_LIBS)
BENCH_ENGINES = tests/bench/engines/native tests/bench/engines/nacelle
if HAVE_LLVM
EXTRA_PROGRAMS += tests/bench/engines/nacelle-peak
tests_bench_engines_nacelle_peak_SOURCES = $(tests_bench_engines_nacelle_SOURCES)
tests_bench_engines_nacelle_peak_LDFLAGS = $(AM_LDFLAGS) -Wl,-u,peak_compile
tests_bench_engines_nacelle_peak_LDADD = $(PEAK_LIBS) $(BENCH_LIBS) $(LLVM_LIBS)
BENCH_ENGINES += tests/bench/engines/nacelle-peak
endif
EXTRA_DIST += tests/bench/multi3.c tests/bench/features tests/bench/run-bench tests/bench/run-features tests/bench/run-costs tests/bench/run-tierup tests/bench/engines/node.js tests/bench/engines/wasmtime_engine.py
.PHONY: bench
bench: all $(BENCH_ENGINES)
	$(top_srcdir)/tests/bench/run-bench . bench $${QUICK:+--quick}
	$(top_srcdir)/tests/bench/run-features . bench $${QUICK:+--quick}
	$(top_srcdir)/tests/bench/run-costs . bench $${QUICK:+--quick}

# What a start from the cache costs.
noinst_PROGRAMS += tests/bench/bench-load
tests_bench_bench_load_SOURCES = tests/bench/guest.c tests/bench/guest.h tests/bench/bench-load.c
tests_bench_bench_load_LDADD = $(BENCH_LIBS)

# `make bench-io`: a copy of a file and an echo server, in a cell and as native programs.
EXTRA_PROGRAMS += tests/bench/bench-io tests/bench/guests/native-copy tests/bench/guests/native-echo
tests_bench_bench_io_SOURCES = tests/bench/bench-io.c
tests_bench_guests_native_copy_SOURCES = tests/bench/guests/copy.c
tests_bench_guests_native_echo_SOURCES = tests/bench/guests/echo.c
BENCH_GUESTS = tests/bench/guests/copy.wasm tests/bench/guests/echo.wasm
CLEANFILES += $(BENCH_GUESTS)
# poll() of the C library keeps its subscriptions on the stack: 80 bytes each.
tests/bench/guests/echo.wasm: tests/bench/guests/echo.c
	@$(MKDIR_P) $(@D)
	$(AM_V_GEN)$(WASM_CC) $(WASM_COMPILE_FLAGS) $(srcdir)/tests/bench/guests/echo.c $(WASM_LINK_FLAGS) \
		-Wl,-z,stack-size=1048576 -o $@
.PHONY: bench-io
bench-io: all tests/bench/bench-io tests/bench/guests/native-copy tests/bench/guests/native-echo $(BENCH_GUESTS)
	tests/bench/bench-io $(BENCH_IO_OPTIONS) .

# Nanoprocesses: made, called and ended; idle; in numbers. `make bench-pool`.
noinst_PROGRAMS += tests/bench/bench-pool
tests_bench_bench_pool_SOURCES = tests/bench/bench-pool.c tests/bench/bench_wasmtime.c tests/bench/bench_wasmtime.h
tests_bench_bench_pool_LDADD = libinstance.a libartefact.a librun.a libvalidate.a libfast.a libcompile.a \
	libtext.a libdecode.a libbase.a $(XXHASH_LIBS) $(NETTLE_LIBS) -ldl
.PHONY: bench-pool
bench-pool: tests/bench/bench-pool
	tests/bench/bench-pool $${WASMTIME:+--wasmtime=$$WASMTIME}
	tests/bench/bench-pool --idle=30000
	tests/bench/bench-pool --idle=100000 --dense
	tests/bench/bench-pool --churn=1000000
	tests/bench/bench-pool --churn=1000000 --dense

# Many guests in one cell: neighbours, preemption, the death of a cell. `make bench-cell`.
noinst_PROGRAMS += tests/bench/bench-cell
tests_bench_bench_cell_SOURCES = tests/bench/bench-cell.c
tests_bench_bench_cell_CPPFLAGS = $(AM_CPPFLAGS) -DBUILD_DIR=\"$(abs_top_builddir)\"
tests_bench_bench_cell_LDADD = libtext.a $(BROKER_LIBS)
.PHONY: bench-cell
bench-cell: all tests/bench/bench-cell
	tests/bench/bench-cell echo
	tests/bench/bench-cell share
	tests/bench/bench-cell preempt
	tests/bench/bench-cell lost
	tests/bench/bench-cell spawn

# The same in a cell, behind every wall: tests/bench/bench-idle, in the build's folder.
noinst_PROGRAMS += tests/bench/bench-idle
tests_bench_bench_idle_SOURCES = tests/bench/bench-idle.c
tests_bench_bench_idle_LDADD = libtext.a $(BROKER_LIBS)

# What features of io_uring would be worth: docs/ring.md.
noinst_PROGRAMS += tests/bench/bench-ring
tests_bench_bench_ring_SOURCES = tests/bench/bench-ring.c
tests_bench_bench_ring_LDADD = $(URING_LIBS)
