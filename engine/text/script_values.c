#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/text/script_text.h"

/* Patterns of references; their words are no keywords of the module format. */
static const struct {
        const char *text;
        enum script_value_kind kind;
} references[] = {
        { "ref.null", SCRIPT_REF_NULL },     { "ref.extern", SCRIPT_REF_EXTERN },
        { "ref.host", SCRIPT_REF_HOST },     { "ref.func", SCRIPT_REF_FUNC },
        { "ref.i31", SCRIPT_REF_I31 },       { "ref.eq", SCRIPT_REF_EQ },
        { "ref.struct", SCRIPT_REF_STRUCT }, { "ref.array", SCRIPT_REF_ARRAY },
        { "ref.exn", SCRIPT_REF_EXN },       { "ref.any", SCRIPT_REF_ANY },
};

/* Heap types that a null may name. */
static const struct {
        enum word word;
        uint32_t heap;
} null_types[] = {
        { WORD_FUNC, HEAP_FUNC },           { WORD_EXTERN, HEAP_EXTERN },
        { WORD_ANY, HEAP_ANY },             { WORD_EQ, HEAP_EQ },
        { WORD_I31, HEAP_I31 },             { WORD_STRUCT, HEAP_STRUCT },
        { WORD_ARRAY, HEAP_ARRAY },         { WORD_EXN, HEAP_EXN },
        { WORD_NONE_TYPE, HEAP_NONE },      { WORD_NOFUNC, HEAP_NOFUNC },
        { WORD_NOEXTERN, HEAP_NOEXTERN },   { WORD_NOEXN, HEAP_NOEXN },
};

/* As a pattern all but two take any null: what a null was seen through may be a type by its index. */
static void read_null(struct reader *r, struct script_value *v)
{
        v->any = true;
        for (size_t i = 0; i < ELEMENTSOF(null_types); i++) {
                if (!reader_accept(r, null_types[i].word))
                        continue;
                v->heap = null_types[i].heap;
                v->any = v->heap != HEAP_FUNC && v->heap != HEAP_EXTERN;
                return;
        }
}

static uint8_t read_nan(struct reader *r)
{
        if (reader_accept(r, WORD_NAN_CANONICAL))
                return SCRIPT_NAN_CANONICAL;
        if (reader_accept(r, WORD_NAN_ARITHMETIC))
                return SCRIPT_NAN_ARITHMETIC;
        return SCRIPT_NO_NAN;
}

static void read_vector(struct reader *r, struct script_value *v)
{
        const struct vector_shape *shape = reader_shape(r);

        if (!shape)
                return;
        v->lanes = shape->lanes;
        v->lane_bits = shape->bits;
        v->lanes_are_float = shape->is_float;
        for (unsigned lane = 0; lane < shape->lanes; lane++) {
                unsigned bit = lane * shape->bits;
                uint64_t value = 0;

                if (!shape->is_float)
                        value = reader_int(r, shape->bits);
                else if (!(v->nan[lane] = read_nan(r)))
                        value = reader_float(r, shape->bits);
                v->bits[bit / 64] |= value << bit % 64;
        }
}

static void read_constant(struct reader *r, enum opcode op, struct script_value *v)
{
        switch (op) {
        case OP_I32_CONST:
                v->kind = SCRIPT_I32;
                v->bits[0] = reader_int(r, 32);
                break;
        case OP_I64_CONST:
                v->kind = SCRIPT_I64;
                v->bits[0] = reader_int(r, 64);
                break;
        case OP_F32_CONST:
        case OP_F64_CONST:
                v->kind = op == OP_F32_CONST ? SCRIPT_F32 : SCRIPT_F64;
                v->nan[0] = read_nan(r);
                if (!v->nan[0])
                        v->bits[0] = reader_float(r, op == OP_F32_CONST ? 32 : 64);
                break;
        case OP_V128_CONST:
                v->kind = SCRIPT_V128;
                read_vector(r, v);
                break;
        default:
                reader_unexpected(r);
                break;
        }
}

/* What follows "(": a constant or the pattern of a reference, up to its ")". */
static void read_plain(struct reader *r, struct script_value *v)
{
        uint16_t word = r->token.word;

        for (size_t i = 0; i < ELEMENTSOF(references); i++) {
                if (!reader_is(r, TOKEN_WORD) || strlen(references[i].text) != r->token.size ||
                    memcmp(references[i].text, reader_text(r), r->token.size))
                        continue;
                v->kind = references[i].kind;
                reader_next(r);
                if (v->kind == SCRIPT_REF_NULL) {
                        read_null(r, v);
                } else if (reader_is(r, TOKEN_NAT)) {
                        v->bits[0] = reader_nat(r, 32);
                        v->any = v->kind > SCRIPT_REF_HOST;
                } else {
                        v->any = true;
                }
                return;
        }
        if (!reader_is(r, TOKEN_WORD) || !word_is_instruction(word)) {
                reader_unexpected(r);
                return;
        }
        reader_next(r);
        read_constant(r, word_opcode(word), v);
}

