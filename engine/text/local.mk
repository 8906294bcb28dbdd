# engine/text
noinst_LIBRARIES += libtext.a
libtext_a_SOURCES = \
	engine/text/bind.c \
	engine/text/code.c \
	engine/text/emit.c \
	engine/text/fields.c \
	engine/text/immediates.c \
	engine/text/lex.c \
	engine/text/lex.h \
	engine/text/literal.c \
	engine/text/literal.h \
	engine/text/module_text.h \
	engine/text/names.c \
	engine/text/position.c \
	engine/text/position.h \
	engine/text/reader.c \
	engine/text/reader.h \
	engine/text/script.c \
	engine/text/script.h \
	engine/text/script_match.c \
	engine/text/script_run.c \
	engine/text/script_run.h \
	engine/text/script_text.h \
	engine/text/script_values.c \
	engine/text/segments.c \
	engine/text/strings.c \
	engine/text/strings.h \
	engine/text/symbols.c \
	engine/text/symbols.h \
	engine/text/text.h \
	engine/text/type_defs.c \
	engine/text/type_uses.c \
	engine/text/words.c \
	engine/text/words.def \
	engine/text/words.h
