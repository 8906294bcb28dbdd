/* print_text.h - shared by the files that print; the state is one struct. */
#pragma once

#include "engine/decode/module.h"
#include "engine/text/print.h"
#include "engine/text/symbols.h"

struct printer {
        const struct module *m;
        struct buffer *out;
        struct error *err;
        struct symbols names; /* function names -> function; SYMBOL_NONE when two have it */
        bool named;           /* .names is filled */
        bool hinted;          /* branch hints are printed where they belong */
};

void print(struct printer *p, const char *s);
_printf_(2, 3) void printf_to(struct printer *p, const char *format, ...);

/* A literal with its quotes. */
void print_string(struct printer *p, const void *bytes, size_t size);
void print_type(struct printer *p, valtype t);
void print_heap_type(struct printer *p, uint32_t heap);
/* " (param ...) (result ...)", nothing where there are none */
void print_signature(struct printer *p, const struct functype *f);
void print_function_index(struct printer *p, uint32_t index);
/* True and "$name" when the function has a name of its own. */
bool print_function_name(struct printer *p, uint32_t index);
void print_f32(struct printer *p, uint32_t bits);
void print_f64(struct printer *p, uint64_t bits);
void print_v128(struct printer *p, const uint64_t bits[2]);
/* Instructions with a space before each */
int print_const_expr(struct printer *p, const struct const_expr *e);

/* Whether each branch hint belongs to an if or a br_if, and their section stands where the reader would
 * put it: directly before the code. */
bool print_hints_fit(const struct module *m);

/* print_code.c: locals and instructions of a function with a body, a line each */
int print_body(struct printer *p, uint32_t index);
