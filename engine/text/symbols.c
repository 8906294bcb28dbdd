#include "engine/text/symbols.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

static uint64_t seed;
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
        /* Without randomness the table is merely slower under attack. */
        if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
                seed = 0;
}

/* Slot of the name, or the empty one where it would be; the table has slots. */
static uint32_t slot_of(const struct symbols *s, const char *bytes, size_t size)
{
        uint32_t slot = (uint32_t)XXH3_64bits_withSeed(bytes, size, seed) & (s->nslots - 1);

        while (s->slots[slot]) {
                const struct symbol *have = &s->list[s->slots[slot] - 1];

                if (have->size == size && !memcmp(have->bytes, bytes, size))
                        break;
                slot = (slot + 1) & (s->nslots - 1);
        }
        return slot;
}

struct symbol *symbols_find(const struct symbols *s, const char *bytes, size_t size)
{
        uint32_t slot;

        if (!s->n)
                return NULL;
        slot = slot_of(s, bytes, size);
        return s->slots[slot] ? &s->list[s->slots[slot] - 1] : NULL;
}

/* Twice the room; entries keep their places, slots are filled anew. */
static int grow(struct symbols *s)
{
        uint32_t room = s->room ? s->room * 2 : 16;
        struct symbol *list;
        uint32_t *slots;

        if (room > UINT32_MAX / 4)
                return -1;
        list = realloc(s->list, room * sizeof(*list));
        if (!list)
                return -1;
        s->list = list;
        slots = calloc((size_t)room * 2, sizeof(*slots));
        if (!slots)
                return -1;
        free(s->slots);
        s->slots = slots;
        s->nslots = room * 2;
        s->room = room;
        for (uint32_t i = 0; i < s->n; i++)
                s->slots[slot_of(s, s->list[i].bytes, s->list[i].size)] = i + 1;
        return 0;
}

struct symbol *symbols_put(struct symbols *s, const char *bytes, size_t size)
{
        uint32_t slot;

        pthread_once(&seed_once, make_seed);
        if (size > UINT32_MAX || (s->n == s->room && grow(s) < 0))
                return NULL;
        slot = slot_of(s, bytes, size);
        if (!s->slots[slot]) {
                s->list[s->n] = (struct symbol) { bytes, (uint32_t)size, SYMBOL_NONE };
                s->slots[slot] = ++s->n;
        }
        return &s->list[s->slots[slot] - 1];
}

void symbols_clear(struct symbols *s)
{
        /* From the last entry on: a slot is emptied before those that its search passes. */
        while (s->n) {
                const struct symbol *last = &s->list[s->n - 1];

                s->slots[slot_of(s, last->bytes, last->size)] = 0;
                s->n--;
        }
}

void symbols_done(struct symbols *s)
{
        free(s->list);
        free(s->slots);
        *s = (struct symbols) { 0 };
}
