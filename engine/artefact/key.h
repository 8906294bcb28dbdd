/* key.h - the name of an artefact: SHA-256 of what decides its bytes.
 *
 * module_digest_compute - SHA-256 of the module's bytes.
 * artefact_key_of - over that digest, the build id of the compiler (version and ABI), the tier, the machine, the CPU
 * features, and whether the code is dense, and deterministic. Computed by whoever asks for the compilation, never
 * by the compiler. artefact_key_compute_for: both at once. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "engine/compile/compile.h"

struct artefact_key {
        uint8_t bytes[32];
};

struct module_digest {
        uint8_t bytes[32];
};

struct artefact_choice { /* what of the options decides the bytes */
        enum tier tier;
        enum machine machine; /* 0: MACHINE_HOST */
        uint64_t cpu;
        bool dense, deterministic;
};

void module_digest_compute(const uint8_t *module, size_t size, struct module_digest *ret);
void artefact_key_of(const struct module_digest *module, const struct artefact_choice *c, struct artefact_key *ret);
void artefact_key_compute_for(const uint8_t *module, size_t size, const struct artefact_choice *c,
                              struct artefact_key *ret);
void artefact_key_compute(const uint8_t *module, size_t size, enum tier tier, uint64_t cpu, struct artefact_key *ret);
char *artefact_key_text(const struct artefact_key *key, char text[static 65]); /* hexadecimal, terminated */
