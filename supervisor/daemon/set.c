/* set.c - all units: read from their directories, read again, started and stopped in their order. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>

#include <xxhash.h>

#include "supervisor/daemon/daemon.h"
#include "supervisor/daemon/host.h"
#include "supervisor/daemon/improve.h"

static int compare_name(const void *name, const void *service)
{
        return strcmp(name, (*(struct service *const *)service)->unit->name);
}

struct service *set_find(struct daemon *d, const char *name)
{
        struct service **at = NULL;

        if (d->nservices)
                at = bsearch(name, d->services, d->nservices, sizeof(*d->services), compare_name);
        return at ? *at : NULL;
}

static int add(struct daemon *d, struct service *s)
{
        struct service **services = reallocarray(d->services, d->nservices + 1, sizeof(*services));
        unsigned at = d->nservices;

        if (!services)
                return -ENOMEM;
        d->services = services;
        while (at && strcmp(services[at - 1]->unit->name, s->unit->name) > 0) {
                services[at] = services[at - 1];
                at--;
        }
        services[at] = s;
        d->nservices++;
        return 0;
}

static void forget(struct daemon *d, unsigned at)
{
        service_free(d->services[at]);
        memmove(d->services + at, d->services + at + 1, (--d->nservices - at) * sizeof(*d->services));
}

void set_free(struct daemon *d)
{
        while (d->nservices)
                service_free(d->services[--d->nservices]);
        free(d->services);
        d->services = NULL;
}

/* Of the files' names and bytes: a unit whose digest is the same has not changed. */
static uint64_t digest_of(const struct unit *u)
{
        XXH64_state_t *state = XXH64_createState();
        uint64_t digest = 0;

        if (!state)
                return 0;
        XXH64_reset(state, 0);
        for (unsigned i = 0; i < u->nfiles; i++) {
                _cleanup_close_ int fd = open(u->files[i], O_RDONLY | O_CLOEXEC);
                char bytes[4096];
                ssize_t n;

                XXH64_update(state, u->files[i], strlen(u->files[i]) + 1);
                while (fd >= 0 && (n = read(fd, bytes, sizeof(bytes))) > 0)
                        XXH64_update(state, bytes, (size_t)n);
        }
        digest = XXH64_digest(state);
        XXH64_freeState(state);
        return digest;
}

static void report_problem(void *context, const char *path, unsigned line, unsigned column,
                           const char *text)
{
        struct reload_result *result = context;
        char whole[1024];

        if (column)
                snprintf(whole, sizeof(whole), "%s:%u:%u: %s", path, line, column, text);
        else
                snprintf(whole, sizeof(whole), "%s: %s", path, text);
        journal_write(LOG_ERR, NULL, "%s", whole);
        if (result->errors)
                json_object_array_add(result->errors, json_object_new_string(whole));
}

static int load(struct daemon *d, const char *name, struct reload_result *result, struct unit **ret,
                struct error *err)
{
        const struct unit_problems problems = { report_problem, result };

        return unit_load(d->options.units, d->options.nunits, name, &problems, ret, err);
}

static int add_new(struct daemon *d, struct unit *unit, struct service **ret, struct error *err)
{
        struct service *s = NULL;
        int r = service_new(d, unit, digest_of(unit), &s, err);

        if (r < 0) {
                unit_free(unit);
                return r;
        }
        if (add(d, s) < 0) {
                service_free(s);
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "out of memory");
        }
        *ret = s;
        return 0;
}

int set_find_or_load(struct daemon *d, const char *name, struct service **ret, struct error *err)
{
        struct reload_result result = { 0 };
        struct unit *unit = NULL;
        int r;

        *ret = set_find(d, name);
        if (*ret)
                return 0;
        if (!unit_name_valid(name))
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "no name of a unit");
        r = load(d, name, &result, &unit, err);
        return r < 0 ? r : add_new(d, unit, ret, err);
}

/* One unit that was read: new, changed, or the same. The unit is taken over. */
static void merge(struct daemon *d, struct unit *unit, struct reload_result *result)
{
        struct service *s = set_find(d, unit->name);
        struct error err = { 0 };
        uint64_t digest;

        if (!s) {
                if (add_new(d, unit, &s, &err) < 0) {
                        journal_write(LOG_ERR, NULL, "%s", err.text);
                        return;
                }
                result->added++;
                if (!d->options.no_start && s->unit->service.start == START_AUTO)
                        service_start(s);
                return;
        }
        s->gone = false;
        digest = digest_of(unit);
        if (digest == s->digest) {
                unit_free(TAKE_PTR(s->next_unit));
                unit_free(unit);
                return;
        }
        unit_free(s->next_unit);
        s->next_unit = unit;
        s->next_digest = digest;
        result->changed++;
        if (service_live(s))
                service_restart(s);
        else if (s->state == UNIT_FAILED && s->wanted)
                service_start(s);
}

