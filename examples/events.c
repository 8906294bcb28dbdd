/* events.c - what is in a module of WebAssembly, told while it arrives: an example of nacelle-parser.h.
 *
 *     events [-v] [-b BYTES] <module.wasm      -v: every event; -b: read so many bytes at a time
 *
 *     cc events.c -lnacelle-parser */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nacelle-parser.h"

static const char *const externals[] = { "func", "table", "memory", "global", "tag" };

struct totals {
        unsigned long long bodies, instructions, largest, data;
};

static void print_name(const struct nacelle_name *name)
{
        putchar('"');
        for (size_t i = 0; i < name->size; i++)
                putchar((unsigned char)name->bytes[i] < 0x20 || name->bytes[i] == 0x7f ? '?' : name->bytes[i]);
        putchar('"');
}

/* One line for what a reader of a module asks first. */
static void use(const struct nacelle_event *e, struct totals *t)
{
        switch (e->kind) {
        case NACELLE_IMPORT:
                printf("import %s ", externals[e->external]);
                print_name(&e->module);
                putchar(' ');
                print_name(&e->name);
                putchar('\n');
                break;
        case NACELLE_EXPORT:
                printf("export %s %" PRIu32 " ", externals[e->external], e->index);
                print_name(&e->name);
                putchar('\n');
                break;
        case NACELLE_CUSTOM:
                printf("custom ");
                print_name(&e->name);
                printf(" %zu bytes\n", e->size);
                break;
        case NACELLE_BODY:
                t->bodies++;
                t->largest = e->size > t->largest ? e->size : t->largest;
                break;
        case NACELLE_INSTRUCTION:
                t->instructions++;
                break;
        case NACELLE_BYTES:
                t->data += e->size;
                break;
        default:
                break;
        }
}

static void print_event(const struct nacelle_event *e)
{
        printf("%8" PRIu64 " %s", e->offset, nacelle_event_text(e->kind));
        if (e->kind == NACELLE_INSTRUCTION)
                printf(" %s %" PRIu32 " %" PRIu32, e->instruction.name, e->instruction.index,
                       e->instruction.index2);
        else
                printf(" section %u index %" PRIu32 " count %" PRIu32 " size %zu type %x:%" PRId32, e->section,
                       e->index, e->count, e->size, e->type.code, e->type.heap);
        putchar('\n');
}

int main(int argc, char **argv)
{
        struct nacelle_parser *parser = nacelle_parser_new();
        static uint8_t buffer[65536];
        size_t size = sizeof(buffer);
        struct nacelle_event event;
        struct totals totals = { 0 };
        int verbose = 0, option, r = 0;

        while ((option = getopt(argc, argv, "vb:")) != -1) {
                if (option == 'v')
                        verbose = 1;
                else if (option == 'b' && atol(optarg) > 0 && (size_t)atol(optarg) < size)
                        size = (size_t)atol(optarg);
                else
                        return 64;
        }
        if (!parser)
                return 70;
        for (;;) {
                ssize_t n = read(STDIN_FILENO, buffer, size);
                const uint8_t *at = buffer;

                if (n < 0) {
                        perror("events");
                        return 66;
                }
                while ((r = nacelle_parser_next(parser, &at, buffer + n, n == 0, &event)) > 0) {
                        if (verbose)
                                print_event(&event);
                        else
                                use(&event, &totals);
                }
                if (r < 0 || n == 0)
                        break;
        }
        if (r < 0)
                fprintf(stderr, "events: byte %" PRIu64 ": %s\n", nacelle_parser_offset(parser),
                        nacelle_parser_error(parser));
        else if (!verbose)
                printf("%llu bodies, the largest of %llu bytes, %llu instructions, %llu bytes of data\n",
                       totals.bodies, totals.largest, totals.instructions, totals.data);
        nacelle_parser_free(parser);
        return r < 0 ? 65 : 0;
}
