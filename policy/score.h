/* score.h - how exposed a process is, from what is seen from outside: 0.0 is nothing to name, 10.0 all.
 * The idea is that of systemd-analyze security. Not a proof: what the walls stop is shown by the drills.
 *
 * score_read - one row each of score.def over @p; returns the exposure. */
#pragma once

#include "policy/posture.h"

enum score {
#define SCORE(name, layer, weight, good, bad) SCORE_##name,
#include "policy/score.def"
        _SCORE_MAX,
};

struct score_row {
        enum layer layer;
        bool good;
        double exposure;  /* what it adds; 0 when good */
        const char *text;
};

double score_read(const struct posture *p, struct score_row ret[static _SCORE_MAX]);
const char *score_word(double exposure); /* "closed", "narrow", "wide", "open" */
