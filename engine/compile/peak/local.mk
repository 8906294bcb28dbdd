if HAVE_LLVM
noinst_LIBRARIES += libpeak.a
libpeak_a_SOURCES = engine/compile/peak/finish.c engine/compile/peak/finish.h engine/compile/peak/keep.c engine/compile/peak/keep.h engine/compile/peak/lower.c engine/compile/peak/lower.h \
	engine/compile/peak/lower_atomic.c engine/compile/peak/lower_call.c engine/compile/peak/lower_control.c engine/compile/peak/lower_gc.c engine/compile/peak/lower_memory.c engine/compile/peak/lower_module.c \
	engine/compile/peak/lower_number.c engine/compile/peak/lower_simd.c engine/compile/peak/lower_simd.def engine/compile/peak/lower_simd.h \
	engine/compile/peak/lower_simd_lanes.c engine/compile/peak/lower_simd_shapes.c engine/compile/peak/lower_simd_v128.c engine/compile/peak/object.c \
	engine/compile/peak/mask.c engine/compile/peak/mask.h engine/compile/peak/object.h engine/compile/peak/peak.c engine/compile/peak/peak.h engine/compile/peak/peel.c engine/compile/peak/peel.h \
	engine/compile/peak/reroll.c engine/compile/peak/reroll.h engine/compile/peak/reroll_loop.h \
	engine/compile/peak/reroll_match.c \
	engine/compile/peak/target.c engine/compile/peak/target.h
libpeak_a_CPPFLAGS = $(AM_CPPFLAGS) $(LLVM_CPPFLAGS)
PEAK_LIBS = libpeak.a
else
PEAK_LIBS =
endif
