/* nacelle-parser.h - reads modules of WebAssembly, event by event, while their bytes arrive.
 *
 * Bytes may come in pieces of any size, down to one. Nothing is kept of what has been read but where in
 * the format the parser stands, so a module of any size needs the same few hundred bytes, and the space
 * of its longest name. There is no allocation for an event, and no recursion.
 *
 *     struct nacelle_parser *p = nacelle_parser_new();
 *     struct nacelle_event event;
 *     int r = 0;
 *
 *     while ((n = read(fd, buffer, sizeof(buffer))) >= 0) {
 *             const uint8_t *at = buffer;
 *
 *             while ((r = nacelle_parser_next(p, &at, buffer + n, n == 0, &event)) > 0)
 *                     use(&event);
 *             if (r < 0 || n == 0)
 *                     break;
 *     }
 *     if (r < 0)
 *             warnx("byte %llu: %s", nacelle_parser_offset(p), nacelle_parser_error(p));
 *     nacelle_parser_free(p);
 *
 * All of WebAssembly 3.0 is read, and the proposals that Nacelle knows, whether it would run them or not.
 * What the binary format demands is checked: sections and their order, counts, sizes, numbers, UTF-8,
 * opcodes, the end of each body. What validation asks for is not: indices and types may be anything, and so may
 * the block that an else, catch, or delegate stands in: blocks are counted, not remembered.
 *
 * nacelle_parser_new - NULL when there is no memory.
 *
 * nacelle_parser_next - the next event.
 * @at: where the bytes that have not been read begin; moved on
 * @end: where they end
 * @last: no bytes come behind @end
 * @ret: filled when there is an event. What it points to lasts until the next call, and no longer than
 *       the bytes that were handed over
 * Returns 1: an event. 0: all bytes are taken, and more must come; or with @last the module was whole,
 * and NACELLE_END has been told. -EBADMSG: malformed, -EOPNOTSUPP: of a proposal that is not known,
 * -E2BIG: a name beyond 100,000 bytes, -ENOMEM. An error stays: later calls return it again.
 *
 * nacelle_parser_error - what is wrong, "" when nothing is. nacelle_parser_offset - the byte that it is
 * about, or else the number of bytes that were read.
 *
 * nacelle_event_text - a short name of an event's kind, such as "import". */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum nacelle_event_kind {
        NACELLE_MODULE,        /* the header was right */
        NACELLE_END,           /* the module is whole */

        NACELLE_SECTION,       /* .section: its id, .size: of its contents */
        NACELLE_SECTION_END,   /* not of custom sections, whose last NACELLE_BYTES is marked */
        NACELLE_VECTOR,        /* .count: how many entries the section has */
        NACELLE_CUSTOM,        /* .name; then NACELLE_BYTES */
        NACELLE_BYTES,         /* .bytes, .size: a part of a custom section or of a data segment; .last */

        /* Type section: each type stands alone, or follows the group that it is one of. */
        NACELLE_REC,           /* .count: of types in a recursive group */
        NACELLE_SUB,           /* .is_final, .count: supertypes, each a NACELLE_SUPER; then the type */
        NACELLE_SUPER,         /* .index */
        NACELLE_FUNC_TYPE,     /* .count: parameters, each a NACELLE_PARAM; then NACELLE_RESULTS */
        NACELLE_PARAM,         /* .type */
        NACELLE_RESULTS,       /* .count, each a NACELLE_RESULT */
        NACELLE_RESULT,        /* .type */
        NACELLE_STRUCT_TYPE,   /* .count: fields, each a NACELLE_FIELD */
        NACELLE_ARRAY_TYPE,    /* then one NACELLE_FIELD */
        NACELLE_FIELD,         /* .type, .is_mutable */

        NACELLE_IMPORT,        /* .module, .name, .external and what that needs: see NACELLE_FUNC .. TAG */
        NACELLE_FUNC,          /* .index: of its type */
        NACELLE_TABLE,         /* .type, .limits; .has_init: then an expression */
        NACELLE_MEMORY,        /* .limits */
        NACELLE_GLOBAL,        /* .type, .is_mutable; then an expression */
        NACELLE_TAG,           /* .index: of its type */
        NACELLE_EXPORT,        /* .name, .external, .index */
        NACELLE_START,         /* .index: of the function */
        NACELLE_ELEM,          /* .mode, .index: table; when it is active then an expression */
        NACELLE_ELEM_ITEMS,    /* .type, .count; .has_init: each an expression, else a NACELLE_ELEM_FUNC */
        NACELLE_ELEM_FUNC,     /* .index */
        NACELLE_DATA_COUNT,    /* .count */
        NACELLE_DATA,          /* .mode, .index: memory; an active one's expression; then NACELLE_BYTES */

        NACELLE_BODY,          /* .index: number in the section, .size */
        NACELLE_LOCALS,        /* .count, .type */
        NACELLE_INSTRUCTION,   /* .instruction */
        NACELLE_LABEL,         /* .index: a target of the br_table before, the default one last */
        NACELLE_CATCH,         /* .mode: 0 catch, 1 catch_ref, 2 catch_all, 3 catch_all_ref; .index: tag,
                                * .count: label; of the try_table before */
        NACELLE_SELECT_TYPE,   /* .type, of the select before */
        NACELLE_EXPR_END,      /* of a constant expression: behind its "end" */
        NACELLE_BODY_END,
        _NACELLE_EVENT_MAX,
};

