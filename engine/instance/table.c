#include "engine/instance/store.h"

static size_t element_bytes(const struct table_object *o)
{
        return table_holds_functions(o) ? sizeof(struct table_entry) : sizeof(uint64_t);
}

static void users_write(struct table_object *o)
{
        for (struct user *u = o->users; u; u = u->next) {
                struct table_desc *d = u->desc;

                d->base = o->base;
                d->length = o->length;
        }
}

/* Zeroed memory is an empty table, so that a large one costs nothing before it is used. */
static bool table_reserve(struct table_object *o, uint64_t length)
{
        uint64_t room = o->room * 2 < o->length_max ? o->room * 2 : o->length_max;
        void *base;

        if (length <= o->room)
                return true;
        if (room < length)
                room = length;
        base = store_array(o->store, room, element_bytes(o));
        if (!base)
                return false;
        if (o->length)
                memcpy(base, o->base, o->length * element_bytes(o));
        if (o->base)
                store_array_free(o->store, o->base);
        o->base = base;
        o->room = room;
        return true;
}

int table_new(struct store *s, const struct tabletype *type, struct instance *owner,
              struct table_object **ret, struct error *err)
{
        uint64_t n = type->size.min, limit = s->options.table_max_elements;
        struct table_object *o;

        if (n > limit - s->table_elements)
                return error_set(err, STAGE_INSTANTIATE, -E2BIG, ERROR_NOWHERE,
                                 "a table of %llu elements passes the limit of %llu",
                                 (unsigned long long)n, (unsigned long long)limit);
        o = pool_alloc(s->pool, 1, sizeof(*o));
        if (!o)
                return error_set(err, STAGE_INSTANTIATE, -ENOMEM, ERROR_NOWHERE,
                                 "no memory for a table");
        *o = (struct table_object) { .store = s, .type = *type, .private_to = owner };
        o->length_max = limits_default.table_elements;
        if (type->size.has_max && type->size.max < o->length_max)
                o->length_max = type->size.max;
        if (n <= limits_default.table_elements && !store_memory_take(s, n * element_bytes(o)))
                return error_set(err, STAGE_INSTANTIATE, -E2BIG, ERROR_NOWHERE,
                                 "a table of %llu elements passes the limit of memory, %llu bytes",
                                 (unsigned long long)n, (unsigned long long)s->options.memory_max_bytes);
        if (n > limits_default.table_elements || !table_reserve(o, n))
                return error_set(err, STAGE_INSTANTIATE, -ENOMEM, ERROR_NOWHERE,
                                 "no memory for a table of %llu elements", (unsigned long long)n);
        o->length = n;
        o->next = s->tables;
        s->tables = o;
        s->table_elements += n;
        *ret = o;
        return 0;
}

/* The form of a function reference in table @o (store.h). */
static struct table_entry entry_of(const struct table_object *o, const struct table_entry *ref)
{
        if (!ref || ref->type == TYPE_NONE)
                return (struct table_entry) { .type = TYPE_NONE };
        if (ref->owner == o->private_to &&
            ref->function >= ref->owner->module->imported_functions)
                return entry_direct(ref->owner, ref->function);
        return *instance_funcref(ref->owner, ref->function);
}

void table_store(struct table_object *o, uint64_t at, uint64_t ref)
{
        o->store->arrays_written = true;
        if (table_holds_functions(o))
                ((struct table_entry *)o->base)[at] = entry_of(o, (struct table_entry *)ref);
        else
                ((uint64_t *)o->base)[at] = ref;
}

int table_use(struct table_object *o, struct table_desc *desc, struct instance *user)
{
        struct user *u = pool_alloc(o->store->pool, 1, sizeof(*u));

        if (!u)
                return -ENOMEM;
        if (o->private_to && o->private_to != user) {
                o->private_to = NULL;
                for (uint64_t i = 0; table_holds_functions(o) && i < o->length; i++) {
                        struct table_entry *e = (struct table_entry *)o->base + i;

                        *e = entry_of(o, e);
                }
        }
        *u = (struct user) { o->users, desc };
        o->users = u;
        *desc = (struct table_desc) { .base = o->base, .length = o->length, .object = o };
        return 0;
}

/* Old length, or -1. */
uint64_t table_grow(struct table_object *o, uint64_t n, uint64_t ref)
{
        struct store *s = o->store;
        uint64_t old = o->length;

        if (n > o->length_max - old || n > s->options.table_max_elements - s->table_elements ||
            !store_memory_take(s, n * element_bytes(o)))
                return UINT64_MAX;
        if (!table_reserve(o, old + n)) {
                s->memory_bytes -= n * element_bytes(o);
                return UINT64_MAX;
        }
        o->length += n;
        s->table_elements += n;
        for (uint64_t i = old; ref && i < o->length; i++)
                table_store(o, i, ref);
        users_write(o);
        return old;
}

void table_done(struct table_object *o)
{
        if (o->base)
                store_array_free(o->store, o->base);
        o->base = NULL;
}
