/* pin.h - what a module's bytes must be, before anybody else looks at them.
 *
 * pin_check - @bytes, which is the one copy that is compiled and run, against @pin.
 *   -EACCES (STAGE_POLICY): another digest, no or a wrong signature; the text says which. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

struct module_pin {
        const uint8_t *sha256;  /* 32 bytes; NULL: any */
        const char *key;        /* file with a public key of minisign; NULL: none asked for */
        const char *signature;  /* with key: file */
};

_must_check_ int pin_check(const struct module_pin *pin, const void *bytes, size_t n, struct error *err);
