#include "config.h"

#include <string.h>

#include "policy/score.h"

static bool score_IDENTITY(const struct posture *p)
{
        return p->uid != 0;
}

static bool score_CAPABILITIES(const struct posture *p)
{
        return !(p->cap_eff | p->cap_prm | p->cap_inh | p->cap_amb);
}

/* With no_new_privs no program gives it one. */
static bool score_BOUNDING(const struct posture *p)
{
        return p->cap_bnd == 0 || p->no_new_privs;
}

static bool score_NO_NEW_PRIVS(const struct posture *p)
{
        return p->no_new_privs;
}

static bool score_SECCOMP(const struct posture *p)
{
        return p->seccomp == 2;
}

static bool score_WRITABLE_CODE(const struct posture *p)
{
        for (unsigned i = 0; i < p->nmaps && i < POSTURE_MAPS_MAX; i++)
                if (p->maps[i].writable)
                        return false;
        return p->nmaps <= POSTURE_MAPS_MAX;
}

static bool score_OWN_CODE(const struct posture *p)
{
        for (unsigned i = 0; i < p->nmaps && i < POSTURE_MAPS_MAX; i++)
                if (p->maps[i].name[0] == '\0')
                        return false;
        return p->nmaps <= POSTURE_MAPS_MAX;
}

static bool score_RING_THREAD(const struct posture *p)
{
        return !p->ring_sq_thread;
}

static bool score_PERSONALITY(const struct posture *p)
{
        return !p->ring_personality;
}

static bool score_DIRECTORIES(const struct posture *p)
{
        return p->directories == 0;
}

static bool score_DEVICES(const struct posture *p)
{
        return p->devices == 0;
}

static bool score_ROOT(const struct posture *p)
{
        return p->empty_root;
}

static bool score_MOUNTS(const struct posture *p)
{
        return p->own_mounts;
}

static bool score_IPC(const struct posture *p)
{
        return p->own_ipc;
}

static bool score_PIDS(const struct posture *p)
{
        return p->own_pids;
}

static bool score_NETWORK(const struct posture *p)
{
        return p->own_network;
}

static bool score_CGROUP(const struct posture *p)
{
        return p->own_cgroup;
}

static bool score_CGROUP_LIMITS(const struct posture *p)
{
        return p->cgroup_limits;
}

static const struct {
        enum layer layer;
        unsigned weight;
        bool (*look)(const struct posture *p);
        const char *good, *bad;
} rows[] = {
#define SCORE(name, layer, weight, good, bad) { LAYER_##layer, weight, score_##name, good, bad },
#include "policy/score.def"
};

double score_read(const struct posture *p, struct score_row ret[static _SCORE_MAX])
{
        unsigned all = 0;
        double exposure = 0;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                all += rows[i].weight;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                bool good = rows[i].look(p);

                ret[i] = (struct score_row) { .layer = rows[i].layer, .good = good,
                                              .text = good ? rows[i].good : rows[i].bad,
                                              .exposure = good ? 0 : 10.0 * rows[i].weight / all };
                exposure += ret[i].exposure;
        }
        return exposure;
}

const char *score_word(double exposure)
{
        return exposure < 0.05 ? "closed" : exposure < 1.5 ? "narrow" : exposure < 5 ? "wide" : "open";
}
