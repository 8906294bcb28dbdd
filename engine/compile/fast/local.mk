noinst_LIBRARIES += libfast.a
libfast_a_SOURCES = engine/compile/compile.c engine/compile/fast/a64/asm.h \
	engine/compile/fast/a64/assign.h engine/compile/fast/a64/atomic.h engine/compile/fast/a64/branch.h engine/compile/fast/a64/canonical.h \
	engine/compile/fast/a64/convert.h engine/compile/fast/a64/divide.h \
	engine/compile/fast/a64/float.h engine/compile/fast/a64/frame.h \
	engine/compile/fast/a64/integer.h engine/compile/fast/a64/invoke.h \
	engine/compile/fast/a64/machine.h engine/compile/fast/a64/memory.h \
	engine/compile/fast/a64/move.h engine/compile/fast/a64/object.h engine/compile/fast/a64/select.h engine/compile/fast/a64/simd.def \
	engine/compile/fast/a64/unit.c engine/compile/fast/a64/vector.h \
	engine/compile/fast/assembler.c engine/compile/fast/assembler.h engine/compile/fast/call.h engine/compile/fast/cast.h engine/compile/fast/cold.h \
	engine/compile/fast/compare.h engine/compile/fast/control.h engine/compile/fast/entries.h engine/compile/fast/fold.h \
	engine/compile/fast/fast.h engine/compile/fast/function.h engine/compile/fast/gc.h engine/compile/fast/generator.h \
	engine/compile/fast/label.h engine/compile/fast/legacy.h engine/compile/fast/locals.h engine/compile/fast/output.c engine/compile/fast/parameters.h \
	engine/compile/fast/stack.h engine/compile/fast/variable.h \
	engine/compile/fast/x64/asm.c engine/compile/fast/x64/asm.h engine/compile/fast/x64/assign.h \
	engine/compile/fast/x64/atomic.h engine/compile/fast/x64/branch.h engine/compile/fast/x64/canonical.h \
	engine/compile/fast/x64/convert.h engine/compile/fast/x64/divide.h \
	engine/compile/fast/x64/float.h engine/compile/fast/x64/frame.h \
	engine/compile/fast/x64/integer.h engine/compile/fast/x64/invoke.h \
	engine/compile/fast/x64/machine.h engine/compile/fast/x64/memory.h \
	engine/compile/fast/x64/move.h engine/compile/fast/x64/object.h engine/compile/fast/x64/operand.h \
	engine/compile/fast/x64/select.h engine/compile/fast/x64/simd.c \
	engine/compile/fast/x64/simd.def engine/compile/fast/x64/simd.h \
	engine/compile/fast/x64/simd_emit.h engine/compile/fast/x64/simd_float.c \
	engine/compile/fast/x64/simd_int.c engine/compile/fast/x64/simd_lanes.c \
	engine/compile/fast/x64/simd_memory.c engine/compile/fast/x64/sse.def \
	engine/compile/fast/x64/sse.h engine/compile/fast/x64/unit.c engine/compile/fast/x64/vector.h
