/* check.h - a verdict line for every check: "ok NAME" or "FAIL NAME: why". */
#pragma once

#include <stdio.h>
#include <string.h>

static int checks_failed;

static inline void check_that(const char *name, int good, const char *why, long long got)
{
        if (good)
                printf("ok %s\n", name);
        else
                printf("FAIL %s: %s (%lld)\n", name, why, got);
        checks_failed += !good;
}

/* An errno of WASI, or 0. */
#define CHECK_ERRNO(name, call, expected)                                       \
        do {                                                                    \
                int _got = (call);                                              \
                check_that(name, _got == (expected), #call, _got);              \
        } while (0)
#define CHECK_OK(name, call) CHECK_ERRNO(name, call, 0)
#define IGNORE(call) (void)!(call)
#define CHECK(name, condition) check_that(name, condition, #condition, 0)

static inline int verdict(void)
{
        printf("verdict: %s\n", checks_failed ? "bad" : "good");
        return checks_failed != 0;
}
