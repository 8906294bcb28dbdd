/* gc.h - the heap of a nanoprocess: structures, arrays, and what else WebAssembly's references may
 * point to.
 *
 * References. A reference of the `any` hierarchy is a 32-bit word, zero-extended wherever it travels
 * in 64: 0 is null, an odd one is an i31 (its value above bit 0), any other is the distance of an
 * object from heap.base, a multiple of 16. A reference of the `extern` hierarchy is a 64-bit word: 0
 * is null, one with bit 63 is a reference of `any` that was made external (in the low half), and any
 * other is the host's own, which must leave that bit alone; as `any` it is an object that holds it.
 *
 * Objects. The first word is the canonical id of the type with the kind above it, GC_WORD(). Of an
 * array the second is its length, and its elements begin at GC_ARRAY_AT; the fields of a structure
 * begin at GC_STRUCT_AT. Where each lies, and how wide it is, says engine/compile/objects.h.
 *
 * The heap never moves an object. It is one reservation of address space, opened as far as it is
 * used, in blocks of GC_BLOCK bytes. Small objects are cut off a free run by moving .bump up to
 * .limit, which compiled code does by itself; the memory of a run is zero. When as many bytes were
 * handed out as lived after the last collection, the next one marks what can be reached, and runs
 * are found between the marked objects as they are needed. A block without any is free again, and
 * free ones beyond what the next round needs are given back to the kernel.
 *
 * What a collection must find it asks options.roots for, which calls
 *   gc_root       for a place that holds a reference of `any` (a global, an element of a table)
 *   gc_root_extern  for one of `extern`
 *   gc_root_words for memory where references may lie among other words: stacks. Each half of a word
 *                 that is an object's reference, and each word that points into an object, keeps it
 * Marking goes on in slices; after each options.yield is called, which may let others run on this
 * thread, but nobody who reads or writes this heap. Its own memory is bounded: GC_STACK references,
 * and what finds no room there is found again in its block. It never recurses.
 *
 * gc_heap_new - @o: copied. Address space only: pages come when objects do
 * gc_heap_free - takes NULL. Frees all objects in one go
 * gc_heap_set_types - what the canonical ids mean; @types: borrowed, until the next call
 * gc_new_struct, gc_new_array - a new object whose fields are 0 or null. May collect: what the caller
 *   holds must be found by options.roots (its own frame is, when that reads the stack it is on).
 *   0 when the heap's limit does not allow it.
 * gc_new_extern - an object that holds a word of the host, @word
 * gc_collect - now
 * gc_is - whether @ref may be used for an object: for asserts and tests */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

#define GC_BLOCK      32768u
#define GC_GRANULE    16u
#define GC_SMALL_MAX  2048u   /* bytes of an object that may be cut off a run */
#define GC_STACK      32768u  /* references that wait to be looked at */
#define GC_STRUCT_AT  4
#define GC_ARRAY_AT   8
#define GC_LENGTH_AT  4
#define GC_EXTERN_BIT (UINT64_C(1) << 63)

enum gc_kind { GC_FREE, GC_STRUCT, GC_ARRAY, GC_EXTERN };

#define GC_KIND_SHIFT 24
#define GC_ID_MASK    0xffffffu
#define GC_WORD(kind, id) ((uint32_t)(kind) << GC_KIND_SHIFT | (id))

struct gc_field { /* of a type: a field that may hold references, and where */
        uint32_t offset : 31;
        uint32_t is_extern : 1;
};

struct gc_type {
        uint8_t kind;           /* enum gc_kind; GC_FREE: a function's, of which are no objects */
        uint32_t bytes;         /* of a structure with its first word; of an array's element */
        uint32_t nfields;       /* of an array: 1 when the elements are references */
        const struct gc_field *fields; /* of an array: .offset is not used */
};

struct gc_heap;

struct gc_options {
        uint64_t bytes_max;     /* address space, at most 4 GiB; 0: that */
        uint64_t *bytes_used;   /* what the heap takes is added here, and */
        uint64_t bytes_used_max; /* never above this; 0: no limit */
        bool stress;            /* collect at every allocation: for tests */
        void (*roots)(void *context, struct gc_heap *h);
        void (*yield)(void *context); /* may be NULL */
        void *context;
};

/* The head of the heap, which compiled code reads: it is part of the ABI. */
struct gc_cursor {
        uint32_t bump, limit;
};

struct gc_counts {
        uint64_t collections, slices;
        uint64_t live_bytes, live_objects; /* after the last collection */
        uint64_t resident_bytes;           /* that the heap holds now */
        uint64_t overflows;
};

_must_check_ int gc_heap_new(const struct gc_options *o, struct gc_heap **ret, struct error *err);
void gc_heap_free(struct gc_heap *h);
void gc_heap_set_types(struct gc_heap *h, const struct gc_type *types, uint32_t ntypes);

uint32_t gc_new_struct(struct gc_heap *h, uint32_t id);
uint32_t gc_new_array(struct gc_heap *h, uint32_t id, uint32_t length);
uint32_t gc_new_extern(struct gc_heap *h, uint64_t word);
void gc_collect(struct gc_heap *h);

void gc_root(struct gc_heap *h, uint32_t ref);
void gc_root_extern(struct gc_heap *h, uint64_t word);
void gc_root_words(struct gc_heap *h, const void *low, const void *high);

bool gc_is(struct gc_heap *h, uint32_t ref);
struct gc_counts gc_heap_counts(const struct gc_heap *h);
uint8_t *gc_heap_base(const struct gc_heap *h);
struct gc_cursor *gc_heap_cursor(struct gc_heap *h);
void gc_heap_yield(struct gc_heap *h); /* between parts of long work of a caller's own */

static inline bool gc_is_object(uint64_t ref)
{
        return ref && !(ref & 1);
}
