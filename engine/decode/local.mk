noinst_LIBRARIES += libdecode.a
libdecode_a_SOURCES = \
	engine/decode/body.c engine/decode/body.h \
	engine/decode/canonical.c engine/decode/canonical.h \
	engine/decode/const_expr.c \
	engine/decode/cursor.c engine/decode/cursor.h \
	engine/decode/decode.c engine/decode/decode.h engine/decode/decoder.h \
	engine/decode/features.def engine/decode/heap_types.def engine/decode/hints.c \
	engine/decode/matches.c engine/decode/module.h engine/decode/names.c \
	engine/decode/opcodes.c engine/decode/opcodes.def engine/decode/opcodes.h \
	engine/decode/sections.c engine/decode/segments.c \
	engine/decode/type_section.c engine/decode/types.c engine/decode/types.h
