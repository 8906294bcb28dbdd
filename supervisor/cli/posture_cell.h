/* posture_cell.h - posture_cell: print the posture of a process, or of the cells of a unit. Returns the exit
 * status: 0 as a cell is expected to look, 1 otherwise. */
#pragma once

int posture_cell(const char *what, const char *control);
