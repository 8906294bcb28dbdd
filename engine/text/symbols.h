/* symbols.h - names to numbers: an index space's identifiers, a function's locals, its labels.
 *
 * A zeroed struct is an empty table. Names are borrowed and must outlive it. The list keeps the order of
 * insertion. Hashed with a seed of the process: the names come from hostile text.
 *
 * symbols_find - the entry, or NULL.
 * symbols_put - the entry of that name, made with value SYMBOL_NONE when there was none; NULL when
 *   memory is short. Pointers to entries are valid until the next symbols_put().
 * symbols_clear - no entries any more; keeps the memory. Time is linear in the entries. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SYMBOL_NONE UINT32_MAX

struct symbol {
        const char *bytes;
        uint32_t size;
        uint32_t value;
};

struct symbols {
        struct symbol *list;
        uint32_t n, room;
        uint32_t *slots; /* 1 + index in the list; 0: empty */
        uint32_t nslots; /* a power of two */
};

struct symbol *symbols_find(const struct symbols *s, const char *bytes, size_t size);
struct symbol *symbols_put(struct symbols *s, const char *bytes, size_t size);
void symbols_clear(struct symbols *s);
void symbols_done(struct symbols *s);
