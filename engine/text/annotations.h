/* annotations.h - annotations that mean something to the binary format: "(@custom ...)" and
 * "(@name ...)" (core specification, appendix "Custom Sections").
 *
 * The lexer notes where they are. The first pass over a module (bind.c) knows what surrounds each and
 * gives it to one of these functions; @first to @end - 1 are numbers in m->noted.
 *
 * annotations_at_module - before the first field: names of the module, custom sections
 * annotations_at_field - between fields: custom sections
 * annotations_at_item - behind the keyword or the identifier of an item: its name for the name section,
 *   instead of the identifier
 * annotations_elsewhere - an error; @names_pass: names are let pass (of parameters, locals, labels) */
#pragma once

#include "engine/text/module_text.h"

static inline uint32_t annotations_count(const struct module_text *m)
{
        return (uint32_t)(m->noted.size / sizeof(size_t));
}

void annotations_at_module(struct module_text *m, uint32_t end);
void annotations_at_field(struct module_text *m, uint32_t first, uint32_t end);
void annotations_at_item(struct module_text *m, enum space_id space, uint32_t index, uint32_t first,
                         uint32_t end);
void annotations_elsewhere(struct module_text *m, bool names_pass, uint32_t first, uint32_t end);
