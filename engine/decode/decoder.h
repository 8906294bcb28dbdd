/* decoder.h - the state of one module_decode(), shared by the files of this folder.
 *
 * Functions return 0 or the negative errno that .err holds. .c spans the section that is read. */
#pragma once

#include "engine/base/pool.h"
#include "engine/decode/body.h"
#include "engine/decode/decode.h"

enum section_id { /* section 5.5.2 */
        SECTION_CUSTOM = 0,
        SECTION_TYPE = 1,
        SECTION_IMPORT = 2,
        SECTION_FUNCTION = 3,
        SECTION_TABLE = 4,
        SECTION_MEMORY = 5,
        SECTION_GLOBAL = 6,
        SECTION_EXPORT = 7,
        SECTION_START = 8,
        SECTION_ELEMENT = 9,
        SECTION_CODE = 10,
        SECTION_DATA = 11,
        SECTION_DATA_COUNT = 12,
        SECTION_TAG = 13,
};

struct decoder {
        struct cursor c;
        struct module *m;
        struct pool *pool;
        const struct limits *limits;
        uint64_t features;
        unsigned flags;
        struct error *err;

        uint32_t ncodes;                  /* bodies of the code section */
        size_t function_offset, code_offset, data_count_offset; /* of the counts */
        uint32_t type_room, function_room, table_room, memory_room, global_room, tag_room;

        struct const_op *ops;             /* of the expression that is read */
        uint32_t ops_room;
};

/* The failure of .c as an error. */
int decoder_fail(struct decoder *d);
_printf_(4, 5) int decoder_error(struct decoder *d, int code, size_t offset,
                                const char *format, ...);
int decoder_no_memory(struct decoder *d);

/* A feature that is off is an error at @offset; one that is on is noted as used. */
int decoder_need(struct decoder *d, enum feature feature, size_t offset);
int decoder_need_type(struct decoder *d, valtype type, size_t offset);

/* The count of a vector: at most @limit (-E2BIG), and @element_bytes for each in the section. */
int decoder_count(struct decoder *d, const char *what, uint64_t limit, unsigned element_bytes,
                  uint32_t *ret);
int decoder_name(struct decoder *d, struct name *ret);
int decoder_reftype(struct decoder *d, valtype *ret);
int decoder_const_expr(struct decoder *d, struct const_expr *ret);

/* Fills m->canonical (canonical.c). */
int decoder_canonical_types(struct decoder *d);

/* Room for @more entries behind the @n of an index space; the pool keeps what is outgrown, which
 * doubling bounds. Returns the array or NULL. */
void *space_reserve(struct decoder *d, void *array, uint32_t n, uint32_t more, uint32_t *room,
                    size_t size);

#define SPACE_RESERVE(d, array, n, more, room)                                               \
        ({                                                                                   \
                void *_p = space_reserve(d, array, n, more, &(d)->room, sizeof(*(array)));   \
                if (_p)                                                                      \
                        (array) = _p;                                                        \
                _p != NULL;                                                                  \
        })

int decode_types(struct decoder *d);
int decode_imports(struct decoder *d);
int decode_functions(struct decoder *d);
int decode_tables(struct decoder *d);
int decode_memories(struct decoder *d);
int decode_tags(struct decoder *d);
int decode_globals(struct decoder *d);
int decode_exports(struct decoder *d);
int decode_start(struct decoder *d);
int decode_elements(struct decoder *d);
int decode_data_count(struct decoder *d);
int decode_codes(struct decoder *d);
int decode_datas(struct decoder *d);

/* The first custom section "name": a malformed one leaves no name behind. */
int decode_names(struct decoder *d);
/* Branch hints, the same. */
int decode_hints(struct decoder *d);
