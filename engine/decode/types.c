#include "engine/decode/types.h"

#include <stdio.h>
#include <string.h>

/* A value type that stands alone where an array is expected; index: the kind. */
static const valtype cells[] = { VAL_BOTTOM, VAL_I32, VAL_I64, VAL_F32, VAL_F64, VAL_V128 };

/* References to abstract heap types: without and with null, by the low bits of the type's byte. */
#define CELL(null, byte) (null | VAL_REF | (HEAP_FIRST_ABSTRACT | (byte)) << VAL_HEAP_SHIFT)
#define CELLS8(null, byte)                                                              \
        CELL(null, byte), CELL(null, byte + 1), CELL(null, byte + 2), CELL(null, byte + 3), \
        CELL(null, byte + 4), CELL(null, byte + 5), CELL(null, byte + 6), CELL(null, byte + 7)

static const valtype reference_cells[2][32] = {
        { CELLS8(0, 0x60u), CELLS8(0, 0x68u), CELLS8(0, 0x70u), CELLS8(0, 0x78u) },
        { CELLS8(VAL_NULLABLE, 0x60u), CELLS8(VAL_NULLABLE, 0x68u), CELLS8(VAL_NULLABLE, 0x70u),
          CELLS8(VAL_NULLABLE, 0x78u) },
};

const valtype *valtype_cell(valtype t)
{
        if (!valtype_is_ref(t))
                return &cells[valtype_kind(t)];
        return &reference_cells[!!(t & VAL_NULLABLE)][valtype_heap(t) & 31];
}

/* The abstract heap types by the low bits of their bytes. */
#define HEAP_BIT(name) (UINT32_C(1) << (HEAP_##name & 31))

static const struct heap_row {
        const char *text, *ref; /* NULL: there is no such type */
        uint32_t above;
        uint8_t top;
} heap_rows[32] = {
#define HEAP(name, byte, text, ref, top, above, feature) \
        [(byte) & 31] = { text, ref, above, TOP_##top },
#include "engine/decode/heap_types.def"
};

static const struct heap_row *heap_row(uint32_t heap)
{
        static const struct heap_row none;

        return heap >= (HEAP_FIRST_ABSTRACT | 0x60) && heap <= (HEAP_FIRST_ABSTRACT | 0x7f)
                       ? &heap_rows[heap & 31]
                       : &none;
}

enum heap_top heap_top_of(uint32_t heap)
{
        return (enum heap_top)heap_row(heap)->top;
}

bool heap_is_below(uint32_t heap, uint32_t above)
{
        if (heap == above)
                return true;
        return heap_row(above)->text && (heap_row(heap)->above >> (above & 31) & 1);
}

static const char *reference_text(valtype t)
{
        static _Thread_local char texts[4][32];
        static _Thread_local unsigned next;
        char *text = texts[next++ % 4];
        const char *null = t & VAL_NULLABLE ? "null " : "";
        uint32_t heap = valtype_heap(t);

        if (heap_row(heap)->text)
                snprintf(text, sizeof(texts[0]), "(ref %s%s)", null, heap_row(heap)->text);
        else if (heap == HEAP_BOTTOM)
                snprintf(text, sizeof(texts[0]), "a reference");
        else
                snprintf(text, sizeof(texts[0]), "(ref %s%u)", null, heap);
        return text;
}

const char *valtype_text(valtype t)
{
        static const char *const texts[] = { "any", "i32", "i64", "f32", "f64", "v128" };

        if (valtype_kind(t) <= VAL_V128)
                return texts[valtype_kind(t)];
        if (valtype_kind(t) != VAL_REF)
                return t == VAL_I8 ? "i8" : "i16";
        if ((t & VAL_NULLABLE) && heap_row(valtype_heap(t))->text)
                return heap_row(valtype_heap(t))->ref;
        return reference_text(t);
}

/* Appends as much as fits; *used never passes size - 1. */
static void append(char *text, unsigned size, unsigned *used, const char *what)
{
        while (*what && *used + 1 < size)
                text[(*used)++] = *what++;
        text[*used] = '\0';
}

static void append_types(char *text, unsigned size, unsigned *used, const valtype *types,
                         uint32_t n)
{
        append(text, size, used, "(");
        for (uint32_t i = 0; i < n && *used + 1 < size; i++) {
                if (i > 0)
                        append(text, size, used, " ");
                append(text, size, used, valtype_text(types[i]));
        }
        append(text, size, used, ")");
}

char *functype_text(const struct functype *type, char *text, unsigned size)
{
        unsigned used = 0;

        if (size == 0)
                return text;
        append_types(text, size, &used, type->params, type->nparams);
        append(text, size, &used, " -> ");
        append_types(text, size, &used, type->results, type->nresults);
        return text;
}
