#include "config.h"

#include "supervisor/cli/describe.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/error.h"

static void print_range(FILE *stream, const struct range *r, const char *unit)
{
        fprintf(stream, "%" PRIu64, r->min);
        if (r->has_max)
                fprintf(stream, " to %" PRIu64, r->max);
        fprintf(stream, " %s%s%s%s", unit, r->has_max ? "" : " or more", r->is_64 ? ", 64-bit" : "",
                r->is_shared ? ", shared" : "");
}

/* The type of item @index of @kind, after its name. */
static void print_type(FILE *stream, const struct module *m, enum extern_kind kind, uint32_t index)
{
        char text[256];

        switch (kind) {
        case EXTERN_FUNC:
                fprintf(stream, "function %s",
                        functype_text(module_function_type(m, index), text, sizeof(text)));
                break;
        case EXTERN_TABLE:
                fprintf(stream, "table of %s, ", valtype_text(m->tables[index].type.element));
                print_range(stream, &m->tables[index].type.size, "elements");
                break;
        case EXTERN_MEMORY:
                fputs("memory, ", stream);
                print_range(stream, &m->memories[index].type.size,
                            m->memories[index].type.page_shift ? "pages" : "bytes");
                break;
        case EXTERN_GLOBAL:
                fprintf(stream, "global %s%s", m->globals[index].type.is_mutable ? "mutable " : "",
                        valtype_text(m->globals[index].type.type));
                break;
        default:
                fprintf(stream, "tag %s", functype_text(&m->types[m->tags[index].type], text,
                                                        sizeof(text)));
        }
        fputc('\n', stream);
}

/* "1.5 MiB" and the like. */
static void print_bytes(FILE *stream, double bytes)
{
        static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
        unsigned unit = 0;

        while (bytes >= 1024 && unit + 1 < ELEMENTSOF(units)) {
                bytes /= 1024;
                unit++;
        }
        fprintf(stream, "%.*f %s", bytes == (uint64_t)bytes ? 0 : 1, bytes, units[unit]);
}

static void print_imports(FILE *stream, const struct module *m)
{
        fprintf(stream, "Imports: %" PRIu32 "\n", m->nimports);
        for (uint32_t i = 0; i < m->nimports; i++) {
                const struct import *import = &m->imports[i];

                fputs("  ", stream);
                print_name(stream, &import->module);
                fputc(' ', stream);
                print_name(stream, &import->name);
                fputs(": ", stream);
                print_type(stream, m, import->kind, import->index);
        }
}

static void print_exports(FILE *stream, const struct module *m)
{
        fprintf(stream, "Exports: %" PRIu32 "\n", m->nexports);
        for (uint32_t i = 0; i < m->nexports; i++) {
                fputs("  ", stream);
                print_name(stream, &m->exports[i].name);
                fputs(": ", stream);
                print_type(stream, m, m->exports[i].kind, m->exports[i].index);
        }
}

static void print_memories(FILE *stream, const struct module *m)
{
        fprintf(stream, "Memory: %s", m->nmemories ? "" : "none\n");
        for (uint32_t i = 0; i < m->nmemories; i++) {
                const struct range *size = &m->memories[i].type.size;

                if (i)
                        fputs("        ", stream);
                print_bytes(stream, (double)memtype_bytes(&m->memories[i].type, size->min));
                fputs(" at the start, ", stream);
                if (size->has_max) {
                        print_bytes(stream, (double)memtype_bytes(&m->memories[i].type, size->max));
                        fputs(" at most\n", stream);
                } else {
                        fputs("no limit of its own\n", stream);
                }
        }
}

/* Sentences for the WASI functions, each once, in the order of the table; then what no table knows. */
static void print_authority(FILE *stream, const struct module *m)
{
        struct authority a;
        bool any = false;

        module_authority(m, &a);
        fputs("Asks for:\n", stream);
        for (unsigned i = 0; i < authority_rows(); i++) {
                if (!(a.rows & UINT32_C(1) << i) || !*authority_text(i))
                        continue;
                fprintf(stream, "  %s\n", authority_text(i));
                any = true;
        }
        for (uint32_t i = 0; i < m->nimports; i++) {
                const struct import *import = &m->imports[i];

                if (import_is_known(import))
                        continue;
                fputs("  unknown here, so that run refuses it: ", stream);
                print_name(stream, &import->module);
                fputc(' ', stream);
                print_name(stream, &import->name);
                fputc('\n', stream);
                any = true;
        }
        if (!any)
                fputs("  nothing: it can only compute\n", stream);
}

void describe_module(FILE *stream, const struct module *m)
{
        if (m->module_name.size) {
                fputs("Name: ", stream);
                print_name(stream, &m->module_name);
                fputc('\n', stream);
        }
        fprintf(stream, "Functions: %" PRIu32 "\n", m->nfunctions - m->imported_functions);
        print_imports(stream, m);
        print_exports(stream, m);
        print_memories(stream, m);
        print_authority(stream, m);
}
