/* What compiled code calls through the thunks of x64/thunks.S. Every function checks all its bounds
 * before it writes a byte or an element, without sums that could wrap. */
#include "engine/instance/builtins.h"

#include "engine/instance/store.h"

/* Large work is done in pieces, and between them others have their turn or the guest is ended: what
 * the first pieces did is then there, as if the guest had done it byte by byte. */
#define PIECE_BYTES   (UINT64_C(128) << 10)
#define PIECE_ENTRIES UINT64_C(4096)

static uint64_t piece(uint64_t left, uint64_t most)
{
        return left < most ? left : most;
}

/* @index, or 0 when it is not below @n, without a branch: the one before may have been guessed wrongly. In assembly,
 * since the compiler knows from that branch that it is below. */
static uint64_t mask_below(uint64_t index, uint64_t n)
{
#if defined(__x86_64__)
        uint64_t mask;

        __asm__("cmp %2, %1\n\tsbb %0, %0" : "=r"(mask) : "r"(index), "r"(n) : "cc");
        return index & mask;
#else
        __asm__("cmp %0, %1\n\tcsel %0, %0, xzr, lo" : "+r"(index) : "r"(n) : "cc");
        return index;
#endif
}

static bool inside(uint64_t at, uint64_t n, uint64_t size)
{
        return n <= size && at <= size - n;
}

uint64_t builtin_memory_grow(uint32_t memory, uint64_t pages)
{
        uint64_t old = memory_grow(instance_current()->memories[memory], pages);

        fiber_breathe();
        return old;
}

void builtin_memory_fill(uint32_t memory, uint64_t to, uint32_t byte, uint64_t n)
{
        const struct memory_object *o = instance_current()->memories[memory];

        if (!inside(to, n, o->bytes))
                trap_raise(TRAP_MEMORY_BOUNDS, NULL);
        for (uint64_t done = 0, k; done < n; done += k, fiber_breathe()) {
                k = piece(n - done, PIECE_BYTES);
                memset(o->base + to + done, (int)(byte & 0xff), k);
        }
}

static void move_bytes(uint8_t *to, const uint8_t *from, uint64_t n)
{
        uint64_t k;

        if (n <= PIECE_BYTES) {
                memmove(to, from, n);
                fiber_breathe();
        } else if ((uintptr_t)to - (uintptr_t)from >= n) {
                /* Forwards does not overwrite what is to come: @to is below, or behind all of @from. */
                for (uint64_t done = 0; done < n; done += k, fiber_breathe()) {
                        k = piece(n - done, PIECE_BYTES);
                        memmove(to + done, from + done, k);
                }
        } else {
                for (; n; n -= k, fiber_breathe()) {
                        k = piece(n, PIECE_BYTES);
                        memmove(to + n - k, from + n - k, k);
                }
        }
}

void builtin_memory_copy(uint32_t to_memory, uint32_t from_memory, uint64_t to, uint64_t from,
                         uint64_t n)
{
        struct instance *i = instance_current();
        const struct memory_object *d = i->memories[to_memory], *s = i->memories[from_memory];

        if (!inside(to, n, d->bytes) || !inside(from, n, s->bytes))
                trap_raise(TRAP_MEMORY_BOUNDS, NULL);
        move_bytes(d->base + to, s->base + from, n);
}

void builtin_memory_init(uint32_t segment, uint32_t memory, uint64_t to, uint64_t from, uint64_t n)
{
        struct instance *i = instance_current();

        if (!segment_bytes_inside(i, segment, i->memories[memory], to, from, n))
                trap_raise(TRAP_MEMORY_BOUNDS, NULL);
        for (uint64_t done = 0, k; done < n; done += k, fiber_breathe()) {
                k = piece(n - done, PIECE_BYTES);
                (void)segment_copy_bytes(i, segment, i->memories[memory], to + done, from + done, k);
        }
}

void builtin_data_drop(uint32_t segment)
{
        instance_current()->data_dropped[segment] = true;
}

