/* blame.c - see blame.h. */
#include "config.h"

#include <syslog.h>

#include "supervisor/daemon/blame.h"

#define KILLS_MAX      3u
#define KILLS_NS       UINT64_C(3600000000000)
#define SUSPICION_NS   UINT64_C(600000000000)
#define DEALT          8u

void blame_note(struct suspects *suspects, struct hosted *h, struct service *s)
{
        struct service **list;

        if (s->victim_of == h)
                return;
        list = reallocarray(suspects->list, suspects->n + 1, sizeof(*list));
        if (!list)
                return;
        suspects->list = list;
        suspects->list[suspects->n++] = s;
        s->victim_of = h;
}

static void convict(struct service *s, uint64_t now)
{
        if (s->kills && now - s->killed_ns > KILLS_NS)
                s->kills = 0;
        s->kills++;
        s->killed_ns = now;
        if (s->kills >= KILLS_MAX)
                service_event(s, ON_QUARANTINE, "it has killed %u cells", s->kills);
}

void blame_judge(struct suspects *suspects, struct daemon *d)
{
        uint64_t now = loop_now(d->loop);

        for (unsigned i = 0; i < suspects->n; i++) {
                struct service *s = suspects->list[i];

                s->victim_of = NULL;
                if (suspects->n == 1) {
                        convict(s, now);
                        continue;
                }
                /* Each digit of the path, to the base of 16, is 8 and which of the eight cells. When the path is
                 * full there have been 16 rounds, which tell 8^16 units apart. */
                s->suspect_path = s->suspect_path << 4 | DEALT | i % DEALT;
                s->suspect_until_ns = now + SUSPICION_NS;
                service_log(s, LOG_WARNING, "suspect", "one of %u units killed their cell: kept apart for now",
                            suspects->n);
        }
        suspects->n = 0;
}

void blame_forget(struct suspects *suspects, struct service *s)
{
        for (unsigned i = 0; i < suspects->n; i++)
                if (suspects->list[i] == s)
                        suspects->list[i--] = suspects->list[--suspects->n];
}

void blame_expire(struct service *s)
{
        if (s->suspect_path && loop_now(s->daemon->loop) >= s->suspect_until_ns)
                s->suspect_path = 0;
}
