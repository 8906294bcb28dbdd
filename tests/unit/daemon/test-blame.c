/* test-blame.c - who killed the cell: the guilty one is found, the innocent ones are not touched. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "supervisor/daemon/blame.h"
#include "supervisor/daemon/daemon.h"
#include "tests/unit/unit.h"

#define UNITS 200

static struct daemon d;
static struct service *units[UNITS];

static void begin(void)
{
        struct error err = { 0 };

        memset(&d, 0, sizeof(d));
        ck_assert_int_eq(loop_new(&d.loop, &err), 0);
        for (unsigned i = 0; i < UNITS; i++) {
                static const char bytes[] = "[Nanoprocess]\nModule=/none.wasm\n";
                const struct unit_text text = { "none.nacelle", bytes, sizeof(bytes) - 1 };
                struct unit *unit = NULL;
                char name[16];

                snprintf(name, sizeof(name), "unit%u", i);
                ck_assert_msg(unit_parse(name, &text, 1, NULL, &unit, &err) == 0, "%s", err.text);
                ck_assert_int_eq(service_new(&d, unit, 0, &units[i], &err), 0);
        }
}

static void end(void)
{
        for (unsigned i = 0; i < UNITS; i++)
                service_free(units[i]);
        free(d.suspects.list);
        loop_free(d.loop);
}

/* The cell with @guilty in it dies, and all that share it. Returns how many there were. */
static unsigned die(const struct service *guilty)
{
        static char cells[1000]; /* each death is another cell's */
        static unsigned next;
        uint64_t path = guilty->suspect_path;
        unsigned n = 0;

        for (unsigned i = 0; i < UNITS; i++)
                if (units[i]->suspect_path == path && units[i]->state != UNIT_QUARANTINED)
                        for (unsigned times = 0; times < 3; times++, n += times == 3)
                                blame_note(&d.suspects, (struct hosted *)&cells[next], units[i]);
        next++;
        blame_judge(&d.suspects, &d);
        return n;
}

START_TEST(the_guilty_one_is_found_and_no_other)
{
        unsigned deaths = 0;

        begin();
        while (units[137]->state != UNIT_QUARANTINED) {
                unsigned n = die(units[137]);

                ck_assert_uint_le(n, deaths == 0 ? UNITS : deaths == 1 ? UNITS / 8 : deaths == 2 ? 4 : 1);
                ck_assert_uint_lt(++deaths, 10);
        }
        /* Three rounds to be alone among 200, and three deaths alone. */
        ck_assert_uint_le(deaths, 6);
        for (unsigned i = 0; i < UNITS; i++)
                ck_assert_int_eq(units[i]->state, i == 137 ? UNIT_QUARANTINED : UNIT_INACTIVE);
        end();
}
END_TEST

START_TEST(two_guilty_ones_are_found)
{
        begin();
        for (unsigned i = 0; i < 8 && units[3]->state != UNIT_QUARANTINED; i++)
                die(units[3]);
        for (unsigned i = 0; i < 8 && units[11]->state != UNIT_QUARANTINED; i++)
                die(units[11]);
        for (unsigned i = 0; i < UNITS; i++)
                ck_assert_int_eq(units[i]->state, i == 3 || i == 11 ? UNIT_QUARANTINED : UNIT_INACTIVE);
        end();
}
END_TEST

START_TEST(suspicion_ends)
{
        begin();
        die(units[0]);
        ck_assert_uint_ne(units[5]->suspect_path, 0);
        blame_expire(units[5]);
        ck_assert_uint_ne(units[5]->suspect_path, 0);
        units[5]->suspect_until_ns = loop_now(d.loop);
        blame_expire(units[5]);
        ck_assert_uint_eq(units[5]->suspect_path, 0);
        end();
}
END_TEST

START_TEST(one_that_is_freed_is_no_suspect)
{
        static char cell;

        begin();
        blame_note(&d.suspects, (struct hosted *)&cell, units[1]);
        blame_note(&d.suspects, (struct hosted *)&cell, units[2]);
        blame_forget(&d.suspects, units[1]);
        blame_judge(&d.suspects, &d);
        ck_assert_uint_eq(units[2]->kills, 1);
        ck_assert_uint_eq(units[1]->kills, 0);
        end();
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("blame");

        if (!freopen("/dev/null", "w", stderr)) /* the records */
                return 1;
        tcase_add_test(tc, the_guilty_one_is_found_and_no_other);
        tcase_add_test(tc, two_guilty_ones_are_found);
        tcase_add_test(tc, suspicion_ends);
        tcase_add_test(tc, one_that_is_freed_is_no_suspect);
        return unit_main("blame", &tc, 1);
}
