#include "engine/instance/slot.h"

#include <sys/mman.h>

#define IMAGE_OWN_MAX (UINT64_C(256) << 20) /* of memory that segments with computed places fill */

static int no_memory(struct error *err)
{
        return error_set(err, STAGE_INSTANTIATE, -ENOMEM, ERROR_NOWHERE, "no memory for a template");
}

/* Why instances of @m with these imports cannot lie in one slot each; NULL when they can. */
static const char *why_not(const struct slots *s, const struct artefact *a,
                           const struct extern_value *imports)
{
        const struct module *m = a->module;

        for (uint32_t k = 0; k < m->nimports; k++)
                if (imports[k].kind != EXTERN_FUNC || imports[k].instance || !imports[k].host)
                        return "it imports what is not a function of the host";
        if ((m->features_used | a->checked->features_used) >> FEATURE_GC & 1)
                return "it has a heap of structures and arrays";
        if (m->nmemories > 1)
                return "it has several memories";
        if (m->nmemories &&
            memtype_bytes(&m->memories[0].type, m->memories[0].type.size.min) > s->room)
                return "its memory does not fit a slot";
        return NULL;
}

/* Where everything is, in a slot whose base is @base. */
struct geometry {
        uint8_t *base, *arrays, *head, *objects;
        size_t arrays_bytes, objects_bytes; /* of the pools */
};

static struct geometry geometry_of(const struct template *t, uint32_t number, size_t objects,
                                   size_t arrays)
{
        uint8_t *base = slots_base(t->slots, number);
        struct geometry g = { .base = base, .arrays_bytes = arrays, .objects_bytes = objects };

        g.objects = base - t->a->layout.bytes - objects;
        g.head = g.objects - slot_head_bytes();
        g.arrays = g.head - arrays;
        return g;
}

/* Instantiate in the place of @g, which is zeroed. The pools' sizes become what was used of them. */
static int build(struct template *t, struct geometry *g, struct instance **ret,
                 struct trap_info *trap, struct error *err)
{
        struct pool *objects = pool_new_at(g->objects, g->objects_bytes);
        struct pool *arrays = pool_new_at(g->arrays, g->arrays_bytes);
        struct store *s = objects && arrays ? pool_alloc(objects, 1, sizeof(*s)) : NULL;
        int r = -ENOMEM;

        if (!s) {
                no_memory(err);
        } else {
                s->pool = objects;
                s->arrays = arrays;
                s->types = t->home->types;
                s->place = (struct place) {
                        .base = g->base, .low = g->arrays, .room = t->slots->room,
                        .guard = t->slots->dense ? 0 : ABI_GUARD_BYTES, .open = t->slots->dense,
                        .copy_image = !t->image_mapped,
                };
                store_init(s, &t->options);
                r = instance_create(s, t->loaded, t->imports, NULL, ret, trap, err);
                s->pool = s->arrays = NULL;
                s->arrays_written = false;
        }
        if (r == 0) {
                g->objects_bytes = POOL_HEAD_BYTES + pool_used(objects);
                g->arrays_bytes = POOL_HEAD_BYTES + pool_used(arrays);
        }
        pool_free(objects);
        pool_free(arrays);
        return r;
}

/* What of two blocks is the same is content, what differs as their bases do is an address. */
static bool compare(struct block *b, const uint8_t *one, const uint8_t *two, size_t size,
                    uintptr_t base_one, uintptr_t base_two)
{
        b->size = size;
        b->bytes = malloc(size + 1);
        b->addresses = calloc(size / 8 + 1, sizeof(*b->addresses));
        if (!b->bytes || !b->addresses)
                return false;
        memcpy(b->bytes, one, size);
        for (size_t at = 0; at < size; at += 8) {
                uint64_t x, y;

                memcpy(&x, one + at, 8);
                memcpy(&y, two + at, 8);
                if (x == y)
                        continue;
                if (y - x != base_two - base_one)
                        return false;
                x -= base_one;
                memcpy(b->bytes + at, &x, 8);
                b->addresses[b->naddresses++] = (uint32_t)at;
        }
        return true;
}

static void block_write(const struct block *b, uint8_t *to, uint8_t *base)
{
        memcpy(to, b->bytes, b->size);
        for (uint32_t k = 0; k < b->naddresses; k++)
                *(uintptr_t *)(to + b->addresses[k]) += (uintptr_t)base;
}

