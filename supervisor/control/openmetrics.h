/* openmetrics.h - metrics as OpenMetrics text, correct by construction.
 *
 * The families come one after the other, each with all of its samples: metrics_family() ends the one
 * before. A family is named without its type's suffix; metrics_sample() adds it (_total for a counter).
 * A sample's labels are pairs of name and value, ended by NULL; values are escaped here, names are ours.
 *
 * metrics_family - begin. @unit: "" or the last word of @name, as OpenMetrics demands.
 * metrics_sample - one number; of an info family always 1, its labels alone matter.
 * metrics_histogram - @counts: of each bucket, not cumulative, one more than there are @bounds, which are
 *   ascending; @sum in the family's unit.
 * metrics_end - "# EOF". */
#pragma once

#include <stdint.h>

#include "engine/base/buffer.h"

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM, METRIC_INFO, METRIC_STATESET };

struct metrics {
        struct buffer text;
        const char *family;
        enum metric_type type;
};

void metrics_family(struct metrics *m, const char *name, enum metric_type type, const char *unit,
                    const char *help);
void metrics_sample(struct metrics *m, const char *const *labels, double value);
void metrics_histogram(struct metrics *m, const char *const *labels, const double *bounds, unsigned n,
                       const uint64_t *counts, double sum);
void metrics_end(struct metrics *m);
