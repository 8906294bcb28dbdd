/* key.h - the name of an artefact: SHA-256 of what decides its bytes.
 *
 * artefact_key_compute - over the module's bytes, the build id of the compiler (version and ABI), the tier
 * and the CPU features. Computed by whoever asks for the compilation, never by the compiler. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "engine/compile/compile.h"

struct artefact_key {
        uint8_t bytes[32];
};

void artefact_key_compute(const uint8_t *module, size_t size, enum tier tier, uint64_t cpu, struct artefact_key *ret);
char *artefact_key_text(const struct artefact_key *key, char text[static 65]); /* hexadecimal, terminated */
