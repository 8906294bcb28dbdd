/* script_host.h - test scripts in a real cell: each module compiled by a compiler process, each call
 * through the broker into a locked-down cell.
 *
 * script_cell_host - the functions for script_run(); the context is a struct script_cell.
 * script_cell_new - a cell for one script. @options: tier, cpu, cache and so on; wasi and spectest are set.
 *   A cell that is lost stays lost: what follows in the script fails. */
#pragma once

#include "engine/text/script_run.h"
#include "supervisor/broker/broker.h"

struct script_cell;

extern const struct script_host script_cell_host;

_must_check_ int script_cell_new(const struct run_options *options, struct script_cell **ret,
                                 struct error *err);
void script_cell_free(struct script_cell *c); /* takes NULL */

static inline void script_cell_freep(struct script_cell **c)
{
        script_cell_free(*c);
}
