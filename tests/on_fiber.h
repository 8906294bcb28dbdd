/* on_fiber.h - a call of a guest's function on a fiber, as a cell makes it.
 *
 * call_on_fiber - on @fiber, which is idle, until it is over. Returns extern_call()'s result. */
#pragma once

#include "engine/instance/instance.h"
#include "engine/run/fiber.h"

struct fiber_call {
        const struct extern_value *f;
        const union value *args;
        union value *results;
        struct trap_info *trap;
        int r;
};

static inline void fiber_call_entry(void *argument)
{
        struct fiber_call *c = argument;

        c->r = extern_call(c->f, c->args, c->results, c->trap);
}

static inline int call_on_fiber(struct fiber *fiber, const struct extern_value *f, const union value *args,
                                union value *results, struct trap_info *trap)
{
        struct fiber_call c = { f, args, results, trap, 0 };

        fiber_start(fiber, fiber_call_entry, &c);
        while (fiber_resume(fiber))
                ;
        return c.r;
}
