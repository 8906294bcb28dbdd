/* pagemap.c - the kernel's word on which pages a guest wrote. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "policy/policy.h"

/* A file keeps the rights of whoever opened it, and with a certain one it tells in which frames of the
 * machine's memory the pages lie: nobody needs that but attackers of memory chips. */
static int open_without_rights(int proc)
{
        cap_t before = cap_get_proc(), none = before ? cap_dup(before) : NULL;
        int fd = -EPERM;

        if (none && cap_clear_flag(none, CAP_EFFECTIVE) == 0 && cap_set_proc(none) == 0) {
                fd = openat(proc, "self/pagemap", O_RDONLY | O_CLOEXEC);
                fd = fd < 0 ? -errno : fd;
                if (cap_set_proc(before) < 0) {
                        if (fd >= 0)
                                close(fd);
                        fd = -EPERM;
                }
        }
        cap_free(none);
        cap_free(before);
        return fd;
}

int policy_pagemap(int proc, int at)
{
        /* struct pm_scan_arg of include/uapi/linux/fs.h; an empty range. */
        uint64_t request[12] = { sizeof(request) };
        int fd = proc < 0 ? proc : open_without_rights(proc), r;

        if (fd < 0)
                return fd;
        r = ioctl(fd, POLICY_PAGEMAP_SCAN, request) < 0 ? -errno : 0;
        if (r == 0 && fd != at) {
                r = dup3(fd, at, O_CLOEXEC) < 0 ? -errno : 0;
                close(fd);
        } else if (r < 0) {
                close(fd);
        }
        return r < 0 ? r : at;
}
