#include "engine/compile/abi.h"

const char *trap_text(enum trap trap)
{
        switch (trap) {
#define TRAP(name, code, text)  \
        case TRAP_##name:       \
                return text;
#include "engine/compile/traps.def"
        case TRAP_NONE:
        case _TRAP_MAX:
                break;
        }
        return "unknown trap";
}

unsigned abi_spill_entries(const struct functype *type)
{
        unsigned results = type->nresults > 1 ? type->nresults - 1 : 0;
        struct abi_walk walk = { 0 };

        for (uint32_t i = 0; i < type->nparams; i++)
                (void)abi_next(&walk, type->params[i]);
        return walk.spills > results ? walk.spills : results;
}
