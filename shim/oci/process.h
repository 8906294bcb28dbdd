/* process.h - a process that is not our child: its number, and when it started, so that another of the same number
 * is not taken for it.
 *
 * oci_process_of - when @pid started, in @ret. -ESRCH.
 * oci_process_open - a pidfd of it, the caller's. -ESRCH: it is gone, or is a zombie that nobody has awaited yet. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "engine/base/cleanup.h"

struct oci_process {
        pid_t pid;
        uint64_t start; /* clock ticks since boot */
};

_must_check_ int oci_process_of(pid_t pid, struct oci_process *ret);
_must_check_ int oci_process_open(const struct oci_process *p);
_must_check_ int oci_process_signal(int pidfd, int signal);
/* Until it has ended, for @ms at most: -ETIMEDOUT. */
_must_check_ int oci_process_await(int pidfd, int ms);
