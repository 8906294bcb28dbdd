/* test-guests-slots.c - guests of a cell in slots that are used again, dense ones too: none finds anything of
 * the one before, and each may have the memory that its limit says. */
#include "config.h"

#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/supervisor/one_cell.h"
#include "tests/unit/unit.h"

#define GUESTS_MAX 600u

static struct {
        unsigned ended;
        enum guest_end end;
        uint64_t value;
        char text[400];
} seen[GUESTS_MAX];

static unsigned ended;

static void on_ended(void *context, uint64_t guest, const struct guest_ended *e)
{
        ck_assert_uint_lt(guest, GUESTS_MAX);
        seen[guest].ended++;
        seen[guest].end = e->end;
        seen[guest].value = e->nvalues ? e->values[0].value.i64 : UINT64_MAX;
        snprintf(seen[guest].text, sizeof(seen[guest].text), "%s", e->text);
        ended++;
}

static void setup(void)
{
        static const struct guest_events events = { .ended = on_ended };

        memset(seen, 0, sizeof(seen));
        ended = 0;
        one_cell_begin();
        one_cell_open(&events, 1 << 20, 2);
}

/* What it finds where the guest before left something, summed; then it leaves the same. grow(n): by how many
 * pages it could grow, one at a time; and what is in the last byte. */
static const char dirty[] =
        "(module (memory 2 2000) (global $g (mut i64) (i64.const 0)) (table $t 4 8 funcref) (elem declare func $f)"
        " (func $f)"
        " (func (export \"residue\") (result i64) (local $found i64)"
        "  (local.set $found (i64.add (i64.load (i32.const 0)) (i64.load (i32.const 131064))))"
        "  (local.set $found (i64.add (local.get $found) (global.get $g)))"
        "  (local.set $found (i64.add (local.get $found) (i64.extend_i32_u (i32.sub (memory.size) (i32.const 2)))))"
        "  (local.set $found (i64.add (local.get $found) (i64.extend_i32_u (i32.eqz (ref.is_null (table.get $t (i32.const 1)))))))"
        "  (i64.store (i32.const 0) (i64.const 0x1111)) (i64.store (i32.const 131064) (i64.const 0x2222))"
        "  (global.set $g (i64.const 0x3333)) (table.set $t (i32.const 1) (ref.func $f))"
        "  (if (i32.ne (memory.grow (i32.const 3)) (i32.const -1)) (then"
        "   (local.set $found (i64.add (local.get $found) (i64.load (i32.const 327672))))"
        "   (i64.store (i32.const 327672) (i64.const 0x4444))))"
        "  (local.get $found))"
        " (func (export \"grow\") (result i64) (local $n i64)"
        "  (block $full (loop $more (br_if $full (i32.eq (memory.grow (i32.const 1)) (i32.const -1)))"
        "   (i32.store8 (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1)) (i32.const 1))"
        "   (local.set $n (i64.add (local.get $n) (i64.const 1))) (br $more)))"
        "  (local.get $n))"
        " (func (export \"behind\") (result i64) (i64.load (i32.const 131072))))";

static void spawn(uint64_t guest, uint32_t module, const char *invoke, uint64_t memory_max)
{
        struct guest_spec s = { .guest = guest, .module = module, .slot = UINT32_MAX, .path_fd = -EBADF,
                                .stdio = { STREAM_CLOSED, STREAM_CLOSED, STREAM_CLOSED }, .invoke = invoke,
                                .limits.memory_max_bytes = memory_max, .quiet = true };

        ck_assert_msg(cell_spawn(cell, &s, &err) == 0, "%s", err.text);
}

static void serve(unsigned n)
{
        for (unsigned k = 0; k < 1500 && ended < n; k++) {
                struct pollfd p = { .fd = cell_fd(cell), .events = cell_fd_events(cell) };

                (void)poll(&p, 1, 20);
                ck_assert_int_eq(cell_dispatch(cell, 0), 0);
        }
        ck_assert_uint_eq(ended, n);
}

START_TEST(nothing_is_found)
{
        uint32_t module = one_cell_load(dirty, _i);
        uint64_t guest = 1;

        for (unsigned round = 0; round < 20; round++) {
                for (unsigned k = 0; k < 20; k++)
                        spawn(guest++, module, "residue", 1 << 20);
                serve((unsigned)guest - 1);
        }
        for (uint64_t g = 1; g < guest; g++)
                ck_assert_msg(seen[g].end == GUEST_RETURNED && seen[g].value == 0, "guest %llu: %llx, %s",
                              (unsigned long long)g, (unsigned long long)seen[g].value, seen[g].text);
}
END_TEST

