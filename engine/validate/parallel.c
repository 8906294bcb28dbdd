/* Bodies over several threads. Functions are taken in ascending order, a batch at a time, and a
 * failure stops only what comes behind it: so every function before the first bad one is checked,
 * and the error is the same with any number of threads. */
#include "engine/validate/checker.h"

#include <pthread.h>
#include <stdatomic.h>

#define BATCH         32
#define JOBS_MAX      256
#define BYTES_PER_JOB 65536 /* less code than this is not worth a thread */

struct crew {
        struct checker *k;
        struct checked_module *c;
        uint32_t from, to;            /* defined functions */
        atomic_uint_fast32_t next;
        atomic_uint_fast32_t first_bad;
        pthread_mutex_t lock;         /* of what follows */
        struct error error;           /* of function first_bad */
        uint64_t features_used;
};

static void crew_fail(struct crew *crew, uint32_t function, const struct error *error)
{
        pthread_mutex_lock(&crew->lock);
        if (function < atomic_load(&crew->first_bad)) {
                atomic_store(&crew->first_bad, function);
                crew->error = *error;
        }
        pthread_mutex_unlock(&crew->lock);
}

static void *crew_work(void *argument)
{
        struct crew *crew = argument;
        struct body *b = calloc(1, sizeof(*b));
        uint32_t at = crew->from;

        if (!b) {
                struct error error = { 0 };

                error_set(&error, STAGE_VALIDATE, -ENOMEM, ERROR_NOWHERE, "out of memory");
                crew_fail(crew, crew->from, &error);
                return NULL;
        }
        b->k = crew->k;
        for (uint32_t end = at; ; at++) {
                if (at == end) {
                        at = (uint32_t)atomic_fetch_add(&crew->next, BATCH);
                        if (at >= crew->to)
                                break;
                        end = crew->to - at < BATCH ? crew->to : at + BATCH;
                }
                if (at > atomic_load_explicit(&crew->first_bad, memory_order_relaxed))
                        break;
                if (body_check(b, at, &crew->c->facts[at - crew->from]) < 0) {
                        crew_fail(crew, at, &b->error);
                        break;
                }
        }
        pthread_mutex_lock(&crew->lock);
        crew->features_used |= b->features_used;
        pthread_mutex_unlock(&crew->lock);
        body_done(b);
        free(b);
        return NULL;
}

static unsigned useful_jobs(const struct module *m, unsigned jobs)
{
        uint64_t bytes = 0;

        for (uint32_t i = m->imported_functions; i < m->nfunctions; i++)
                bytes += m->functions[i].body.size;
        if (jobs > JOBS_MAX)
                jobs = JOBS_MAX;
        if (jobs > bytes / BYTES_PER_JOB)
                jobs = (unsigned)(bytes / BYTES_PER_JOB);
        return jobs < 1 ? 1 : jobs;
}

int check_bodies(struct checker *k, unsigned jobs, struct checked_module *c)
{
        struct crew crew = {
                .k = k, .c = c, .from = k->m->imported_functions, .to = k->m->nfunctions,
                .lock = PTHREAD_MUTEX_INITIALIZER,
        };
        pthread_t threads[JOBS_MAX];
        unsigned started = 0;

        atomic_init(&crew.next, crew.from);
        atomic_init(&crew.first_bad, UINT32_MAX);
        jobs = useful_jobs(k->m, jobs);
        /* This thread is one of them; where no other can be started it does all. */
        while (started + 1 < jobs &&
               pthread_create(&threads[started], NULL, crew_work, &crew) == 0)
                started++;
        crew_work(&crew);
        for (unsigned i = 0; i < started; i++)
                pthread_join(threads[i], NULL);
        c->features_used |= crew.features_used;
        if (atomic_load(&crew.first_bad) == UINT32_MAX)
                return 0;
        if (k->err)
                *k->err = crew.error;
        return crew.error.code;
}