static void block_done(struct block *b)
{
        free(b->bytes);
        free(b->addresses);
        *b = (struct block) { 0 };
}

/* Active segments whose places are computed, or that would not fold: the memory as it is now. */
static int keep_memory(struct template *t, const uint8_t *base, struct error *err)
{
        const struct module *m = t->a->module;
        uint64_t low = 0, high = t->memory_bytes;
        bool folded = true;

        for (uint32_t k = 0; k < m->ndatas; k++)
                folded &= m->datas[k].mode != SEGMENT_ACTIVE || !m->datas[k].bytes.size;
        if (folded)
                return 0;
        if (high > IMAGE_OWN_MAX)
                high = IMAGE_OWN_MAX;
        while (low + 8 <= high && *(const uint64_t *)(base + low) == 0)
                low += 8;
        while (high > low && base[high - 1] == 0)
                high--;
        low &= ~(uint64_t)(SLOT_PAGE - 1);
        t->image_own = malloc(high - low + 1);
        if (!t->image_own)
                return no_memory(err);
        memcpy(t->image_own, base + low, high - low);
        t->image = t->image_own;
        t->image_at = low;
        t->image_bytes = high - low;
        t->image_mapped = false;
        return 0;
}

/* Make the instance at three places: to see how much it needs, and twice more, to compare. */
static int prove(struct template *t, struct trap_info *trap, struct error *err)
{
        struct slots *s = t->slots;
        const uint32_t number[2] = { s->o.count, s->o.count + 1 };
        size_t all = s->o.instance_bytes - t->a->layout.bytes - slot_head_bytes();
        struct geometry g[2];
        struct instance *i[2] = { NULL };
        int r = 0;

        for (unsigned k = 0; k < 3 && r == 0; k++) {
                unsigned at = k ? k - 1 : 0;
                size_t objects = k ? g[0].objects_bytes : (all / 4) & ~(size_t)15;
                size_t arrays = k ? g[0].arrays_bytes : (all - objects) & ~(size_t)15;

                r = slots_open(s, number[at], t->memory_bytes);
                if (r < 0)
                        return error_set(err, STAGE_INSTANTIATE, r, ERROR_NOWHERE,
                                         "no memory for a slot");
                g[at] = geometry_of(t, number[at], objects, arrays);
                r = build(t, &g[at], &i[at], trap, err);
                if (k == 0 || r < 0)
                        slots_close(s, number[at], t->memory_bytes);
                if (k == 2 && r < 0)
                        slots_close(s, number[0], t->memory_bytes);
        }
        if (r < 0)
                return r;
        if (!compare(&t->arrays, g[0].arrays, g[1].arrays, g[0].arrays_bytes, (uintptr_t)g[0].base,
                     (uintptr_t)g[1].base) ||
            !compare(&t->objects, g[0].objects, g[1].objects,
                     (size_t)(g[0].base - g[0].objects), (uintptr_t)g[0].base,
                     (uintptr_t)g[1].base))
                t->why = "two instances of it differ by more than their addresses";
        t->instance_at = (size_t)(g[0].base - (uint8_t *)i[0]);
        t->least_bytes = i[0]->store->memory_bytes;
        t->store_at = (size_t)(g[0].base - (uint8_t *)i[0]->store);
        r = keep_memory(t, g[0].base, err);
        for (unsigned k = 0; k < 2; k++)
                slots_close(s, number[k], t->memory_bytes);
        return r;
}

static int prepare(struct template *t, struct trap_info *trap, struct error *err)
{
        const struct artefact *a = t->a;
        const struct module *m = a->module;
        struct slots *s = t->slots;
        int r;

        if (a->layout.bytes + slot_head_bytes() + 1024 > s->o.instance_bytes) {
                t->why = "what it has beside its memory does not fit a slot";
                return 0;
        }
        if (m->nmemories) {
                t->memory_bytes = memtype_bytes(&m->memories[0].type, m->memories[0].type.size.min);
                t->image = a->bytes + a->image.offset;
                t->image_at = a->image_at;
                t->image_bytes = a->image.size;
                /* One mapping more for a slot: only for what is worth it, and never for dense slots. */
                t->image_mapped = t->image_bytes && t->fd >= 0 && !s->dense &&
                                  a->image_at + a->image.size > s->o.keep_bytes;
        }
        r = prove(t, trap, err);
        if (r == -ENOMEM) { /* of the slot, more likely than of the heap */
                t->why = "its tables do not fit a slot";
                return 0;
        }
        return r;
}

