/* generate_body.h - the function body in the making: shared by the two files that do it. */
#pragma once

#include "tests/fuzz/generate.h"

#define STACK_MAX  512
#define LABELS_MAX 10
#define LOCALS_MAX (SIGNATURE_MAX + 48)

struct value {
        char type;
        bool dirty; /* may be a NaN whose bits the specification leaves open */
};

struct label {
        enum opcode op;           /* OP_BLOCK, OP_LOOP, OP_IF, OP_ELSE, OP_TRY, OP_CATCH, OP_CATCH_ALL; the function's own: 0 */
        char params[SIGNATURE_MAX + 1], results[SIGNATURE_MAX + 1];
        unsigned height;
        bool dead;                /* behind an unconditional branch */
        bool counted;             /* a loop that counts local .counter down */
        unsigned counter;
};

struct body {
        struct gen *g;
        struct buffer *out;
        const char *results;
        char locals[LOCALS_MAX + 1];
        unsigned nlocals, scratch[5]; /* f32, f64, v128; of generate_loops.c: i32, i64 */
        struct value stack[STACK_MAX];
        unsigned nstack;
        struct label labels[LABELS_MAX];
        unsigned nlabels;
};

void put_op(struct body *c, enum opcode op);
void put_indexed(struct body *c, enum opcode op, unsigned index);
void put_i32(struct body *c, uint32_t value);
void put_fuel(struct body *c, unsigned cost);

struct label *innermost(struct body *c);
void push(struct body *c, char type);
void push_all(struct body *c, const char *types);
void pop_n(struct body *c, unsigned n);
void die(struct body *c);              /* after an unconditional branch */
void clean_top(struct body *c);
int local_of(struct body *c, char type);
void make(struct body *c, char type);
void need(struct body *c, const char *types, bool dirty_too);
void limit_top(struct body *c, uint32_t mask);

void widen_top(struct body *c);        /* an address of memory 0: to what that wants */
void put_address(struct body *c, const char *value, unsigned align);
void put_loop_over_elements(struct body *c);
void put_plain(struct body *c);        /* an instruction that opcodes.def describes */
void put_any(struct body *c);          /* any one */
void finish(struct body *c);           /* the innermost label: else, or end */
