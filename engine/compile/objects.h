/* objects.h - where the fields of structures and the elements of arrays lie (engine/gc/gc.h has what
 * is before them). Computed in the compiler and in the cell, from the same types.
 *
 * A field takes as many bytes as its storage type: references of the any hierarchy 4, others 8. Fields
 * lie in their order, each at a multiple of its size or of 8; so what a subtype inherits lies where
 * its supertype has it, since a field's type may only change within a hierarchy.
 *
 * object_layouts_new - of all types of @m, whose indices are all known. -ENOMEM.
 * object_field - the place of field @field of structure type @type. */
#pragma once

#include <stdlib.h>

#include "engine/decode/module.h"
#include "engine/gc/gc.h"

/* Bytes of storage type @t; @top: when it is a reference, its hierarchy. */
static inline unsigned storage_bytes(valtype t, enum heap_top top)
{
        switch (valtype_kind(t)) {
        case VAL_I8:
                return 1;
        case VAL_I16:
                return 2;
        case VAL_I32:
        case VAL_F32:
                return 4;
        case VAL_V128:
                return 16;
        case VAL_REF:
                return top == TOP_ANY ? 4 : 8;
        default:
                return 8;
        }
}

/* The place of the next field, of @bytes; @end: begins as GC_STRUCT_AT, then the end of the last. */
static inline uint32_t object_next(uint32_t *end, unsigned bytes)
{
        uint32_t align = bytes > 8 ? 8 : bytes, at = (*end + align - 1) & ~(align - 1);

        *end = at + bytes;
        return at;
}

struct object_layouts {
        uint32_t *first;   /* [ntypes]: of the type in .places */
        uint32_t *places;
        uint32_t *bytes;   /* [ntypes]: of a structure with its first word; of an array's element */
};

int object_layouts_new(const struct module *m, struct object_layouts *ret);
void object_layouts_done(struct object_layouts *o);

static inline uint32_t object_field(const struct object_layouts *o, uint32_t type, uint32_t field)
{
        return o->places[o->first[type] + field];
}

static inline unsigned module_storage_bytes(const struct module *m, valtype t)
{
        return storage_bytes(t, valtype_is_ref(t) ? module_heap_top(m, valtype_heap(t)) : TOP_ANY);
}