int template_new(struct slots *s, const struct store_options *options, const struct artefact *a,
                 void *code, int fd, const struct extern_value *imports, struct template **ret,
                 struct trap_info *trap, struct error *err)
{
        struct template *t;
        int r;

        if (s->dense != a->dense)
                return error_set(err, STAGE_INSTANTIATE, -EINVAL, ERROR_NOWHERE,
                                 s->dense ? "code that needs guards, for dense slots"
                                          : "code for dense slots, and these have guards");
        t = calloc(1, sizeof(*t));
        if (t)
                t->imports = calloc((size_t)a->module->nimports + 1, sizeof(*t->imports));
        if (!t || !t->imports) {
                free(t);
                return no_memory(err);
        }
        t->slots = s;
        t->next = s->templates;
        s->templates = t;
        t->options = *options;
        t->a = a;
        t->code = code;
        t->fd = fd;
        if (a->module->nimports)
                memcpy(t->imports, imports, a->module->nimports * sizeof(*t->imports));
        r = store_new(options, &t->home, err);
        if (r == 0)
                r = loaded_module_new(t->home, a, code, fd, &t->loaded, err);
        if (r == 0)
                t->why = why_not(s, a, imports);
        if (r == 0 && !t->why)
                r = prepare(t, trap, err);
        if (r < 0) {
                template_free(t);
                return r;
        }
        *ret = t;
        return 0;
}

/* A warm slot of @t is as one that was never used. */
static void unbind(struct template *t)
{
        struct slot *slot = t->warm;
        struct slots *s = t->slots;
        uint32_t number = slot->number;

        t->warm = slot->next;
        s->warm--;
        slots_close(s, number, t->memory_bytes);
        s->free[s->nfree++] = number;
}

bool template_busy(const struct template *t)
{
        return t->busy != 0;
}

bool template_shrink(struct template *t, unsigned most)
{
        while (t->warm && most--)
                unbind(t);
        return !t->warm;
}

void template_free(struct template *t)
{
        if (!t)
                return;
        if (t->busy)
                abort();
        while (t->warm)
                unbind(t);
        for (struct template **p = &t->slots->templates; *p; p = &(*p)->next)
                if (*p == t) {
                        *p = t->next;
                        break;
                }
        block_done(&t->arrays);
        block_done(&t->objects);
        free(t->image_own);
        free(t->imports);
        store_free(t->home);
        free(t);
}

/* A slot's number; when there is none, one that is warm for another template. */
static int free_number(struct slots *s, uint32_t *ret)
{
        struct template *most = NULL;

        if (s->nfree) {
                *ret = s->free[--s->nfree];
                return 0;
        }
        if (s->fresh < s->o.count) {
                *ret = s->fresh++;
                return 0;
        }
        for (struct template *t = s->templates; t; t = t->next)
                if (t->warm && (!most || t->bound > most->bound))
                        most = t;
        if (!most)
                return -EAGAIN;
        unbind(most);
        *ret = s->free[--s->nfree];
        return 0;
}

/* A slot becomes one of @t. */
static int bind_slot(struct template *t, struct slot **ret, struct error *err)
{
        struct slots *s = t->slots;
        struct geometry g;
        struct slot *slot;
        uint32_t number;
        int r = free_number(s, &number);

        if (r < 0)
                return error_set(err, STAGE_INSTANTIATE, r, ERROR_NOWHERE, "all %u slots are taken",
                                 s->o.count);
        r = slots_open(s, number, t->memory_bytes);
        if (r == 0) {
                r = slot_image(t, slots_base(s, number));
                if (r < 0)
                        slots_close(s, number, t->memory_bytes);
        }
        if (r < 0) {
                s->free[s->nfree++] = number;
                return error_set(err, STAGE_INSTANTIATE, r, ERROR_NOWHERE, "no memory for a slot");
        }
        g = geometry_of(t, number, t->objects.size - t->a->layout.bytes, t->arrays.size);
        block_write(&t->arrays, g.arrays, g.base);
        block_write(&t->objects, g.objects, g.base);
        slot = (struct slot *)g.head;
        *slot = (struct slot) { .template = t, .base = g.base, .number = number,
                                .instance = (struct instance *)(g.base - t->instance_at),
                                .store = (struct store *)(g.base - t->store_at) };
        slot->fiber = fiber_place(g.objects - fiber_bytes(), slots_stack(s, g.base), g.arrays);
        slot->instance->slot = slot;
        t->bound++;
        *ret = slot;
        return 0;
}

