/* describe_json.c - a module for programs. Written in the locked child, so by hand: whoever reads it has
 * a JSON parser, the child only needs to quote. */
#include "config.h"

#include "supervisor/cli/describe.h"

#include <inttypes.h>

static const char *const kinds[] = {
        [EXTERN_FUNC] = "function", [EXTERN_TABLE] = "table",   [EXTERN_MEMORY] = "memory",
        [EXTERN_GLOBAL] = "global", [EXTERN_TAG] = "tag",
};

/* Names are UTF-8, the decoder saw to that; controls, C1 among them, are written as numbers. */
void describe_quoted(FILE *stream, const struct name *name)
{
        fputc('"', stream);
        for (uint32_t i = 0; i < name->size; i++) {
                uint8_t c = (uint8_t)name->bytes[i];
                bool c1 = c == 0xc2 && i + 1 < name->size && (uint8_t)name->bytes[i + 1] < 0xa0;

                if (c1)
                        c = (uint8_t)name->bytes[++i];
                if (c1 || c < 0x20 || c == 0x7f)
                        fprintf(stream, "\\u%04x", c);
                else if (c == '"' || c == '\\')
                        fprintf(stream, "\\%c", c);
                else
                        fputc(c, stream);
        }
        fputc('"', stream);
}

static void print_type(FILE *stream, const struct module *m, enum extern_kind kind, uint32_t index)
{
        char text[256];

        fprintf(stream, "\"kind\": \"%s\"", kinds[kind]);
        if (kind == EXTERN_FUNC)
                fprintf(stream, ", \"type\": \"%s\"",
                        functype_text(module_function_type(m, index), text, sizeof(text)));
}

static void print_imports(FILE *stream, const struct module *m)
{
        fputs("\"imports\": [", stream);
        for (uint32_t i = 0; i < m->nimports; i++) {
                const struct import *import = &m->imports[i];

                fprintf(stream, "%s\n    { \"module\": ", i ? "," : "");
                describe_quoted(stream, &import->module);
                fputs(", \"name\": ", stream);
                describe_quoted(stream, &import->name);
                fputs(", ", stream);
                print_type(stream, m, import->kind, import->index);
                fprintf(stream, ", \"known\": %s }", import_is_known(import) ? "true" : "false");
        }
        fputs("],\n", stream);
}

static void print_exports(FILE *stream, const struct module *m)
{
        fputs("  \"exports\": [", stream);
        for (uint32_t i = 0; i < m->nexports; i++) {
                fprintf(stream, "%s\n    { \"name\": ", i ? "," : "");
                describe_quoted(stream, &m->exports[i].name);
                fputs(", ", stream);
                print_type(stream, m, m->exports[i].kind, m->exports[i].index);
                fputs(" }", stream);
        }
        fputs("],\n", stream);
}

static void print_memories(FILE *stream, const struct module *m)
{
        fputs("  \"memories\": [", stream);
        for (uint32_t i = 0; i < m->nmemories; i++) {
                const struct memtype *type = &m->memories[i].type;

                fprintf(stream, "%s{ \"bytes\": %.0f, \"bytes_max\": ", i ? ", " : "",
                        (double)memtype_bytes(type, type->size.min));
                if (type->size.has_max)
                        fprintf(stream, "%.0f }", (double)memtype_bytes(type, type->size.max));
                else
                        fputs("null }", stream);
        }
        fputs("],\n", stream);
}

void describe_json(FILE *stream, const struct module *m)
{
        struct authority a;
        bool any = false;

        module_authority(m, &a);
        if (m->module_name.size) {
                fputs("\"name\": ", stream);
                describe_quoted(stream, &m->module_name);
                fputs(",\n  ", stream);
        }
        fprintf(stream, "\"functions\": %" PRIu32 ",\n  ", m->nfunctions - m->imported_functions);
        print_imports(stream, m);
        print_exports(stream, m);
        print_memories(stream, m);
        fputs("  \"authority\": [", stream);
        for (unsigned i = 0; i < authority_rows(); i++) {
                if (!(a.rows & UINT32_C(1) << i) || !*authority_text(i))
                        continue;
                fprintf(stream, "%s\n    \"%s\"", any ? "," : "", authority_text(i));
                any = true;
        }
        fprintf(stream, "],\n  \"unknown\": %" PRIu32 "\n", a.nunknown);
}
