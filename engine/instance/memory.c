#include <sys/mman.h>

#include "engine/instance/store.h"

/* What any access of a 32-bit memory without a check can reach (abi.h). */
uint64_t memory_reserve_bytes(void)
{
        return (UINT64_C(1) << 32) + ABI_GUARD_BYTES;
}

/* @base: where the memory of an instance's own slot begins, accessible as far as @type says;
 * NULL: the memory gets a slot of its own. */
int memory_new(struct store *s, const struct memtype *type, uint8_t *base,
               struct memory_object **ret, struct error *err)
{
        uint64_t bytes = type->size.min << type->page_shift;
        uint64_t limit = s->options.memory_max_bytes;
        struct memory_object *o;
        struct mapping map = { 0 };

        if (s->nmemories >= s->options.slots)
                return error_set(err, STAGE_INSTANTIATE, -E2BIG, ERROR_NOWHERE,
                                 "more than %u memories", s->options.slots);
        if (limit && bytes > limit - s->memory_bytes)
                return error_set(err, STAGE_INSTANTIATE, -E2BIG, ERROR_NOWHERE,
                                 "a memory of %llu bytes passes the limit of %llu",
                                 (unsigned long long)bytes, (unsigned long long)limit);
        o = pool_alloc(s->pool, 1, sizeof(*o));
        if (o && !base)
                base = slot_new(0, bytes, memory_reserve_bytes(), &map);
        if (!o || !base)
                return error_set(err, STAGE_INSTANTIATE, -ENOMEM, ERROR_NOWHERE,
                                 "no memory or address space for a memory of %llu bytes",
                                 (unsigned long long)bytes);

        *o = (struct memory_object) { .next = s->memories, .store = s, .type = *type, .base = base,
                                      .bytes = bytes, .map = map };
        o->pages_max = (UINT64_C(1) << 32) >> type->page_shift;
        if (type->size.has_max && type->size.max < o->pages_max)
                o->pages_max = type->size.max;
        s->memories = o;
        s->nmemories++;
        s->memory_bytes += bytes;
        *ret = o;
        return 0;
}

int memory_use(struct memory_object *o, struct memory_desc *desc)
{
        struct user *u = pool_alloc(o->store->pool, 1, sizeof(*u));

        if (!u)
                return -ENOMEM;
        *u = (struct user) { o->users, desc };
        o->users = u;
        *desc = (struct memory_desc) { .base = o->base, .bytes = o->bytes, .object = o };
        return 0;
}

/* Old size in pages, or -1. */
uint64_t memory_grow(struct memory_object *o, uint64_t pages)
{
        struct store *s = o->store;
        uint64_t old = o->bytes >> o->type.page_shift, limit = s->options.memory_max_bytes, bytes;

        if (pages > o->pages_max - old)
                return UINT64_MAX;
        bytes = pages << o->type.page_shift;
        if (limit && bytes > limit - s->memory_bytes)
                return UINT64_MAX;
        if (bytes && mprotect(o->base + o->bytes, bytes, PROT_READ | PROT_WRITE) < 0)
                return UINT64_MAX;
        o->bytes += bytes;
        s->memory_bytes += bytes;
        for (struct user *u = o->users; u; u = u->next)
                ((struct memory_desc *)u->desc)->bytes = o->bytes;
        return old;
}