/* As one would without slots. */
static int make_anew(struct template *t, struct slot **ret, struct trap_info *trap, struct error *err)
{
        struct slot *slot = calloc(1, sizeof(*slot));
        struct loaded_module *l;
        int r;

        if (!slot)
                return no_memory(err);
        slot->template = t;
        r = store_new(&t->options, &slot->store, err);
        if (r == 0)
                r = loaded_module_new(slot->store, t->a, t->code, t->fd, &l, err);
        if (r == 0)
                r = instance_create(slot->store, l, t->imports, NULL, &slot->instance, trap, err);
        if (r == 0)
                r = fiber_new(t->slots->o.stack_bytes, &slot->fiber, err);
        if (r < 0) {
                store_free(slot->store);
                free(slot);
                return r;
        }
        slot->instance->slot = slot;
        *ret = slot;
        return 0;
}

int template_take(struct template *t, void *host, uint64_t memory_max, struct instance **ret,
                  struct trap_info *trap, struct error *err)
{
        struct slot *slot = t->warm;
        int r = 0;

        if (memory_max && t->least_bytes > memory_max)
                return error_set(err, STAGE_INSTANTIATE, -E2BIG, ERROR_NOWHERE,
                                 "memories and tables of %llu bytes pass the limit of %llu",
                                 (unsigned long long)t->least_bytes, (unsigned long long)memory_max);
        if (_likely_(slot != NULL)) {
                t->warm = slot->next;
                t->slots->warm--;
        } else {
                uint64_t before = t->options.memory_max_bytes;

                t->options.memory_max_bytes = memory_max;
                r = t->why ? make_anew(t, &slot, trap, err) : bind_slot(t, &slot, err);
                t->options.memory_max_bytes = before;
        }
        if (r < 0)
                return r;
        slot->busy = true;
        slot->uses++;
        slot->instance->host = host;
        slot->store->options.memory_max_bytes = memory_max;
        t->busy++;
        t->taken++;
        t->slots->busy++;
        *ret = slot->instance;
        return 0;
}

/* What the heap holds for a guest is found through its objects: first of all. */
static void free_heap(struct store *s)
{
        if (s->exceptions || s->spare || s->thrown)
                exceptions_done(s);
        for (struct table_object *o = s->tables; o; o = o->next)
                table_done(o);
}

/* What the guest made of its slot is undone. */
static void reset(struct slot *slot, uint64_t bytes)
{
        struct template *t = slot->template;

        if (slot->store->arrays_written)
                block_write(&t->arrays, (uint8_t *)slot - t->arrays.size, slot->base);
        block_write(&t->objects, slot->base - t->objects.size, slot->base);
        slot->instance->slot = slot;
        slot_restore(slot, bytes);
}

static void leave(struct slot *slot)
{
        struct template *t = slot->template;
        struct slots *s = t->slots;
        uint64_t bytes;

        slot->busy = false;
        t->busy--;
        t->slots->busy--;
        if (!slot->base) {
                fiber_free(slot->fiber);
                store_free(slot->store);
                free(slot);
                return;
        }
        free_heap(slot->store);
        bytes = slot->store->memories ? slot->store->memories->bytes : 0;
        if (s->o.warm_max && s->warm >= s->o.warm_max) {
                uint32_t number = slot->number; /* it lies in the slot */

                fiber_scrub(slot->fiber, 0);
                slots_close(s, number, bytes);
                s->free[s->nfree++] = number;
                return;
        }
        reset(slot, bytes);
        slot->next = t->warm;
        t->warm = slot;
        s->warm++;
}

void template_give(struct instance *i)
{
        struct slot *slot = i ? i->slot : NULL;

        if (!slot)
                return;
        if (!slot->busy)
                abort();
        leave(slot);
}

struct fiber *instance_fiber(const struct instance *i)
{
        return i->slot ? i->slot->fiber : NULL;
}

const char *template_why(const struct template *t)
{
        return t->why;
}

void template_figures(const struct template *t, struct template_figures *ret)
{
        *ret = (struct template_figures) {
                .objects_bytes = t->objects.size, .arrays_bytes = t->arrays.size,
                .addresses = t->objects.naddresses + t->arrays.naddresses,
                .memory_bytes = t->memory_bytes, .image_bytes = t->image_bytes,
                .image_mapped = t->image_mapped, .taken = t->taken, .bound = t->bound,
        };
}
