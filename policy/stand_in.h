/* stand_in.h - walls for kernels that are older than one of them: filters of system calls in their place.
 *
 * They go up where the wall would, so that it stands, as the wall would, whatever becomes of the table of system
 * calls behind it. What a filter cannot see (paths, the address of a connection) it refuses altogether: nobody behind
 * these walls needs it.
 *
 * policy_gaps - the walls of this kernel that have a stand-in, as a set of GAP_BIT. Tries, and changes nothing.
 * policy_stand_in - refuse what the gaps of @gaps let through, and, with GAP_SEAL, changes of the mappings in
 *   [@sealed, @sealed + @sealed_bytes). Sets no_new_privs, as a filter asks for it. Binds the thread and what it
 *   starts. Returns 1 when this kernel has no filters either.
 * policy_filters - how many filters a cell has at least that lacks none but @missing (of LAYER_BIT), its table of
 *   system calls among them, beyond those of whoever started it. */
#pragma once

#include "policy/policy.h"

enum gap { GAP_MDWE, GAP_SEAL, GAP_TRUNCATE, GAP_TCP, GAP_SOCKETS, GAP_SIGNALS };

#define GAP_BIT(gap) (UINT32_C(1) << GAP_##gap)

#define GAPS_LANDLOCK (GAP_BIT(TRUNCATE) | GAP_BIT(TCP) | GAP_BIT(SOCKETS) | GAP_BIT(SIGNALS))

uint32_t policy_gaps(void);
_must_check_ int policy_stand_in(uint32_t gaps, const void *sealed, size_t sealed_bytes, struct error *err);
unsigned policy_filters(uint32_t missing);