void set_load(struct daemon *d, struct reload_result *ret)
{
        char **names = NULL;
        unsigned n = 0;
        struct error err = { 0 };

        /* Instances that were started by name have no file of their own; they are read again too. */
        for (unsigned i = 0; i < d->nservices; i++)
                d->services[i]->gone = true;
        if (unit_list(d->options.units, d->options.nunits, &names, &n, &err) < 0) {
                journal_write(LOG_ERR, NULL, "%s", err.text);
                for (unsigned i = 0; i < d->nservices; i++)
                        d->services[i]->gone = false;
                return;
        }
        for (unsigned i = 0; i < n; i++) {
                struct service *s = set_find(d, names[i]);
                struct unit *unit = NULL;

                if (load(d, names[i], ret, &unit, &err) >= 0)
                        merge(d, unit, ret);
                else if (s)
                        s->gone = false; /* what cannot be read leaves what runs alone */
                free(names[i]);
        }
        free(names);
        for (unsigned i = 0; i < d->nservices; i++) {
                struct service *s = d->services[i];
                struct unit *unit = NULL;

                if (!s->gone)
                        continue;
                if (s->unit->instance && load(d, s->unit->name, ret, &unit, &err) >= 0) {
                        merge(d, unit, ret);
                        continue;
                }
                ret->removed++;
                service_stop(s);
                s->gone = true;
        }
        set_settle_soon(d);
}

/* What unit @s waits for, NULL when nothing. @ret_failed: it will never come. */
static struct service *blocked_by(struct service *s, bool *ret_failed)
{
        const struct words *lists[] = { &s->unit->requires, &s->unit->after };

        *ret_failed = false;
        for (unsigned l = 0; l < ELEMENTSOF(lists); l++)
                for (unsigned i = 0; i < lists[l]->n; i++) {
                        struct service *other = set_find(s->daemon, lists[l]->words[i]);

                        if (other && (other->state == UNIT_WAITING || other->state == UNIT_PREPARING ||
                                      other->state == UNIT_STARTING ||
                                      (other->state == UNIT_STOPPING && other->again)))
                                return other;
                        if (l == 0 && (!other || !service_up(other))) {
                                *ret_failed = true;
                                return other;
                        }
                }
        return NULL;
}

/* The chain of those who wait comes back to its start. */
static bool waits_for_itself(struct service *s)
{
        struct service *at = s;
        bool failed;

        for (unsigned i = 0; i <= s->daemon->nservices && at && at->state == UNIT_WAITING; i++) {
                at = blocked_by(at, &failed);
                if (at == s)
                        return true;
        }
        return false;
}

static int start_required(struct service *s)
{
        for (unsigned i = 0; i < s->unit->requires.n; i++) {
                struct service *other = NULL;
                struct error err = { 0 };

                if (set_find_or_load(s->daemon, s->unit->requires.words[i], &other, &err) < 0)
                        return -ENOENT;
                if (!service_live(other) && !other->done && other->state == UNIT_INACTIVE)
                        service_start(other);
        }
        return 0;
}

static void settle_waiting(struct service *s)
{
        struct service *other;
        bool failed;

        start_required(s);
        other = blocked_by(s, &failed);
        if (failed)
                service_event(s, ON_OTHER_FAILED, "requires a unit that is not up%s%s", other ? ": " : "",
                              other ? other->unit->name : "");
        else if (!other)
                service_event(s, ON_OTHERS_UP, "%s", "");
        else if (waits_for_itself(s))
                service_event(s, ON_OTHER_FAILED, "waits for itself, by way of %s", other->unit->name);
}

static bool names(const struct words *list, const char *name)
{
        for (unsigned i = 0; i < list->n; i++)
                if (!strcmp(list->words[i], name))
                        return true;
        return false;
}

/* Those that were started after @s go down before it, when they are to go down at all. */
static bool others_first(struct daemon *d, const struct service *s)
{
        bool wait = false;

        for (unsigned i = 0; i < d->nservices; i++) {
                struct service *other = d->services[i];
                bool requires;

                if (other == s || !service_live(other))
                        continue;
                requires = names(&other->unit->requires, s->unit->name);
                if (requires && !other->stopping && other->state != UNIT_STOPPING) {
                        bool again = s->again;

                        service_stop(other);
                        other->wanted = other->again = again;
                }
                if ((requires || names(&other->unit->after, s->unit->name)) &&
                    (other->stopping || other->state == UNIT_STOPPING))
                        wait = true;
        }
        return wait;
}

void set_settle(void *context)
{
        struct daemon *d = context;
        bool live = false;

        for (unsigned i = 0; i < d->nservices; i++)
                if (d->services[i]->state == UNIT_WAITING)
                        settle_waiting(d->services[i]);
        for (unsigned i = 0; i < d->nservices; i++) {
                struct service *s = d->services[i];

                if (s->stopping && s->state != UNIT_STOPPING && service_live(s) &&
                    (!others_first(d, s) || s->state < UNIT_STARTING))
                        service_event(s, ON_STOP, "%s", "");
        }
        for (unsigned i = 0; i < d->nservices;) {
                struct service *s = d->services[i];

                if (service_live(s)) {
                        live = true;
                } else if (s->again && !d->ending) {
                        s->again = false;
                        service_start(s);
                } else if (s->gone && !s->waiters) {
                        forget(d, i);
                        continue;
                } else {
                        service_renew(s);
                }
                i++;
        }
        if (d->ending && !live)
                loop_stop(d->loop, 0);
}

void set_settle_soon(struct daemon *d)
{
        if (!d->settle.place)
                loop_timer_set(d->loop, &d->settle, loop_now(d->loop));
}

void set_end(struct daemon *d)
{
        d->ending = true;
        improve_end(d);
        for (unsigned i = 0; i < d->nservices; i++)
                service_stop(d->services[i]);
        set_settle_soon(d);
}
