#include "engine/compile/fast/fast.h"

#include <stdlib.h>

const struct fast_machine *fast_machine_find(enum machine machine)
{
        static const struct fast_machine *const machines[] = { &fast_x64, &fast_a64 };

        for (size_t i = 0; i < ELEMENTSOF(machines); i++)
                if (machines[i]->machine == machine)
                        return machines[i];
        return NULL;
}

void fast_output_done(struct fast_output *out)
{
        buffer_done(&out->code);
        buffer_done(&out->map);
        free(out->calls);
        *out = (struct fast_output) { 0 };
}
