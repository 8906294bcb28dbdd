/* test-signature.c - signed modules: what fits is taken, every changed bit is not. */
#include "config.h"

#include <gcrypt.h>
#include <nettle/base64.h>
#include <nettle/eddsa.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "policy/signature.h"
#include "tests/unit/unit.h"

static const uint8_t secret[32] = "a secret key of thirty-two bytes", other_secret[32] = "another one of thirty-two bytes!";
static const uint8_t module[] = "\0asm\1\0\0\0 some module";

static void encode(const void *bytes, size_t n, char *text)
{
        base64_encode_raw(text, n, bytes);
        text[BASE64_ENCODE_RAW_LENGTH(n)] = '\0';
}

/* What minisign would write. */
static void make(bool hashed, const uint8_t private[32], uint8_t id, const char *comment, char *key_text,
                 char *signature_text)
{
        struct {
                uint8_t algorithm[2], id[8], bytes[64];
        } s = { .algorithm = { 'E', hashed ? 'D' : 'd' }, .id = { id } };
        struct {
                uint8_t algorithm[2], id[8], key[32];
        } k = { .algorithm = "Ed", .id = { id } };
        uint8_t digest[64], both[64 + 200], global[64];
        char a[200], b[200];

        ed25519_sha512_public_key(k.key, private);
        gcry_md_hash_buffer(GCRY_MD_BLAKE2B_512, digest, module, sizeof(module));
        if (hashed)
                ed25519_sha512_sign(k.key, private, sizeof(digest), digest, s.bytes);
        else
                ed25519_sha512_sign(k.key, private, sizeof(module), module, s.bytes);
        memcpy(both, s.bytes, 64);
        memcpy(both + 64, comment, strlen(comment));
        ed25519_sha512_sign(k.key, private, 64 + strlen(comment), both, global);
        encode(&k, sizeof(k), a);
        sprintf(key_text, "untrusted comment: key\n%s\n", a);
        encode(&s, sizeof(s), a);
        encode(global, sizeof(global), b);
        sprintf(signature_text, "untrusted comment: x\n%s\ntrusted comment: %s\n%s\n", a, comment, b);
}

static struct signature_words words;

static int check(const char *key_text, const char *signature_text, const void *bytes, size_t n)
{
        struct signature_key key;
        struct error err = { 0 };
        int r = signature_key_read(key_text, strlen(key_text), &key, &err);

        if (r < 0)
                return r;
        memset(&words, 0xee, sizeof(words));
        r = signature_check(&key, signature_text, strlen(signature_text), bytes, n, &words, &err);
        if (r < 0)
                ck_assert(words.key[0] == (char)0xee && words.comment[0] == (char)0xee);
        ck_assert(r == 0 || (err.code == r && err.text[0]));
        return r;
}

START_TEST(what_is_signed_is_taken)
{
        char key[512], signature[1024], *line;

        make(_i, secret, 1, "version 1", key, signature);
        ck_assert_int_eq(check(key, signature, module, sizeof(module)), 0);
        ck_assert_str_eq(words.comment, "version 1");
        ck_assert_str_eq(words.key, "0000000000000001");
        ck_assert_int_eq(words.hashed, _i);
        line = strchr(key, '\n') + 1; /* the bare line */
        ck_assert_int_eq(check(line, signature, module, sizeof(module)), 0);
}
END_TEST

START_TEST(other_bytes_keys_and_comments_are_not)
{
        char key[512], signature[1024], other[512], unused[1024], *at;
        uint8_t changed[sizeof(module)];

        make(_i, secret, 1, "version 1", key, signature);
        for (size_t i = 0; i < sizeof(module) * 8; i++) {
                memcpy(changed, module, sizeof(module));
                changed[i / 8] ^= (uint8_t)(1 << i % 8);
                ck_assert_int_eq(check(key, signature, changed, sizeof(module)), -EACCES);
        }
        ck_assert_int_eq(check(key, signature, module, sizeof(module) - 1), -EACCES);
        ck_assert_int_eq(check(key, signature, module, 0), -EACCES);

        make(_i, other_secret, 2, "version 1", other, unused);
        ck_assert_int_eq(check(other, signature, module, sizeof(module)), -EACCES);
        make(_i, other_secret, 1, "version 1", other, unused); /* the same number, another key */
        ck_assert_int_eq(check(other, signature, module, sizeof(module)), -EACCES);

        at = strstr(signature, "version 1");
        at[8] = '2';
        ck_assert_int_eq(check(key, signature, module, sizeof(module)), -EACCES);
}
END_TEST

/* Cut at every byte, and with every byte changed: refused, but for the comment that is not signed. */
START_TEST(broken_signatures_are_refused)
{
        char key[512], signature[1024], broken[1024];
        size_t n, unsigned_end;

        make(true, secret, 1, "c", key, signature);
        n = strlen(signature);
        unsigned_end = (size_t)(strchr(signature, '\n') - signature);
        for (size_t i = 0; i < n - 1; i++) { /* the last newline may be missing */
                memcpy(broken, signature, i);
                broken[i] = '\0';
                ck_assert_int_lt(check(key, broken, module, sizeof(module)), 0);
        }
        for (size_t i = unsigned_end; i < n - 1; i++) {
                strcpy(broken, signature);
                broken[i] = broken[i] == 'A' ? 'B' : 'A';
                ck_assert_msg(check(key, broken, module, sizeof(module)) < 0, "byte %zu", i);
        }
        ck_assert_int_eq(check(key, "", module, sizeof(module)), -EBADMSG);
        strcat(signature, "more\n");
        ck_assert_int_eq(check(key, signature, module, sizeof(module)), -EBADMSG);
}
END_TEST

START_TEST(broken_keys_are_refused)
{
        struct signature_key ret = { .id = { 77 } };
        char key[512], signature[1024], text[5000];
        size_t n;

        make(true, secret, 1, "c", key, signature);
        n = strlen(key);
        for (size_t i = 0; i < n - 1; i++)
                ck_assert_int_eq(signature_key_read(key, i, &ret, NULL), -EBADMSG);
        ck_assert_int_eq(signature_key_read(signature, strlen(signature), &ret, NULL), -EBADMSG);
        memset(text, 'A', sizeof(text));
        ck_assert_int_eq(signature_key_read(text, sizeof(text), &ret, NULL), -EBADMSG);
        ck_assert_int_eq(signature_key_read(text, 4000, &ret, NULL), -EBADMSG);
        ck_assert_uint_eq(ret.id[0], 77);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("signature");

        tcase_add_loop_test(tc, what_is_signed_is_taken, 0, 2);
        tcase_add_loop_test(tc, other_bytes_keys_and_comments_are_not, 0, 2);
        tcase_add_test(tc, broken_signatures_are_refused);
        tcase_add_test(tc, broken_keys_are_refused);
        tcase_set_timeout(tc, 60);
        return unit_main("signature", &tc, 1);
}
