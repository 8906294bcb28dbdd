#include "tests/fuzz/generate.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char global_types[GLOBALS + 1] = "iiIfFvIi";
const char *const tag_types[TAGS] = { "", "iI", "vfF" };

uint8_t type_byte(char type)
{
        switch (type) {
        case 'i':
                return 0x7f;
        case 'I':
                return 0x7e;
        case 'f':
                return 0x7d;
        case 'F':
                return 0x7c;
        case 'v':
                return 0x7b;
        case 'x':
                return 0x69;
        default:
                return 0x70;
        }
}

unsigned type_index(struct gen *g, const char *params, const char *results)
{
        for (unsigned i = 0; i < g->ntypes; i++)
                if (!strcmp(g->types[i].params, params) && !strcmp(g->types[i].results, results))
                        return i;
        if (g->ntypes == TYPES_MAX)
                abort();
        strcpy(g->types[g->ntypes].params, params);
        strcpy(g->types[g->ntypes].results, results);
        return g->ntypes++;
}

static void emit_op(struct buffer *b, enum opcode op)
{
        uint32_t code = opcode_table[op].code;

        if (code >> 12)
                buffer_u8(b, (uint8_t)(code >> 12));
        if (code >> 12)
                buffer_uleb(b, code & 0xfff);
        else
                buffer_u8(b, (uint8_t)code);
}

void put_const(struct gen *g, struct buffer *b, char type)
{
        switch (type) {
        case 'i':
                emit_op(b, OP_I32_CONST);
                buffer_sleb(b, (int32_t)random_integer(g));
                break;
        case 'I':
                emit_op(b, OP_I64_CONST);
                buffer_sleb(b, (int64_t)random_integer(g));
                break;
        case 'f':
                emit_op(b, OP_F32_CONST);
                buffer_u32(b, random_f32(g));
                break;
        case 'F':
                emit_op(b, OP_F64_CONST);
                buffer_u64(b, random_f64(g));
                break;
        case 'v':
                emit_op(b, OP_V128_CONST);
                for (unsigned i = 0, kind = random_below(g, 4); i < 2; i++)
                        buffer_u64(b, kind == 0   ? random_bits(g)
                                      : kind == 1 ? random_integer(g) * (random_chance(g, 50) ? 1 : 0x10001)
                                      : kind == 2 ? random_f32(g) | (uint64_t)random_f32(g) << 32
                                                  : random_f64(g));
                break;
        case 'x':
                emit_op(b, OP_REF_NULL);
                buffer_u8(b, 0x69);
                break;
        default:
                if (random_chance(g, 30)) {
                        emit_op(b, OP_REF_NULL);
                        buffer_u8(b, 0x70);
                } else {
                        emit_op(b, OP_REF_FUNC);
                        buffer_uleb(b, random_below(g, g->nfunctions));
                }
        }
}

static void random_signature(struct gen *g, struct signature *s)
{
        /* Now and then more than the registers hold. */
        unsigned np = random_chance(g, 15) ? random_below(g, SIGNATURE_MAX + 1) : random_below(g, 5);
        unsigned nr = random_chance(g, 15) ? random_below(g, 8) : random_below(g, 4);

        *s = (struct signature) { 0 };
        for (unsigned i = 0; i < np; i++)
                s->params[i] = random_type(g);
        for (unsigned i = 0; i < nr; i++)
                s->results[i] = random_type(g);
}

/* The parts of a type as integers: what JavaScript can hold without loss. */
static void integers_of(const char *types, char *ret)
{
        for (; *types; types++) {
                *ret++ = *types == 'v' || *types == 'F' || *types == 'I' ? 'I' : 'i';
                if (*types == 'v')
                        *ret++ = 'I';
        }
        *ret = 0;
}

static void emit_indexed(struct buffer *b, enum opcode op, unsigned index)
{
        emit_op(b, op);
        buffer_uleb(b, index);
}

