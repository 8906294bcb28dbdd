/* One function body: a walk that keeps the types of the operands at hand, picks an instruction and
 * makes the operands that are missing for it. */
#include <string.h>

#include "engine/decode/decode.h"
#include "tests/fuzz/generate_body.h"

void put_op(struct body *c, enum opcode op)
{
        uint32_t code = opcode_table[op].code;

        if (code >> 12) {
                buffer_u8(c->out, (uint8_t)(code >> 12));
                buffer_uleb(c->out, code & 0xfff);
        } else {
                buffer_u8(c->out, (uint8_t)code);
        }
}

void put_indexed(struct body *c, enum opcode op, unsigned index)
{
        put_op(c, op);
        buffer_uleb(c->out, index);
}

void put_i32(struct body *c, uint32_t value)
{
        put_op(c, OP_I32_CONST);
        buffer_sleb(c->out, (int32_t)value);
}

/* The stack */

struct label *innermost(struct body *c)
{
        return &c->labels[c->nlabels - 1];
}

static unsigned height(const struct body *c)
{
        return c->labels[c->nlabels - 1].height;
}

void push(struct body *c, char type)
{
        if (c->nstack == STACK_MAX)
                abort();
        c->stack[c->nstack++] = (struct value) { type, false };
}

void push_all(struct body *c, const char *types)
{
        for (; *types; types++)
                push(c, *types);
}

/* Behind a branch the stack has any number of values of any type below what was pushed since. */
void pop_n(struct body *c, unsigned n)
{
        while (n-- > 0 && c->nstack > height(c))
                c->nstack--;
}

void die(struct body *c)
{
        c->nstack = height(c);
        innermost(c)->dead = true;
}

/* A NaN on top becomes the canonical one: get, const, get, get, eq, select. */
void clean_top(struct body *c)
{
        struct value *v;
        unsigned local;
        bool single;

        if (c->nstack == height(c) || !c->stack[c->nstack - 1].dirty)
                return;
        v = &c->stack[c->nstack - 1];
        single = v->type == 'f';
        local = single ? c->scratch[0] : c->scratch[1];
        put_indexed(c, OP_LOCAL_TEE, local);
        put_op(c, single ? OP_F32_CONST : OP_F64_CONST);
        if (single)
                buffer_u32(c->out, 0x7fc00000);
        else
                buffer_u64(c->out, 0x7ff8000000000000);
        put_indexed(c, OP_LOCAL_GET, local);
        put_indexed(c, OP_LOCAL_GET, local);
        put_op(c, single ? OP_F32_EQ : OP_F64_EQ);
        put_op(c, OP_SELECT);
        v->dirty = false;
}

static void clean_vector(struct body *c, enum opcode eq, uint64_t nan)
{
        put_indexed(c, OP_LOCAL_TEE, c->scratch[2]);
        put_op(c, OP_V128_CONST);
        buffer_u64(c->out, nan);
        buffer_u64(c->out, nan);
        put_indexed(c, OP_LOCAL_GET, c->scratch[2]);
        put_indexed(c, OP_LOCAL_GET, c->scratch[2]);
        put_op(c, eq);
        put_op(c, OP_V128_BITSELECT);
}

/* A local of @type, or -1. */
int local_of(struct body *c, char type)
{
        for (unsigned tries = 0; tries < 8; tries++) {
                unsigned i = random_below(c->g, c->nlocals);

                if (c->locals[i] == type)
                        return (int)i;
        }
        return -1;
}

void make(struct body *c, char type)
{
        int local = random_chance(c->g, 60) ? local_of(c, type) : -1;
        unsigned global = 1 + random_below(c->g, GLOBALS - 1);

        if (random_chance(c->g, 50))
                clean_top(c);
        if (local >= 0)
                put_indexed(c, OP_LOCAL_GET, (unsigned)local);
        else if (global_types[global] == type)
                put_indexed(c, OP_GLOBAL_GET, global);
        else
                put_const(c->g, c->out, type);
        push(c, type);
}

/* How many of @types, from its start, lie on top of the stack. */
static unsigned on_stack(const struct body *c, const char *types, bool dirty_too)
{
        for (unsigned j = (unsigned)strlen(types); j > 0; j--) {
                unsigned k = 0;

                for (; k < j; k++) {
                        int at = (int)c->nstack - (int)j + (int)k;

                        if (at < (int)height(c)
                                    ? !c->labels[c->nlabels - 1].dead
                                    : c->stack[at].type != types[k] || (c->stack[at].dirty && !dirty_too))
                                break;
                }
                if (k == j)
                        return j;
        }
        return 0;
}

