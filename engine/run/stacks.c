#include "engine/run/machine.h"
#include "engine/run/stacks.h"

/* A frame of its own: all of the caller's, with the registers that it has saved, lies above it. */
__attribute__((noinline)) static void scan_above(stack_scan *scan, void *context)
{
        const void *low = __builtin_frame_address(0);

        for (const struct fiber *f = fiber_current(); f; f = f->resumer) {
                scan(context, low, (const void *)f->high);
                low = f->resumer_sp;
        }
        __asm__ volatile("" ::: "memory"); /* no tail call: the frame stays */
}

void stacks_scan(stack_scan *scan, void *context)
{
        __builtin_unwind_init(); /* all registers that a callee saves are in this frame */
        scan_above(scan, context);
        __asm__ volatile("" ::: "memory");
}

bool stack_is_below(const struct fiber *f)
{
        for (const struct fiber *at = fiber_current(); at; at = at->resumer)
                if (at == f)
                        return true;
        return false;
}
