/* posture.h - what a locked-down process looks like from outside, and what it should look like.
 *
 * posture_read - through /proc/PID. As an ordinary user the process must still be dumpable.
 * posture_check - compare with what @expected asks for; one line for each mismatch goes to @text, cut to
 *   @size. Returns the number of mismatches. Layers in expected->missing are not held against it.
 *
 * Not visible from outside: Landlock and MDWE. A cell tries them itself while it is still honest, before
 * seccomp, and reports (cell.h). Nor, in Linux 6.18, the personalities of a ring, which only our own code
 * could register: so any ring beyond those expected is a mismatch. */
#pragma once

#include "policy/policy.h"

#define POSTURE_FDS_MAX  128
#define POSTURE_MAPS_MAX 64

struct posture_fd {
        int fd;
        char target[64]; /* what the link says, cut */
};

struct posture_map { /* an executable mapping */
        uint64_t start, end, inode;
        bool writable, shared;
        char name[96]; /* cut; "" is anonymous */
};

struct posture {
        pid_t pid;
        bool no_new_privs;
        int seccomp;      /* 0 off, 1 strict, 2 filter */
        int filters;      /* of seccomp, inherited ones too; -1: the kernel does not say (before Linux 5.9) */
        unsigned threads;
        unsigned uid, gid;
        uint64_t cap_inh, cap_prm, cap_eff, cap_bnd, cap_amb;
        unsigned nfds, nmaps; /* may exceed the arrays: then too many */
        struct posture_fd fds[POSTURE_FDS_MAX];
        struct posture_map maps[POSTURE_MAPS_MAX];
        unsigned rings;       /* at any descriptor */
        bool ring_seen, ring_sq_thread, ring_personality; /* seen: at the descriptor asked for; the others: of any */
        bool own_mounts, own_ipc, own_hostname, own_network; /* other namespaces than ours */
        bool own_pids, first; /* first: it is number 1 where it is; own: that is not where we are */
        bool empty_root;
        bool own_cgroup, cgroup_limits; /* nobody else is in its control group; which limits its processes */
        char cgroup[256];     /* the directory of that, cut */
        unsigned directories, devices; /* that are open; /dev/null is no device here */
};

struct posture_expected {
        uint64_t fds;         /* bit k: descriptor k may be open; 0..63 */
        unsigned own;         /* and so many from FD_RING on: rings, and what wakes their threads */
        int ring_fd;          /* -EBADF: no ring */
        uint64_t arena_inode; /* 0: no arena */
        bool network;         /* its network is to be one of its own */
        bool root;            /* the parent was root: identity and bounding set are checked */
        uint32_t missing;     /* set of LAYER_BIT */
        int filters;          /* of seccomp, at least; inherited ones count */
        unsigned threads;     /* 0: one */
        unsigned rings;       /* at most; 0: one */
        bool pids;            /* its process numbers are to be its own */
        bool cgroup;          /* it is alone in a control group */
};

/* The same by a root that may not look at others (posture_may_look()), as that user; while it is dumpable. */
_must_check_ int posture_read_of_cell(pid_t pid, int ring_fd, struct posture *ret, struct error *err);
bool posture_may_look(void);
int posture_own_filters(void); /* of seccomp, that every child inherits */
_must_check_ int posture_read(pid_t pid, int ring_fd, struct posture *ret, struct error *err);
/* The directory of @pid's control group, in the hierarchy of version 2 as it is mounted here. -ENOENT: there is none. */
_must_check_ int posture_cgroup(pid_t pid, char *path, size_t size);
void posture_read_cgroup(pid_t pid, struct posture *p);
unsigned posture_check(const struct posture *p, const struct posture_expected *expected, char *text,
                       size_t size);