void need(struct body *c, const char *types, bool dirty_too)
{
        unsigned have;

        if (!dirty_too)
                clean_top(c);
        have = random_chance(c->g, 85) ? on_stack(c, types, dirty_too) : 0;
        for (types += have; *types; types++)
                make(c, *types);
        if (!dirty_too)
                clean_top(c);
}

/* An index or address on top, brought below @mask + 1 (a power of two), mostly. */
void limit_top(struct body *c, uint32_t mask)
{
        if (random_chance(c->g, 2))
                return;
        put_i32(c, mask);
        put_op(c, OP_I32_AND);
}

void widen_top(struct body *c)
{
        if (!c->g->wide)
                return;
        put_op(c, OP_I64_EXTEND_I32_U);
        if (random_chance(c->g, 3)) { /* beyond every memory, or past the end of 64 bits */
                put_op(c, OP_I64_CONST);
                buffer_sleb(c->out, random_chance(c->g, 50) ? -(int64_t)random_below(c->g, 70000)
                                                            : (int64_t)random_integer(c->g));
                put_op(c, OP_I64_ADD);
        }
        if (c->nstack > height(c)) /* else it is unreachable */
                c->stack[c->nstack - 1].type = 'I';
}

/* Plain instructions: those whose row in opcodes.def says it all */

static bool makes_nan(enum opcode op)
{
        return (op >= OP_F32_CEIL && op <= OP_F32_MAX) || (op >= OP_F64_CEIL && op <= OP_F64_MAX) ||
               op == OP_F32_DEMOTE_F64 || op == OP_F64_PROMOTE_F32;
}

/* It makes no difference to @op which NaN an operand is, but for which NaN comes out. */
static bool takes_any_nan(enum opcode op)
{
        return makes_nan(op) || (op >= OP_F32_EQ && op <= OP_F64_GE) || op == OP_F32_ABS ||
               op == OP_F32_NEG || op == OP_F64_ABS || op == OP_F64_NEG ||
               (op >= OP_I32_TRUNC_F32_S && op <= OP_I32_TRUNC_F64_U) ||
               (op >= OP_I64_TRUNC_F32_S && op <= OP_I64_TRUNC_F64_U) ||
               (op >= OP_I32_TRUNC_SAT_F32_S && op <= OP_I64_TRUNC_SAT_F64_U);
}

static bool traps_often(enum opcode op)
{
        return (op >= OP_I32_TRUNC_F32_S && op <= OP_I32_TRUNC_F64_U) ||
               (op >= OP_I64_TRUNC_F32_S && op <= OP_I64_TRUNC_F64_U);
}

static bool divides(enum opcode op)
{
        return (op >= OP_I32_DIV_S && op <= OP_I32_REM_U) || (op >= OP_I64_DIV_S && op <= OP_I64_REM_U);
}

static void clean_vector_result(struct body *c, enum opcode op)
{
        const char *text = opcode_table[op].text;
        static const char *const names[] = {
                "ceil", "floor", "trunc", "nearest", "sqrt", "add", "sub", "mul", "div", "min", "max",
                "demote_f64x2_zero", "promote_low_f32x4", "relaxed_madd", "relaxed_nmadd", "relaxed_min",
                "relaxed_max",
        };

        if (text[0] != 'f' || text[3] != 'x')
                return;
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (!strcmp(text + 6, names[i])) {
                        if (text[1] == '3')
                                clean_vector(c, OP_F32X4_EQ, 0x7fc000007fc00000);
                        else
                                clean_vector(c, OP_F64X2_EQ, 0x7ff8000000000000);
                }
}

/* On the address on top: what compilers of arrays and structures make, for generators fold it. */
static void put_address_arithmetic(struct body *c)
{
        unsigned kind = random_below(c->g, 8);

        if (kind < 2) { /* an element */
                put_i32(c, random_below(c->g, 4));
                put_op(c, OP_I32_SHL);
        }
        if (kind == 1 || kind == 2) { /* of an array at an address */
                make(c, 'i');
                limit_top(c, 0x3fff);
                put_op(c, OP_I32_ADD);
                pop_n(c, 1);
        } else if (kind == 3) {
                put_i32(c, random_chance(c->g, 90) ? random_below(c->g, 4096) : (uint32_t)random_integer(c->g));
                put_op(c, random_chance(c->g, 80) ? OP_I32_ADD : OP_I32_SUB);
        }
}

