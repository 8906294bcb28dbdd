/* parser.h - the state of one nacelle_parser, shared by the files that are it.
 *
 * The format is cut into items of at most ITEM_MAX bytes: each state reads one, from bytes that lie in one
 * piece (parser_step). When they do not, the part that is there is carried over and joined with what comes.
 * Names and contents, which may be long, are states of their own that take what there is. */
#pragma once

#include "engine/base/buffer.h"
#include "engine/decode/body.h"
#include "engine/include/nacelle-parser.h"

#define ITEM_MAX 64u /* bytes: the longest item is a memory access with four numbers */

enum parser_state {
        STATE_HEADER,
        STATE_SECTION,       /* id and size, or the end */
        STATE_NAME_SIZE,     /* of .name_for */
        STATE_NAME,          /* .left bytes of it */
        STATE_BYTES,         /* .left bytes of contents */
        STATE_COUNT,         /* of the section */
        STATE_ENTRY,         /* the first item of an entry, or the end of the section */
        STATE_TYPE,          /* of a recursive group */
        STATE_SUPER,
        STATE_COMPOSITE,
        STATE_PARAM,
        STATE_RESULTS,
        STATE_RESULT,
        STATE_FIELD,
        STATE_IMPORT,        /* what is behind the names */
        STATE_EXPORT,
        STATE_ELEM_KIND,     /* what is behind the offset */
        STATE_ELEM_ITEM,
        STATE_DATA_SIZE,
        STATE_LOCALS,        /* how many groups */
        STATE_LOCAL,
        STATE_INSTRUCTION,
        STATE_LABEL,
        STATE_CATCH,
        STATE_SELECT_TYPE,
        STATE_END,
};

enum name_for { NAME_CUSTOM, NAME_MODULE, NAME_IMPORT, NAME_EXPORT };

struct nacelle_parser {
        enum parser_state state, behind; /* behind: where an expression leads to */
        uint64_t offset;         /* of the next byte */
        uint64_t entry_at;       /* of what has a name: where that begins */
        uint64_t section_end, body_end; /* the latter UINT64_MAX outside of bodies */
        uint8_t section;
        unsigned next_row;       /* sections in order: see parser.c */
        uint32_t entries;        /* of the section that are left */
        uint32_t group;          /* types of the recursive group that are left */
        uint32_t items;          /* parameters, fields, labels, ... that are left */
        uint32_t flags;          /* of the element segment */
        bool exprs;              /* its items are expressions */
        uint64_t locals;         /* of the body, so far */
        uint32_t depth;          /* blocks open */
        uint32_t bodies, functions, datas, data_count;
        bool has_data_count;
        uint64_t functions_at, bodies_at, data_count_at;

        enum name_for name_for;
        uint64_t name_at, left;
        struct buffer names;     /* bytes of the module's name, then of the name */
        size_t module_bytes;

        uint8_t carry[ITEM_MAX];
        unsigned ncarry;
        struct error error;
};

enum { STEP_MORE = 1, STEP_ON = 0, STEP_EVENT = 2 }; /* or a negative errno, with p->error set */

/* The item of the current state from the bytes of @c. STEP_MORE: they are too few; nothing is changed. */
int parser_entry(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e); /* parser_items.c */
int parser_item(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e);
int parser_code(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e); /* parser_code.c */

/* @c could not be read: STEP_MORE when its end is the reason. */
int parser_failed(struct nacelle_parser *p, const struct cursor *c);
_printf_(4, 5) int parser_error(struct nacelle_parser *p, int code, uint64_t offset, const char *format,
                                ...);
uint64_t parser_at(const struct nacelle_parser *p, const struct cursor *c); /* offset of the cursor */
struct nacelle_type parser_type(valtype t);
void parser_expression(struct nacelle_parser *p, enum parser_state behind);
/* A name begins, with its size. */
void parser_name(struct nacelle_parser *p, enum name_for what);
/* What is behind each item of a kind: the next one, or @then. */
void parser_items_done(struct nacelle_parser *p, enum parser_state then);
void parser_entry_done(struct nacelle_parser *p);
