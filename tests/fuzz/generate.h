/* generate.h - a valid random module, and calls of its exports.
 *
 * generate_module - the module of @seed: the same bytes for the same seed. Every call ends, for each
 *   function entry and loop round takes fuel; every result is determined by the specification (a NaN
 *   is made canonical before its bits can be seen).
 * generate_new_module - the same with what not every node has: tags, throw, try_table, throw_ref, and in half of the
 *   modules a memory of 64-bit addresses.
 * generate_all_module - with anything that an engine of ours knows besides: atomic accesses, waits of some ns and shared
 *   memories, relaxed vector instructions, sums of 128 bits, two memories, pages of one byte, and exceptions
 *   before 3.0, some in each module.
 * generate_loops_module - with short loops over elements of the memory, such as become vector loops.
 * @wasm: the module. Exports "m" (memory 0), "f0" .. of integers only, "state" (all globals as i64s)
 * @calls: text, a line a call: the export and its arguments, "i" or "I" and hexadecimal digits
 * @times: how often each function is called
 *
 * Inside of the folder: struct gen is the module being made, random_*() its dice, and
 * generate_body() makes one function body. */
#pragma once

#include "engine/base/buffer.h"
#include "engine/decode/opcodes.h"

void generate_module(uint64_t seed, unsigned times, struct buffer *wasm, struct buffer *calls);
void generate_new_module(uint64_t seed, unsigned times, struct buffer *wasm, struct buffer *calls);
void generate_all_module(uint64_t seed, unsigned times, struct buffer *wasm, struct buffer *calls);
void generate_loops_module(uint64_t seed, unsigned times, struct buffer *wasm, struct buffer *calls);

#define SIGNATURE_MAX 14
#define TYPES_MAX     96
#define FUNCTIONS_MAX 8
#define GLOBALS       8   /* the first is the fuel */
#define FUEL          400
#define FUEL_OF_CALL  12
#define TABLE_SIZE    10
#define PASSIVE_DATA  1   /* data segment 1 is passive */
#define PASSIVE_ELEM  1
#define MEMORY_PAGES  1
#define MEMORY_MAX    3

/* Types are the letters of opcodes.def: i I f F v, r for funcref, and x for exnref. */
struct signature {
        /* Twice as many, for a vector is two integers in an export. */
        char params[2 * SIGNATURE_MAX + 1], results[2 * SIGNATURE_MAX + 1];
};

struct gen {
        uint64_t random;
        struct signature types[TYPES_MAX];
        unsigned ntypes;
        bool throws, wide;                /* has tags; memories have 64-bit addresses */
        bool legacy, shared, small, loops; /* try and catch; memories are shared; pages of a byte; loops over elements */
        unsigned memories;                /* 0: one */
        uint64_t features;                /* besides those of the standard */
        unsigned nfunctions;              /* inner ones, index 0 .. */
        unsigned function_types[FUNCTIONS_MAX];
};

#define TAGS 3
extern const char *const tag_types[TAGS];
extern const char global_types[GLOBALS + 1];

uint64_t random_bits(struct gen *g);
unsigned random_below(struct gen *g, unsigned n);
bool random_chance(struct gen *g, unsigned percent);
char random_type(struct gen *g);
uint64_t random_integer(struct gen *g);   /* edges often */
uint32_t random_f32(struct gen *g);       /* bits */
uint64_t random_f64(struct gen *g);

unsigned type_index(struct gen *g, const char *params, const char *results);
uint8_t type_byte(char type);
void put_const(struct gen *g, struct buffer *b, char type); /* a constant instruction */
void generate_body(struct gen *g, unsigned function, struct buffer *out);
