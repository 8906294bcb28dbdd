#include <sys/mman.h>

#include "engine/instance/slot.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

#define BYTES_4G        (UINT64_C(1) << 32)
#define BYTES_2M        (UINT64_C(2) << 20)
#define ADDRESS_BYTES   (UINT64_C(1) << 47)
#define KEEP_BYTES      ((size_t)64 << 10)
#define INSTANCE_BYTES  ((size_t)2 << 20)
#define DENSE_INSTANCE_BYTES ((size_t)64 << 10)

static struct slots_options with_defaults(const struct slots_options *o)
{
        struct slots_options r = *o;

        if (!r.stack_bytes)
                r.stack_bytes = FIBER_STACK_BYTES;
        if (r.stack_bytes < (64u << 10) + FIBER_HOST_BYTES)
                r.stack_bytes = (64u << 10) + FIBER_HOST_BYTES;
        if (!r.instance_bytes)
                r.instance_bytes = r.memory_bytes ? DENSE_INSTANCE_BYTES : INSTANCE_BYTES;
        if (!r.keep_bytes)
                r.keep_bytes = KEEP_BYTES;
        r.stack_bytes = slot_page_up(r.stack_bytes);
        r.instance_bytes = slot_page_up(r.instance_bytes);
        r.keep_bytes = slot_page_up(r.keep_bytes);
        r.memory_bytes = slot_page_up(r.memory_bytes);
        return r;
}

static uint64_t below_of(const struct slots_options *o)
{
        return ABI_STACK_GUARD + o->stack_bytes + o->instance_bytes;
}

/* A default slot begins its memory half a table of pages after the table's begin: instance and the first
 * memory share one, and the kernel has one page less to keep. */
static uint64_t stride_of(const struct slots_options *o)
{
        uint64_t below = below_of(o);

        if (o->memory_bytes)
                return below + o->memory_bytes;
        return (below + BYTES_4G + ABI_GUARD_BYTES + BYTES_2M - 1) & ~(BYTES_2M - 1);
}

int slots_measure(const struct slots_options *wanted, struct slots_figures *ret, struct error *err)
{
        struct slots_options o;
        uint64_t stride, limit = ABI_INSTANCE_MAX;

        if (!wanted->count || wanted->stack_bytes > limit || wanted->instance_bytes > limit ||
            wanted->keep_bytes > BYTES_4G || wanted->memory_bytes > BYTES_4G)
                return error_set(err, STAGE_INSTANTIATE, -EINVAL, ERROR_NOWHERE,
                                 "slots of such a size cannot be");
        o = with_defaults(wanted);
        if (below_of(&o) > ABI_INSTANCE_MAX)
                return error_set(err, STAGE_INSTANTIATE, -EINVAL, ERROR_NOWHERE,
                                 "stack and instance of a slot take more than %llu bytes",
                                 (unsigned long long)ABI_INSTANCE_MAX);
        stride = stride_of(&o);
        if (stride > ADDRESS_BYTES / ((uint64_t)o.count + SLOTS_SPARE))
                return error_set(err, STAGE_INSTANTIATE, -E2BIG, ERROR_NOWHERE,
                                 "%u slots of %llu bytes do not fit the address space", o.count,
                                 (unsigned long long)stride);
        *ret = (struct slots_figures) { .slot_bytes = stride,
                                        .all_bytes = stride * ((uint64_t)o.count + SLOTS_SPARE),
                                        .mappings = o.memory_bytes ? 0 : 2 };
        return 0;
}

static uint8_t *reserve_bytes(const struct slots *s, uint64_t bytes)
{
        int protection = s->dense ? PROT_READ | PROT_WRITE : PROT_NONE;
        void *p = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        return p == MAP_FAILED ? NULL : p;
}

