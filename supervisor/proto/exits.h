/* exits.h - the status of a cell that ended by itself.
 *
 * CELL_EXIT_..., and CELL_EXIT_RING + an errno: its ring gave that error.
 * cell_exit_text - what @status says, in @text; false: none of these. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum cell_exit {
#define CELL_EXIT(name, status, what) CELL_EXIT_##name = status,
#include "supervisor/proto/exits.def"
        CELL_EXIT_RING = 128,
};

bool cell_exit_text(int status, char *text, size_t size);
