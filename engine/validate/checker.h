/* checker.h - what the files of this folder share.
 *
 * struct checker is the module's part: written while one thread checks the sections, then only
 * read by the threads that check bodies. struct body is one thread's part, used for body after
 * body so that its stacks are allocated once. */
#pragma once

#include "engine/base/pool.h"
#include "engine/decode/body.h"
#include "engine/decode/decode.h"
#include "engine/validate/validate.h"

/* What body_check() does with an instruction: one arm of its switch each. */
enum op_class {
        CLASS_ILLEGAL, /* not an opcode, or a prefix: see the byte */
        CLASS_OFF,     /* of a feature that is off */
        CLASS_SIMPLE,  /* no immediate, types as in the row */
        CLASS_CONST_I32, CLASS_CONST_I64, CLASS_CONST_F32, CLASS_CONST_F64, CLASS_CONST_V128,
        CLASS_LOAD, CLASS_STORE, /* memarg; the address is the last operand, or the one before */
        CLASS_LOAD_LANE, CLASS_STORE_LANE,
        CLASS_LANE, CLASS_SHUFFLE,
        CLASS_ATOMIC,  /* memarg; the address is the first operand */
        CLASS_LOCAL_GET, CLASS_LOCAL_SET, CLASS_LOCAL_TEE,
        CLASS_GLOBAL_GET, CLASS_GLOBAL_SET,
        CLASS_BLOCK, CLASS_LOOP, CLASS_IF, CLASS_ELSE, CLASS_END,
        CLASS_BR, CLASS_BR_IF, CLASS_BR_TABLE,
        CLASS_CALL,
        CLASS_DROP, CLASS_SELECT,
        CLASS_UNREACHABLE, CLASS_RETURN,
        CLASS_RARE,    /* everything else: body_check_rare() */
};

struct op_row {
        uint8_t class;       /* enum op_class */
        uint8_t npops, npushes;
        uint8_t feature;
        uint16_t op;         /* enum opcode */
        uint8_t align;       /* exponent of the natural alignment */
        uint8_t lanes;
        valtype pops[3], push;
};

struct checker {
        const struct module *m;
        const struct limits *limits;
        uint64_t features;
        struct error *err;
        uint8_t *escaping;              /* [nfunctions], 1 where a reference exists (C.refs) */
        uint32_t nescaping;
        uint64_t features_used;
        struct op_row bytes[256];       /* by opcode byte */
        struct op_row rows[_OP_MAX];    /* by enum opcode */
};

struct frame {
        const valtype *params, *results;
        uint32_t nparams, nresults;
        uint32_t height;                /* operands below */
        uint16_t op;                    /* OP_BLOCK, LOOP, IF, ELSE, TRY_TABLE; TRY, CATCH, CATCH_ALL: by
                                         * which part it is; OP_END: the function */
        bool unreachable;
        uint32_t nset;                  /* locals that were set before the frame */
        uint8_t loops;                  /* open, this one included; counted to 255 */
};

/* Locals of one type that follow each other: .end is the index behind the last one. */
struct local_run {
        uint32_t end;
        valtype type;
};

/* Types of the first locals are also kept one by one; those of a function that declares more in
 * a few bytes are looked up in the runs, so that time stays linear in the code. */
#define LOCALS_DENSE 1024

struct body {
        const struct checker *k;
        struct error error;
        const struct functype *type;    /* of the function */
        struct cursor c;
        const uint8_t *op_at;           /* instruction that is checked */

        valtype *stack;
        uint32_t stack_room, max_stack;
        struct frame *frames;
        uint32_t nframes, frames_room, max_nesting;

        valtype *base;                  /* of the innermost frame in the stack */
        bool unreachable;               /* the innermost frame's */
        uint8_t loops;
        uint32_t loop_weight;           /* 8 to the power of the loops open, at most 5 of them */
        uint32_t nlocals, ndense;
        valtype dense[LOCALS_DENSE];
        struct local_run *runs;
        uint32_t nruns, runs_room;

        uint64_t *weights;              /* by local; all zero between functions */
        uint32_t weights_room;
        uint32_t *touched, ntouched;    /* locals whose weight is not zero */

        uint8_t *set;                   /* by local without a default: it has a value here; all zero
                                         * between functions. Made when first needed */
        uint32_t *set_list, nset;       /* the same as a list, the latest last */

        uint32_t caught_stack;          /* operands at once on the ways to handlers */
        uint64_t call_weight;
        bool has_calls, has_loops, has_rethrow, has_try;
        uint64_t features_used;
};

/* Rows for the features that are on; the type that a letter of opcodes.def stands for. */
void checker_fill_rows(struct checker *k);
valtype letter_type(char letter);

/* Sections (sections.c, segments.c, const_expr.c): 0 or the negative errno that @k->err holds. */
_printf_(4, 5) int checker_error(struct checker *k, int code, size_t offset,
                                const char *format, ...);
