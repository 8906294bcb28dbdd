/* authority.h - what a module's imports ask for: rows of authority.def, and what no row knows.
 *
 * module_authority - of @m (borrowed by @ret). Imports from WASI are in a row each, everything else is
 *   unknown here: whoever links it decides what it is, so it counts as power of its own.
 * authority_list - one line an authority, machine's form, sorted as the rows and the imports are:
 *   "row N" (rows with a sentence alone) or "import MODULE NAME", names escaped to words.
 * authority_of - index of the row that WASI function @name is in, or -ENOENT.
 * authority_text - the sentence of row @row; "" for the row without power. authority_rows: how many. */
#pragma once

#include <stdio.h>

#include "engine/decode/module.h"

#define WASI_MODULE "wasi_snapshot_preview1"

struct authority {
        const struct module *module;
        uint32_t rows;     /* bit set */
        uint32_t nunknown; /* imports */
};

void module_authority(const struct module *m, struct authority *ret);
bool import_is_known(const struct import *import); /* by a row of WASI */
void authority_list(FILE *stream, const struct authority *a);
int authority_of(const char *name, size_t size);
const char *authority_text(unsigned row);
unsigned authority_rows(void);

/* A name as one printable word: control characters, blanks and the backslash as \xx. UTF-8 beyond
 * that stays, but for the C1 controls, which terminals obey too. */
void print_name(FILE *stream, const struct name *name);
