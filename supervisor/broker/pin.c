#include "config.h"

#include <fcntl.h>
#include <nettle/sha2.h>
#include <string.h>

#include "supervisor/broker/pin.h"

static int read_small(const char *path, char text[static SIGNATURE_TEXT_MAX + 1], size_t *ret_size,
                      struct error *err)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        size_t n = 0;
        ssize_t r;

        if (fd < 0)
                return error_set(err, STAGE_POLICY, -EACCES, ERROR_NOWHERE, "%s: %m", path);
        while (n <= SIGNATURE_TEXT_MAX && (r = read(fd, text + n, SIGNATURE_TEXT_MAX + 1 - n)) != 0) {
                if (r < 0)
                        return error_set(err, STAGE_POLICY, -EACCES, ERROR_NOWHERE, "%s: %m", path);
                n += (size_t)r;
        }
        *ret_size = n;
        return 0;
}

int pin_read(const struct module_pin *pin, struct pin_texts *ret, struct error *err)
{
        int r = read_small(pin->key, ret->key, &ret->key_bytes, err);

        if (r < 0)
                return r;
        r = read_small(pin->signature, ret->signature, &ret->signature_bytes, err);
        return r < 0 ? error_prefix(err, "no signature") : 0;
}

int pin_check_signature(const struct module_pin *pin, const struct pin_texts *texts, const void *bytes, size_t n,
                        struct error *err)
{
        struct signature_key key;
        int r = signature_key_read(texts->key, texts->key_bytes, &key, err);

        if (r < 0)
                return error_prefix(err, "%s", pin->key);
        r = signature_check(&key, texts->signature, texts->signature_bytes, bytes, n, pin->words, err);
        return r < 0 ? error_prefix(err, "%s", pin->signature) : 0;
}

static int check_signature(const struct module_pin *pin, const void *bytes, size_t n, struct error *err)
{
        struct pin_texts texts;
        int r = pin_read(pin, &texts, err);

        return r < 0 ? r : pin_check_signature(pin, &texts, bytes, n, err);
}

static void hex(const uint8_t *bytes, char text[static 65])
{
        for (unsigned i = 0; i < 32; i++)
                snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

int pin_check(const struct module_pin *pin, const void *bytes, size_t n, struct error *err)
{
        uint8_t digest[SHA256_DIGEST_SIZE];
        struct sha256_ctx sha;
        char is[65], asked[65];

        if (pin->sha256) {
                sha256_init(&sha);
                sha256_update(&sha, n, bytes);
                sha256_digest(&sha, sizeof(digest), digest);
                if (memcmp(digest, pin->sha256, sizeof(digest)) != 0) {
                        hex(digest, is);
                        hex(pin->sha256, asked);
                        return error_set(err, STAGE_POLICY, -EACCES, ERROR_NOWHERE,
                                         "its SHA-256 is %s, but %s is asked for", is, asked);
                }
        }
        return pin->key ? check_signature(pin, bytes, n, err) : 0;
}
