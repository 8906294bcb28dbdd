if HAVE_CHECK
check_PROGRAMS += tests/unit/compile/test-simd
TESTS += tests/unit/compile/test-simd
tests_unit_compile_test_simd_SOURCES = tests/unit/compile/simd-frame.c \
	tests/unit/compile/simd-frame.h tests/unit/compile/simd-reference.c \
	tests/unit/compile/simd-reference.def tests/unit/compile/simd-reference.h \
	tests/unit/compile/simd-vectors.c tests/unit/compile/simd-vectors.h \
	tests/unit/compile/test-simd.c tests/unit/unit.h
tests_unit_compile_test_simd_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_compile_test_simd_CFLAGS = $(UNIT_CFLAGS)
tests_unit_compile_test_simd_LDADD = libfast.a libcompile.a libbase.a $(UNIT_LIBS) -lm

check_PROGRAMS += tests/unit/compile/test-compile
TESTS += tests/unit/compile/test-compile
tests_unit_compile_test_compile_SOURCES = tests/unit/compile/compiled.h \
	tests/unit/compile/test-compile.c tests/unit/unit.h
tests_unit_compile_test_compile_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_compile_test_compile_CFLAGS = $(UNIT_CFLAGS)
tests_unit_compile_test_compile_LDADD = libtext.a libvalidate.a libfast.a libcompile.a libdecode.a \
	libbase.a $(XXHASH_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/compile/test-masks
TESTS += tests/unit/compile/test-masks
tests_unit_compile_test_masks_SOURCES = tests/unit/compile/compiled.h tests/unit/compile/test-masks.c tests/unit/unit.h
tests_unit_compile_test_masks_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_compile_test_masks_CFLAGS = $(UNIT_CFLAGS)
if HAVE_LLVM
tests_unit_compile_test_masks_LDFLAGS = $(AM_LDFLAGS) -Wl,-u,peak_compile
tests_unit_compile_test_masks_LDADD = $(PEAK_LIBS) libtext.a libvalidate.a libfast.a libcompile.a libdecode.a \
	libbase.a $(XXHASH_LIBS) $(LLVM_LIBS) $(UNIT_LIBS)
else
tests_unit_compile_test_masks_LDADD = libtext.a libvalidate.a libfast.a libcompile.a libdecode.a \
	libbase.a $(XXHASH_LIBS) $(UNIT_LIBS)
endif

if HAVE_LLVM
check_PROGRAMS += tests/unit/compile/test-peak
TESTS += tests/unit/compile/test-peak
tests_unit_compile_test_peak_SOURCES = tests/unit/compile/compiled.h tests/unit/compile/test-peak.c \
	tests/unit/unit.h
tests_unit_compile_test_peak_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_compile_test_peak_CFLAGS = $(UNIT_CFLAGS)
tests_unit_compile_test_peak_LDFLAGS = $(AM_LDFLAGS) -Wl,-u,peak_compile
tests_unit_compile_test_peak_LDADD = $(PEAK_LIBS) libtext.a libvalidate.a libfast.a libcompile.a libdecode.a \
	libbase.a $(XXHASH_LIBS) $(LLVM_LIBS) $(UNIT_LIBS)
endif
endif
