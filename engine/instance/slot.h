/* slot.h - private: slots from the inside. */
#pragma once

#include "engine/instance/slots.h"
#include "engine/instance/store.h"
#include "engine/instance/template.h"

#define SLOT_PAGE   ((size_t)4096)
#define SLOTS_SPARE 2u /* behind the others: where a template is made twice */

#define SPANS_MAX 32u /* no gap between other mappings may be large enough for all */

struct span { /* neighbours in the address space */
        struct mapping map;
        uint8_t *first;      /* base of slot .number */
        uint32_t number, n;
};

struct slots {
        struct slots_options o;
        struct span spans[SPANS_MAX];
        unsigned nspans;
        uint64_t stride, below, room;
        bool dense;
        uint32_t fresh;      /* from here on slots were never used */
        uint32_t *free, nfree;
        unsigned busy, warm;
        struct template *templates;
};

/* Lies in its slot, between the arrays and the objects; in the heap for one that is made anew. */
struct slot {
        struct template *template;
        struct slot *next;   /* in the template's list of warm ones */
        uint8_t *base;       /* NULL: made anew */
        struct fiber *fiber;
        struct instance *instance;
        struct store *store;
        uint32_t number, uses;
        bool busy;
};

struct block { /* what a slot holds below its base, as bytes and where in them addresses are */
        uint8_t *bytes;
        size_t size;
        uint32_t *addresses, naddresses;
};

struct template {
        struct template *next;
        struct slots *slots;
        struct store *home;          /* types, and the module when it is made anew */
        struct loaded_module *loaded;
        struct store_options options;
        const struct artefact *a;
        void *code;
        int fd;
        const char *why;             /* it is made anew; NULL: it is copied */
        struct extern_value *imports;

        struct block arrays, objects; /* relative to the base */
        size_t instance_at, store_at; /* bytes below the base */
        uint64_t memory_bytes;
        uint64_t least_bytes;        /* of a limit: the memory, and tables */
        const uint8_t *image;
        uint8_t *image_own;          /* to be freed */
        uint64_t image_at, image_bytes;
        bool image_mapped;
        struct slot *warm;
        unsigned busy;
        uint64_t taken, bound;
};

static inline size_t slot_head_bytes(void)
{
        return ((sizeof(struct slot) + 15) & ~(size_t)15) + fiber_bytes();
}

static inline uint64_t slot_page_up(uint64_t bytes)
{
        return (bytes + SLOT_PAGE - 1) & ~(uint64_t)(SLOT_PAGE - 1);
}

static inline uint8_t *slots_base(const struct slots *s, uint32_t number)
{
        const struct span *p = s->spans;

        while (number - p->number >= p->n)
                p++;
        return p->first + (uint64_t)(number - p->number) * s->stride;
}

static inline uint8_t *slots_stack(const struct slots *s, const uint8_t *base) /* its low end */
{
        return (uint8_t *)base - s->below + ABI_STACK_GUARD;
}

/* The arrays lie between the stack and the head. */
static inline uint8_t *slot_stack_high(const struct slot *slot)
{
        return (uint8_t *)slot - slot->template->arrays.size;
}

/* From here to its high end the stack stays, and is cleared at each reset. */
static inline uint8_t *slot_stack_kept(const struct slot *slot)
{
        return (uint8_t *)(((uintptr_t)slot_stack_high(slot) - SLOT_PAGE / 2) & ~(SLOT_PAGE - 1));
}

/* slots.c. slots_open - make slot @number accessible, with @memory bytes behind its base.
 * slots_close - give every page back; @memory: as far as it is accessible. */
int slots_open(struct slots *s, uint32_t number, uint64_t memory);
void slots_close(struct slots *s, uint32_t number, uint64_t memory);

/* restore.c. The memory of @slot, whose guest left it with @bytes bytes, and its stack as new. */
void slot_restore(struct slot *slot, uint64_t bytes);
/* The image over the zeroed memory of @base. */
int slot_image(const struct template *t, uint8_t *base);
