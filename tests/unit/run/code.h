/* code.h - machine code that a test writes by hand, in an arena of its own: setup() makes @arena, teardown frees it. */
#pragma once

#include "engine/run/arena.h"
#include "tests/unit/unit.h"

static struct arena *arena;

#define CODE(...) code_add((const uint8_t[]) { __VA_ARGS__ }, sizeof((const uint8_t[]) { __VA_ARGS__ }))

static void *code_add(const uint8_t *bytes, size_t size)
{
        void *code;

        ck_assert_int_eq(arena_add(arena, bytes, size, &code, NULL), 0);
        return code;
}
