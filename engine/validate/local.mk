noinst_LIBRARIES += libvalidate.a
libvalidate_a_SOURCES = \
	engine/validate/body.c engine/validate/checker.h engine/validate/const_expr.c \
	engine/validate/control.c engine/validate/exports.c engine/validate/facts.c engine/validate/gc.c \
	engine/validate/parallel.c engine/validate/rare.c engine/validate/rows.c \
	engine/validate/sections.c engine/validate/types.c engine/validate/validate.c engine/validate/validate.h