enum nacelle_external { NACELLE_EXTERN_FUNC, NACELLE_EXTERN_TABLE, NACELLE_EXTERN_MEMORY,
                        NACELLE_EXTERN_GLOBAL, NACELLE_EXTERN_TAG };

enum nacelle_mode { NACELLE_ACTIVE, NACELLE_PASSIVE, NACELLE_DECLARATIVE };

/* A value or storage type as the format has it: i32 0x7f, i64 0x7e, f32 0x7d, f64 0x7c, v128 0x7b, i8
 * 0x78, i16 0x77. All references are 0x63, which may be null, or 0x64; .heap is the index of a type, or
 * below 0 what the format has, such as -0x10 for func and -0x11 for extern. 0: none. */
struct nacelle_type {
        uint8_t code;
        int32_t heap;
};

struct nacelle_name { /* UTF-8, not terminated */
        const char *bytes;
        size_t size;
};

struct nacelle_limits {
        uint64_t min, max;
        bool has_max, is_64, is_shared;
        uint8_t page_log2; /* of memories: 16, or what a custom page size says */
};

struct nacelle_instruction {
        uint32_t opcode;    /* the byte, or prefix << 12 | number: i32.add 0x6a, memory.copy 0xfc00a */
        const char *name;   /* keyword of the text format; lasts */
        uint32_t index;     /* label, function, type, local, ...: the first that the format has; for
                             * br_table how many labels stand before the default one; of blocks the
                             * type index, or UINT32_MAX */
        uint32_t index2;    /* the second one; of call_indirect the table */
        struct nacelle_type type, to; /* of blocks the result; of select, ref.null, ref.test, br_on_cast
                                       * (from, to); code 0: none */
        uint8_t align_log2, lane;
        uint64_t offset;    /* of accesses */
        uint64_t value[2];  /* bits of a constant; the lanes of a shuffle, one a byte */
};

struct nacelle_event {
        enum nacelle_event_kind kind;
        uint64_t offset;    /* in the module: of the first byte that it is about */
        uint8_t section, mode, external;
        bool is_final, is_mutable, has_init, last;
        uint32_t index, count;
        struct nacelle_type type;
        struct nacelle_limits limits;
        struct nacelle_name module, name;
        struct nacelle_instruction instruction;
        const uint8_t *bytes;
        size_t size;
};

struct nacelle_parser;

struct nacelle_parser *nacelle_parser_new(void);
void nacelle_parser_free(struct nacelle_parser *parser); /* takes NULL */
int nacelle_parser_next(struct nacelle_parser *parser, const uint8_t **at, const uint8_t *end, bool last,
                        struct nacelle_event *ret);
const char *nacelle_parser_error(const struct nacelle_parser *parser);
uint64_t nacelle_parser_offset(const struct nacelle_parser *parser);
const char *nacelle_event_text(enum nacelle_event_kind kind);

#ifdef __cplusplus
}
#endif
