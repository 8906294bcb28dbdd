/* describe.h - a module in words: imports, exports, memory, and what it asks for.
 *
 * describe_module - write the description of @m to @stream. Names are escaped: whatever the module
 *   calls itself reaches the terminal as printable text.
 * authority_of - index of the row of authority.def that WASI function @name is in, or -ENOENT.
 * authority_text - the sentence of row @row; "" for the row without power. */
#pragma once

#include <stdio.h>

#include "engine/decode/module.h"

#define WASI_MODULE "wasi_snapshot_preview1"

void describe_module(FILE *stream, const struct module *m);
int authority_of(const char *name, size_t size);
const char *authority_text(unsigned row);
