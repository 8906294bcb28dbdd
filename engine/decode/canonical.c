#include "engine/decode/canonical.h"

#include <sys/auxv.h>

#include "engine/decode/decoder.h"

#define WORD_RELATIVE 0x20u /* a bit that no value type has: its index counts from the group's first */

/* One more word; false without memory. The room is at most doubled, so it is linear in what is
 * written. */
static bool put(struct type_words *w, uint32_t word)
{
        if (_unlikely_(w->n == w->room)) {
                size_t room = w->room ? w->room * 2 : 64;
                uint32_t *list = realloc(w->list, room * sizeof(*list));

                if (!list)
                        return false;
                w->list = list;
                w->room = room;
        }
        w->list[w->n++] = word;
        return true;
}

struct group_writer {
        const uint32_t *numbers;
        uint32_t first;
        struct type_words *words;
};

static bool put_type(const struct group_writer *g, valtype t)
{
        uint32_t heap = valtype_heap(t);

        if (!valtype_is_indexed(t))
                return put(g->words, t);
        t &= (1u << VAL_HEAP_SHIFT) - 1;
        if (heap >= g->first) /* behind the group is nothing that validation lets pass */
                return put(g->words, t | WORD_RELATIVE | (heap - g->first) << VAL_HEAP_SHIFT);
        return put(g->words, t | (g->numbers ? g->numbers[heap] : heap) << VAL_HEAP_SHIFT);
}

static bool put_types(const struct group_writer *g, const valtype *types, uint32_t n)
{
        bool ok = put(g->words, n);

        for (uint32_t i = 0; i < n && ok; i++)
                ok = put_type(g, types[i]);
        return ok;
}

static bool put_def(const struct group_writer *g, const struct deftype *def,
                    const struct functype *f)
{
        bool has_super = def->super != TYPE_NO_SUPER;
        bool ok = put(g->words, def->kind | (uint32_t)def->is_final << 8 | (uint32_t)has_super << 9);

        if (ok && has_super)
                ok = put_type(g, VAL_REF_TO(def->super));
        if (def->kind == COMP_FUNC)
                return ok && put_types(g, f->params, f->nparams) &&
                       put_types(g, f->results, f->nresults);
        ok = ok && put(g->words, def->nfields);
        for (uint32_t i = 0; i < def->nfields && ok; i++)
                ok = put(g->words, def->fields[i].is_mutable) &&
                     put_type(g, def->fields[i].storage);
        return ok;
}

int type_words_of(const struct module *m, uint32_t first, const uint32_t *numbers,
                  struct type_words *ret)
{
        struct group_writer g = { numbers, first, ret };
        bool ok;

        ret->n = 0;
        ok = put(ret, m->defs[first].ngroup);
        for (uint32_t i = first; i < first + m->defs[first].ngroup && ok; i++)
                ok = put_def(&g, &m->defs[i], &m->types[i]);
        return ok ? 0 : -ENOMEM;
}

int type_words_of_function(const struct functype *type, struct type_words *ret)
{
        const struct deftype def = { .kind = COMP_FUNC, .is_final = true, .super = TYPE_NO_SUPER };
        const struct group_writer g = { .first = UINT32_MAX, .words = ret };

        ret->n = 0;
        return put(ret, 1) && put_def(&g, &def, type) ? 0 : -ENOMEM;
}

/* A polynomial modulo 2^61 - 1 at a point that the guest does not know. */
static uint64_t hash_of(uint64_t key, const struct type_words *words)
{
        const uint64_t prime = (UINT64_C(1) << 61) - 1;
        uint64_t h = 1;

        for (size_t i = 0; i < words->n; i++) {
                unsigned __int128 product = (unsigned __int128)h * key + words->list[i] + 1;

                h = (uint64_t)(product & prime) + (uint64_t)(product >> 61);
                h = h >= prime ? h - prime : h;
        }
        return h;
}

static void set_key(struct group_table *t)
{
        const void *random = (const void *)(uintptr_t)getauxval(AT_RANDOM);

        if (random)
                memcpy(&t->key, random, sizeof(t->key));
        t->key = (t->key >> 4) | 1;
}

/* Twice the buckets, and the groups into them again. */
static int grow(struct group_table *t)
{
        uint32_t room = t->groups_room ? t->groups_room * 2 : 16;
        uint32_t *buckets = calloc(room, sizeof(*buckets));
        struct type_group *groups;

        if (!buckets)
                return -ENOMEM;
        groups = realloc(t->groups, room * sizeof(*groups));
        if (!groups) {
                free(buckets);
                return -ENOMEM;
        }
        for (uint32_t i = 0; i < t->ngroups; i++) {
                uint32_t *bucket = &buckets[groups[i].hash & (room - 1)];

                groups[i].next = *bucket;
                *bucket = i + 1;
        }
        free(t->buckets);
        t->buckets = buckets;
        t->groups = groups;
        t->groups_room = room;
        return 0;
}

static int words_append(struct type_words *w, const struct type_words *more)
{
        if (w->room - w->n < more->n) {
                size_t room = w->room * 2 + more->n;
                uint32_t *list = realloc(w->list, room * sizeof(*list));

                if (!list)
                        return -ENOMEM;
                w->list = list;
                w->room = room;
        }
        memcpy(w->list + w->n, more->list, more->n * sizeof(*more->list));
        w->n += more->n;
        return 0;
}

int group_table_add(struct group_table *t, const struct type_words *words, uint32_t fresh,
                   uint32_t *ret)
{
        uint64_t hash;
        uint32_t *bucket;

        if (t->ngroups == t->groups_room && grow(t) < 0)
                return -ENOMEM;
        if (!t->key)
                set_key(t);
        hash = hash_of(t->key, words);
        bucket = &t->buckets[hash & (t->groups_room - 1)];
        for (uint32_t k = *bucket; k; k = t->groups[k - 1].next) {
                const struct type_group *g = &t->groups[k - 1];

                if (g->hash == hash && g->n == words->n &&
                    !memcmp(t->words.list + g->at, words->list, g->n * sizeof(*words->list))) {
                        *ret = g->first;
                        return 0;
                }
        }
        if (words_append(&t->words, words) < 0)
                return -ENOMEM;
        t->groups[t->ngroups++] = (struct type_group) {
                .at = t->words.n - words->n, .n = words->n, .hash = hash, .first = fresh,
                .next = *bucket,
        };
        *bucket = t->ngroups;
        *ret = fresh;
        return 0;
}

void type_words_done(struct type_words *w)
{
        free(w->list);
        *w = (struct type_words) { 0 };
}

void group_table_done(struct group_table *t)
{
        type_words_done(&t->words);
        free(t->groups);
        free(t->buckets);
        *t = (struct group_table) { 0 };
}

int decoder_canonical_types(struct decoder *d)
{
        _cleanup_(group_table_done) struct group_table table = { 0 };
        _cleanup_(type_words_done) struct type_words words = { 0 };
        struct module *m = d->m;

        m->canonical = pool_alloc(d->pool, m->ntypes, sizeof(*m->canonical));
        if (!m->canonical)
                return decoder_no_memory(d);
        for (uint32_t i = 0; i < m->ntypes; i += m->defs[i].ngroup) {
                uint32_t first;

                if (type_words_of(m, i, m->canonical, &words) < 0 ||
                    group_table_add(&table, &words, i, &first) < 0)
                        return decoder_no_memory(d);
                for (uint32_t k = 0; k < m->defs[i].ngroup; k++)
                        m->canonical[i + k] = first + k;
        }
        return 0;
}
