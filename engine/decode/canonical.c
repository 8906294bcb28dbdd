/* Which types are equal, and which references fit where.
 *
 * A function type may name itself and types before it, so canonical indices are found from front
 * to back: two types are equal when their words are, with every index replaced by its canonical
 * one and a type's own by a mark. */
#include <sys/auxv.h>

#include "engine/decode/decoder.h"

#define HEAP_SELF 0xfffefeu /* what a type's own index becomes; above all that limits allow */

struct canon {
        const struct module *m;
        uint32_t *buckets, *next; /* index + 1 */
        uint32_t mask;
        uint64_t key;
};

static valtype canonical_word(const struct module *m, uint32_t self, valtype t)
{
        uint32_t heap = valtype_heap(t);

        if (!valtype_is_indexed(t) || heap > self)
                return t; /* behind it: refused by the validator */
        heap = heap == self ? HEAP_SELF : m->canonical[heap];
        return (t & ((1u << VAL_HEAP_SHIFT) - 1)) | heap << VAL_HEAP_SHIFT;
}

/* A polynomial modulo 2^61 - 1 at a point that the guest does not know: types are his, and with a
 * fixed hash they would all fall into one bucket. */
static uint64_t hash_word(uint64_t h, uint64_t key, uint32_t word)
{
        unsigned __int128 product = (unsigned __int128)h * key + word + 1;
        const uint64_t prime = (UINT64_C(1) << 61) - 1;

        h = (uint64_t)(product & prime) + (uint64_t)(product >> 61);
        return h >= prime ? h - prime : h;
}

static uint64_t hash_type(const struct canon *c, uint32_t self)
{
        const struct functype *f = &c->m->types[self];
        uint64_t h = hash_word(1, c->key, f->nparams);

        for (uint32_t i = 0; i < f->nparams; i++)
                h = hash_word(h, c->key, canonical_word(c->m, self, f->params[i]));
        for (uint32_t i = 0; i < f->nresults; i++)
                h = hash_word(h, c->key, canonical_word(c->m, self, f->results[i]));
        return h;
}

static bool words_equal(const struct module *m, uint32_t a, const valtype *as, uint32_t b,
                        const valtype *bs, uint32_t n)
{
        for (uint32_t i = 0; i < n; i++)
                if (canonical_word(m, a, as[i]) != canonical_word(m, b, bs[i]))
                        return false;
        return true;
}

static bool types_equal(const struct module *m, uint32_t a, uint32_t b)
{
        const struct functype *f = &m->types[a], *g = &m->types[b];

        return f->nparams == g->nparams && f->nresults == g->nresults &&
               words_equal(m, a, f->params, b, g->params, f->nparams) &&
               words_equal(m, a, f->results, b, g->results, f->nresults);
}

static void find(struct canon *c, uint32_t self)
{
        uint32_t *bucket = &c->buckets[hash_type(c, self) & c->mask];

        for (uint32_t k = *bucket; k; k = c->next[k - 1]) {
                if (types_equal(c->m, k - 1, self)) {
                        c->m->canonical[self] = k - 1;
                        return;
                }
        }
        c->m->canonical[self] = self;
        c->next[self] = *bucket;
        *bucket = self + 1;
}

int decoder_canonical_types(struct decoder *d)
{
        struct module *m = d->m;
        const void *random = (const void *)(uintptr_t)getauxval(AT_RANDOM);
        _cleanup_free_ uint32_t *buckets = NULL, *next = NULL;
        struct canon c = { .m = m };
        uint32_t room = 16;

        while (room < m->ntypes)
                room *= 2;
        m->canonical = pool_alloc(d->pool, m->ntypes, sizeof(*m->canonical));
        c.buckets = buckets = calloc(room, sizeof(*buckets));
        c.next = next = calloc((size_t)m->ntypes + 1, sizeof(*next));
        if (!m->canonical || !buckets || !next)
                return decoder_no_memory(d);
        c.mask = room - 1;
        if (random)
                memcpy(&c.key, random, sizeof(c.key));
        c.key = (c.key >> 4) | 1;
        for (uint32_t i = 0; i < m->ntypes; i++)
                find(&c, i);
        return 0;
}

bool module_matches(const struct module *m, valtype t, valtype want)
{
        uint32_t heap = valtype_heap(t), wanted = valtype_heap(want);

        if (t == want || t == VAL_BOTTOM || want == VAL_BOTTOM)
                return true;
        if (!valtype_is_ref(t) || !valtype_is_ref(want) || (t & ~want & VAL_NULLABLE))
                return false;
        if (heap == wanted || heap == HEAP_BOTTOM)
                return true;
        if (heap >= HEAP_FIRST_ABSTRACT)
                return heap == HEAP_NOEXN && wanted == HEAP_EXN;
        return wanted == HEAP_FUNC || (wanted < HEAP_FIRST_ABSTRACT &&
                                       m->canonical[heap] == m->canonical[wanted]);
}
