/* key.h - the name of an artefact: SHA-256 of what decides its bytes.
 *
 * key_compute - over the module's bytes, the build id of the compiler (version and ABI), the tier
 * and the CPU features. Computed by whoever asks for the compilation, never by the compiler. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "engine/compile/compile.h"

struct key {
        uint8_t bytes[32];
};

void key_compute(const uint8_t *module, size_t size, enum tier tier, uint64_t cpu, struct key *ret);
char *key_text(const struct key *key, char text[static 65]); /* hexadecimal, terminated */