/* As many of @n slots as one gap holds. A program that was loaded in the middle of the address space leaves two. */
static uint32_t reserve_span(struct slots *s, uint32_t number, uint32_t n)
{
        struct span *p = &s->spans[s->nspans];
        uint8_t *start = NULL;
        uintptr_t at;

        for (; n; n -= n / 16 + 1) {
                p->map.bytes = s->stride * n + BYTES_2M;
                start = reserve_bytes(s, p->map.bytes);
                if (start)
                        break;
        }
        if (!start)
                return 0;
        /* A large page would make an idle slot cost 2 MiB. */
        if (s->dense)
                (void)madvise(start, p->map.bytes, MADV_NOHUGEPAGE);
        at = (uintptr_t)start + s->below;
        if (!s->dense)
                at = ((at - BYTES_2M / 2 + BYTES_2M - 1) & ~(uintptr_t)(BYTES_2M - 1)) + BYTES_2M / 2;
        p->map.start = start;
        p->first = (uint8_t *)at;
        p->number = number;
        p->n = n;
        s->nspans++;
        return n;
}

static int reserve(struct slots *s)
{
        uint32_t all = s->o.count + SLOTS_SPARE, done = 0;

        while (done < all && s->nspans < SPANS_MAX) {
                uint32_t n = reserve_span(s, done, all - done);

                if (!n)
                        break;
                done += n;
        }
        return done < all ? -ENOMEM : 0;
}

int slots_new(const struct slots_options *o, struct slots **ret, struct error *err)
{
        struct slots_figures figures;
        struct slots *s;
        int r = slots_measure(o, &figures, err);

        if (r < 0)
                return r;
        s = calloc(1, sizeof(*s));
        if (s)
                s->free = calloc(o->count, sizeof(*s->free));
        if (!s || !s->free) {
                free(s);
                return error_set(err, STAGE_INSTANTIATE, -ENOMEM, ERROR_NOWHERE, "%u slots", o->count);
        }
        s->o = with_defaults(o);
        s->dense = s->o.memory_bytes != 0;
        s->below = below_of(&s->o);
        s->stride = figures.slot_bytes;
        s->room = s->dense ? s->o.memory_bytes : BYTES_4G;
        r = reserve(s);
        if (r < 0) {
                slots_free(s);
                return error_set(err, STAGE_INSTANTIATE, r, ERROR_NOWHERE,
                                 "no address space for %u slots of %llu bytes", o->count,
                                 (unsigned long long)figures.slot_bytes);
        }
        *ret = s;
        return 0;
}

void slots_free(struct slots *s)
{
        if (!s)
                return;
        if (s->templates)
                abort();
        for (unsigned k = 0; k < s->nspans; k++)
                slot_free(&s->spans[k].map);
        free(s->free);
        free(s);
}

void slots_state(const struct slots *s, struct slots_state *ret)
{
        *ret = (struct slots_state) { .count = s->o.count, .opened = s->fresh, .busy = s->busy,
                                      .warm = s->warm };
}

int slots_open(struct slots *s, uint32_t number, uint64_t memory)
{
        uint8_t *base = slots_base(s, number), *stack = slots_stack(s, base);
        size_t bytes = (size_t)(base - stack) + slot_page_up(memory);

        if (!s->dense)
                return mprotect(stack, bytes, PROT_READ | PROT_WRITE) < 0 ? -errno : 0;
        /* The stack of a dense slot begins where the memory of the one before ends. */
        if (madvise(stack - ABI_STACK_GUARD, ABI_STACK_GUARD, MADV_GUARD_INSTALL) == 0)
                return 0;
        return mprotect(stack - ABI_STACK_GUARD, ABI_STACK_GUARD, PROT_NONE) < 0 ? -errno : 0;
}

void slots_close(struct slots *s, uint32_t number, uint64_t memory)
{
        uint8_t *base = slots_base(s, number), *stack = slots_stack(s, base);
        size_t bytes = (size_t)(base - stack) + slot_page_up(memory);

        if (s->dense) {
                if (madvise(stack, bytes, MADV_DONTNEED) < 0)
                        memset(stack, 0, bytes);
        } else if (mmap(stack, bytes, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED) {
                abort(); /* what a guest left must not be met by the next */
        }
}
