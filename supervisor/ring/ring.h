/* ring.h - asynchronous calls of the kernel: one interface, and two back ends. io_uring, and where that
 * is switched off (by sysctl, by a container's filter) epoll with RING_HELPERS threads for what can only be waited for
 * in the call itself: files, and pipes and terminals of kernels that cannot say that a read would wait.
 *
 * A call is a small state machine (ring.c: call_next) that its caller owns. ring_submit() starts it;
 * call_wait() suspends the current fiber until it is done. The memory that an operation names is
 * the kernel's until the call is CALL_DONE: a slot is not reused while one of its calls is in
 * flight (ring_in_flight).
 *
 * ring_new - make the ring, with io_uring where the kernel offers it; not yet usable. For io_uring: R_DISABLED,
 *   no SQPOLL, no personality. For threads: they start here, with all signals blocked.
 * ring_new_kind - the same with that back end and no other. -EOPNOTSUPP: not offered.
 * ring_restrict - register the restrictions of ring_ops.def and enable it. Nothing can be registered
 *   afterwards. -EOPNOTSUPP: the kernel cannot; the ring is still disabled. Threads have nothing of the kind: what they
 *   call is in the table of system calls.
 * ring_move - put the ring's descriptor at number @fd. ring_move_wake - the second one of threads.
 * ring_submit - start @op. Returns 0; the outcome, also an early one, is in @call when it is done.
 * ring_cancel - ask for an end; the call is done when its completion (-ECANCELED or other) arrived.
 * call_wait, call_wait_any - on a fiber; on the thread's own stack they poll the ring instead. _any returns the
 *   index of a call that is done. A fiber that is to stop (fiber_stop) cancels what it waits for.
 * ring_poll - on the scheduler: reap completions, mark the fibers that can go on;
 *   wait: block until at least one completion. Returns the number reaped or negative errno
 *   (-EDEADLK: asked to wait and nothing is in flight).
 *   What was submitted goes to the kernel here, all of it in one system call; without waiting, and
 *   with nothing submitted or finished, there is none.
 * ring_next_ready - the next fiber that can go on, NULL: none.
 * ring_has_news - completions wait to be reaped, or calls to be submitted, or a timer is due, or that cannot be
 *   told. Also in a signal handler of its thread.
 * ring_set_others - somebody that the ring does not know of could run on this thread: ring_yield() lets go.
 * ring_yield - let the fibers that can go on do so, then come back. On the thread's own stack: poll.
 *
 * Time (wheel.h) needs no system call but the wait itself, which ends when the next timer is due:
 *
 * ring_sleep - start @call, which is done in @ns nanoseconds: -ETIME. Cancelled, it is done at once.
 * ring_timer_set - @t->fire is called in a ring_poll() at @deadline_ns (CLOCK_MONOTONIC) or soon after. It may set
 *   timers, complete nothing, and not suspend. @t must not be set. ring_timer_clear - not any more.
 * ring_next_timer - when the next is due, UINT64_MAX: none. Also in a signal handler of its thread.
 *
 * What would not wait needs no ring (now.c). Nothing here is asynchronous:
 *
 * ring_now - do @op at once, on the caller's stack, or leave no trace. Returns >= 0 like the operation, less
 *   than was asked for also when the rest would wait; or negative errno: -EAGAIN, it would wait;
 *   -EOPNOTSUPP, this file cannot say whether it would; -ENOSYS, this operation is the ring's. With
 *   @may_wait (a regular file, and nobody else runs on this thread) it waits for the disk instead.
 * ring_now_ready - fill revents of @n poll structures as far as they are true now. Returns as poll(2). */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "engine/base/error.h"
#include "engine/run/fiber.h"
#include "supervisor/ring/wheel.h"

struct ring;

enum ring_op_code {
#define RING_OP(name, uring, reason, drill) RING_##name,
#include "supervisor/ring/ring_ops.def"
        _RING_OP_MAX,
};

enum ring_kind { RING_URING, RING_THREADS };

#define RING_HELPERS 4u /* threads of a ring without io_uring */

struct ring_op {
        enum ring_op_code code;
        int fd;
        void *address;     /* buffer, iovec array, or msghdr */
        uint32_t length;   /* bytes, iovecs; poll mask for POLL_ADD; shutdown's how */
        uint64_t offset;   /* file offset; UINT64_MAX: the file position; length for FALLOCATE in address2 */
        uint64_t extra;    /* FALLOCATE and FADVISE: bytes; ACCEPT: IORING_ACCEPT_... */
        uint32_t flags;    /* of the operation: MSG_..., RWF_..., IORING_FSYNC_DATASYNC */
};

struct ring_timer {
        struct wheel_timer wheel;
        void (*fire)(struct ring_timer *t);
};

enum call_state { CALL_BUG, CALL_IDLE, CALL_IN_KERNEL, CALL_CANCELLING, CALL_DONE, _CALL_STATE_MAX };

struct call {
        enum call_state state;
        int32_t result;            /* >= 0, or negative errno, once CALL_DONE */
        bool keep;                 /* not cancelled when the fiber is stopped */
        struct fiber *fiber;       /* to wake, NULL: nobody waits */
        struct call *next, **back; /* internal: place in the list of the ready */
        bool sleeps;               /* internal: of ring_sleep() */
        union {
                struct {                   /* internal */
                        struct ring_timer timer;
                        struct ring *ring;
                } sleep;
                struct {                   /* internal, of the back end */
                        struct ring_op op;
                        struct call *next, **back; /* threads.c: that wait for the same descriptor, or for a helper */
                        uint8_t place;             /* enum place of threads.c; uring.c: how often it was asked for again */
                } plan;
        };
};

_must_check_ int ring_new(unsigned entries, struct ring **ret, struct error *err);
_must_check_ int ring_new_kind(enum ring_kind kind, unsigned entries, struct ring **ret, struct error *err);
enum ring_kind ring_kind(const struct ring *r);
_must_check_ int ring_restrict(struct ring *r, struct error *err);
_must_check_ int ring_enable(struct ring *r, struct error *err); /* without restrictions */
_must_check_ int ring_move(struct ring *r, int fd, struct error *err);
_must_check_ int ring_move_wake(struct ring *r, int fd, struct error *err);
void ring_free(struct ring *r); /* takes NULL; nothing may be in flight */
int ring_fd(const struct ring *r);

void ring_submit(struct ring *r, struct call *call, const struct ring_op *op);
void ring_cancel(struct ring *r, struct call *call);
int32_t call_wait(struct ring *r, struct call *call); /* returns call->result */
unsigned call_wait_any(struct ring *r, struct call *const *calls, unsigned n);
int ring_poll(struct ring *r, bool wait);
struct fiber *ring_next_ready(struct ring *r);
bool ring_has_news(const struct ring *r);
void ring_set_others(struct ring *r, bool others);
unsigned ring_in_flight(const struct ring *r);
void ring_yield(struct ring *r);

void ring_sleep(struct ring *r, struct call *call, uint64_t ns);
void ring_timer_set(struct ring *r, struct ring_timer *t, uint64_t deadline_ns);
void ring_timer_clear(struct ring *r, struct ring_timer *t);
uint64_t ring_next_timer(const struct ring *r);

_must_check_ int32_t ring_now(const struct ring_op *op, bool may_wait);
_must_check_ int ring_now_ready(struct pollfd *polls, unsigned n);

/* Submit and wait: the usual case. */
static inline int32_t ring_do(struct ring *r, const struct ring_op *op)
{
        struct call call = { .state = CALL_IDLE };

        ring_submit(r, &call, op);
        return call_wait(r, &call);
}
