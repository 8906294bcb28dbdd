#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/text/literal.h"
#include "engine/text/print_text.h"
#include "engine/text/strings.h"

void print(struct printer *p, const char *s)
{
        buffer_append(p->out, s, strlen(s));
}

void printf_to(struct printer *p, const char *format, ...)
{
        char text[160];
        va_list ap;
        int n;

        va_start(ap, format);
        n = vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        buffer_append(p->out, text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

/* Bytes that stand for themselves: printable ASCII; the rest is escaped, so that the text is one
 * that any tool shows as it is. @utf8: characters beyond ASCII as well. */
static void print_bytes(struct printer *p, const uint8_t *s, size_t size, bool utf8)
{
        static const char hex[] = "0123456789abcdef";

        for (size_t i = 0; i < size;) {
                size_t run = i;

                while (run < size && s[run] != '"' && s[run] != '\\' && s[run] != 0x7f &&
                       s[run] >= 0x20 && (utf8 || s[run] < 0x80))
                        run++;
                buffer_append(p->out, s + i, run - i);
                if (run < size) {
                        char escape[3] = { '\\', hex[s[run] >> 4], hex[s[run] & 15] };

                        buffer_append(p->out, escape, sizeof(escape));
                        run++;
                }
                i = run;
        }
}

void print_string(struct printer *p, const void *bytes, size_t size)
{
        bool utf8 = utf8_check(bytes, size) == size;

        buffer_u8(p->out, '"');
        print_bytes(p, bytes, size, utf8);
        buffer_u8(p->out, '"');
}

static bool is_idchar(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c && strchr("!#$%&'*+-./:<=>?@\\^_`|~", c));
}

bool print_function_name(struct printer *p, uint32_t index)
{
        const struct name *name;
        const struct symbol *symbol;
        bool plain = true;

        if (!p->named || !p->m->function_names[index].size)
                return false;
        name = &p->m->function_names[index];
        symbol = symbols_find(&p->names, name->bytes, name->size);
        if (!symbol || symbol->value != index)
                return false;
        for (uint32_t i = 0; i < name->size && plain; i++)
                plain = is_idchar(name->bytes[i]);
        buffer_u8(p->out, '$');
        if (plain)
                buffer_append(p->out, name->bytes, name->size);
        else
                print_string(p, name->bytes, name->size);
        return true;
}

void print_function_index(struct printer *p, uint32_t index)
{
        if (index >= p->m->nfunctions || !print_function_name(p, index))
                printf_to(p, "%u", index);
}

void print_signature(struct printer *p, const struct functype *f)
{
        if (f->nparams)
                print(p, " (param");
        for (uint32_t i = 0; i < f->nparams; i++) {
                print(p, " ");
                print_type(p, f->params[i]);
        }
        if (f->nparams)
                print(p, ")");
        if (f->nresults)
                print(p, " (result");
        for (uint32_t i = 0; i < f->nresults; i++) {
                print(p, " ");
                print_type(p, f->results[i]);
        }
        if (f->nresults)
                print(p, ")");
}

void print_f32(struct printer *p, uint32_t bits)
{
        char text[FLOAT_TEXT_MAX];

        print(p, float_text(bits, 32, text));
}

void print_f64(struct printer *p, uint64_t bits)
{
        char text[FLOAT_TEXT_MAX];

        print(p, float_text(bits, 64, text));
}

void print_v128(struct printer *p, const uint64_t bits[2])
{
        printf_to(p, "i32x4 0x%08" PRIx32 " 0x%08" PRIx32 " 0x%08" PRIx32 " 0x%08" PRIx32,
                  (uint32_t)bits[0], (uint32_t)(bits[0] >> 32), (uint32_t)bits[1],
                  (uint32_t)(bits[1] >> 32));
}

int print_const_expr(struct printer *p, const struct const_expr *e)
{
        for (uint32_t i = 0; i < e->nops; i++) {
                const struct const_op *op = &e->ops[i];

                printf_to(p, " %s", opcode_table[op->op].text);
                switch (opcode_table[op->op].immediate) {
                case IMM_NONE:
                        break;
                case IMM_I32:
                        printf_to(p, " %" PRId32, (int32_t)op->value[0]);
                        break;
                case IMM_I64:
                        printf_to(p, " %" PRId64, (int64_t)op->value[0]);
                        break;
                case IMM_F32:
                        print(p, " ");
                        print_f32(p, (uint32_t)op->value[0]);
                        break;
                case IMM_F64:
                        print(p, " ");
                        print_f64(p, op->value[0]);
                        break;
                case IMM_V128:
                        print(p, " ");
                        print_v128(p, op->value);
                        break;
                case IMM_ARRAY_N:
                        printf_to(p, " %u %" PRIu64, op->index, op->value[0]);
                        break;
                case IMM_TYPE:
                case IMM_GLOBAL:
                        printf_to(p, " %u", op->index);
                        break;
                case IMM_FUNC:
                        print(p, " ");
                        print_function_index(p, op->index);
                        break;
                case IMM_HEAPTYPE:
                        print(p, " ");
                        print_heap_type(p, op->index);
                        break;
                default:
                        return error_set(p->err, STAGE_TEXT, -EOPNOTSUPP, e->offset,
                                         "%s has no text form here", opcode_table[op->op].text);
                }
        }
        return 0;
}