/* A value of @type from one or two integer locals at *@at. */
static void put_import(struct buffer *b, char type, unsigned *at)
{
        if (type == 'r') {
                emit_indexed(b, OP_LOCAL_GET, (*at)++);
                emit_op(b, OP_I32_CONST);
                buffer_sleb(b, TABLE_SIZE - 1);
                emit_op(b, OP_I32_REM_U);
                emit_indexed(b, OP_TABLE_GET, 0);
                return;
        }
        emit_indexed(b, OP_LOCAL_GET, (*at)++);
        if (type == 'f') {
                emit_op(b, OP_F32_REINTERPRET_I32);
        } else if (type == 'F') {
                emit_op(b, OP_F64_REINTERPRET_I64);
        } else if (type == 'v') {
                emit_op(b, OP_I64X2_SPLAT);
                emit_indexed(b, OP_LOCAL_GET, (*at)++);
                emit_op(b, OP_I64X2_REPLACE_LANE);
                buffer_u8(b, 1);
        }
}

/* The value of a local or global (@get) as integers. */
static void put_export(struct buffer *b, char type, enum opcode get, unsigned at)
{
        for (unsigned lane = 0; lane < (type == 'v' ? 2 : 1); lane++) {
                emit_indexed(b, get, at);
                if (type == 'f') {
                        emit_op(b, OP_I32_REINTERPRET_F32);
                } else if (type == 'F') {
                        emit_op(b, OP_I64_REINTERPRET_F64);
                } else if (type == 'r') {
                        emit_op(b, OP_REF_IS_NULL);
                } else if (type == 'v') {
                        emit_op(b, OP_I64X2_EXTRACT_LANE);
                        buffer_u8(b, (uint8_t)lane);
                }
        }
}

/* The exported function that fills the fuel and calls inner function @f. */
static void put_wrapper(struct gen *g, unsigned f, struct buffer *b)
{
        const struct signature *s = &g->types[g->function_types[f]];
        char params[2 * SIGNATURE_MAX + 1];
        unsigned at = 0, nresults = (unsigned)strlen(s->results), first;

        integers_of(s->params, params);
        first = (unsigned)strlen(params);
        buffer_uleb(b, nresults);
        for (unsigned i = 0; i < nresults; i++) {
                buffer_uleb(b, 1);
                buffer_u8(b, type_byte(s->results[i]));
        }
        emit_op(b, OP_I32_CONST);
        buffer_sleb(b, FUEL);
        emit_indexed(b, OP_GLOBAL_SET, 0);
        for (const char *p = s->params; *p; p++)
                put_import(b, *p, &at);
        emit_indexed(b, OP_CALL, f);
        for (unsigned i = nresults; i-- > 0;)
                emit_indexed(b, OP_LOCAL_SET, first + i);
        for (unsigned i = 0; i < nresults; i++)
                put_export(b, s->results[i], OP_LOCAL_GET, first + i);
        emit_op(b, OP_END);
}

static void put_state(struct buffer *b)
{
        buffer_uleb(b, 0);
        for (unsigned i = 0; i < GLOBALS; i++)
                put_export(b, global_types[i], OP_GLOBAL_GET, i);
        emit_op(b, OP_END);
}

/* Sections */

static void section(struct buffer *wasm, unsigned id, struct buffer *body)
{
        buffer_u8(wasm, (uint8_t)id);
        buffer_uleb(wasm, body->size);
        buffer_append(wasm, body->bytes, body->size);
        body->size = 0;
}

static void put_types(struct buffer *b, const char *types)
{
        buffer_uleb(b, strlen(types));
        for (; *types; types++)
                buffer_u8(b, type_byte(*types));
}

static void put_name(struct buffer *b, const char *format, unsigned n)
{
        char text[16];

        snprintf(text, sizeof(text), format, n);
        buffer_uleb(b, strlen(text));
        buffer_append(b, text, strlen(text));
}

static void emit_number(struct buffer *b, bool wide, int32_t value)
{
        emit_op(b, wide ? OP_I64_CONST : OP_I32_CONST);
        buffer_sleb(b, value);
        emit_op(b, OP_END);
}

static void put_elements(struct gen *g, struct buffer *b)
{
        static const uint8_t flags[] = { 0, 1, 3 }; /* active in table 0, passive, declarative */

        buffer_uleb(b, 3);
        for (unsigned k = 0; k < 3; k++) {
                unsigned n = k == 0 ? TABLE_SIZE - 2 : k == 1 ? 4 : g->nfunctions;

                buffer_u8(b, flags[k]);
                if (k == 0)
                        emit_number(b, false, 1);
                else
                        buffer_u8(b, 0); /* functions */
                buffer_uleb(b, n);
                for (unsigned i = 0; i < n; i++)
                        buffer_uleb(b, k == 2 ? i : random_below(g, g->nfunctions));
        }
}

