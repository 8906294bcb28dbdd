/* imports.h - the imports of a unit in `nacelle run`: their artefacts, their directories, their sockets.
 *
 * imports_open - of b->options.imports, when there are any: b->imports. With our rights as they are, before
 *   grants_lock(): the trees are beneath those of the unit's own keys.
 * imports_arena - room for the code of @main and of all members, in the place of the one artefact's file.
 * imports_load - every module into the cell; @ret_main: number of the main one's.
 * imports_specs - members for @spec, their descriptors made. They are cell_spawn()'s then.
 * imports_polls - descriptors to poll for, at most PROTO_MEMBERS_MAX; imports_serve - what they have. As
 *   session_serve_path().
 * imports_blame - "FILE:LINE: NAME" before @err when it is about @member; returns err->code.
 * imports_free - takes NULL. */
#pragma once

#include <poll.h>

#include "supervisor/broker/found.h"
#include "supervisor/broker/internal.h"
#include "supervisor/broker/member.h"

struct imports;

_must_check_ int imports_open(struct broker *b, struct error *err);
_must_check_ int imports_arena(struct broker *b, const struct found *main, struct error *err);
_must_check_ int imports_load(struct broker *b, const struct found *main, uint32_t *ret_main, struct error *err);
_must_check_ int imports_specs(struct broker *b, struct guest_spec *spec, struct error *err);
unsigned imports_polls(const struct imports *g, struct pollfd *polls);
_must_check_ int imports_serve(struct broker *b, const struct pollfd *polls, struct error *err);
int imports_blame(const struct imports *g, unsigned member, struct error *err);
const char *imports_name(const struct imports *g, unsigned member); /* counted from 1 */
uint64_t imports_escapes(const struct imports *g);
void imports_free(struct imports *g);