int check_sections(struct checker *k);
int check_types(struct checker *k);
int check_data_segments(struct checker *k);
/* @globals: how many globals the expression may name, from the first one. */
int check_const_expr(struct checker *k, const struct const_expr *e, valtype type, uint32_t globals);
int check_exports(struct checker *k);
/* A reference names a type that exists. */
int check_type(struct checker *k, valtype type, size_t offset);

/* All bodies, by @jobs threads (parallel.c). */
int check_bodies(struct checker *k, unsigned jobs, struct checked_module *c);

/* body.c: one body. Returns 0 or the negative errno that @b->error holds. */
int body_check(struct body *b, uint32_t function, struct function_facts *ret);
void body_done(struct body *b);

/* Operands and control (control.c, rare.c). What follows takes the top of the stack and returns
 * the new one, or NULL with b->error set: the stack may have moved. */
_printf_(3, 4) _cold_ valtype *body_fail(struct body *b, int code, const char *format, ...);
_cold_ valtype *body_malformed(struct body *b); /* b->c failed */
_cold_ valtype *body_mismatch(struct body *b, const valtype *top, const valtype *want, uint32_t n,
                              uint32_t at);

/* Notes a feature as used; false with b->error set when it is off. */
bool body_need(struct body *b, enum feature feature, const char *what);
bool body_need_type(struct body *b, valtype type); /* which must be known, too */

/* Locals without a default value must be set before they are read, in the same frame or one around
 * it. The ones that were set since there were @n are not any more. */
void locals_forget(struct body *b, uint32_t n);

/* Room for @n operands beyond the ones that single pushes may need. */
valtype *stack_grow(struct body *b, valtype *top, uint32_t n);

/* Pop @n operands of types @want; single operands of any type. */
valtype *operands_pop(struct body *b, valtype *top, const valtype *want, uint32_t n);
valtype *operands_push(struct body *b, valtype *top, const valtype *types, uint32_t n);

valtype *check_block(struct body *b, valtype *top, const struct instruction *in);
valtype *check_try_table(struct body *b, valtype *top, const struct instruction *in);
valtype *check_else(struct body *b, valtype *top);
valtype *check_catch_part(struct body *b, valtype *top, const struct instruction *in);
valtype *check_delegate(struct body *b, valtype *top, uint32_t label);
valtype *check_rethrow(struct body *b, valtype *top, uint32_t label);
valtype *check_end(struct body *b, valtype *top);
valtype *check_br(struct body *b, valtype *top, uint32_t label);
valtype *check_br_if(struct body *b, valtype *top, uint32_t label);
valtype *check_branch(struct body *b, valtype *top, uint32_t label, bool reference);
valtype *check_br_table(struct body *b, valtype *top, uint32_t n);
valtype *check_return(struct body *b, valtype *top);
valtype *check_unreachable(struct body *b, valtype *top);
valtype *check_call(struct body *b, valtype *top, uint32_t function);
valtype *check_select(struct body *b, valtype *top);
valtype *body_check_rare(struct body *b, valtype *top, struct instruction *in);
valtype *body_check_gc(struct body *b, valtype *top, const struct instruction *in);

/* What an index names; NULL or false with b->error set when there is none. Data segments come after
 * the code, so their count has a section of its own. */
const struct functype *get_function_type(struct body *b, uint32_t index);
const struct element_segment *get_element(struct body *b, uint32_t index);
bool has_data(struct body *b, uint32_t index);

/* The popped reference; VAL_BOTTOM's place is taken by a reference to nothing known. False when the
 * top is something else. */
bool pop_reference(struct body *b, valtype **top, valtype *ret);

bool frame_push(struct body *b, uint16_t op, const struct functype *type, const valtype *top);

/* facts.c */
void facts_take(struct body *b, size_t code_offset, struct function_facts *ret);

static inline valtype local_type(const struct body *b, uint32_t local)
{
        uint32_t low = 0, high = b->nruns;

        if (_likely_(local < b->ndense))
                return b->dense[local];
        while (low < high) {
                uint32_t middle = low + (high - low) / 2;

                if (local < b->runs[middle].end)
                        high = middle;
                else
                        low = middle + 1;
        }
        return b->runs[low].type;
}

/* Whether a value of type @t may stand where @want is asked for. */
static _always_inline_ bool type_matches(const struct module *m, valtype t, valtype want)
{
        return t == want || module_matches(m, t, want);
}

/* The @n types @t may stand where @want are asked for. */
static inline bool types_match(const struct module *m, const valtype *t, const valtype *want,
                               uint32_t n)
{
        for (uint32_t i = 0; i < n; i++)
                if (!type_matches(m, t[i], want[i]))
                        return false;
        return true;
}

static inline valtype address_type(bool is_64)
{
        return is_64 ? VAL_I64 : VAL_I32;
}