static void value_push(struct script *s, const struct script_value *v)
{
        if (s->nvalues == s->values_room) {
                uint32_t room = s->values_room ? s->values_room * 2 : 16;
                struct script_value *values = realloc(s->values, room * sizeof(*values));

                if (!values || room > UINT32_MAX / 4) {
                        reader_no_memory(&s->r);
                        return;
                }
                s->values = values;
                s->values_room = room;
        }
        s->values[s->nvalues++] = *v;
}

/* Takes the values above @first off the stack. */
static const struct script_value *values_take(struct script *s, uint32_t first, uint32_t *ret_n)
{
        uint32_t n = s->nvalues - first;
        struct script_value *copy = pool_alloc(s->pool, n, sizeof(*copy));

        *ret_n = 0;
        s->nvalues = first;
        if (!copy) {
                reader_no_memory(&s->r);
                return NULL;
        }
        if (n)
                memcpy(copy, s->values + first, n * sizeof(*copy));
        *ret_n = n;
        return copy;
}

static void read_plain_group(struct script *s)
{
        struct script_value v = { 0 };

        reader_next(&s->r);
        read_plain(&s->r, &v);
        reader_expect_close(&s->r);
        value_push(s, &v);
}

const struct script_value *script_values(struct script *s, uint32_t *ret_n)
{
        s->nvalues = 0;
        while (reader_is(&s->r, TOKEN_OPEN)) {
                struct script_value either = { .kind = SCRIPT_EITHER };
                uint32_t first = s->nvalues;

                if (!reader_accept_open(&s->r, WORD_EITHER)) {
                        read_plain_group(s);
                        continue;
                }
                while (reader_is(&s->r, TOKEN_OPEN))
                        read_plain_group(s);
                reader_expect_close(&s->r);
                either.alternatives = values_take(s, first, &either.nalternatives);
                value_push(s, &either);
        }
        return values_take(s, 0, ret_n);
}

static const char *const nan_texts[] = { "", "nan:canonical", "nan:arithmetic" };

static int float_text(uint64_t bits, unsigned width, unsigned nan, char *text, size_t size)
{
        uint32_t low = (uint32_t)bits;
        double d;
        float f;

        if (nan)
                return snprintf(text, size, "%s", nan_texts[nan]);
        if (width == 32) {
                memcpy(&f, &low, sizeof(f));
                return snprintf(text, size, "%.9g (0x%08" PRIx32 ")", (double)f, low);
        }
        memcpy(&d, &bits, sizeof(d));
        return snprintf(text, size, "%.17g (0x%016" PRIx64 ")", d, bits);
}

static void vector_text(const struct script_value *v, char *text, size_t size)
{
        unsigned lanes = v->lanes ? v->lanes : 4, bits = v->lane_bits ? v->lane_bits : 32;
        size_t n = (size_t)snprintf(text, size, "v128:%c%ux%u", v->lanes_are_float ? 'f' : 'i', bits,
                                    lanes);

        for (unsigned lane = 0; lane < lanes && n < size; lane++) {
                uint64_t value = v->bits[lane * bits / 64] >> lane * bits % 64;

                if (bits < 64)
                        value &= (UINT64_C(1) << bits) - 1;
                n += (size_t)snprintf(text + n, size - n, " ");
                if (n >= size)
                        break;
                if (v->lanes_are_float)
                        n += (size_t)float_text(value, bits, v->nan[lane], text + n, size - n);
                else
                        n += (size_t)snprintf(text + n, size - n, "0x%0*" PRIx64, (int)bits / 4, value);
        }
}

char *script_value_text(const struct script_value *v, char *text, size_t size)
{
        size_t n;

        switch (v->kind) {
        case SCRIPT_I32:
                snprintf(text, size, "i32:%" PRId32 " (0x%" PRIx32 ")", (int32_t)v->bits[0],
                         (uint32_t)v->bits[0]);
                break;
        case SCRIPT_I64:
                snprintf(text, size, "i64:%" PRId64 " (0x%" PRIx64 ")", (int64_t)v->bits[0],
                         v->bits[0]);
                break;
        case SCRIPT_F32:
        case SCRIPT_F64:
                n = (size_t)snprintf(text, size, v->kind == SCRIPT_F32 ? "f32:" : "f64:");
                float_text(v->bits[0], v->kind == SCRIPT_F32 ? 32 : 64, v->nan[0], text + n, size - n);
                break;
        case SCRIPT_V128:
                vector_text(v, text, size);
                break;
        case SCRIPT_EITHER:
                n = (size_t)snprintf(text, size, "either");
                for (uint32_t i = 0; i < v->nalternatives && n + 1 < size; i++) {
                        text[n++] = i ? '|' : ' ';
                        /* Alternatives hold no alternatives: one level. */
                        if (v->alternatives[i].kind == SCRIPT_EITHER)
                                break;
                        script_value_text(&v->alternatives[i], text + n, size - n);
                        n += strlen(text + n);
                }
                text[n < size ? n : size - 1] = '\0';
                break;
        default:
                for (size_t i = 0; i < ELEMENTSOF(references); i++) {
                        if (references[i].kind != v->kind)
                                continue;
                        if (v->kind == SCRIPT_REF_EXTERN && !v->any)
                                snprintf(text, size, "ref.extern %" PRIu64, v->bits[0]);
                        else
                                snprintf(text, size, "%s", references[i].text);
                }
                break;
        }
        return text;
}
