/* unit.h - the frame of every unit test program: a suite, run, the count as exit status. */
#pragma once

#include <check.h>
#include <stdlib.h>

static inline int unit_main(const char *name, TCase *const *cases, size_t n)
{
        Suite *suite = suite_create(name);
        SRunner *runner;
        int failed;

        for (size_t i = 0; i < n; i++)
                suite_add_tcase(suite, cases[i]);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
