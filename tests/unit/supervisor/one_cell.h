/* one_cell.h - what tests of a cell of many guests have in common: one cell, and a cache of its own.
 *
 * one_cell_begin - an empty cache, nothing in err. one_cell_open - the cell; its words are to be seen where the
 *   sanitizers have some. one_cell_end - of both.
 * one_cell_try - compile @wat and load it: what cell_load() returns. one_cell_load - which must succeed.
 * one_cell_spec - a guest without anything. */
#pragma once

#include "supervisor/broker/guests.h"

extern struct guest_cell *cell;
extern struct error err;

void one_cell_begin(void);
void one_cell_open(const struct guest_events *events, size_t arena_bytes, unsigned workers);
void one_cell_end(void);
_must_check_ int one_cell_try(const char *wat, bool dense, uint32_t *ret);
uint32_t one_cell_load(const char *wat, bool dense);
struct guest_spec one_cell_spec(uint64_t guest, uint32_t module);
