noinst_LIBRARIES += libdecode.a
libdecode_a_SOURCES = \
	engine/decode/body.c engine/decode/body.h \
	engine/decode/cursor.c engine/decode/cursor.h \
	engine/decode/decode.h engine/decode/features.def engine/decode/module.h \
	engine/decode/opcodes.c engine/decode/opcodes.def engine/decode/opcodes.h \
	engine/decode/types.c engine/decode/types.h