/* Address and operands of an access. The value goes through a local, so that what was computed
 * before is what is stored. @align: the address is a multiple, mostly; 0: any */
void put_address(struct body *c, const char *value, unsigned align)
{
        static const uint32_t masks[] = { 0xff, 0xfff8, 0xfffc, 0xffff, 0xffff, 0x1ffff };
        int local = -1;

        clean_top(c);
        if (*value && on_stack(c, value, false))
                local = local_of(c, *value);
        if (local >= 0) {
                put_indexed(c, OP_LOCAL_SET, (unsigned)local);
                pop_n(c, 1);
        }
        if (*value)
                make(c, 'i');
        else
                need(c, "i", false);
        if (random_chance(c->g, 10)) { /* a constant one: what is below is not used */
                put_op(c, OP_DROP);
                put_i32(c, random_below(c->g, 65536));
        } else {
                limit_top(c, masks[random_below(c->g, ELEMENTSOF(masks))]);
                put_address_arithmetic(c);
        }
        if (align && random_chance(c->g, 97)) {
                put_i32(c, ~(align - 1));
                put_op(c, OP_I32_AND);
        }
        widen_top(c);
        if (local >= 0) {
                put_indexed(c, OP_LOCAL_GET, (unsigned)local);
                push(c, *value);
        } else if (*value) {
                make(c, *value);
        }
        if (*value && value[1]) { /* compared and exchanged */
                clean_top(c);
                make(c, value[1]);
                clean_top(c);
        }
}

static void put_memarg(struct body *c, enum opcode op)
{
        unsigned bytes = opcode_access_bytes(op), natural = 0, kind = random_below(c->g, 100);
        bool atomic = opcode_table[op].feature == FEATURE_THREADS;
        unsigned memory = c->g->memories > 1 ? random_below(c->g, c->g->memories) : 0;
        uint64_t offset;

        while (1u << natural < bytes)
                natural++;
        buffer_uleb(c->out, (atomic ? natural : random_below(c->g, natural + 1)) | (memory ? 0x40 : 0));
        if (memory)
                buffer_uleb(c->out, memory);
        offset = kind < 70   ? random_below(c->g, 64)
                 : kind < 97 ? random_below(c->g, 40000)
                 : c->g->wide ? random_integer(c->g)
                             : (uint32_t)random_integer(c->g);
        buffer_uleb(c->out, atomic && kind < 95 ? offset & -(uint64_t)bytes : offset);
}

/* Lane numbers by width: "i8x16." has 16, "v128.load8_lane" too. */
static unsigned lanes_of(enum opcode op)
{
        const char *text = opcode_table[op].text, *digits = text + strcspn(text, "x");

        if (text[0] != 'v')
                return (unsigned)atoi(digits + 1);
        digits = text + 5 + strcspn(text + 5, "123456789");
        return 128 / (unsigned)atoi(digits);
}

static bool is_plain(const struct gen *g, enum opcode op)
{
        const struct opcode_info *info = &opcode_table[op];
        /* node has no relaxed instructions by default, and may choose other results than ours. */
        uint64_t features = (FEATURES_DEFAULT & ~(UINT64_C(1) << FEATURE_RELAXED_SIMD)) | g->features;

        if (info->pops[0] == '*' || info->pops[0] == 0 || !(features >> info->feature & 1) ||
            op == OP_MEMORY_ATOMIC_WAIT32 || op == OP_MEMORY_ATOMIC_WAIT64)
                return false;
        return info->immediate == IMM_NONE || info->immediate == IMM_MEMARG ||
               info->immediate == IMM_MEMARG_LANE || info->immediate == IMM_LANE ||
               info->immediate == IMM_LANES16;
}

static bool any_dirty(const struct body *c, unsigned n)
{
        for (unsigned i = 0; i < n && c->nstack > height(c) + i; i++)
                if (c->stack[c->nstack - 1 - i].dirty)
                        return true;
        return false;
}

