/* What a cell's control group allows, derived from its guests. */
#include "config.h"

#include "policy/cgroup.h"
#include "tests/unit/unit.h"

#define MIB (UINT64_C(1) << 20)
#define MAX CGROUP_UNLIMITED

static const struct {
        const char *name;
        struct cgroup_use use;
        unsigned guests, threads;
        uint64_t memory, pids, cpu; /* what is written */
} cases[] = {
        { "nobody yet: no word of time",    { 0 },                              0, 1, 192 * MIB, 73, 0 },
        { "a limit of memory",              { .memory_bytes = 64 * MIB },       1, 1, 320 * MIB, 73, MAX },
        { "none of it",                     { .host_memory_bytes = MIB },       1, 1, MAX, 73, MAX },
        { "what the host keeps is known",   { .memory_bytes = 64 * MIB, .host_memory_bytes = MIB },
          1, 1, 256 * MIB, 73, MAX },
        { "a stack",                        { .memory_bytes = 64 * MIB, .stack_bytes = 64 * MIB },
          1, 1, 384 * MIB, 73, MAX },
        { "many guests",                    { .memory_bytes = 64 * MIB, .host_memory_bytes = MIB },
          100, 2, 6848 * MIB, 138, MAX },
        { "more than can be counted",       { .memory_bytes = UINT64_MAX / 2 }, 4, 1, MAX, 73, MAX },
        { "the largest",                    { .memory_bytes = UINT64_MAX },     1, 1, MAX, 73, MAX },
        { "quotas",                         { .cpu_us = 10000 },                3, 1, MAX, 73, 80000 },
        { "threads without a ring",         { 0 },                              0, 5, 256 * MIB, 333, 0 },
};

START_TEST(limits_follow_from_guests)
{
        struct cgroup_sum sum = { 0 };
        struct cgroup_limits l = CGROUP_LIMITS_NONE;

        for (unsigned i = 0; i < cases[_i].guests; i++)
                cgroup_sum_add(&sum, &cases[_i].use);
        ck_assert_msg(cgroup_derive(&sum, cases[_i].threads, &l), "%s", cases[_i].name);
        ck_assert_uint_eq(l.value[CGROUP_MEMORY], cases[_i].memory);
        ck_assert_uint_eq(l.value[CGROUP_PIDS], cases[_i].pids);
        ck_assert_uint_eq(l.value[CGROUP_CPU], cases[_i].cpu);
        ck_assert(!cgroup_derive(&sum, cases[_i].threads, &l));
        for (unsigned i = 0; i < cases[_i].guests; i++)
                cgroup_sum_take(&sum, &cases[_i].use);
        ck_assert_uint_eq(sum.guests, 0);
        ck_assert_uint_eq(sum.memory_unlimited, 0);
        ck_assert_uint_eq(sum.cpu_unlimited, 0);
        ck_assert_uint_eq(sum.cpu_us, 0);
}
END_TEST

/* Memory of one that ended may still be the cell's: the limit that it had stays. */
START_TEST(limits_never_fall)
{
        const struct cgroup_use small = { .memory_bytes = 64 * MIB, .cpu_us = 10000 }, any = { 0 };
        struct cgroup_sum sum = { 0 };
        struct cgroup_limits l = CGROUP_LIMITS_NONE, before;

        for (int i = 0; i < 3; i++)
                cgroup_sum_add(&sum, &small);
        ck_assert(cgroup_derive(&sum, 1, &l));
        before = l;
        cgroup_sum_take(&sum, &small);
        ck_assert(!cgroup_derive(&sum, 1, &l));
        cgroup_sum_add(&sum, &small);
        ck_assert(!cgroup_derive(&sum, 1, &l));
        ck_assert_mem_eq(&l, &before, sizeof(l));

        cgroup_sum_add(&sum, &any);
        ck_assert(cgroup_derive(&sum, 1, &l));
        ck_assert_uint_eq(l.value[CGROUP_MEMORY], MAX);
        ck_assert_uint_eq(l.value[CGROUP_CPU], MAX);
        cgroup_sum_take(&sum, &any);
        ck_assert(!cgroup_derive(&sum, 1, &l));
}
END_TEST

static const struct {
        enum cgroup_limit limit;
        uint64_t value;
        const char *text;
} texts[] = {
        { CGROUP_MEMORY, 64 * MIB, "67108864" }, { CGROUP_MEMORY, MAX, "max" },
        { CGROUP_PIDS, 73, "73" },               { CGROUP_CPU, 60000, "60000 100000" },
        { CGROUP_CPU, MAX, "max 100000" },
};

START_TEST(values_are_as_their_files_want_them)
{
        char text[48];

        ck_assert_str_eq(cgroup_value(texts[_i].limit, texts[_i].value, text, sizeof(text)), texts[_i].text);
}
END_TEST

START_TEST(the_root_is_nobodys)
{
        char why[128] = "";
        int fd = cgroup_own(why, sizeof(why));

        /* Wherever this runs: it holds the test, and the runner of tests beside it. */
        ck_assert_int_lt(fd, 0);
        ck_assert_str_ne(why, "");
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("cgroup");

        tcase_add_loop_test(tc, limits_follow_from_guests, 0, ELEMENTSOF(cases));
        tcase_add_test(tc, limits_never_fall);
        tcase_add_loop_test(tc, values_are_as_their_files_want_them, 0, ELEMENTSOF(texts));
        tcase_add_test(tc, the_root_is_nobodys);
        return unit_main("cgroup", &tc, 1);
}