/* The first decides of what kind the module's slots are; one that may have more gets it all the same. */
START_TEST(each_has_its_limit)
{
        static const uint64_t limits[] = { 1 << 20, 4 << 20, 256 << 10, 100 << 20, 1 << 20 };
        uint32_t module = one_cell_load(dirty, _i);

        for (unsigned k = 0; k < ELEMENTSOF(limits); k++) {
                spawn(1 + k, module, "grow", limits[k]);
                serve(1 + k);
                ck_assert_msg(seen[1 + k].end == GUEST_RETURNED, "%s", seen[1 + k].text);
                /* The table counts as well: less than a page, and so a page less. */
                ck_assert_uint_eq(seen[1 + k].value, (limits[k] >> 16) - 3);
        }
}
END_TEST

START_TEST(bounds_hold)
{
        uint32_t module = one_cell_load(dirty, _i);

        spawn(1, module, "grow", 1 << 20);
        serve(1);
        for (unsigned k = 2; k < 20; k++)
                spawn(k, module, "behind", 1 << 20);
        serve(19);
        for (unsigned k = 2; k < 20; k++) {
                ck_assert_int_eq(seen[k].end, GUEST_TRAPPED);
                ck_assert_ptr_ne(strstr(seen[k].text, "out of bounds memory access"), NULL);
        }
}
END_TEST

START_TEST(one_that_does_not_fit_its_limit_is_told)
{
        uint32_t module = one_cell_load(dirty, _i);

        spawn(1, module, "grow", 65536);
        serve(1);
        ck_assert_int_eq(seen[1].end, GUEST_FAILED);
        ck_assert_ptr_ne(strstr(seen[1].text, " the limit of "), NULL);
}
END_TEST

/* Each "at" reads at another distance behind its own memory; "stay" is the neighbour, with data, that does not end. */
static const char near[] =
        "(module (memory 2 2) (data (i32.const 0) \"secret secret secret secret secret\")"
        " (func (export \"stay\") (result i64) (loop (br 0)) (unreachable))"
        " (func (export \"at0\") (result i64) (i64.load (i32.const 131065)))"
        " (func (export \"at1\") (result i64) (i64.load (i32.const 135168)))"
        " (func (export \"at2\") (result i64) (i64.load (i32.const 1048576)))"
        " (func (export \"at3\") (result i64) (i64.load (i32.const 33554432)))"
        " (func (export \"at4\") (result i64) (i64.load (i32.const -8)))"
        " (func (export \"at5\") (result i64) (i64.load offset=2147483640 (i32.const -1)))"
        " (func (export \"at6\") (result i64) (i64.load offset=4294967295 (i32.const -1)))"
        " (func (export \"at7\") (result i64) (i64.load offset=16777216 (i32.const 8))))";

/* Of the cell's mappings: how many there are, and how many have a colour that is not the first. */
static unsigned count_keys(unsigned *ret_coloured)
{
        char path[64], line[512];
        unsigned n = 0, key;
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%d/smaps", (int)cell_pid(cell));
        f = fopen(path, "re");
        *ret_coloured = 0;
        while (f && fgets(line, sizeof(line), f))
                if (sscanf(line, "ProtectionKey: %u", &key) == 1) {
                        n++;
                        *ret_coloured += key != 0;
                }
        if (f)
                fclose(f);
        return n;
}

/* G08: no memory has a colour, so nothing depends on one being right after each mmap(): what keeps a neighbour's data
 * from being read are bounds and guards, at every distance. */
START_TEST(a_neighbour_is_out_of_reach)
{
        uint32_t module = one_cell_load(near, _i);
        unsigned coloured, keys;
        char invoke[8];

        for (uint64_t g = 100; g < 104; g++)
                spawn(g, module, "stay", 1 << 20);
        for (unsigned k = 0; k < 24; k++) {
                snprintf(invoke, sizeof(invoke), "at%u", k % 8);
                spawn(1 + k, module, invoke, 1 << 20);
        }
        serve(24);
        for (unsigned k = 1; k <= 24; k++) {
                ck_assert_int_eq(seen[k].end, GUEST_TRAPPED);
                ck_assert_ptr_ne(strstr(seen[k].text, "out of bounds memory access"), NULL);
        }
        ck_assert_uint_eq(seen[100].ended + seen[101].ended + seen[102].ended + seen[103].ended, 0);
        keys = count_keys(&coloured); /* none: a processor without colours, or a cell that may not be looked at */
        ck_assert_uint_eq(coloured, 0);
        ck_assert(keys == 0 || keys > 10);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("slots");

        tcase_add_checked_fixture(tc, setup, one_cell_end);
        tcase_set_timeout(tc, 120);
        tcase_add_loop_test(tc, nothing_is_found, 0, 2); /* 1: dense */
        tcase_add_loop_test(tc, each_has_its_limit, 0, 2);
        tcase_add_loop_test(tc, bounds_hold, 0, 2);
        tcase_add_loop_test(tc, a_neighbour_is_out_of_reach, 0, 2);
        tcase_add_loop_test(tc, one_that_does_not_fit_its_limit_is_told, 0, 2);
        return unit_main("guests-slots", &tc, 1);
}
