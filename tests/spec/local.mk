# tests/spec
check_PROGRAMS += tests/spec/wat2wasm tests/spec/run-wast tests/spec/round-trip
tests_spec_wat2wasm_SOURCES = tests/spec/wat2wasm.c tests/spec/file.c tests/spec/file.h
tests_spec_wat2wasm_LDADD = libtext.a libdecode.a libbase.a $(XXHASH_LIBS)

tests_spec_run_wast_SOURCES = \
	tests/spec/file.c tests/spec/file.h \
	tests/spec/host_check.c tests/spec/host_process.c tests/spec/hosts.h \
	tests/spec/remote.c tests/spec/remote.h tests/spec/run-wast.c tests/spec/skips.def
tests_spec_run_wast_LDADD = libtext.a libinstance.a librun.a libartefact.a libfast.a $(PEAK_LIBS) \
	libcompile.a libvalidate.a libdecode.a libbase.a $(NETTLE_LIBS) $(XXHASH_LIBS) $(LLVM_LIBS)
tests_spec_run_wast_CPPFLAGS = $(UNIT_CPPFLAGS)

tests_spec_round_trip_SOURCES = tests/spec/round-trip.c tests/spec/file.c tests/spec/file.h
tests_spec_round_trip_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_spec_round_trip_LDADD = libtext.a libdecode.a libbase.a $(XXHASH_LIBS)

# All root files of the official suite, in processes of their own.
core_scripts = tests/spec/core-fast.sh tests/spec/core-fast-v2.sh tests/spec/core-dense.sh tests/spec/core-peak.sh \
	tests/spec/core-cell.sh tests/spec/core-heap.sh tests/spec/core-mixed.sh tests/spec/core-proposals.sh tests/spec/core-text.sh
dist_check_SCRIPTS += $(core_scripts)
TESTS += $(core_scripts)
EXTRA_DIST += tests/spec/heap tests/spec/proposals tests/spec/deterministic.wast tests/spec/traps.wast tests/spec/unrolled.wast tests/spec/exceptions-across.wast
dist_check_SCRIPTS += tests/spec/check-spec

# The same through `nacelle wast`, on every generator of the build.
check-spec: nacelle nacelle-cell $(libexec_PROGRAMS)
	srcdir=$(srcdir) NACELLE_BUILD='$(abs_builddir)' $(srcdir)/tests/spec/check-spec --suite '$(testsuites)'

# The same on aarch64: the engine built for it in a tree of its own, under an emulator. What is absent is
# named. On Debian: dpkg --add-architecture arm64; gcc-aarch64-linux-gnu qemu-user nettle-dev:arm64
# libxxhash-dev:arm64
EXTRA_DIST += tests/spec/check-aarch64 tests/spec/aarch64
AARCH64_PKG_CONFIG = /usr/lib/aarch64-linux-gnu/pkgconfig
check-aarch64: tests/spec/run-wast
	@for need in aarch64-linux-gnu-gcc qemu-aarch64; do \
		command -v $$need >/dev/null || { echo "SKIP: aarch64: there is no $$need"; exit 0; }; \
	done; \
	test -e $(AARCH64_PKG_CONFIG)/nettle.pc -a -e $(AARCH64_PKG_CONFIG)/libxxhash.pc || \
		{ echo 'SKIP: aarch64: nettle and xxhash for arm64 are not installed'; exit 0; }; \
	$(MKDIR_P) aarch64 && cd aarch64 && { test -e config.status || \
		$(abs_top_srcdir)/configure --host=aarch64-linux-gnu --disable-supervisor --without-llvm \
			--enable-werror PKG_CONFIG_LIBDIR=$(AARCH64_PKG_CONFIG) >configure.log; } && \
	$(MAKE) tests/spec/run-wast >make.log && cd .. && \
	if grep -q '^#define HAVE_LLVM 1' config.h; then tiers='fast peak'; else tiers=fast; fi && \
	TESTSUITES='$(testsuites)' $(abs_top_srcdir)/tests/spec/check-aarch64 '$(abs_builddir)/tests/spec/run-wast' \
		'$(abs_builddir)/aarch64/tests/spec/run-wast' $$tiers
