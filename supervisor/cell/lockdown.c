/* lockdown.c - the walls go up, in the order that the kernel forces (policy/layers.def). */
#include "config.h"

#include <fcntl.h>
#include <linux/membarrier.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/run/run.h"
#include "policy/posture.h"
#include "supervisor/cell/nano.h"

static int failed(struct error *err, const char *what)
{
        return error_set(err, STAGE_CELL, -errno, ERROR_NOWHERE, "%s: %m", what);
}

static int receive_arena(struct cell *c, struct arena_message *m, struct error *err)
{
        if (recv(FD_BROKER, m, sizeof(*m), 0) != sizeof(*m) ||
            message_check(m, sizeof(*m), 0, false, PHASE_STARTING, err) < 0)
                return error_set(err, STAGE_CELL, -EPROTO, ERROR_NOWHERE, "no arena was announced");
        if (m->workers == 0 || m->workers > PROTO_WORKERS_MAX || m->alone > 1 || (m->alone && m->workers > 1) ||
            m->pids >= _PROTO_PIDS_MAX)
                return error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE, "%u workers", m->workers);
        c->nworkers = m->workers;
        c->alone = m->alone;
        return 0;
}

/* The only executable mapping that is not the program: once, whole, and never changed again. */
static int map_arena(struct cell *c, const struct arena_message *m, struct error *err)
{
        size_t bytes = (m->bytes + 4095) & ~(size_t)4095;
        struct stat st;
        void *p;

        /* The last page may lie half behind the end of the file, no other may. */
        if (fstat(FD_ARENA, &st) < 0 || m->bytes == 0 || m->at & 4095 || m->at > (uint64_t)st.st_size ||
            m->bytes > (uint64_t)st.st_size - m->at)
                return error_set(err, STAGE_CELL, -EINVAL, ERROR_NOWHERE, "the arena's place");
        p = mmap(run_arena_place(bytes), bytes, PROT_READ | PROT_EXEC, MAP_SHARED, FD_ARENA, (off_t)m->at);
        if (p == MAP_FAILED)
                return failed(err, "mapping the code arena");
        close(FD_ARENA);
        c->arena = p;
        c->arena_bytes = bytes;
        run_arena(p, bytes);
        return policy_seal(&c->lockdown, p, bytes, err);
}

/* What cannot be seen from outside is tried while this process is still what it was built as. */
static uint32_t try_layers(void)
{
        uint32_t held = 0;
        int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), why = errno;
        void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (fd < 0 && why == EACCES)
                held |= LAYER_BIT(LAYER_LANDLOCK);
        else if (fd >= 0)
                close(fd);
        /* Not by mmap(): there SELinux is asked first, and records that a cell wanted execmem. */
        if (p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) < 0)
                held |= LAYER_BIT(LAYER_MDWE);
        if (p != MAP_FAILED)
                munmap(p, 4096);
        return held;
}

/* A ring that would take a registration is not restricted. There are no buffers, so nothing comes of it; the other
 * workers' rings are made by the same function, and take calls of their own thread alone. */
static bool ring_refuses(const struct ring *r)
{
        return ring_kind(r) != RING_URING ||
               (syscall(SYS_io_uring_register, ring_fd(r), 1 /* unregister buffers */, NULL, 0) < 0 &&
                errno == EACCES);
}

static int as_they_are(const void *a, const void *b)
{
        return 0;
}

/* Before version 2.37 the C library asks for the size of memory, once, at its first large sort. */
static void sort_once(void)
{
        uint8_t two[2][1024] = { 0 };

        qsort(two, 2, sizeof(two[0]), as_they_are);
}

/* Into the namespace of process numbers that was made: only a child enters it. It is the broker's child, as this one
 * is, and goes on when the broker can know of it. The C library's fork() knows no such child; what it would do for
 * it concerns threads and handlers, and there are none yet. */
static int move(struct error *err)
{
        struct moved_message m = { .head.message = MESSAGE_MOVED };
        int told[2];
        char go = 1;
        ssize_t n;
        long pid;

        if (pipe2(told, O_CLOEXEC) < 0)
                return failed(err, "pipe");
        pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
        if (pid < 0)
                return failed(err, "moving");
        if (pid > 0) {
                m.pid = (int32_t)pid;
                _exit(send(FD_BROKER, &m, sizeof(m), MSG_NOSIGNAL) == sizeof(m) &&
                      write(told[1], &go, 1) == 1 ? 0 : CELL_EXIT_TELL);
        }
        close(told[1]);
        do
                n = read(told[0], &go, 1);
        while (n < 0 && errno == EINTR);
        if (n != 1)
                _exit(CELL_EXIT_LEFT);
        close(told[0]);
        return 0;
}

int cell_lock(struct cell *c, uint32_t *ret_tried, struct error *err)
{
        struct lockdown *l = &c->lockdown;
        _cleanup_close_ int proc = -EBADF;
        struct arena_message arena;
        int r;

        /* mremap() is not in the table: large blocks come from the heap as well. */
        mallopt(M_MMAP_MAX, 0);
        sort_once();
        /* By itself the library asks for the number of processors, in a thread's first allocation. */
        mallopt(M_ARENA_MAX, PROTO_WORKERS_MAX);
        c->dumpable = geteuid() != 0 || !posture_may_look();

        r = policy_descriptors(l, FD_RING, err);
        if (r >= 0)
                r = receive_arena(c, &arena, err);
        /* One guest has its memory to itself: nothing is ever reset. */
        if (r >= 0 && !c->alone)
                proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (r >= 0)
                r = policy_namespaces(l, !c->alone, arena.pids == PROTO_PIDS_MAKE, err);
        if (r >= 0 && l->pids)
                r = move(err);
        if (r >= 0)
                r = policy_limits(l, ROLE_CELL, 0, err);
        if (r >= 0)
                r = run_init(err);
        if (r >= 0)
                r = map_arena(c, &arena, err);
        c->pagemap = policy_pagemap(proc, FD_PAGEMAP);
        if (r >= 0)
                r = heat_start(c, err);
        if (r >= 0)
                r = workers_new(c, c->nworkers, err);
        if (r >= 0 && syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE,
                              0, 0) < 0)
                r = failed(err, "membarrier");
        /* Without root, or with that of a container, the broker can look at us only while we are dumpable. */
        if (r >= 0)
                r = policy_credentials(l, c->dumpable, 0, err);
        if (r >= 0)
                r = policy_memory(l, err);
        if (r >= 0)
                r = policy_landlock(l, err);
        if (r < 0)
                return r;
        closep(&proc);
        proc = -EBADF;
        *ret_tried = try_layers();
        l->rings = c->nworkers;
        /* The rings are as young as they must be, and the threads inherit all of the above. */
        r = workers_start(c, err);
        if (r < 0)
                return r;
        c->ring = c->workers[0].ring;
        if (ring_refuses(c->ring))
                *ret_tried |= LAYER_BIT(LAYER_RING);
        return policy_seccomp(l, ring_kind(c->ring) == RING_THREADS ? ROLE_CELL_THREADS : ROLE_CELL, err);
}
