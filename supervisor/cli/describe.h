/* describe.h - a module in words: imports, exports, memory, and what it asks for.
 *
 * describe_module - write the description of @m to @stream. Names are escaped: whatever the module
 *   calls itself reaches the terminal as printable text.
 * describe_json - the same as the members of a JSON object, without its braces.
 * describe_quoted - @name, which is UTF-8, as a string of JSON. */
#pragma once

#include <stdio.h>

#include "supervisor/cli/authority.h"

void describe_module(FILE *stream, const struct module *m);
void describe_json(FILE *stream, const struct module *m);
void describe_quoted(FILE *stream, const struct name *name);
