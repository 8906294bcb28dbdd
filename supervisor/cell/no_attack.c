/* no_attack.c - the installed cell takes no argument and attacks nothing; see tests/drills. */
#include "config.h"

#include "supervisor/cell/cell.h"

void cell_argument(struct cell *c, const char *argument)
{
#ifdef NACELLE_SANITIZERS
        /* A sanitizer's run-time maps, opens and calls what it likes. */
        c->lockdown.skip = LAYER_BIT(LAYER_LIMITS) | LAYER_BIT(LAYER_MDWE) |
                           LAYER_BIT(LAYER_LANDLOCK) | LAYER_BIT(LAYER_SECCOMP);
#endif
}

void cell_attack(struct cell *c)
{
}
