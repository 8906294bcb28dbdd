#include "engine/compile/idioms.h"

#include <string.h>

static const struct {
        enum idiom idiom;
        bool low_first;
        const char *hex;
} rows[] = {
#define IDIOM(name, low_first, hex) { IDIOM_##name, low_first, hex },
#include "engine/compile/idioms.def"
};

static unsigned digit(char c)
{
        return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static bool equals_hex(const uint8_t *bytes, size_t size, const char *hex)
{
        if (strlen(hex) != 2 * size)
                return false;
        for (size_t i = 0; i < size; i++)
                if (bytes[i] != (digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1])))
                        return false;
        return true;
}

static bool is_mul128_type(const struct functype *type)
{
        static const valtype params[5] = { VAL_I32, VAL_I64, VAL_I64, VAL_I64, VAL_I64 };

        return type->nparams == 5 && type->nresults == 0 &&
               memcmp(type->params, params, sizeof(params)) == 0;
}

enum idiom idiom_find(const struct module *m, uint32_t function, bool *ret_low_first)
{
        const struct slice *body = &m->functions[function].body;

        /* Their code addresses memory 0 with 32 bits. */
        if (!is_mul128_type(module_function_type(m, function)) || !m->nmemories ||
            m->memories[0].type.size.is_64)
                return IDIOM_NONE;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (equals_hex(m->bytes + body->offset, body->size, rows[i].hex)) {
                        *ret_low_first = rows[i].low_first;
                        return rows[i].idiom;
                }
        return IDIOM_NONE;
}
