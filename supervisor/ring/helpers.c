/* helpers.c - threads that wait in the place of a guest; see threads.h. */
#include "config.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/ring/threads.h"

#define HELPER_STACK_BYTES (64u << 10)

static void list_add(struct call ***end, struct call *call)
{
        call->plan.next = NULL;
        **end = call;
        *end = &call->plan.next;
}

static struct call *next_job(struct helpers *h)
{
        struct call *call;

        while (!h->queue && !h->stop)
                pthread_cond_wait(&h->wake, &h->lock);
        call = h->queue;
        if (!call)
                return NULL;
        h->queue = call->plan.next;
        if (!h->queue)
                h->queue_end = &h->queue;
        call->plan.place = PLACE_RUNNING;
        return call;
}

static void *helper(void *argument)
{
        static const uint64_t one = 1;
        struct helpers *h = argument;
        struct call *call;

        pthread_mutex_lock(&h->lock);
        h->started++;
        pthread_cond_broadcast(&h->wake);
        while ((call = next_job(h))) {
                struct ring_op op = call->plan.op;
                int32_t r;

                pthread_mutex_unlock(&h->lock);
                do
                        r = perform(&op, true);
                while (r == -EINTR);
                pthread_mutex_lock(&h->lock);
                call->result = r;
                list_add(&h->done_end, call);
                /* The counter of an eventfd cannot be so full that this fails. */
                if (write(h->event, &one, sizeof(one)) < 0)
                        h->stop = true;
        }
        pthread_mutex_unlock(&h->lock);
        return NULL;
}

int helpers_start(struct helpers *h, struct error *err)
{
        pthread_attr_t attr;
        sigset_t all, before;
        int r = 0;

        h->queue_end = &h->queue;
        h->done_end = &h->done;
        pthread_mutex_init(&h->lock, NULL);
        pthread_cond_init(&h->wake, NULL);
        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, HELPER_STACK_BYTES);
        /* Timers and faults of guests are for the threads that run guests. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        while (h->n < RING_HELPERS && r == 0) {
                r = pthread_create(&h->threads[h->n], &attr, helper, h);
                if (r == 0)
                        h->n++;
        }
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attr);
        /* The C library makes system calls at a thread's start that no table has: they are behind it now. */
        pthread_mutex_lock(&h->lock);
        while (h->started < h->n)
                pthread_cond_wait(&h->wake, &h->lock);
        pthread_mutex_unlock(&h->lock);
        if (r == 0)
                return 0;
        helpers_stop(h);
        return error_set(err, STAGE_RING, -r, ERROR_NOWHERE, "starting a thread: %s", strerror(r));
}

void helpers_stop(struct helpers *h)
{
        pthread_mutex_lock(&h->lock);
        h->stop = true;
        pthread_cond_broadcast(&h->wake);
        pthread_mutex_unlock(&h->lock);
        while (h->n > 0)
                pthread_join(h->threads[--h->n], NULL);
        pthread_cond_destroy(&h->wake);
        pthread_mutex_destroy(&h->lock);
}

void helpers_add(struct helpers *h, struct call *call)
{
        pthread_mutex_lock(&h->lock);
        call->plan.place = PLACE_QUEUED;
        list_add(&h->queue_end, call);
        pthread_cond_signal(&h->wake); /* only helpers wait by now */
        pthread_mutex_unlock(&h->lock);
}

bool helpers_take(struct helpers *h, struct call *call)
{
        struct call **at;
        bool found = false;

        pthread_mutex_lock(&h->lock);
        for (at = &h->queue; *at && *at != call; at = &(*at)->plan.next)
                ;
        if (*at) {
                *at = call->plan.next;
                if (!*at)
                        h->queue_end = at;
                found = true;
        }
        pthread_mutex_unlock(&h->lock);
        return found;
}

struct call *helpers_done(struct helpers *h)
{
        struct call *done;

        pthread_mutex_lock(&h->lock);
        done = h->done;
        h->done = NULL;
        h->done_end = &h->done;
        pthread_mutex_unlock(&h->lock);
        return done;
}