uint64_t builtin_table_get(uint32_t table, uint64_t index)
{
        const struct table_object *o = instance_current()->tables[table];
        const struct table_entry *e;

        if (index >= o->length)
                trap_raise(TRAP_TABLE_BOUNDS, NULL);
        index = mask_below(index, o->length);
        if (!table_holds_functions(o))
                return ((const uint64_t *)o->base)[index];
        e = (const struct table_entry *)o->base + index;
        return e->type == TYPE_NONE ? 0 : (uintptr_t)instance_funcref(e->owner, e->function);
}

void builtin_table_set(uint32_t table, uint64_t index, uint64_t ref)
{
        struct table_object *o = instance_current()->tables[table];

        if (index >= o->length)
                trap_raise(TRAP_TABLE_BOUNDS, NULL);
        table_store(o, mask_below(index, o->length), ref);
}

uint64_t builtin_table_grow(uint32_t table, uint64_t ref, uint64_t n)
{
        uint64_t old = table_grow(instance_current()->tables[table], n, ref);

        fiber_breathe();
        return old;
}

void builtin_table_fill(uint32_t table, uint64_t to, uint64_t ref, uint64_t n)
{
        struct table_object *o = instance_current()->tables[table];

        if (!inside(to, n, o->length))
                trap_raise(TRAP_TABLE_BOUNDS, NULL);
        for (uint64_t k = 0; k < n; k++) {
                table_store(o, to + k, ref);
                if (k % PIECE_ENTRIES == PIECE_ENTRIES - 1)
                        fiber_breathe();
        }
        fiber_breathe();
}

/* Entries change their form on the way between a private and a shared table (store.h). */
static void copy_entries(struct table_object *d, const struct table_object *s, uint64_t to,
                         uint64_t from, uint64_t n)
{
        const struct table_entry *e = (const struct table_entry *)s->base + from;

        d->store->arrays_written = true;
        if (d->private_to == s->private_to) {
                move_bytes((uint8_t *)((struct table_entry *)d->base + to), (const uint8_t *)e,
                           n * sizeof(*e));
                return;
        }
        for (uint64_t k = 0; k < n; k++) {
                table_store(d, to + k, (uintptr_t)&e[k]);
                if (k % PIECE_ENTRIES == PIECE_ENTRIES - 1)
                        fiber_breathe();
        }
}

void builtin_table_copy(uint32_t to_table, uint32_t from_table, uint64_t to, uint64_t from,
                        uint64_t n)
{
        struct instance *i = instance_current();
        struct table_object *d = i->tables[to_table], *s = i->tables[from_table];

        if (!inside(to, n, d->length) || !inside(from, n, s->length))
                trap_raise(TRAP_TABLE_BOUNDS, NULL);
        if (!n)
                return;
        if (table_holds_functions(d)) {
                copy_entries(d, s, to, from, n);
        } else {
                d->store->arrays_written = true;
                move_bytes((uint8_t *)((uint64_t *)d->base + to),
                           (const uint8_t *)((uint64_t *)s->base + from), n * sizeof(uint64_t));
        }
}

void builtin_table_init(uint32_t segment, uint32_t table, uint64_t to, uint64_t from, uint64_t n)
{
        struct instance *i = instance_current();

        if (!segment_elements_inside(i, segment, i->tables[table], to, from, n))
                trap_raise(TRAP_TABLE_BOUNDS, NULL);
        for (uint64_t done = 0, k; done < n; done += k, fiber_breathe()) {
                k = piece(n - done, PIECE_ENTRIES);
                (void)segment_copy_elements(i, segment, i->tables[table], to + done, from + done, k);
        }
}

void builtin_elem_drop(uint32_t segment)
{
        segment_drop(instance_current(), segment);
}

uint64_t builtin_exception_new(uint32_t tag)
{
        struct instance *i = instance_current();
        struct exception *e = exception_new(i->store, i->tags[tag]);

        if (!e)
                trap_raise(TRAP_EXCEPTIONS, NULL);
        return (uintptr_t)e;
}

uint32_t builtin_exception_catch(uint32_t tag, uint32_t keep, uint64_t exception)
{
        struct instance *i = instance_current();

        return exception_catch(i->store, tag == UINT32_MAX ? NULL : i->tags[tag], keep,
                               (struct exception *)exception);
}

uint64_t builtin_ref_func(uint32_t function)
{
        return (uintptr_t)instance_funcref(instance_current(), function);
}
