/* openmetrics.c - see openmetrics.h. */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/control/openmetrics.h"

static const struct {
        const char *name, *suffix;
} types[] = {
        [METRIC_GAUGE] = { "gauge", "" },         [METRIC_COUNTER] = { "counter", "_total" },
        [METRIC_HISTOGRAM] = { "histogram", "" }, [METRIC_INFO] = { "info", "_info" },
        [METRIC_STATESET] = { "stateset", "" },
};

static void put(struct metrics *m, const char *text)
{
        buffer_append(&m->text, text, strlen(text));
}

/* A label's value, or a help text, in which a quote stands for itself. */
static void put_escaped(struct metrics *m, const char *text, bool quote)
{
        for (const char *p = text; *p; p++) {
                if (*p == '\n')
                        put(m, "\\n");
                else if (*p == '\\')
                        put(m, "\\\\");
                else if (*p == '"' && quote)
                        put(m, "\\\"");
                else
                        buffer_u8(&m->text, (uint8_t)*p);
        }
}

static void put_number(struct metrics *m, double value)
{
        char text[40];

        if (isnan(value))
                put(m, "NaN");
        else if (isinf(value))
                put(m, value < 0 ? "-Inf" : "+Inf");
        else {
                /* The shortest text that reads back as the same number. */
                for (int digits = 6; digits <= 17; digits++) {
                        snprintf(text, sizeof(text), "%.*g", digits, value);
                        if (strtod(text, NULL) == value)
                                break;
                }
                put(m, text);
        }
}

static void put_name(struct metrics *m, const char *suffix, const char *const *labels,
                     const char *extra, const char *extra_value)
{
        const char *separator = "{";

        put(m, m->family);
        put(m, suffix);
        for (; labels && *labels; labels += 2) {
                put(m, separator);
                put(m, labels[0]);
                put(m, "=\"");
                put_escaped(m, labels[1], true);
                put(m, "\"");
                separator = ",";
        }
        if (extra) {
                put(m, separator);
                put(m, extra);
                put(m, "=\"");
                put(m, extra_value);
                put(m, "\"");
                separator = ",";
        }
        put(m, *separator == ',' ? "} " : " ");
}

void metrics_family(struct metrics *m, const char *name, enum metric_type type, const char *unit,
                    const char *help)
{
        m->family = name;
        m->type = type;
        put(m, "# TYPE ");
        put(m, name);
        put(m, " ");
        put(m, types[type].name);
        if (unit[0]) {
                put(m, "\n# UNIT ");
                put(m, name);
                put(m, " ");
                put(m, unit);
        }
        put(m, "\n# HELP ");
        put(m, name);
        put(m, " ");
        put_escaped(m, help, false);
        put(m, "\n");
}

void metrics_sample(struct metrics *m, const char *const *labels, double value)
{
        put_name(m, types[m->type].suffix, labels, NULL, NULL);
        put_number(m, value);
        put(m, "\n");
}

void metrics_histogram(struct metrics *m, const char *const *labels, const double *bounds, unsigned n,
                       const uint64_t *counts, double sum)
{
        uint64_t all = 0;
        char text[40];

        for (unsigned i = 0; i <= n; i++) {
                all += counts[i];
                if (i < n)
                        snprintf(text, sizeof(text), "%g", bounds[i]);
                else
                        snprintf(text, sizeof(text), "+Inf");
                /* The rules want bounds to look like floating point numbers. */
                if (i < n && !strpbrk(text, ".e"))
                        strcat(text, ".0");
                put_name(m, "_bucket", labels, "le", text);
                put_number(m, (double)all);
                put(m, "\n");
        }
        put_name(m, "_count", labels, NULL, NULL);
        put_number(m, (double)all);
        put(m, "\n");
        put_name(m, "_sum", labels, NULL, NULL);
        put_number(m, sum);
        put(m, "\n");
}

void metrics_end(struct metrics *m)
{
        put(m, "# EOF\n");
}
