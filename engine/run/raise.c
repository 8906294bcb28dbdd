/* In a file of its own: a test of host functions has another one. */
#include <string.h>

#include "engine/run/machine.h"

void trap_raise(enum trap trap, const char *text)
{
        struct fiber *f = fiber_current();
        struct guest_entry *e = f ? f->entry : NULL;

        if (!e)
                abort(); /* no guest called: nobody to trap */
        if (e->trap) {
                *e->trap = (struct trap_info) { .trap = trap };
                if (text)
                        strncpy(e->trap->text, text, sizeof(e->trap->text) - 1);
                trap_capture(e->trap, f, trap, machine_call_out(e), run_thread.base);
        }
        guest_unwind(e, trap);
}
