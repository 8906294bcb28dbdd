/* clock.c - clocks, randomness, yielding, leaving. */
#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "shim/wasi/state.h"
#include "shim/wasi/wasi.h"

#define NS_PER_S     UINT64_C(1000000000)
#define RANDOM_PIECE (UINT32_C(1) << 16)

static uint64_t ns_of(const struct timespec *t)
{
        return (uint64_t)t->tv_sec * NS_PER_S + t->tv_nsec;
}

static bool clock_id(uint32_t clock, clockid_t *ret)
{
        if (clock == WASI_CLOCK_REALTIME)
                *ret = CLOCK_REALTIME;
        else if (clock == WASI_CLOCK_MONOTONIC)
                *ret = CLOCK_MONOTONIC;
        else
                return false;
        return true;
}

/* The CPU clocks of the kernel count for a process or thread that the guest shares with others: they
 * would tell it about its neighbours. The supervisor knows what this guest used, or they are
 * refused. */
static bool cpu_clock(const struct wasi *w, uint32_t clock)
{
        return w->config.cpu_time_ns &&
               (clock == WASI_CLOCK_PROCESS_CPU || clock == WASI_CLOCK_THREAD_CPU);
}

enum wasi_errno clock_now(const struct wasi *w, uint32_t clock, uint64_t *ret_ns)
{
        uint64_t step = w->config.clock_resolution_ns, ns;
        struct timespec t;
        clockid_t id;

        if (cpu_clock(w, clock)) {
                ns = w->config.cpu_time_ns(w->config.context);
        } else {
                if (!clock_id(clock, &id))
                        return WASI_INVAL;
                if (clock_gettime(id, &t) < 0)
                        return wasi_errno_of(-errno);
                ns = ns_of(&t);
        }
        *ret_ns = step > 1 ? ns - ns % step : ns;
        return WASI_SUCCESS;
}

static enum wasi_errno clock_step(const struct wasi *w, uint32_t clock, uint64_t *ret_ns)
{
        uint64_t step = w->config.clock_resolution_ns, ns = 1;
        struct timespec t;
        clockid_t id;

        if (!cpu_clock(w, clock)) {
                if (!clock_id(clock, &id))
                        return WASI_INVAL;
                if (clock_getres(id, &t) < 0)
                        return wasi_errno_of(-errno);
                ns = ns_of(&t);
        }
        *ret_ns = step > ns ? step : ns;
        return WASI_SUCCESS;
}

typedef enum wasi_errno clock_question(const struct wasi *w, uint32_t clock, uint64_t *ret_ns);

static enum wasi_errno answer(clock_question *ask, uint32_t clock, uint32_t ret_ns)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct guest_span ret;
        uint64_t ns = 0;
        enum wasi_errno e = guest_span(&g, guest_ptr(ret_ns), 1, sizeof(uint64_t), &ret);

        if (!e)
                e = ask(w, clock, &ns);
        if (!e)
                guest_store_u64(&ret, ns);
        return e;
}

uint32_t wasi_clock_res_get(uint32_t clock, uint32_t ret_ns)
{
        return answer(clock_step, clock, ret_ns);
}

uint32_t wasi_clock_time_get(uint32_t clock, uint64_t precision_ns, uint32_t ret_ns)
{
        return answer(clock_now, clock, ret_ns);
}

static enum wasi_errno random_do(struct wasi *w, const struct guest_span *s)
{
        uint64_t piece = w->config.random_max_bytes, done = 0;

        if (piece == 0 || piece > RANDOM_PIECE)
                piece = RANDOM_PIECE;
        if (w->config.random_all_max && (w->random_bytes > w->config.random_all_max ||
                                         s->bytes > w->config.random_all_max - w->random_bytes)) {
                wasi_refuse(w, REFUSED_RANDOM, NULL);
                return WASI_DQUOT;
        }
        w->random_bytes += s->bytes;
        while (done < s->bytes) {
                size_t n = s->bytes - done < piece ? s->bytes - done : piece;
                ssize_t r = getrandom(s->host + done, n, 0);

                if (r < 0 && errno != EINTR)
                        return wasi_errno_of(-errno);
                if (r > 0)
                        done += r;
                /* Gigabytes of it are legal, and must not stop the other guests of this thread. */
                if (done < s->bytes)
                        ring_yield(w->config.ring);
                fiber_breathe();
        }
        return WASI_SUCCESS;
}

uint32_t wasi_random_get(uint32_t buffer, uint32_t bytes)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct guest_span s;
        enum wasi_errno e = guest_span(&g, guest_ptr(buffer), bytes, 1, &s);

        return e ? e : random_do(w, &s);
}

uint32_t wasi_sched_yield(void)
{
        struct guest g;

        ring_yield(wasi_current(&g)->config.ring);
        return WASI_SUCCESS;
}

void wasi_proc_exit(uint32_t status)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);

        w->exited = true;
        w->status = status;
        trap_raise(TRAP_HOST, "proc_exit");
}

uint32_t wasi_proc_raise(uint32_t signal)
{
        /* A nanoprocess has no signals, and the process is not the guest's to send any to. */
        return WASI_NOSYS;
}
