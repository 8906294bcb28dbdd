/* signature.h - whether a module is signed, in the format of minisign: Ed25519 over BLAKE2b-512 of the file
 * ("ED", what minisign writes today) or over the file itself ("Ed"), and over the trusted comment.
 *
 * signature_key_read - a public key: the file that minisign -G writes, or its second line alone.
 * signature_check - @text, @size: the signature file. Both of its signatures must fit. @ret (may be NULL): what was signed
 *   besides; untouched on failure.
 * signature_ready - what signature_check() of a large file asks of the system, asked now: before a lock.
 * All text is hostile. 0; -EBADMSG: malformed; -EACCES: by another key, or over something else;
 * -ENOSYS: libgcrypt has no BLAKE2b to offer (FIPS mode).
 * What a signature says is that whoever holds the key signed these bytes, some day: an old version is signed,
 * too. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

#define SIGNATURE_TEXT_MAX 4096 /* bytes of a key or signature file */

struct signature_key {
        uint8_t id[8];
        uint8_t key[32];
};

struct signature_words {
        char key[17];       /* number of the key, as minisign writes it */
        char comment[256];  /* the trusted comment, as it is: escape it. Cut */
        bool hashed;        /* over BLAKE2b-512 of the file; else of the older kind, over the file */
};

_must_check_ int signature_ready(struct error *err);
_must_check_ int signature_key_read(const char *text, size_t size, struct signature_key *ret,
                                    struct error *err);
_must_check_ int signature_check(const struct signature_key *key, const char *text, size_t size,
                                 const void *bytes, size_t n, struct signature_words *ret, struct error *err);