static void put_datas(struct gen *g, struct buffer *b)
{
        static const struct { int at; unsigned n; } datas[] = { { 0, 256 }, { -1, 64 }, { 65500, 36 } };

        buffer_uleb(b, 3);
        for (unsigned k = 0; k < 3; k++) {
                buffer_u8(b, datas[k].at < 0);
                if (datas[k].at >= 0)
                        emit_number(b, g->wide, datas[k].at);
                buffer_uleb(b, datas[k].n);
                for (unsigned i = 0; i < datas[k].n; i++)
                        buffer_u8(b, (uint8_t)random_integer(g));
        }
}

static void put_memories(struct gen *g, struct buffer *b)
{
        unsigned n = g->memories ? g->memories : 1, page = g->small ? 65536 : 1;

        buffer_uleb(b, n);
        for (unsigned i = 0; i < n; i++) {
                buffer_u8(b, (uint8_t)(1 | g->shared << 1 | g->wide << 2 | g->small << 3));
                buffer_uleb(b, MEMORY_PAGES * page);
                buffer_uleb(b, MEMORY_MAX * page);
                if (g->small)
                        buffer_u8(b, 0); /* 2 to the power of this is a page */
        }
}

/* Sections before the code: they need the types that the bodies added. */
static void put_declarations(struct gen *g, struct buffer *wasm, const unsigned *wrappers)
{
        _cleanup_(buffer_done) struct buffer b = { 0 };
        unsigned n = g->nfunctions;

        buffer_append(wasm, "\0asm\1\0\0\0", 8);
        buffer_uleb(&b, g->ntypes);
        for (unsigned i = 0; i < g->ntypes; i++) {
                buffer_u8(&b, 0x60);
                put_types(&b, g->types[i].params);
                put_types(&b, g->types[i].results);
        }
        section(wasm, 1, &b);
        buffer_uleb(&b, 2 * n + 1);
        for (unsigned i = 0; i < 2 * n + 1; i++)
                buffer_uleb(&b, i < n ? g->function_types[i] : wrappers[i - n]);
        section(wasm, 3, &b);
        buffer_uleb(&b, 2); /* tables */
        for (unsigned i = 0; i < 2; i++) {
                buffer_u8(&b, 0x70);
                buffer_u8(&b, 1);
                buffer_uleb(&b, i ? 4 : TABLE_SIZE);
                buffer_uleb(&b, 20);
        }
        section(wasm, 4, &b);
        put_memories(g, &b);
        section(wasm, 5, &b);
        if (g->throws) {
                buffer_uleb(&b, TAGS);
                for (unsigned i = 0; i < TAGS; i++) {
                        buffer_u8(&b, 0);
                        buffer_uleb(&b, type_index(g, tag_types[i], ""));
                }
                section(wasm, 13, &b);
        }
        buffer_uleb(&b, GLOBALS);
        for (unsigned i = 0; i < GLOBALS; i++) {
                buffer_u8(&b, type_byte(global_types[i]));
                buffer_u8(&b, 1);
                put_const(g, &b, global_types[i]);
                emit_op(&b, OP_END);
        }
        section(wasm, 6, &b);
        buffer_uleb(&b, n + 2);
        put_name(&b, "m", 0);
        buffer_append(&b, (uint8_t[]) { 2, 0 }, 2);
        for (unsigned i = 0; i <= n; i++) {
                put_name(&b, i == n ? "state" : "f%u", i);
                buffer_u8(&b, 0);
                buffer_uleb(&b, n + i);
        }
        section(wasm, 7, &b);
        put_elements(g, &b);
        section(wasm, 9, &b);
        buffer_uleb(&b, 3);
        section(wasm, 12, &b);
}

static void append_body(struct buffer *code, struct buffer *body)
{
        buffer_uleb(code, body->size);
        buffer_append(code, body->bytes, body->size);
        body->size = 0;
}

