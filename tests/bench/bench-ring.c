/* bench-ring.c - what features of io_uring would be worth to a cell: 1,000 connections over loopback are accepted, and
 * then each has a message to be read, over and over. Told is the processor's time of the reading thread for one
 * event, the kernel's part included; best of ROUNDS, all ways in turns. docs/ring.md has the table and what follows from it.
 *
 * bench-ring [CONNECTIONS [ROUNDS]] */
#include "config.h"

#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 4000
#define BYTES           64
#define BUFFERS         4096 /* a power of two */
#define MESSAGES        4    /* a connection and round */

enum mode { ACCEPT_CALL, ACCEPT_ONE, ACCEPT_MANY, POLL_RECV, POLL_MANY, RECV_ONE, RECV_MANY };

#define DEFER (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG)
#define COOP  (IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG)

static const struct way {
        const char *name;
        enum mode mode;
        unsigned setup;
        bool fixed;
} ways[] = {
        { "accept4(), not the ring",                        ACCEPT_CALL, 0,     false },
        { "ACCEPT, one at a time",                          ACCEPT_ONE,  DEFER, false },
        { "ACCEPT, multishot",                              ACCEPT_MANY, DEFER, false },
        { "POLL_ADD, then recv(), deferred task work",      POLL_RECV,   DEFER, false },
        { "POLL_ADD, then recv(), cooperative task work",   POLL_RECV,   COOP,  false },
        { "POLL_ADD, then recv(), task work as it comes",   POLL_RECV,   0,     false },
        { "POLL_ADD, multishot, then recv()",               POLL_MANY,   DEFER, false },
        { "RECV, deferred task work",                       RECV_ONE,    DEFER, false },
        { "RECV, deferred task work, registered files",     RECV_ONE,    DEFER, true },
        { "RECV, cooperative task work",                    RECV_ONE,    COOP,  false },
        { "RECV, task work as it comes",                    RECV_ONE,    0,     false },
        { "RECV, multishot, provided buffers, copied out",  RECV_MANY,   DEFER, false },
        { "the same with registered files",                 RECV_MANY,   DEFER, true },
};

static double best_ns[sizeof(ways) / sizeof(ways[0])];
static int errors[sizeof(ways) / sizeof(ways[0])];
static unsigned n = 1000;
static int listener, ours[CONNECTIONS_MAX], theirs[CONNECTIONS_MAX];
static char bytes[CONNECTIONS_MAX][BYTES], pool[BUFFERS][BYTES];
static struct sockaddr_in address;

static _Noreturn void fail(const char *what, int error)
{
        fprintf(stderr, "bench-ring: %s: %s\n", what, strerror(error));
        exit(EXIT_FAILURE);
}

static double cpu_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void listen_here(void)
{
        socklen_t size = sizeof(address);

        listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        address = (struct sockaddr_in) { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) < 0 ||
            listen(listener, CONNECTIONS_MAX) < 0 || getsockname(listener, (struct sockaddr *)&address, &size) < 0)
                fail("listening", errno);
}

static void connect_all(void)
{
        for (unsigned k = 0; k < n; k++) {
                theirs[k] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                if (theirs[k] < 0 || connect(theirs[k], (struct sockaddr *)&address, sizeof(address)) < 0)
                        fail("connecting", errno);
        }
}

static void close_all(void)
{
        /* The side that is closed first waits for a minute: without, ports would run out. */
        struct linger none = { 1, 0 };

        for (unsigned k = 0; k < n; k++) {
                setsockopt(theirs[k], SOL_SOCKET, SO_LINGER, &none, sizeof(none));
                close(theirs[k]);
                close(ours[k]);
        }
}

static struct io_uring_sqe *sqe_of(struct io_uring *u)
{
        struct io_uring_sqe *sqe = io_uring_get_sqe(u);

        if (!sqe && io_uring_submit(u) >= 0)
                sqe = io_uring_get_sqe(u);
        if (!sqe)
                fail("no place in the ring", EBUSY);
        return sqe;
}

static struct io_uring_cqe *next(struct io_uring *u)
{
        struct io_uring_cqe *cqe;
        int r;

        if (io_uring_peek_cqe(u, &cqe) == 0)
                return cqe;
        do
                r = io_uring_submit_and_wait(u, 1);
        while (r == -EINTR);
        if (r < 0 || io_uring_peek_cqe(u, &cqe) < 0)
                fail("waiting", -r);
        return cqe;
}

static int accept_all(const struct way *w, struct io_uring *u)
{
        for (unsigned k = 0; k < n;) {
                struct io_uring_cqe *cqe;

                if (w->mode == ACCEPT_CALL) {
                        ours[k] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
                        if (ours[k++] < 0)
                                return -errno;
                        continue;
                }
                if (w->mode == ACCEPT_ONE)
                        io_uring_prep_accept(sqe_of(u), listener, NULL, NULL, SOCK_CLOEXEC);
                else if (k == 0)
                        io_uring_prep_multishot_accept(sqe_of(u), listener, NULL, NULL, SOCK_CLOEXEC);
                do {
                        cqe = next(u);
                        if (cqe->res < 0)
                                return cqe->res;
                        ours[k++] = cqe->res;
                        io_uring_cqe_seen(u, cqe);
                } while (w->mode == ACCEPT_MANY && k < n);
        }
        return 0;
}

