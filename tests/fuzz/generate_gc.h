/* generate_gc.h - a valid random module of structures, arrays and references, as text.
 *
 * generate_gc_module - the module of @seed. Every call ends (each entry and loop round takes fuel), and
 *   every result is determined by the specification: floats are small integers, no NaN arises. It
 *   exports "f0" .. (two i32 and an i64 -> an i64) and "state" (-> an i64), which look into every
 *   object that their results and the globals reach, three references deep.
 * @calls: as generate_module() has them
 *
 * Inside of the folder: struct gc_gen is the module being made; the types come from gc_types.c, the
 * functions from gc_code.c. */
#pragma once

#include "tests/fuzz/generate.h"

void generate_gc_module(uint64_t seed, unsigned times, struct buffer *text, struct buffer *calls);

#define GC_TYPES_MAX  14
#define GC_FIELDS_MAX 10
#define GC_GLOBALS    6
#define GC_LOCALS     8
#define GC_FUNCTIONS  5

/* Heap types: a type of the module, or one of these. */
enum { GC_ANY = GC_TYPES_MAX, GC_EQ, GC_I31, GC_STRUCTS, GC_ARRAYS, GC_NONE, GC_FUNCS };

/* A value type: a letter of opcodes.def (i I f F v), 8 and 6 for the packed ones, or r: a reference. */
struct gc_type_use {
        char letter;
        uint8_t heap;
        bool null;
};

struct gc_def {
        bool is_array, is_open;
        int super;                       /* -1: none */
        unsigned nfields;
        struct { struct gc_type_use type; bool mutable; } fields[GC_FIELDS_MAX];
};

struct gc_gen {
        struct gen dice;
        struct buffer *out;
        struct gc_def types[GC_TYPES_MAX];
        unsigned ntypes;
        struct gc_type_use globals[GC_GLOBALS];
        struct { struct gc_type_use params[3], result; unsigned nparams; } functions[GC_FUNCTIONS];
        unsigned nfunctions;

        struct gc_type_use locals[GC_LOCALS + 3]; /* of the function in the making */
        unsigned nlocals, labels;
        unsigned nesting;                /* of the constant in the making */
        int budget;                      /* of expressions, so that a function stays small */
};

void gc_print(struct gc_gen *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
void gc_print_type(struct gc_gen *g, struct gc_type_use t);
void gc_print_heap(struct gc_gen *g, unsigned heap);

void gc_make_types(struct gc_gen *g);
void gc_print_types(struct gc_gen *g);
void gc_print_hash(struct gc_gen *g); /* functions $hash and $mix */
bool gc_below(const struct gc_gen *g, unsigned heap, unsigned above);
bool gc_fits(const struct gc_gen *g, struct gc_type_use t, struct gc_type_use want);
struct gc_type_use gc_random_type(struct gc_gen *g);
struct gc_type_use gc_value_of(struct gc_type_use storage); /* unpacked */

void gc_expression(struct gc_gen *g, struct gc_type_use t, unsigned depth);
void gc_constant(struct gc_gen *g, struct gc_type_use t); /* of an initialiser */
void gc_function(struct gc_gen *g, unsigned index);
