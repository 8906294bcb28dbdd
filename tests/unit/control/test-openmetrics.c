/* test-openmetrics.c - the text of metrics, by the rules of OpenMetrics. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/control/openmetrics.h"
#include "tests/unit/unit.h"

static void expect(struct metrics *m, const char *text)
{
        buffer_u8(&m->text, 0);
        ck_assert(buffer_ok(&m->text));
        ck_assert_str_eq((const char *)m->text.bytes, text);
        buffer_done(&m->text);
}

START_TEST(a_counter_has_its_suffix)
{
        struct metrics m = { 0 };
        const char *labels[] = { "unit", "a", NULL };

        metrics_family(&m, "x_seconds", METRIC_COUNTER, "seconds", "What it is");
        metrics_sample(&m, labels, 1.5);
        metrics_end(&m);
        expect(&m, "# TYPE x_seconds counter\n# UNIT x_seconds seconds\n# HELP x_seconds What it is\n"
                   "x_seconds_total{unit=\"a\"} 1.5\n# EOF\n");
}
END_TEST

START_TEST(labels_and_helps_are_escaped)
{
        struct metrics m = { 0 };
        const char *labels[] = { "a", "q\"b\\n\nz", "b", "", NULL };

        metrics_family(&m, "x", METRIC_GAUGE, "", "one\ntwo \"three\" \\");
        metrics_sample(&m, labels, 0);
        expect(&m, "# TYPE x gauge\n# HELP x one\\ntwo \"three\" \\\\\n"
                   "x{a=\"q\\\"b\\\\n\\nz\",b=\"\"} 0\n");
}
END_TEST

START_TEST(a_histogram_is_cumulative)
{
        static const double bounds[] = { 0.5, 2 };
        static const uint64_t counts[] = { 1, 2, 4 };
        struct metrics m = { 0 };
        const char *labels[] = { "u", "a", NULL };

        metrics_family(&m, "h_seconds", METRIC_HISTOGRAM, "seconds", "h");
        metrics_histogram(&m, labels, bounds, 2, counts, 9.25);
        expect(&m, "# TYPE h_seconds histogram\n# UNIT h_seconds seconds\n# HELP h_seconds h\n"
                   "h_seconds_bucket{u=\"a\",le=\"0.5\"} 1\nh_seconds_bucket{u=\"a\",le=\"2.0\"} 3\n"
                   "h_seconds_bucket{u=\"a\",le=\"+Inf\"} 7\nh_seconds_count{u=\"a\"} 7\nh_seconds_sum{u=\"a\"} 9.25\n");
}
END_TEST

static const struct {
        double value;
        const char *text;
} numbers[] = {
        { 0, "0" }, { 1e300, "1e+300" }, { 0.1, "0.1" }, { 18446744073709551615.0, "1.8446744073709552e+19" },
        { INFINITY, "+Inf" }, { -INFINITY, "-Inf" }, { NAN, "NaN" }, { 123456789, "123456789" }, { 1.0 / 3, "0.3333333333333333" },
};

START_TEST(numbers_read_back_as_they_were)
{
        struct metrics m = { 0 };
        char text[128];

        metrics_family(&m, "n", METRIC_GAUGE, "", "n");
        metrics_sample(&m, NULL, numbers[_i].value);
        snprintf(text, sizeof(text), "# TYPE n gauge\n# HELP n n\nn %s\n", numbers[_i].text);
        expect(&m, text);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("openmetrics");

        tcase_add_test(tc, a_counter_has_its_suffix);
        tcase_add_test(tc, labels_and_helps_are_escaped);
        tcase_add_test(tc, a_histogram_is_cumulative);
        tcase_add_loop_test(tc, numbers_read_back_as_they_were, 0, ELEMENTSOF(numbers));
        return unit_main("openmetrics", &tc, 1);
}
