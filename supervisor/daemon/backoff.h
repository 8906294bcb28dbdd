/* backoff.h - when a nanoprocess that ended is started again. Pure: numbers in, a verdict out.
 *
 * restart_wanted - does @restart (of the unit) ask for a start after this end?
 * end_clean - was it a success: returned, or exited with 0 or a status of SuccessExitStatus=.
 * backoff_ns - the wait before restart number @n in a row (from 0): doubles from @least up to @most.
 * start_allowed - counts a start at @now_ns; false when there were @burst of them in @interval_ns. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "policy/unit.h"
#include "supervisor/broker/broker.h"

struct start_limit {
        uint64_t begin_ns;
        uint64_t n;
};

bool end_clean(const struct unit_service *s, enum run_end end, int status);
bool restart_wanted(const struct unit_service *s, enum run_end end, int status);
uint64_t backoff_ns(uint64_t least, uint64_t most, unsigned n);
bool start_allowed(struct start_limit *l, uint64_t now_ns, uint64_t interval_ns, uint64_t burst);
