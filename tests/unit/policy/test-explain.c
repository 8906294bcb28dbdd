/* test-explain.c - every kind of key has somebody who keeps it and something that remains; refusals are told. */
#include "config.h"

#include <string.h>

#include "policy/explain.h"
#include "policy/policy.h"
#include "tests/unit/unit.h"

START_TEST(every_key_is_kept_by_somebody)
{
        for (unsigned kind = 0; kind < _KEY_MAX; kind++) {
                unsigned n;
                const struct enforcer *e = key_enforcers(kind, &n);

                ck_assert_uint_ge(n, 1);
                ck_assert_ptr_nonnull(key_remains(kind));
                for (unsigned i = 0; i < n; i++) {
                        ck_assert_uint_eq(e[i].kind, kind); /* rows of a kind stand together */
                        ck_assert(e[i].stops[0] && strchr("GHI", e[i].drill[0]));
                }
        }
}
END_TEST

static const struct {
        const char *layer, *op;
        bool known;
        const char *verdict, *rule, *hint; /* parts */
} rows[] = {
        { "seccomp", "openat", true, "killed", "in no row", "no honest cell" },
        { "seccomp", "mmap", true, "killed", "mmap, allowed with other arguments (H12)", "no honest cell" },
        { "seccomp", "", true, "killed", "in no row", "no honest cell" },
        { "seccomp", "\033[2J", true, "killed", "in no row", "no honest cell" },
        { "ring", "", true, "refused", "ring_ops.def", "io_uring" },
        { "limit", "MemoryMax", true, "limited", "", "raise the setting" },
        { "hostcall", "path_open", true, "refused", "", "its keys do not hold" },
        { "nonsense", "openat", false, NULL, "", "" },
        { "", "", false, NULL, "", "" },
};

START_TEST(refusals_are_told)
{
        char rule[DENIAL_RULE_MAX] = "x", hint[DENIAL_HINT_MAX] = "x";

        ck_assert(denial_explain(rows[_i].layer, rows[_i].op, rule, hint) == rows[_i].known);
        ck_assert_ptr_nonnull(strstr(rule, rows[_i].rule));
        ck_assert_ptr_nonnull(strstr(hint, rows[_i].hint));
        ck_assert(!strchr(rule, '\033'));
        ck_assert_pstr_eq(denial_verdict(rows[_i].layer), rows[_i].verdict);
}
END_TEST

/* Nothing is cut. */
START_TEST(hints_fit)
{
        static const char *const layers[] = {
#define DENIAL(layer, verdict, id, hint) layer,
#include "policy/denials.def"
        };
        char rule[DENIAL_RULE_MAX], hint[DENIAL_HINT_MAX];

        ck_assert(denial_explain(layers[_i], "io_uring_enter", rule, hint));
        ck_assert_uint_lt(strlen(hint), DENIAL_HINT_MAX - 1);
        ck_assert_int_eq(hint[strlen(hint) - 1], '.');
        ck_assert_uint_lt(strlen(rule), DENIAL_RULE_MAX - 1);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("explain");

        tcase_add_test(tc, every_key_is_kept_by_somebody);
        tcase_add_loop_test(tc, refusals_are_told, 0, ELEMENTSOF(rows));
        tcase_add_loop_test(tc, hints_fit, 0, 7);
        return unit_main("explain", &tc, 1);
}
