/* slots.h - address space for many instances: reserved once, and used again.
 *
 * A slot holds all of one nanoprocess of one module: its stack, what its store and instance are made
 * of, and memory 0. From low to high:
 *
 *   guard | stack | arrays, store, instance, arrays of abi.h | memory 0 ... room to grow | guard
 *
 * so that the top of the stack, the store and the instance share a page, and an idle nanoprocess
 * with a small frame costs that page and what it wrote to its memory. Below a stack lies the guard of the
 * slot before.
 *
 * Two kinds. A default slot has 4 GiB of room and a guard that spare the code its bounds checks: two
 * mappings of the kernel each, and 47 bits hold some 32,000. A dense slot has a room of some
 * kilobytes or megabytes, for code that checks bounds itself (compile_options.dense): all dense slots
 * are one mapping, their stacks' guards are made inside it (Linux 6.13), and there may be 100,000s.
 *
 * slots_new - reserve the address space; nothing else is touched until a slot is used.
 * slots_measure - what @o would take, without taking it. -EINVAL, -E2BIG: more than 47 bits.
 * One thread at a time uses a set of slots and the templates on it; a cell has one set a worker. */
#pragma once

#include "engine/base/error.h"

struct slots;

struct slots_options {
        unsigned count;
        uint64_t memory_bytes;  /* 0: default slots; else dense ones with this room for memory 0 */
        size_t stack_bytes;     /* 0: FIBER_STACK_BYTES; at least 64 KiB + FIBER_HOST_BYTES */
        size_t instance_bytes;  /* for everything but stack and memory; 0: 2 MiB, dense 64 KiB */
        /* Memory that a slot keeps when its guest ends, cleared by writing; beyond it pages are given
         * back to the kernel. What fits is reset without a system call. 0: 64 KiB */
        size_t keep_bytes;
        size_t dirty_bytes;     /* pages known to be written are kept up to this; 0: 16 times keep_bytes */
        unsigned warm_max;      /* that wait for their next guest with their pages; 0: all */
        int pagemap;            /* /proc/self/pagemap, opened by who will use it, borrowed: then the
                                 * pages that a guest wrote are known (Linux 6.7); -EBADF: not */
};

struct slots_figures {
        uint64_t slot_bytes, all_bytes; /* of address space */
        unsigned mappings;              /* of the kernel, a slot; 0: all slots are in one */
};

struct slots_state {
        unsigned count, opened; /* slots, and those that were used at least once */
        unsigned busy, warm;    /* with a guest; ready for the next of their template */
};

int slots_measure(const struct slots_options *o, struct slots_figures *ret, struct error *err);
_must_check_ int slots_new(const struct slots_options *o, struct slots **ret, struct error *err);
void slots_free(struct slots *s); /* takes NULL; its templates are freed before */
void slots_state(const struct slots *s, struct slots_state *ret);