static _printf_(2, 3) void append_text(struct buffer *b, const char *format, ...)
{
        char text[64];
        va_list ap;

        va_start(ap, format);
        buffer_append(b, text, (size_t)vsnprintf(text, sizeof(text), format, ap));
        va_end(ap);
}

static void put_calls(struct gen *g, unsigned times, struct buffer *calls, const unsigned *wrappers)
{
        for (unsigned k = 0; k < times * g->nfunctions; k++) {
                unsigned f = k % g->nfunctions;

                append_text(calls, "f%u", f);
                for (const char *p = g->types[wrappers[f]].params; *p; p++) {
                        uint64_t value = random_chance(g, 60) ? random_integer(g)
                                         : *p == 'i'          ? random_f32(g)
                                                              : random_f64(g);

                        append_text(calls, " %c%" PRIx64, *p, *p == 'i' ? value & UINT32_MAX : value);
                }
                append_text(calls, "\n");
        }
}

static void make_module(struct gen *g, unsigned times, struct buffer *wasm, struct buffer *calls)
{
        _cleanup_(buffer_done) struct buffer code = { 0 }, body = { 0 }, datas = { 0 };
        unsigned wrappers[FUNCTIONS_MAX + 1];
        char params[2 * SIGNATURE_MAX + 1], results[2 * SIGNATURE_MAX + 1];

        g->nfunctions = 2 + random_below(g, FUNCTIONS_MAX - 1);
        for (unsigned i = 0; i < g->nfunctions; i++) {
                struct signature s;

                random_signature(g, &s);
                g->function_types[i] = type_index(g, s.params, s.results);
                integers_of(s.params, params);
                integers_of(s.results, results);
                wrappers[i] = type_index(g, params, results);
        }
        integers_of(global_types, results);
        wrappers[g->nfunctions] = type_index(g, "", results);

        buffer_uleb(&code, 2 * g->nfunctions + 1);
        for (unsigned i = 0; i < g->nfunctions; i++) {
                generate_body(g, i, &body);
                append_body(&code, &body);
        }
        for (unsigned i = 0; i < g->nfunctions; i++) {
                put_wrapper(g, i, &body);
                append_body(&code, &body);
        }
        put_state(&body);
        append_body(&code, &body);

        put_declarations(g, wasm, wrappers);
        section(wasm, 10, &code);
        put_datas(g, &datas);
        section(wasm, 11, &datas);
        put_calls(g, times, calls, wrappers);
}

static struct gen gen_of(uint64_t seed)
{
        return (struct gen) { .random = seed * 0x2545f4914f6cdd1d + 1 };
}

static void make_with_tags(struct gen *g, unsigned times, struct buffer *wasm, struct buffer *calls)
{
        g->throws = true;
        for (unsigned i = 0; i < TAGS; i++) /* before the bodies fill the table of types */
                (void)type_index(g, tag_types[i], "");
        make_module(g, times, wasm, calls);
}

void generate_module(uint64_t seed, unsigned times, struct buffer *wasm, struct buffer *calls)
{
        struct gen g = gen_of(seed);

        make_module(&g, times, wasm, calls);
}

void generate_new_module(uint64_t seed, unsigned times, struct buffer *wasm, struct buffer *calls)
{
        struct gen g = gen_of(seed);

        g.wide = random_chance(&g, 50);
        make_with_tags(&g, times, wasm, calls);
}

void generate_all_module(uint64_t seed, unsigned times, struct buffer *wasm, struct buffer *calls)
{
        struct gen g = gen_of(seed);

        g.features = UINT64_C(1) << FEATURE_RELAXED_SIMD | UINT64_C(1) << FEATURE_WIDE_ARITHMETIC |
                     UINT64_C(1) << FEATURE_THREADS;
        g.wide = random_chance(&g, 30);
        g.shared = random_chance(&g, 30);
        g.small = random_chance(&g, 25);
        g.memories = 1 + random_below(&g, 2);
        g.legacy = random_chance(&g, 50);
        if (g.legacy || random_chance(&g, 30))
                make_with_tags(&g, times, wasm, calls);
        else
                make_module(&g, times, wasm, calls);
}

void generate_loops_module(uint64_t seed, unsigned times, struct buffer *wasm, struct buffer *calls)
{
        struct gen g = gen_of(seed);

        g.loops = true;
        make_module(&g, times, wasm, calls);
}