/* Bytes, words, dwords or halves of either operand, or a blend, or a rotation */
static void put_lanes(struct body *c)
{
        unsigned kind = random_below(c->g, 6), granule = 1u << (kind & 3), from = 0;

        for (unsigned i = 0; i < 16; i++) {
                if (kind == 5)
                        from = i ? (from + 1) % 32 : random_below(c->g, 32);
                else if (kind == 4)
                        from = i + 16 * random_below(c->g, 2);
                else if (i % granule == 0)
                        from = random_below(c->g, 32) / granule * granule;
                else
                        from++;
                buffer_u8(c->out, (uint8_t)from);
        }
}

void put_plain(struct body *c)
{
        const struct opcode_info *info;
        bool dirty;
        enum opcode op;

        do
                op = random_below(c->g, _OP_MAX);
        while (!is_plain(c->g, op) || (traps_often(op) && random_chance(c->g, 80)));
        info = &opcode_table[op];

        if (info->immediate == IMM_MEMARG || info->immediate == IMM_MEMARG_LANE)
                put_address(c, info->pops + 1, info->feature == FEATURE_THREADS ? opcode_access_bytes(op) : 0);
        else
                need(c, info->pops, takes_any_nan(op));
        if (divides(op) && random_chance(c->g, 85)) {
                put_op(c, info->pops[0] == 'i' ? OP_I32_CONST : OP_I64_CONST);
                buffer_sleb(c->out, 1 + (int)random_below(c->g, 3));
                put_op(c, info->pops[0] == 'i' ? OP_I32_OR : OP_I64_OR);
        }
        dirty = makes_nan(op) || any_dirty(c, (unsigned)strlen(info->pops));
        put_op(c, op);
        if (info->immediate == IMM_MEMARG || info->immediate == IMM_MEMARG_LANE)
                put_memarg(c, op);
        if (info->immediate == IMM_LANE || info->immediate == IMM_MEMARG_LANE)
                buffer_u8(c->out, (uint8_t)random_below(c->g, lanes_of(op)));
        if (info->immediate == IMM_LANES16)
                put_lanes(c);
        pop_n(c, (unsigned)strlen(info->pops));
        push_all(c, info->pushes);
        clean_vector_result(c, op);
        if (info->pushes[0] == 'f' || info->pushes[0] == 'F')
                c->stack[c->nstack - 1].dirty = dirty;
}

void put_fuel(struct body *c, unsigned cost)
{
        put_indexed(c, OP_GLOBAL_GET, 0);
        put_i32(c, cost);
        put_op(c, OP_I32_LT_S);
        put_op(c, OP_IF);
        buffer_u8(c->out, 0x40);
        put_op(c, OP_UNREACHABLE);
        put_op(c, OP_END);
        put_indexed(c, OP_GLOBAL_GET, 0);
        put_i32(c, cost);
        put_op(c, OP_I32_SUB);
        put_indexed(c, OP_GLOBAL_SET, 0);
}

void generate_body(struct gen *g, unsigned function, struct buffer *out)
{
        const struct signature *s = &g->types[g->function_types[function]];
        struct body c = { .g = g, .out = out, .nlabels = 1, .results = s->results };
        static const char scratch[] = "fFviI";
        unsigned nparams = (unsigned)strlen(s->params), budget, nscratch = g->loops ? 5 : 3;

        strcpy(c.locals, s->params);
        c.nlocals = nparams;
        for (unsigned i = 0, n = 2 + random_below(g, random_chance(g, 20) ? 40 : 12); i < n; i++)
                c.locals[c.nlocals++] = random_type(g);
        buffer_uleb(out, c.nlocals - nparams + nscratch);
        for (unsigned i = nparams; i < c.nlocals; i++) {
                buffer_uleb(out, 1);
                buffer_u8(out, type_byte(c.locals[i]));
        }
        for (unsigned i = 0; i < nscratch; i++) { /* not in c.locals: used by the clean-up and loops alone */
                c.scratch[i] = c.nlocals + i;
                buffer_uleb(out, 1);
                buffer_u8(out, type_byte(scratch[i]));
        }
        strcpy(c.labels[0].results, s->results);
        put_fuel(&c, FUEL_OF_CALL);
        budget = 10 + random_below(g, random_chance(g, 20) ? 400 : 80);
        while (budget-- > 0 && !(c.nlabels == 1 && c.labels[0].dead && random_chance(g, 40)))
                put_any(&c);
        while (c.nlabels)
                finish(&c);
}
