COMPILER_LIBS = libpolicy.a libartefact.a libfast.a libvalidate.a libdecode.a libcompile.a libbase.a \
	$(SECCOMP_LIBS) $(CAP_LIBS) $(NETTLE_LIBS) $(XXHASH_LIBS)

libexec_PROGRAMS += nacelle-compiler
nacelle_compiler_SOURCES = supervisor/compiler/main.c
nacelle_compiler_LDADD = $(COMPILER_LIBS)

# The same with the optimising generator, in a program of its own: LLVM alone takes longer to load
# than the fast generator takes for most modules.
if HAVE_LLVM
libexec_PROGRAMS += nacelle-compiler-peak
nacelle_compiler_peak_SOURCES = supervisor/compiler/main.c
nacelle_compiler_peak_LDFLAGS = $(AM_LDFLAGS) -Wl,-u,peak_compile
nacelle_compiler_peak_LDADD = $(PEAK_LIBS) $(COMPILER_LIBS) $(LLVM_LIBS)
endif
