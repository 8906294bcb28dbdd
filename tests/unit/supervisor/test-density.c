/* Slots from the figures of a machine: which bounds them, and what is refused. */
#include <string.h>

#include "supervisor/broker/density.h"
#include "tests/unit/unit.h"

#define GIB (UINT64_C(1) << 30)

static const struct {
        const char *name;
        struct density_host host;
        bool dense;
        uint64_t memory_max;
        int r;
        enum density_bound bound;
        uint64_t least, most; /* slots */
        const char *text;     /* part of the bound's line */
} cases[] = {
        { "kernel's defaults", { 24 * GIB, UINT64_MAX, UINT64_MAX, 65530, false, 0, true, true }, false, 0, 0,
          DENSITY_ADDRESSES, 30000, 32253, "address space: 126 TiB" },
        { "few mappings", { 24 * GIB, UINT64_MAX, UINT64_MAX, 11024, false, 0, true, true }, false, 0, 0,
          DENSITY_MAPPINGS, 5000, 5000, "vm.max_map_count is 11024" },
        { "hardly any mappings", { 24 * GIB, UINT64_MAX, UINT64_MAX, 1000, false, 0, true, true }, false, 0, 0,
          DENSITY_MAPPINGS, 0, 0, "vm.max_map_count is 1000" },
        { "a small machine", { GIB / 2, UINT64_MAX, UINT64_MAX, 262144, false, 0, true, true }, false, 0, 0,
          DENSITY_MEMORY, 19660, 19661, "the machine's" },
        { "a control group", { 24 * GIB, GIB / 4, UINT64_MAX, 262144, false, 0, true, true }, false, 0, 0,
          DENSITY_MEMORY, 9830, 9831, "memory.max of the control group" },
        { "a limit of address space", { 24 * GIB, UINT64_MAX, 64 * GIB, 65530, false, 0, true, true }, false, 0, 0,
          DENSITY_ADDRESSES, 15, 15, "address space: 64 GiB" },
        { "dense", { 24 * GIB, UINT64_MAX, UINT64_MAX, 65530, false, 0, true, true }, true, 65536, 0,
          DENSITY_LIMIT, 1000000, 1000000, "own limit" },
        { "dense, larger", { 24 * GIB, UINT64_MAX, UINT64_MAX, 65530, false, 0, true, true }, true, 4u << 20, 0,
          DENSITY_MEMORY, 700000, 1000000, "memory" },
        { "dense without guards", { 24 * GIB, UINT64_MAX, UINT64_MAX, 65530, false, 0, false, true }, true, 65536, 0,
          DENSITY_MAPPINGS, 32253, 32253, "vm.max_map_count" },
        { "dense, no overcommit", { 24 * GIB, UINT64_MAX, UINT64_MAX, 65530, true, 12 * GIB, true, true }, true, 65536,
          0, DENSITY_ADDRESSES, 10000, 20000, "vm.overcommit_memory is 2" },
        { "dense without a limit", { 24 * GIB, UINT64_MAX, UINT64_MAX, 65530, false, 0, true, true }, true, 0, -EINVAL,
          0, 0, 0, "need a limit" },
        { "dense and huge", { 24 * GIB, UINT64_MAX, UINT64_MAX, 65530, false, 0, true, true }, true, 5 * GIB, -EINVAL,
          0, 0, 0, "cannot be" },
};

START_TEST(slots_follow_from_the_host)
{
        struct density d = { .slots = 77 };
        struct error err = { 0 };
        char text[200];

        ck_assert_msg(density_derive(&cases[_i].host, cases[_i].dense, cases[_i].memory_max, &d, &err) ==
                      cases[_i].r, "%s: %s", cases[_i].name, err.text);
        if (cases[_i].r < 0) {
                ck_assert_uint_eq(d.slots, 77);
                ck_assert_ptr_ne(strstr(err.text, cases[_i].text), NULL);
                return;
        }
        density_text(&cases[_i].host, &d, d.bound, text, sizeof(text));
        ck_assert_msg(d.bound == cases[_i].bound && d.slots >= cases[_i].least && d.slots <= cases[_i].most &&
                      strstr(text, cases[_i].text), "%s: %llu slots; %s", cases[_i].name,
                      (unsigned long long)d.slots, text);
}
END_TEST

START_TEST(this_machine_says_something)
{
        struct density_host host;

        density_host(&host);
        ck_assert_uint_gt(host.memory_bytes, 64u << 20);
        ck_assert_uint_gt(host.map_count, 0);
        ck_assert_uint_gt(host.cgroup_bytes, 0);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("density");

        tcase_add_loop_test(tc, slots_follow_from_the_host, 0, ELEMENTSOF(cases));
        tcase_add_test(tc, this_machine_says_something);
        return unit_main("density", &tc, 1);
}
