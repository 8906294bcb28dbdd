/* key.h - the name of an artefact: SHA-256 of what decides its bytes.
 *
 * artefact_key_compute_for - over the module's bytes, the build id of the compiler (version and ABI), the
 * tier, the machine, the CPU features, and whether the code is dense, and deterministic. Computed by whoever asks for the compilation, never
 * by the compiler. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "engine/compile/compile.h"

struct artefact_key {
        uint8_t bytes[32];
};

struct artefact_choice { /* what of the options decides the bytes */
        enum tier tier;
        enum machine machine; /* 0: MACHINE_HOST */
        uint64_t cpu;
        bool dense, deterministic;
};

void artefact_key_compute_for(const uint8_t *module, size_t size, const struct artefact_choice *c,
                              struct artefact_key *ret);
void artefact_key_compute(const uint8_t *module, size_t size, enum tier tier, uint64_t cpu, struct artefact_key *ret);
char *artefact_key_text(const struct artefact_key *key, char text[static 65]); /* hexadecimal, terminated */
