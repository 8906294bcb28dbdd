#include <sys/mman.h>

#include "engine/instance/store.h"

#define PAGE      (UINT64_C(1) << ABI_PAGE_SHIFT)
#define BYTES_4G  (UINT64_C(1) << 32)

static uint64_t page_up(uint64_t bytes)
{
        return (bytes + PAGE - 1) & ~(PAGE - 1);
}

/* How far the memory may grow: 4 GiB, which any 32-bit access may reach; a 64-bit one as far as its
 * maximum says, within the limit. */
static uint64_t memory_room(const struct memtype *type)
{
        uint64_t limit = limits_default.memory64_pages << 16, room = BYTES_4G;

        if (type->size.is_64)
                room = memtype_bytes(type, type->size.has_max ? type->size.max : type->size.min);
        if (room > limit)
                room = limit;
        return room > BYTES_4G ? page_up(room) : BYTES_4G;
}

static int measure(const struct memtype *type, uint64_t room, uint64_t *ret_bytes,
                   struct error *err)
{
        uint64_t bytes = memtype_bytes(type, type->size.min);

        if (bytes > room)
                return error_set(err, STAGE_INSTANTIATE, -E2BIG, ERROR_NOWHERE,
                                 "a memory of %llu bytes, the limit is %llu",
                                 (unsigned long long)bytes, (unsigned long long)room);
        *ret_bytes = bytes;
        return 0;
}

int memory_measure(const struct memtype *type, uint64_t *ret_bytes, uint64_t *ret_room,
                   struct error *err)
{
        uint64_t room = memory_room(type);
        int r = measure(type, room, ret_bytes, err);

        if (r == 0)
                *ret_room = room;
        return r;
}

/* @base: where the memory of an instance's own slot begins, accessible as far as @type says;
 * NULL: the memory gets a slot of its own. */
int memory_new(struct store *s, const struct memtype *type, uint8_t *base,
               struct memory_object **ret, struct error *err)
{
        uint64_t limit = s->options.memory_max_bytes, room = memory_room(type), bytes = 0;
        uint64_t guard = ABI_GUARD_BYTES;
        struct memory_object *o;
        struct mapping map = { 0 };
        bool in_slot = base && base == s->place.base;
        int r;

        if (in_slot) {
                room = s->place.room < room ? s->place.room : room;
                guard = s->place.guard;
        }
        r = measure(type, room, &bytes, err);

        if (r < 0)
                return r;
        if (s->nmemories >= s->options.slots)
                return error_set(err, STAGE_INSTANTIATE, -E2BIG, ERROR_NOWHERE,
                                 "more than %u memories", s->options.slots);
        if (limit && (s->memory_bytes > limit || bytes > limit - s->memory_bytes))
                return error_set(err, STAGE_INSTANTIATE, -E2BIG, ERROR_NOWHERE,
                                 "a memory of %llu bytes passes the limit of %llu",
                                 (unsigned long long)bytes, (unsigned long long)limit);
        o = pool_alloc(s->pool, 1, sizeof(*o));
        if (o && !base)
                base = slot_new(0, bytes, room + guard, &map);
        if (!o || !base)
                return error_set(err, STAGE_INSTANTIATE, -ENOMEM, ERROR_NOWHERE,
                                 "no memory or address space for a memory of %llu bytes",
                                 (unsigned long long)bytes);

        *o = (struct memory_object) { .next = s->memories, .store = s, .type = *type, .base = base,
                                      .bytes = bytes, .room = room, .reserve = room + guard,
                                      .open = in_slot && s->place.open, .map = map };
        o->pages_max = room >> type->page_shift;
        if (!type->size.is_64 && o->pages_max > UINT32_MAX) /* memory.size is an i32 */
                o->pages_max = UINT32_MAX;
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
        *desc = (struct memory_desc) { .base = o->base, .bytes = o->bytes, .object = o,
                                      .room = o->room };
        return 0;
}

/* Old size in pages, or -1. */
uint64_t memory_grow(struct memory_object *o, uint64_t pages)
{
        struct store *s = o->store;
        uint64_t old = o->bytes >> o->type.page_shift, limit = s->options.memory_max_bytes, bytes;
        uint64_t open = page_up(o->bytes), end;

        if (pages > o->pages_max - old)
                return UINT64_MAX;
        bytes = pages << o->type.page_shift;
        if (limit && (s->memory_bytes > limit || bytes > limit - s->memory_bytes)) {
                s->memory_refused++;
                return UINT64_MAX;
        }
        end = page_up(o->bytes + bytes);
        if (end > open && !o->open && mprotect(o->base + open, end - open, PROT_READ | PROT_WRITE) < 0)
                return UINT64_MAX;
        o->bytes += bytes;
        s->memory_bytes += bytes;
        for (struct user *u = o->users; u; u = u->next)
                ((struct memory_desc *)u->desc)->bytes = o->bytes;
        return old;
}
