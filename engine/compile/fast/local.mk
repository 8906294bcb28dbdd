noinst_LIBRARIES += libfast.a
libfast_a_SOURCES = engine/compile/fast/x64/asm.c engine/compile/fast/x64/asm.h \
	engine/compile/fast/x64/simd.c engine/compile/fast/x64/simd.def engine/compile/fast/x64/simd.h \
	engine/compile/fast/x64/simd_emit.h engine/compile/fast/x64/simd_float.c \
	engine/compile/fast/x64/simd_int.c engine/compile/fast/x64/simd_lanes.c \
	engine/compile/fast/x64/simd_memory.c engine/compile/fast/x64/sse.def \
	engine/compile/fast/x64/sse.h
