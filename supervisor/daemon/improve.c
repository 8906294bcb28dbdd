/* improve.c - see improve.h: which module's code is made next, who gets it, and what follows when it cannot be. */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>

#include "supervisor/broker/found.h"
#include "supervisor/broker/tier.h"
#include "supervisor/daemon/host.h"
#include "supervisor/daemon/improve.h"
#include "supervisor/proto/proto.h"

#define FAILURES_MAX 3u
#define AGAIN_NS     UINT64_C(60000000000) /* after the first failure; twice that after the second */
#define BUSY_NS      UINT64_C(10000000000)
#define REMEMBER_MAX 64u /* modules without a unit that failed: their count holds */

struct improvement { /* a module, as one or more units have it compiled */
        struct improvement *next;
        uint64_t number;
        struct module_digest module;
        struct artefact_choice choice;  /* .tier: of the best code that there is */
        int artefact;                   /* made here; -EBADF: what the units found */
        unsigned users;
        struct heat_message hot;        /* .n == 0: nothing took its guests' time */
        unsigned failures;
        uint64_t not_before_ns;
};

struct improver {
        struct improvement *list, *running; /* NULL: nothing is under way */
        enum tier making;
        struct step step;
        uint64_t done, all;
        struct process dying;           /* of the last step: the next one begins when it is gone */
        struct loop_watch watch, grave;
        struct loop_timer timer;
        uint64_t last_number, made, failed;
        bool possible;
};

static void begin_next(struct daemon *d);

static unsigned rank(enum tier tier)
{
        return tier == TIER_PEAK ? 2 : tier == TIER_MIXED;
}

static void on_dead(void *context, uint32_t events)
{
        struct daemon *d = context;
        struct process_end end;

        (void)events;
        loop_unwatch(d->loop, &d->improver->grave);
        if (process_wait(&d->improver->dying, &end) < 0) {
                closep(&d->improver->dying.pidfd);
                d->improver->dying = (struct process) { 0, -EBADF };
        }
        begin_next(d);
}

static void stop_step(struct daemon *d)
{
        struct improver *i = d->improver;
        struct error err = { 0 };

        i->running = NULL;
        if (i->step.child.pid <= 0)
                return;
        loop_unwatch(d->loop, &i->watch);
        step_end(&i->step, &i->dying);
        if (loop_watch(d->loop, &i->grave, i->dying.pidfd, EPOLLIN, &err) < 0)
                process_done(&i->dying);
}

static void forget(struct improver *i, struct improvement *w)
{
        struct improvement **at = &i->list;

        while (*at != w)
                at = &(*at)->next;
        *at = w->next;
        closep(&w->artefact);
        free(w);
}

/* The oldest of those that are only remembered for their failures goes when there are many. */
static void forget_old(struct improver *i)
{
        struct improvement *oldest = NULL;
        unsigned n = 0;

        for (struct improvement *w = i->list; w; w = w->next)
                if (!w->users) {
                        oldest = !oldest || w->number < oldest->number ? w : oldest;
                        n++;
                }
        if (n > REMEMBER_MAX)
                forget(i, oldest);
}

/* Some unit that has it: whose module's path is read, and whose records tell of it. */
static struct service *user_of(struct daemon *d, const struct improvement *w)
{
        for (unsigned i = 0; i < d->nservices; i++)
                if (d->services[i]->improvement == w)
                        return d->services[i];
        return NULL;
}

static void use_better(struct service *s, const struct improvement *w)
{
        enum tier tier;
        int fd;

        (void)service_code(s, &tier);
        fd = rank(w->choice.tier) > rank(tier) ? fcntl(w->artefact, F_DUPFD_CLOEXEC, 3) : -EBADF;
        if (fd < 0)
                return;
        closep(&s->better);
        s->better = fd;
        s->better_tier = w->choice.tier;
}

/* All units of the module have it from here on. */
static void share(struct daemon *d, struct improvement *w, int artefact, enum tier tier)
{
        closep(&w->artefact);
        w->artefact = artefact;
        w->choice.tier = tier;
        for (unsigned i = 0; i < d->nservices; i++)
                if (d->services[i]->improvement == w)
                        use_better(d->services[i], w);
        host_sweep_soon(d);
}

static void done(struct daemon *d, struct improvement *w, int artefact)
{
        w->failures = 0;
        d->improver->made++;
        share(d, w, artefact, d->improver->making);
        for (unsigned i = 0; i < d->nservices; i++) {
                struct service *s = d->services[i];

                if (s->improvement != w)
                        continue;
                if (w->choice.tier == TIER_MIXED)
                        service_log(s, LOG_INFO, "optimised",
                                    "better code for what takes its time (%" PRIu32 " functions), for guests that start now",
                                    w->hot.n);
                else
                        service_log(s, LOG_INFO, "optimised", "better code for its whole module, for guests that start now");
        }
}

