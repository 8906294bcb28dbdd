#include "engine/decode/types.h"

#include <stdio.h>
#include <string.h>

/* A value type that stands alone where an array is expected; index: the kind. */
static const valtype cells[] = { VAL_BOTTOM, VAL_I32, VAL_I64, VAL_F32, VAL_F64, VAL_V128 };
static const valtype cell_funcref = VAL_FUNCREF, cell_externref = VAL_EXTERNREF;

const valtype *valtype_cell(valtype t)
{
        if (!valtype_is_ref(t))
                return &cells[valtype_kind(t)];
        return valtype_heap(t) == HEAP_EXTERN ? &cell_externref : &cell_funcref;
}

const char *valtype_text(valtype t)
{
        static const char *const texts[] = { "any", "i32", "i64", "f32", "f64", "v128" };

        if (valtype_kind(t) <= VAL_V128)
                return texts[valtype_kind(t)];
        if (t == VAL_FUNCREF)
                return "funcref";
        if (t == VAL_EXTERNREF)
                return "externref";
        return "(ref ...)";
}

bool functype_equal(const struct functype *a, const struct functype *b)
{
        if (a->nparams != b->nparams || a->nresults != b->nresults)
                return false;
        for (uint32_t i = 0; i < a->nparams; i++)
                if (a->params[i] != b->params[i])
                        return false;
        for (uint32_t i = 0; i < a->nresults; i++)
                if (a->results[i] != b->results[i])
                        return false;
        return true;
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
