/* gc.h - private to engine/instance: the heap of a store (engine/gc) and what it needs to know.
 *
 * A store gets a heap with its first instance of a module that uses gc. Collections find references
 * in the stacks of the running fiber, in globals, tables, element segments, exceptions and spill
 * areas, and among the operands of a constant expression. A guest of the store that is on another
 * fiber would not be found: calls refuse that (store_enter()). */
#pragma once

#include "engine/instance/store.h"

/* -ENOMEM. */
_must_check_ int store_heap_need(struct store *s, const struct loaded_module *l, struct error *err);
void store_heap_show(const struct store *s); /* to the heads of all instances */

/* types.c: what the heap must know of type @id, which is filled in. False: no memory. */
bool types_object_room(struct type_table *t, uint32_t room);
bool types_object_fill(struct store *s, uint32_t id);

/* A new object; 0 when the heap is exhausted. @type: an index of @i's module. */
uint32_t object_new(struct instance *i, uint32_t type);
uint32_t object_new_array(struct instance *i, uint32_t type, uint32_t n);
/* A value into field or element storage @t (in terms of the store) at @at; and out of it. */
void object_put(const struct store *s, uint8_t *at, valtype t, const union value *v);
unsigned object_bytes(const struct store *s, valtype t);

uint64_t store_any_of_extern(struct store *s, uint64_t word); /* 0 for what is not null: exhausted */
uint64_t store_extern_of_any(struct store *s, uint64_t ref);
/* Whether @ref, a value of the hierarchy of @want, is of that type (in terms of the store). */
bool store_ref_is(const struct store *s, uint64_t ref, valtype want);

/* An instruction of a constant expression that makes a reference; its operands are the last of
 * @stack, which has *@n. */
union value const_object(struct instance *i, const struct const_op *op, const union value *stack,
                         uint32_t *n);

/* The elements of a segment whose values are made once: of all but functions. */
bool elements_evaluate(struct instance *i);
