noinst_LIBRARIES += libcompile.a
libcompile_a_SOURCES = engine/compile/abi.c engine/compile/abi.h engine/compile/builtins.def \
	engine/compile/compile.h engine/compile/cpu.c engine/compile/idioms.c \
	engine/compile/idioms.def engine/compile/idioms.h engine/compile/layout.c \
	engine/compile/nans.def engine/compile/nans.h \
	engine/compile/objects.c engine/compile/objects.h engine/compile/traps.def
include engine/compile/fast/local.mk
