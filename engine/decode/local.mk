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
	engine/decode/parser.c engine/decode/parser.h engine/decode/parser_code.c \
	engine/decode/parser_items.c engine/include/nacelle-parser.h \
	engine/decode/sections.c engine/decode/segments.c \
	engine/decode/type_section.c engine/decode/types.c engine/decode/types.h

# The parser for others: one object in which nothing but its own functions can be named.
parserincludedir = $(includedir)/nacelle
parserinclude_HEADERS = engine/include/nacelle-parser.h
parserlibdir = $(libdir)
nodist_parserlib_DATA = libnacelle-parser.a
CLEANFILES += libnacelle-parser.a nacelle-parser.o

libnacelle-parser.a: libdecode.a libbase.a
	$(AM_V_GEN)$(CC) -r -nostdlib -Wl,-u,nacelle_parser_new -o nacelle-parser.o libdecode.a libbase.a && \
	$(OBJCOPY) -w --keep-global-symbol='nacelle_*' nacelle-parser.o && \
	rm -f $@ && $(AR) rcs $@ nacelle-parser.o
