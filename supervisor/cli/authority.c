#include "config.h"

#include "supervisor/cli/authority.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "engine/base/cleanup.h"

static const struct row {
        const char *sentence, *functions;
} rows[] = {
#define AUTHORITY(sentence, word, needs, functions) { sentence, functions },
#include "supervisor/proto/authority.def"
};

int authority_of(const char *name, size_t size)
{
        char word[64];

        if (size + 3 > sizeof(word) || memchr(name, ' ', size))
                return -ENOENT;
        snprintf(word, sizeof(word), " %.*s ", (int)size, name);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                if (strstr(rows[i].functions, word))
                        return (int)i;
        }
        return -ENOENT;
}

unsigned authority_rows(void)
{
        return ELEMENTSOF(rows);
}

const char *authority_text(unsigned row)
{
        return rows[row].sentence;
}

void print_name(FILE *stream, const struct name *name)
{
        for (uint32_t i = 0; i < name->size; i++) {
                uint8_t c = (uint8_t)name->bytes[i];
                bool c1 = c == 0xc2 && i + 1 < name->size && (uint8_t)name->bytes[i + 1] < 0xa0;

                if (c <= 0x20 || c == 0x7f || c == '\\' || c1)
                        fprintf(stream, "\\%02x", c);
                else
                        fputc(c, stream);
                if (c1)
                        fprintf(stream, "\\%02x", (uint8_t)name->bytes[++i]);
        }
}

static int row_of(const struct import *import)
{
        return name_is(&import->module, WASI_MODULE) ? authority_of(import->name.bytes, import->name.size)
                                                     : -ENOENT;
}

bool import_is_known(const struct import *import)
{
        return row_of(import) >= 0;
}

void module_authority(const struct module *m, struct authority *ret)
{
        _Static_assert(ELEMENTSOF(rows) <= 32, "a bit for each row");
        *ret = (struct authority) { .module = m };
        for (uint32_t i = 0; i < m->nimports; i++) {
                int row = row_of(&m->imports[i]);

                if (row >= 0)
                        ret->rows |= UINT32_C(1) << row;
                else
                        ret->nunknown++;
        }
}

void authority_list(FILE *stream, const struct authority *a)
{
        for (unsigned i = 0; i < ELEMENTSOF(rows); i++)
                if (a->rows & UINT32_C(1) << i && *rows[i].sentence)
                        fprintf(stream, "row %u\n", i);
        for (uint32_t i = 0; i < a->module->nimports; i++) {
                const struct import *import = &a->module->imports[i];

                if (import_is_known(import))
                        continue;
                fputs("import ", stream);
                print_name(stream, &import->module);
                fputc(' ', stream);
                print_name(stream, &import->name);
                fputc('\n', stream);
        }
}
