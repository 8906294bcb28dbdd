/* clone.h - vfork() into a control group.
 *
 * clone_raw - clone3(2) for a child on our own stack, which must be made with CLONE_VM | CLONE_VFORK: it shares our
 *   memory, and runs while we wait, until it executes. The rules are those of vfork(2): it may not return from the
 *   function that called this.
 *   Returns as the kernel does: the child's number, 0 in the child, negative errno (ENOSYS, EINVAL, E2BIG where
 *   the kernel or a filter does not know it). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "engine/base/cleanup.h"

#define CLONE_ARGS_INTO_CGROUP UINT64_C(0x200000000)

/* As in the kernel's header, which may be older than that kernel. */
struct clone_raw_args {
        _Alignas(8) uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
                set_tid_size, cgroup;
};

_hidden_ long clone_raw(const struct clone_raw_args *args, size_t size) __attribute__((returns_twice));
