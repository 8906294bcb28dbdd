/* policy.h - what may happen, as tables, and the functions that put them in force.
 *
 * Each function raises one layer for the calling process; none can be lowered again. The programs
 * call them in the order of layers.def. A layer that this kernel does not have sets its bit in
 * @lockdown->missing and is no error: whoever asked for the sandbox decides what to do
 * about it (refuse, or go on and say so). Any other failure is an error: negative errno, @err set.
 * @lockdown->skip is for the drills, which must show that an attack works where its layer is off;
 * the installed programs never set it.
 *
 * policy_descriptors - close every descriptor >= @first.
 * policy_pagemap - open, at descriptor @at, what tells which of its own pages a process wrote, and nothing of where they
 *   lie. @proc: a descriptor of /proc, opened while that can be seen. Before policy_credentials(): afterwards
 *   it is somebody else's. Returns @at or negative errno: not offered.
 * policy_limits - resource limits of the role; for the compiler they grow with @input_bytes.
 * policy_namespaces - an empty root, own mounts, IPC and host name; @network: an empty network, too; @pids: sets
 *   l->pids when the next child will be the first process of a namespace of its own, and this one can have
 *   no threads any more. Before policy_credentials(), which takes the capabilities for it.
 * policy_credentials - as root: become POLICY_NOBODY. Drop every capability from every set, and
 *   no_new_privs, dumpable 0, and death with the parent (@parent: its pid, checked).
 *   keep_dumpable: the broker that may not look at others reads the posture first; see policy_not_dumpable().
 * policy_memory - MDWE: nothing becomes executable any more.
 * policy_seal - mseal() a mapping: it cannot be unmapped, moved, or given other rights.
 * policy_landlock - deny every path, TCP port, abstract socket and signal to outside. One thread.
 * policy_seccomp - the table of the role; every other system call kills the process. All threads. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/error.h"

enum layer {
#define LAYER(name, text, what) LAYER_##name,
#include "policy/layers.def"
        _LAYER_MAX,
};

#define LAYER_BIT(layer) (UINT32_C(1) << (layer))

/* Walls that many hosts forbid to raise: without them a run goes on without --degraded. They stand before
 * nothing that seccomp does not stand before, too. */
#define LAYERS_EXTRA (LAYER_BIT(LAYER_NAMESPACES) | LAYER_BIT(LAYER_CGROUP))

enum role {
        ROLE_CELL,
        ROLE_CELL_THREADS, /* a cell without io_uring */
        ROLE_COMPILER,
        ROLE_READER,       /* a compiler that also asks */
        ROLE_CONNECTOR,    /* resolves names, and connects to what they are */
        ROLE_PATHS,        /* opens files for the guests of a unit */
        _ROLE_MAX,
};

enum { /* descriptors at fixed numbers; 0, 1 and 2 are the guest's or /dev/null */
        FD_BROKER = 3,  /* cell: socket to the broker; compiler: status to whoever asked; reader: both ways;
                     * connector: to the broker */
        FD_ARENA = 4,   /* cell: code, read-only; compiler: the module */
        FD_PAGEMAP = 4, /* cell, once the code is mapped: policy_pagemap() */
        FD_RING = 5,    /* cell */
        FD_OUTPUT = 5,  /* compiler: the artefact */
        FD_FIRST_FREE = 6,
};

#define POLICY_NOBODY 65534u

#define POLICY_PAGEMAP_SCAN 0xc0606610u /* PAGEMAP_SCAN of linux/fs.h, for older headers */

/* CPU seconds of a compiler: to begin with, and for each MiB of its module. */
#define POLICY_COMPILE_S     120u
#define POLICY_COMPILE_MIB_S 60u

struct lockdown {
        uint32_t skip;    /* set of LAYER_BIT: leave these off */
        uint32_t missing; /* set of LAYER_BIT: the kernel has them not */
        bool pids;        /* see policy_namespaces() */
        unsigned rings;   /* of a cell, at FD_RING and behind; 0: one */
        const void *sealed; /* what policy_memory() is to seal by a filter, as the kernel has no mseal */
        size_t sealed_bytes;
};

const char *layer_text(enum layer layer);
const char *layer_stops(enum layer layer);
/* "a, b" of the set into @text; returns @text. */
char *layers_text(uint32_t layers, char *text, size_t size);

_must_check_ int policy_descriptors(struct lockdown *l, int first, struct error *err);
_must_check_ int policy_pagemap(int proc, int at);
/* A supervisor's own: each cell, guest with files and handle of a directory takes descriptors, and of a login's there are
 * 1024 until somebody asks for more. */
void policy_raise_files(void);
_must_check_ int policy_limits(struct lockdown *l, enum role role, uint64_t input_bytes,
                               struct error *err);
_must_check_ int policy_namespaces(struct lockdown *l, bool network, bool pids, struct error *err);
_must_check_ int policy_credentials(struct lockdown *l, bool keep_dumpable, pid_t parent,
                                    struct error *err);
/* The daemon's own: keeps those capabilities that it uses (credentials.c has the table with the reasons), of
 * those that it has; nothing below it gains any by a set-user-id program. */
_must_check_ int policy_supervisor(struct error *err);
/* Of whoever opens files for guests: instead of policy_credentials(). As root it stays root, with what opening others'
 * files and setting their times takes. */
_must_check_ int policy_path_server(struct lockdown *l, pid_t parent, struct error *err);
_must_check_ int policy_not_dumpable(struct lockdown *l, struct error *err);
_must_check_ int policy_memory(struct lockdown *l, struct error *err);
_must_check_ int policy_seal(struct lockdown *l, void *address, size_t size, struct error *err);
_must_check_ int policy_landlock(struct lockdown *l, struct error *err);
_must_check_ int policy_seccomp(struct lockdown *l, enum role role, struct error *err);

/* The broker's own, and the path server's: from here on only what lies beneath these can be opened. @scoped: no signals
 * to others, and no abstract sockets; a broker has a cell to end, which is not below its own domain. */
struct policy_tree {
        int fd;
        uint32_t verbs; /* of the key (key.h): landlock.def has the rights of each */
        bool file;      /* one file, not a tree */
};

_must_check_ int policy_landlock_trees(struct lockdown *l, const struct policy_tree *trees,
                                       unsigned n, bool scoped, struct error *err);

/* The connector's own: the files of resolver.def can be read, and TCP goes to these ports, and to name servers. */
_must_check_ int policy_landlock_connect(struct lockdown *l, const uint16_t *ports, unsigned n, struct error *err);

/* ABI of Landlock that this kernel has, 0: none. */
int policy_landlock_abi(void);

/* The tables themselves, for `nacelle posture` and for the tests. */
enum arg_test { ARG_ANY, ARG_EQUALS, ARG_WITHOUT, ARG_WITH };

struct arg_rule {
        uint8_t index;
        enum arg_test test; /* EQUALS: the value; WITHOUT: none of its bits; WITH: all of them */
        uint64_t value;
};

#define SYSCALL_ARGS 3 /* of a call that one row looks at */

struct syscall_rule {
        const char *name;
        int number;
        struct arg_rule args[SYSCALL_ARGS];
        int deny;           /* 0: allowed; else refused with this errno instead of death */
        const char *reason;
        const char *drill;  /* tests/drills/drills.def */
};

const struct syscall_rule *policy_syscalls(enum role role, unsigned *ret_n);

/* Name of system call @number, "system call 999" for an unknown one. Returns @text. */
char *policy_syscall_name(int number, char *text, size_t size);
