/* pin.h - what a module's bytes must be, before anybody else looks at them.
 *
 * pin_check - @bytes, which is the one copy that is compiled and run, against @pin.
 *   -EACCES (STAGE_POLICY): another digest, no or a wrong signature; the text says which.
 * pin_read, pin_check_signature - both halves of it for a pin with a key alone. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "policy/signature.h"

struct pin_texts { /* of the files that a pin names: read before, for one who cannot */
        char key[SIGNATURE_TEXT_MAX + 1], signature[SIGNATURE_TEXT_MAX + 1];
        size_t key_bytes, signature_bytes;
};

struct module_pin {
        const uint8_t *sha256;  /* 32 bytes; NULL: any */
        const char *key;        /* file with a public key of minisign; NULL: none asked for */
        const char *signature;  /* with key: file */
        struct signature_words *words; /* with key: what was signed besides; NULL: of no interest */
};

_must_check_ int pin_read(const struct module_pin *pin, struct pin_texts *ret, struct error *err);
_must_check_ int pin_check_signature(const struct module_pin *pin, const struct pin_texts *texts, const void *bytes, size_t n,
                                     struct error *err);
_must_check_ int pin_check(const struct module_pin *pin, const void *bytes, size_t n, struct error *err);
