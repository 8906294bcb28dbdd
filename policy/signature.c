#include "config.h"

#include <gcrypt.h>
#include <nettle/base64.h>
#include <nettle/eddsa.h>
#include <stdbool.h>
#include <string.h>

#include "policy/signature.h"

#define TRUSTED       "trusted comment: "
#define BLAKE2B_BYTES 64

struct line {
        const char *at;
        size_t n;
};

/* What the base64 of a signature file holds. */
struct signature_bytes {
        uint8_t algorithm[2], id[8], signature[ED25519_SIGNATURE_SIZE];
};

static int bad(struct error *err, int code, const char *what)
{
        return error_set(err, STAGE_POLICY, code, ERROR_NOWHERE, "%s", what);
}

/* Lines without their ends; at most @most of them. */
static size_t split(const char *text, size_t size, struct line *lines, size_t most)
{
        const char *end = text + size;
        size_t n = 0;

        while (text < end && n < most) {
                const char *newline = memchr(text, '\n', (size_t)(end - text));
                const char *stop = newline ? newline : end;

                lines[n++] = (struct line) { text, (size_t)(stop - text) };
                text = newline ? newline + 1 : end;
                if (lines[n - 1].n && lines[n - 1].at[lines[n - 1].n - 1] == '\r')
                        lines[n - 1].n--;
        }
        return n;
}

static bool starts_with(const struct line *l, const char *prefix)
{
        return l->n >= strlen(prefix) && memcmp(l->at, prefix, strlen(prefix)) == 0;
}

/* Exactly @size bytes of base64. */
static bool decode(const struct line *l, void *bytes, size_t size)
{
        uint8_t room[BASE64_DECODE_LENGTH(SIGNATURE_TEXT_MAX)];
        struct base64_decode_ctx base64;
        size_t n = sizeof(room);

        if (l->n > SIGNATURE_TEXT_MAX)
                return false;
        base64_decode_init(&base64);
        if (!base64_decode_update(&base64, &n, room, l->n, l->at) || !base64_decode_final(&base64) || n != size)
                return false;
        memcpy(bytes, room, size);
        return true;
}

int signature_key_read(const char *text, size_t size, struct signature_key *ret, struct error *err)
{
        struct {
                uint8_t algorithm[2];
                struct signature_key key;
        } bytes;
        struct line lines[3];
        size_t n;

        if (size > SIGNATURE_TEXT_MAX)
                return bad(err, -EBADMSG, "too long for a public key");
        n = split(text, size, lines, 3);
        if (n == 0 || n > 2 || (n == 2 && !starts_with(&lines[0], "untrusted comment:")))
                return bad(err, -EBADMSG, "not a public key of minisign");
        if (!decode(&lines[n - 1], &bytes, sizeof(bytes)) || memcmp(bytes.algorithm, "Ed", 2) != 0)
                return bad(err, -EBADMSG, "not a public key of minisign");
        *ret = bytes.key;
        return 0;
}

/* The bytes are public: nothing is asked for that would need locked memory. */
int signature_ready(struct error *err)
{
        if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P))
                return 0;
        if (!gcry_check_version(GCRYPT_VERSION))
                return bad(err, -ENOSYS, "libgcrypt is older than the one that this was built with");
        gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
        gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
        return 0;
}

/* Nettle has no BLAKE2b. */
static int blake2b(const void *bytes, size_t n, uint8_t ret[static BLAKE2B_BYTES], struct error *err)
{
        gcry_md_hd_t hash;
        int r = signature_ready(err);

        if (r < 0)
                return r;
        if (gcry_md_open(&hash, GCRY_MD_BLAKE2B_512, 0))
                return bad(err, -ENOSYS, "libgcrypt does not offer BLAKE2b (is this FIPS mode?)");
        gcry_md_write(hash, bytes, n);
        memcpy(ret, gcry_md_read(hash, GCRY_MD_BLAKE2B_512), BLAKE2B_BYTES);
        gcry_md_close(hash);
        return 0;
}

static bool is_signed(const struct signature_key *key, const uint8_t *signature, const void *bytes, size_t n)
{
        return ed25519_sha512_verify(key->key, n, bytes, signature) == 1;
}

/* The comment is what a person reads: it is signed together with the signature. */
static bool comment_is_signed(const struct signature_key *key, const struct signature_bytes *s,
                              const struct line *comment, const uint8_t *signature)
{
        uint8_t both[ED25519_SIGNATURE_SIZE + SIGNATURE_TEXT_MAX];
        size_t n = comment->n - strlen(TRUSTED);

        memcpy(both, s->signature, sizeof(s->signature));
        memcpy(both + sizeof(s->signature), comment->at + strlen(TRUSTED), n);
        return is_signed(key, signature, both, sizeof(s->signature) + n);
}

/* The number is a little-endian one, written in full. */
static void fill_words(const struct signature_bytes *s, const struct line *comment, struct signature_words *ret)
{
        size_t skip = strlen(TRUSTED);

        *ret = (struct signature_words) { .hashed = memcmp(s->algorithm, "ED", 2) == 0 };
        for (unsigned i = 0; i < sizeof(s->id); i++)
                snprintf(ret->key + 2 * i, 3, "%02X", s->id[sizeof(s->id) - 1 - i]);
        snprintf(ret->comment, sizeof(ret->comment), "%.*s", (int)(comment->n - skip), comment->at + skip);
}

int signature_check(const struct signature_key *key, const char *text, size_t size, const void *bytes,
                    size_t n, struct signature_words *ret, struct error *err)
{
        uint8_t digest[BLAKE2B_BYTES], global[ED25519_SIGNATURE_SIZE];
        struct signature_bytes s;
        struct line lines[5];
        bool fits;
        int r;

        if (size > SIGNATURE_TEXT_MAX)
                return bad(err, -EBADMSG, "too long for a signature");
        if (split(text, size, lines, 5) != 4 || !starts_with(&lines[0], "untrusted comment:") ||
            !decode(&lines[1], &s, sizeof(s)) || !starts_with(&lines[2], TRUSTED) ||
            !decode(&lines[3], global, sizeof(global)))
                return bad(err, -EBADMSG, "not a whole signature of minisign");
        if (memcmp(s.id, key->id, sizeof(s.id)) != 0)
                return bad(err, -EACCES, "signed by another key");
        if (memcmp(s.algorithm, "ED", 2) == 0) {
                r = blake2b(bytes, n, digest, err);
                if (r < 0)
                        return r;
                fits = is_signed(key, s.signature, digest, sizeof(digest));
        } else if (memcmp(s.algorithm, "Ed", 2) == 0) {
                fits = is_signed(key, s.signature, bytes, n);
        } else {
                return bad(err, -EBADMSG, "a signature of an unknown kind");
        }
        if (!fits)
                return bad(err, -EACCES, "the signature does not fit its bytes");
        if (!comment_is_signed(key, &s, &lines[2], global))
                return bad(err, -EACCES, "the signature's trusted comment was changed");
        if (ret)
                fill_words(&s, &lines[2], ret);
        return 0;
}