/* One record; then it is tried again, later and later, and not for ever. */
static void failed(struct daemon *d, struct improvement *w, int code, const char *why)
{
        struct service *s = user_of(d, w);
        bool first = !w->failures++;

        d->improver->failed++;
        if (code == -ESTALE)
                w->failures = FAILURES_MAX;
        w->not_before_ns = loop_now(d->loop) + (AGAIN_NS << (w->failures - 1));
        if (first && s)
                service_log(s, LOG_WARNING, "not-optimised", "no better code for now, it runs on as it is: %s", why);
}

static void on_word(void *context, uint32_t events)
{
        struct daemon *d = context;
        struct improver *i = d->improver;
        struct improvement *w = i->running;
        struct step_word word;

        while (step_read(&i->step, &word)) {
                if (word.kind == STEP_PROGRESS) {
                        i->done = word.done;
                        i->all = word.all;
                        continue;
                }
                stop_step(d);
                if (word.kind == STEP_DONE)
                        done(d, w, word.artefact);
                else if (word.kind == STEP_BUSY)
                        w->not_before_ns = loop_now(d->loop) + BUSY_NS;
                else
                        failed(d, w, word.code, word.text);
                begin_next(d);
                return;
        }
}

static bool may_begin(const struct improvement *w, uint64_t now)
{
        return w->users && w->hot.n && w->choice.tier != TIER_PEAK && w->failures < FAILURES_MAX &&
               w->not_before_ns <= now;
}

/* Hot functions come before whole modules, and of each the hottest module's. */
static bool comes_before(const struct improvement *a, const struct improvement *b)
{
        if (!b || rank(a->choice.tier) != rank(b->choice.tier))
                return !b || rank(a->choice.tier) < rank(b->choice.tier);
        return a->hot.samples > b->hot.samples;
}

/* What waits for its time only: when the first of it comes. */
static void set_timer(struct daemon *d, uint64_t now)
{
        uint64_t at = UINT64_MAX;

        for (const struct improvement *w = d->improver->list; w; w = w->next)
                if (w->not_before_ns > now && may_begin(w, w->not_before_ns) && w->not_before_ns < at)
                        at = w->not_before_ns;
        if (at != UINT64_MAX)
                loop_timer_set(d->loop, &d->improver->timer, at);
}

static void begin(struct daemon *d, struct improvement *w)
{
        const struct service *s = user_of(d, w);
        struct improver *i = d->improver;
        struct artefact_choice choice = w->choice;
        struct step_order order = { .options = &d->options, .path = s->unit->module,
                                    .degraded = s->unit->degraded || d->options.degraded, .module = &w->module,
                                    .choice = &choice, .hot = &w->hot };
        struct error err = { 0 };
        int r;

        choice.tier = i->making = w->choice.tier == TIER_FAST ? TIER_MIXED : TIER_PEAK;
        i->done = i->all = 0;
        r = step_start(&order, &i->step, &err);
        if (r >= 0)
                r = loop_watch(d->loop, &i->watch, i->step.sock, EPOLLIN, &err);
        if (r >= 0) {
                i->running = w;
                return;
        }
        stop_step(d);
        failed(d, w, r, err.text);
        set_timer(d, loop_now(d->loop));
}

/* A whole module takes minutes: one that is not half done gives way to hot functions. */
static bool gives_way(const struct improver *i, const struct improvement *next)
{
        return i->making == TIER_PEAK && next->choice.tier == TIER_FAST && i->done * 2 < i->all;
}

static void begin_next(struct daemon *d)
{
        struct improver *i = d->improver;
        uint64_t now = loop_now(d->loop);
        struct improvement *best = NULL;

        if (d->ending)
                return;
        for (struct improvement *w = i->list; w; w = w->next)
                if (w != i->running && may_begin(w, now) && comes_before(w, best))
                        best = w;
        if (i->running && best && gives_way(i, best))
                stop_step(d);
        if (i->running || i->dying.pid > 0)
                return;
        if (best)
                begin(d, best);
        else
                set_timer(d, now);
}

static void on_timer(void *context)
{
        begin_next(context);
}

static struct improvement *find(struct improver *i, const struct module_digest *module,
                                const struct artefact_choice *c)
{
        for (struct improvement *w = i->list; w; w = w->next)
                if (!memcmp(&w->module, module, sizeof(*module)) && w->choice.dense == c->dense &&
                    w->choice.cpu == c->cpu)
                        return w;
        return NULL;
}

