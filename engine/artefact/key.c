#include "config.h"

#include "engine/artefact/key.h"

#include <nettle/sha2.h>
#include <string.h>

#include "engine/artefact/build-id.h"

#ifndef PEAK_VERSION
#define PEAK_VERSION "none"
#endif

/* Everything of a fixed size, so that no two inputs share their bytes. */
static void add_u64(struct sha256_ctx *s, uint64_t value)
{
        uint8_t bytes[8];

        for (unsigned i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t)(value >> (8 * i));
        sha256_update(s, sizeof(bytes), bytes);
}

void artefact_key_compute(const uint8_t *module, size_t size, enum tier tier, uint64_t cpu, struct artefact_key *ret)
{
        artefact_key_compute_for(module, size, &(struct artefact_choice) { .tier = tier, .cpu = cpu },
                                 ret);
}

void artefact_key_compute_for(const uint8_t *module, size_t size, const struct artefact_choice *c,
                              struct artefact_key *ret)
{
        struct module_digest digest;

        module_digest_compute(module, size, &digest);
        artefact_key_of(&digest, c, ret);
}

void module_digest_compute(const uint8_t *module, size_t size, struct module_digest *ret)
{
        struct sha256_ctx s;

        sha256_init(&s);
        sha256_update(&s, size, module);
        sha256_digest(&s, sizeof(ret->bytes), ret->bytes);
}

void artefact_key_of(const struct module_digest *module, const struct artefact_choice *c, struct artefact_key *ret)
{
        static const char build[] = PACKAGE_VERSION " " BUILD_ID " " PEAK_VERSION;
        struct sha256_ctx s;

        sha256_init(&s);
        add_u64(&s, sizeof(build));
        sha256_update(&s, sizeof(build), (const uint8_t *)build);
        add_u64(&s, ABI_VERSION);
        add_u64(&s, (uint64_t)c->tier);
        add_u64(&s, (uint64_t)(c->machine ? c->machine : MACHINE_HOST));
        add_u64(&s, c->cpu);
        add_u64(&s, c->dense);
        add_u64(&s, c->deterministic);
        sha256_update(&s, sizeof(module->bytes), module->bytes);
        sha256_digest(&s, sizeof(ret->bytes), ret->bytes);
}

char *artefact_key_text(const struct artefact_key *key, char text[static 65])
{
        static const char digits[] = "0123456789abcdef";

        for (unsigned i = 0; i < sizeof(key->bytes); i++) {
                text[2 * i] = digits[key->bytes[i] >> 4];
                text[2 * i + 1] = digits[key->bytes[i] & 15];
        }
        text[64] = '\0';
        return text;
}
