/* density.h - how many nanoprocesses one cell can hold on this machine, and which figure decides it.
 *
 * density_host - what this machine and this process are allowed: reads /proc, /sys and tries the kernel.
 * density_derive - the slots that follow from @host for nanoprocesses with at most @memory_max bytes of memory,
 *   in dense slots or default ones. Pure. -EINVAL: dense slots without a limit of memory, or of more than 4 GiB.
 * density_text - one bound as a line for people. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

#define DENSITY_MAX       1000000u /* of one cell, whatever the machine */
#define DENSITY_IDLE_KIB  12u      /* resident for an idle one: instance, stack, and a page of its memory */
#define DENSITY_TABLE_KIB 8u       /* of page tables for a default slot; dense ones share them */

enum density_bound { DENSITY_ADDRESSES, DENSITY_MAPPINGS, DENSITY_MEMORY, DENSITY_LIMIT, _DENSITY_BOUND_MAX };

struct density_host {
        uint64_t memory_bytes;      /* of the machine */
        uint64_t cgroup_bytes;      /* least memory.max of the control groups above us; UINT64_MAX: none */
        uint64_t address_bytes;     /* RLIMIT_AS; UINT64_MAX: none */
        uint64_t map_count;         /* vm.max_map_count */
        bool overcommit_never;      /* vm.overcommit_memory is 2: address space counts as memory */
        uint64_t commit_bytes;      /* what may be promised then */
        bool guards;                /* MADV_GUARD_INSTALL */
        bool scan;                  /* PAGEMAP_SCAN */
};

struct density {
        uint64_t slot_bytes;        /* of address space, with the stack */
        unsigned mappings;          /* of the kernel for a slot; 0: all in one */
        uint64_t idle_bytes;        /* of memory for an idle one, page tables included */
        uint64_t most[_DENSITY_BOUND_MAX]; /* slots that each figure allows; UINT64_MAX: any number */
        enum density_bound bound;   /* which is the least */
        uint64_t slots;             /* that one */
};

void density_host(struct density_host *ret);
_must_check_ int density_derive(const struct density_host *host, bool dense, uint64_t memory_max,
                                struct density *ret, struct error *err);
char *density_text(const struct density_host *host, const struct density *d, enum density_bound bound,
                   char *text, unsigned size);