static void arm(const struct way *w, struct io_uring *u, unsigned k)
{
        struct io_uring_sqe *sqe = sqe_of(u);
        int fd = w->fixed ? (int)k : ours[k];

        if (w->mode == POLL_RECV)
                io_uring_prep_poll_add(sqe, fd, POLLIN);
        else if (w->mode == POLL_MANY)
                io_uring_prep_poll_multishot(sqe, fd, POLLIN);
        else if (w->mode == RECV_ONE)
                io_uring_prep_recv(sqe, fd, bytes[k], BYTES, 0);
        else
                io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
        if (w->mode == RECV_MANY) {
                sqe->flags |= IOSQE_BUFFER_SELECT;
                sqe->buf_group = 1;
        }
        if (w->fixed)
                sqe->flags |= IOSQE_FIXED_FILE;
        io_uring_sqe_set_data(sqe, (void *)(uintptr_t)k);
}

static sem_t go, said;

/* In a thread of its own: what the kernel does for the reader, and when, is the reader's time. */
static void *say_something(void *unused)
{
        static const char message[BYTES] = "something";

        for (;;) {
                while (sem_wait(&go) < 0)
                        ;
                for (unsigned k = 0; k < n; k++)
                        if (write(theirs[k], message, BYTES) != BYTES)
                                fail("writing", errno);
                sem_post(&said);
        }
        return unused;
}

static int hear(const struct way *w, struct io_uring *u, struct io_uring_buf_ring *buffers)
{
        for (unsigned heard = 0; heard < n; heard++) {
                struct io_uring_cqe *cqe = next(u);
                unsigned k = (unsigned)cqe->user_data, flags = cqe->flags;
                int r = cqe->res;

                io_uring_cqe_seen(u, cqe);
                if (w->mode <= POLL_MANY && r >= 0)
                        r = (int)recv(ours[k], bytes[k], BYTES, MSG_DONTWAIT);
                if (r != BYTES)
                        return r < 0 ? r : -EIO;
                if (w->mode == RECV_MANY) {
                        unsigned at = flags >> IORING_CQE_BUFFER_SHIFT;

                        memcpy(bytes[k], pool[at], BYTES); /* to where the guest wants it */
                        io_uring_buf_ring_add(buffers, pool[at], BYTES, (unsigned short)at, BUFFERS - 1, 0);
                        io_uring_buf_ring_advance(buffers, 1);
                }
                if (!(flags & IORING_CQE_F_MORE))
                        arm(w, u, k);
        }
        return io_uring_submit(u) < 0 ? -EIO : 0;
}

static struct io_uring_buf_ring *give_buffers(struct io_uring *u)
{
        struct io_uring_buf_ring *r = NULL;
        struct io_uring_buf_reg reg = { .ring_entries = BUFFERS, .bgid = 1 };

        if (posix_memalign((void **)&r, 4096, BUFFERS * sizeof(struct io_uring_buf)))
                return NULL;
        reg.ring_addr = (uintptr_t)r;
        if (io_uring_register_buf_ring(u, &reg, 0) < 0)
                return NULL;
        io_uring_buf_ring_init(r);
        for (unsigned k = 0; k < BUFFERS; k++)
                io_uring_buf_ring_add(r, pool[k], BYTES, (unsigned short)k, BUFFERS - 1, (int)k);
        io_uring_buf_ring_advance(r, BUFFERS);
        return r;
}

/* Returns the processor's time of one event, or negative errno: not offered here. */
static double measure(const struct way *w)
{
        bool accepts = w->mode <= ACCEPT_MANY;
        struct io_uring_buf_ring *buffers = NULL;
        struct io_uring u;
        double spent = 0, start = 0;
        int r = io_uring_queue_init(1024, &u, w->setup);

        if (r < 0)
                return r;
        connect_all();
        if (accepts)
                start = cpu_ns();
        r = accept_all(accepts ? w : &ways[0], &u);
        if (accepts)
                spent = cpu_ns() - start;
        if (r == 0 && !accepts) {
                if (w->fixed)
                        r = io_uring_register_files(&u, ours, n);
                if (w->mode == RECV_MANY && !(buffers = give_buffers(&u)))
                        r = -ENOSYS;
                for (unsigned k = 0; k < n && r == 0; k++)
                        arm(w, &u, k);
                if (r == 0 && io_uring_submit(&u) < 0)
                        r = -EIO;
                for (unsigned m = 0; m < MESSAGES && r == 0; m++) {
                        start = cpu_ns();
                        sem_post(&go);
                        while (sem_wait(&said) < 0)
                                ; /* all at once, for each way as many */
                        r = hear(w, &u, buffers);
                        spent += cpu_ns() - start;
                }
        }
        close_all();
        io_uring_queue_exit(&u);
        free(buffers);
        return r < 0 ? r : spent / n / (accepts ? 1 : MESSAGES);
}

int main(int argc, char **argv)
{
        unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 15;
        struct rlimit files;
        pthread_t writer;

        if (argc > 1)
                n = (unsigned)strtoul(argv[1], NULL, 10);
        if (n < 1 || n > CONNECTIONS_MAX)
                fail("connections: 1 to 4000", EINVAL);
        (void)getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
        listen_here();
        if (sem_init(&go, 0, 0) < 0 || sem_init(&said, 0, 0) < 0 || pthread_create(&writer, NULL, say_something, NULL))
                fail("starting a thread", errno);
        for (unsigned k = 0; k < rounds; k++)
                for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
                        double ns = measure(&ways[i]);

                        if (ns < 0)
                                errors[i] = (int)-ns;
                        else if (!best_ns[i] || ns < best_ns[i])
                                best_ns[i] = ns;
                }
        printf("%u connections, best of %u rounds, ns of processor time for an event\n", n, rounds);
        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
                if (errors[i])
                        printf("  %-48s refused: %s\n", ways[i].name, strerror(errors[i]));
                else
                        printf("  %-48s %6.0f\n", ways[i].name, best_ns[i]);
        }
        return 0;
}