void improve_join(struct service *s)
{
        struct improver *i = s->daemon->improver;
        struct improvement *w;

        if (!i->possible || !s->compiled || s->unit->tier != UNIT_TIER_AUTO)
                return;
        w = find(i, &s->module, &s->choice);
        if (!w) {
                w = calloc(1, sizeof(*w));
                if (!w)
                        return;
                *w = (struct improvement) { .next = i->list, .number = ++i->last_number, .module = s->module,
                                            .choice = s->choice, .artefact = -EBADF };
                i->list = w;
        }
        w->users++;
        s->improvement = w;
        if (rank(s->choice.tier) > rank(w->choice.tier)) /* somebody else's work, found in the cache */
                share(s->daemon, w, fcntl(s->artefact, F_DUPFD_CLOEXEC, 3), s->choice.tier);
        else if (w->failures < FAILURES_MAX)
                use_better(s, w);
}

void improve_leave(struct service *s)
{
        struct improver *i = s->daemon->improver;
        struct improvement *w = s->improvement;

        closep(&s->better);
        s->better = -EBADF;
        s->improvement = NULL;
        if (!w || --w->users)
                return;
        if (i->running == w) {
                stop_step(s->daemon);
                loop_timer_set(s->daemon->loop, &i->timer, loop_now(s->daemon->loop));
        }
        w->hot.n = 0;
        if (w->failures)
                forget_old(i);
        else
                forget(i, w);
}

void improve_heat(struct daemon *d, uint64_t work, const struct heat_message *hot)
{
        struct improvement *w = d->improver->list;

        while (w && w->number != work)
                w = w->next;
        if (!work || !w || !w->users || w->choice.tier == TIER_PEAK || (w->hot.n && hot->samples <= w->hot.samples))
                return;
        w->hot = *hot;
        begin_next(d);
}

void improve_rejected(struct service *s, const char *why)
{
        struct daemon *d = s->daemon;
        struct improvement *w = s->improvement;

        closep(&s->better);
        s->better = -EBADF;
        if (!w || w->failures >= FAILURES_MAX)
                return;
        if (d->improver->running == w)
                stop_step(d);
        w->failures = FAILURES_MAX;
        d->improver->failed++;
        for (unsigned i = 0; i < d->nservices; i++)
                if (d->services[i]->improvement == w) {
                        closep(&d->services[i]->better);
                        d->services[i]->better = -EBADF;
                }
        service_log(s, LOG_WARNING, "not-optimised", "its better code cannot be used, it runs on as it is: %s", why);
}

uint64_t improve_work(const struct service *s)
{
        return s->improvement ? s->improvement->number : 0;
}

void improve_view(const struct service *s, struct improve_view *ret)
{
        const struct improver *i = s->daemon->improver;
        const struct improvement *w = s->improvement;

        *ret = (struct improve_view) { .text = "" };
        if (s->unit->tier != UNIT_TIER_AUTO)
                ret->text = "off";
        else if (!i->possible)
                ret->text = "not installed";
        else if (!w)
                ret->text = "";
        else if (w->choice.tier == TIER_PEAK)
                ret->text = "done";
        else if (i->running == w) {
                ret->text = i->making == TIER_MIXED ? "hot functions" : "whole module";
                ret->percent = i->all && i->done <= i->all ? (unsigned)((double)i->done / (double)i->all * 100) : 0;
        } else if (w->failures >= FAILURES_MAX)
                ret->text = "given up";
        else if (w->failures)
                ret->text = "failed";
        else
                ret->text = w->hot.n ? "queued" : "idle";
}

uint64_t improve_count(const struct daemon *d, bool made)
{
        return made ? d->improver->made : d->improver->failed;
}

int improve_new(struct daemon *d, struct error *err)
{
        struct improver *i = calloc(1, sizeof(*i));

        if (!i)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "optimiser");
        *i = (struct improver) { .step = { .child = { 0, -EBADF }, .sock = -EBADF }, .possible = tier_possible(),
                                 .dying = { 0, -EBADF }, .grave = { -EBADF, on_dead, d },
                                 .watch = { -EBADF, on_word, d }, .timer = { .due = on_timer, .context = d } };
        d->improver = i;
        return 0;
}

void improve_end(struct daemon *d)
{
        if (d->improver->running)
                stop_step(d);
}

void improve_free(struct daemon *d)
{
        if (!d->improver)
                return;
        stop_step(d);
        loop_unwatch(d->loop, &d->improver->grave); /* whoever comes after us sees its end */
        closep(&d->improver->dying.pidfd);
        loop_timer_clear(d->loop, &d->improver->timer);
        while (d->improver->list)
                forget(d->improver, d->improver->list);
        free(d->improver);
        d->improver = NULL;
}
