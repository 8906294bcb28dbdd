/* backoff.c - see backoff.h. */
#include "config.h"

#include "supervisor/daemon/backoff.h"

enum verdict { CLEAN, UNCLEAN, ABNORMAL, _VERDICT_MAX };

static const bool again[][_VERDICT_MAX] = {
        [RESTART_NO]          = { [CLEAN] = false, [UNCLEAN] = false, [ABNORMAL] = false },
        [RESTART_ON_SUCCESS]  = { [CLEAN] = true,  [UNCLEAN] = false, [ABNORMAL] = false },
        [RESTART_ON_FAILURE]  = { [CLEAN] = false, [UNCLEAN] = true,  [ABNORMAL] = true },
        [RESTART_ON_ABNORMAL] = { [CLEAN] = false, [UNCLEAN] = false, [ABNORMAL] = true },
        [RESTART_ALWAYS]      = { [CLEAN] = true,  [UNCLEAN] = true,  [ABNORMAL] = true },
};

static enum verdict verdict(const struct unit_service *s, enum run_end end, int status)
{
        switch (end) {
        case RUN_RETURNED:
                return CLEAN;
        case RUN_EXITED:
                if (status == 0)
                        return CLEAN;
                return status > 0 && status < 256 && (s->success[status / 8] >> (status % 8) & 1)
                               ? CLEAN : UNCLEAN;
        default:
                return ABNORMAL;
        }
}

bool end_clean(const struct unit_service *s, enum run_end end, int status)
{
        return verdict(s, end, status) == CLEAN;
}

bool restart_wanted(const struct unit_service *s, enum run_end end, int status)
{
        return s->restart < ELEMENTSOF(again) && again[s->restart][verdict(s, end, status)];
}

uint64_t backoff_ns(uint64_t least, uint64_t most, unsigned n)
{
        uint64_t wait = least;

        while (n-- && wait < most)
                wait = wait > most / 2 ? most : wait * 2;
        return wait < most ? wait : most;
}

bool start_allowed(struct start_limit *l, uint64_t now_ns, uint64_t interval_ns, uint64_t burst)
{
        if (l->n == 0 || now_ns - l->begin_ns >= interval_ns)
                *l = (struct start_limit) { .begin_ns = now_ns };
        if (l->n >= burst)
                return false;
        l->n++;
        return true;
}
