/* test-key.c - keys: what is handed on is never more; where a connection may go. */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "policy/draft.h"
#include "policy/network.h"
#include "policy/number.h"
#include "tests/unit/unit.h"

static const char *const pair[] = { "LANG", "HOME" };
static struct network ten = { { 10 }, 8, false }, loopback = { { 127 }, 8, false }, all = { { 0 }, 0, false };

static const struct key keys[] = {
        [KEY_DIRECTORY] = { .name = "k", .kind = KEY_DIRECTORY, .verbs = VERB_READ | VERB_WRITE, .path = "/a", .mount = "/in" },
        [KEY_FILE] = { .name = "k", .kind = KEY_FILE, .verbs = VERB_READ, .path = "/f" },
        [KEY_LISTEN] = { .name = "k", .kind = KEY_LISTEN, .verbs = VERB_ACCEPT, .host = "::1", .port = 80 },
        [KEY_CONNECT] = { .name = "k", .kind = KEY_CONNECT, .verbs = VERB_CONNECT, .port = 80, .port_last = 90, .networks = &ten, .nnetworks = 1 },
        [KEY_ENVIRONMENT] = { .name = "k", .kind = KEY_ENVIRONMENT, .verbs = VERB_READ, .variables = pair, .nvariables = 2 },
        [KEY_CLOCK] = { .name = "k", .kind = KEY_CLOCK, .verbs = VERB_READ, .number = 1000000 },
        [KEY_RANDOM] = { .name = "k", .kind = KEY_RANDOM, .verbs = VERB_READ, .number = 1000 },
        [KEY_STDIO] = { .name = "k", .kind = KEY_STDIO, .verbs = VERB_WRITE, .number = 1, .target = TARGET_LOG },
};

static const struct {
        enum key_kind kind;
        const char *request;
        int r;
} narrow_rows[] = {
        { KEY_DIRECTORY, "k", 0 },
        { KEY_DIRECTORY, "k:read-only", 0 },
        { KEY_DIRECTORY, "k:read,write", 0 },
        { KEY_DIRECTORY, "k/b/c:read", 0 },
        { KEY_DIRECTORY, "k:read-write", -EACCES }, /* create and remove too */
        { KEY_DIRECTORY, "k:create", -EACCES },
        { KEY_DIRECTORY, "k:accept", -EINVAL },
        { KEY_DIRECTORY, "k:", -EINVAL },
        { KEY_DIRECTORY, "k/", -EINVAL },
        { KEY_DIRECTORY, "k/..", -EINVAL },
        { KEY_DIRECTORY, "k/b/../../c", -EINVAL },
        { KEY_DIRECTORY, "k/b//c", -EINVAL },
        { KEY_DIRECTORY, "k/./c", -EINVAL },
        { KEY_DIRECTORY, "kk", -EINVAL },
        { KEY_DIRECTORY, "j", -EINVAL },
        { KEY_FILE, "k:read", 0 },
        { KEY_FILE, "k:write", -EACCES },
        { KEY_FILE, "k/x", -EINVAL },
        { KEY_LISTEN, "k", 0 },
        { KEY_LISTEN, "k:80", -EINVAL },
        { KEY_CONNECT, "k", 0 },
        { KEY_CONNECT, "k:10.1.0.0/16:80-85", 0 },
        { KEY_CONNECT, "k:*:85", 0 },
        { KEY_CONNECT, "k:*:79", -EACCES },
        { KEY_CONNECT, "k:*:80-91", -EACCES },
        { KEY_CONNECT, "k:11.0.0.0/8:80", -EACCES },
        { KEY_CONNECT, "k:0.0.0.0/0:80", -EACCES },
        { KEY_CONNECT, "k:[::]:80", -EACCES },
        { KEY_CONNECT, "k:other.example:80", -EACCES },
        { KEY_CONNECT, "k:10.0.0.0/8", -EINVAL },
        { KEY_ENVIRONMENT, "k:LANG", 0 },
        { KEY_ENVIRONMENT, "k:HOME,LANG", 0 },
        { KEY_ENVIRONMENT, "k:PATH", -EACCES },
        { KEY_ENVIRONMENT, "k:LAN", -EACCES },
        { KEY_ENVIRONMENT, "k:LANG,,HOME", -EINVAL },
        { KEY_CLOCK, "k:1ms", 0 },
        { KEY_CLOCK, "k:1s", 0 },
        { KEY_CLOCK, "k:999us", -EACCES },
        { KEY_CLOCK, "k:0s", -EINVAL },
        { KEY_CLOCK, "k:1", -EINVAL },
        { KEY_RANDOM, "k:1000", 0 },
        { KEY_RANDOM, "k:1K", -EACCES },
        { KEY_RANDOM, "k:0", -EINVAL },
        { KEY_STDIO, "k", 0 },
        { KEY_STDIO, "k:x", -EINVAL },
};

START_TEST(narrower_or_refused)
{
        _cleanup_(pool_freep) struct pool *pool = pool_new(0);
        const struct key *key = &keys[narrow_rows[_i].kind];
        struct narrowed_key n = { .key.name = "untouched" };
        struct error err = { 0 };
        int r = key_narrow(pool, key, narrow_rows[_i].request, &n, &err);

        ck_assert_msg(r == narrow_rows[_i].r, "%s of %s: %d %s", narrow_rows[_i].request,
                      key_kind_text(key->kind), r, err.text);
        if (r < 0) {
                ck_assert_str_eq(n.key.name, "untouched");
                ck_assert_int_eq(err.code, r);
        } else {
                ck_assert(key_contains(key, &n.key));
                ck_assert_ptr_eq(n.from, key);
        }
}
END_TEST

/* "*:80" does not reach the host itself, so neither may what is narrowed from it. */
START_TEST(narrowing_does_not_name_the_host)
{
        _cleanup_(pool_freep) struct pool *pool = pool_new(0);
        const struct key any = { .name = "k", .kind = KEY_CONNECT, .verbs = VERB_CONNECT, .port = 80, .port_last = 80 };
        struct key wide = any;
        struct narrowed_key n;

        wide.networks = &all;
        wide.nnetworks = 1;
        ck_assert_int_eq(key_narrow(pool, &any, "k:127.0.0.0/8:80", &n, NULL), -EACCES);
        ck_assert_int_eq(key_narrow(pool, &wide, "k:127.0.0.1:80", &n, NULL), -EACCES);
        ck_assert_int_eq(key_narrow(pool, &wide, "k:8.0.0.0/8:80", &n, NULL), 0);
        ck_assert_int_eq(key_narrow(pool, &any, "k:[fe80::/10]:80", &n, NULL), -EACCES);
}
END_TEST

/* All pairs: what contains is reflexive, and verbs never grow. */
START_TEST(containing_is_an_order)
{
        for (unsigned a = 0; a < _KEY_MAX; a++)
                for (unsigned b = 0; b < _KEY_MAX; b++) {
                        struct key more = keys[b];

                        ck_assert(key_contains(&keys[a], &keys[b]) == (a == b));
                        more.verbs |= VERB_REMOVE;
                        ck_assert(!key_contains(&keys[b], &more));
                }
}
END_TEST

static const struct {
        const char *address;
        uint16_t port;
        const struct network *network; /* of the key; NULL: all */
        bool allowed;
} address_rows[] = {
        { "93.184.216.34", 80, NULL, true },
        { "93.184.216.34", 79, NULL, false },
        { "93.184.216.34", 91, NULL, false },
        { "93.184.216.34", 80, &all, true },
        { "127.0.0.1", 80, NULL, false },
        { "127.0.0.1", 80, &all, false },
        { "127.0.0.1", 80, &loopback, true },
        { "169.254.169.254", 80, NULL, false },
        { "10.1.2.3", 80, NULL, false },
        { "10.1.2.3", 80, &ten, true },
        { "11.1.2.3", 80, &ten, false },
        { "192.168.1.1", 80, NULL, false },
        { "172.31.255.255", 80, NULL, false },
        { "172.32.0.1", 80, NULL, true },
        { "0.0.0.0", 80, NULL, false },
        { "255.255.255.255", 80, NULL, false },
        { "224.0.0.1", 80, NULL, false },
        { "::1", 80, NULL, false },
        { "::", 80, NULL, false },
        { "fe80::1", 80, NULL, false },
        { "fd00::1", 80, NULL, false },
        { "2606:2800:220:1::1", 80, NULL, true },
        { "2606:2800:220:1::1", 80, &ten, false },
        { "::ffff:127.0.0.1", 80, NULL, false },
        { "::ffff:169.254.169.254", 80, NULL, false },
        { "::ffff:10.0.0.1", 80, &ten, true },
        { "64:ff9b::7f00:1", 80, NULL, false },
        { "::ffff:93.184.216.34", 80, NULL, true },
};

START_TEST(the_resolved_address_decides)
{
        struct key key = keys[KEY_CONNECT];
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(address_rows[_i].port) };
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(address_rows[_i].port) };
        bool v6 = strchr(address_rows[_i].address, ':') != NULL;
        char why[128] = "";

        key.networks = address_rows[_i].network;
        key.nnetworks = key.networks != NULL;
        ck_assert_int_eq(inet_pton(v6 ? AF_INET6 : AF_INET, address_rows[_i].address,
                                   v6 ? (void *)&in6.sin6_addr : (void *)&in.sin_addr), 1);
        ck_assert_msg(key_allows_address(&key, v6 ? (void *)&in6 : (void *)&in, why, sizeof(why)) ==
                              address_rows[_i].allowed,
                      "%s: %s", address_rows[_i].address, why);
        ck_assert(address_rows[_i].allowed || why[0]);
}
END_TEST

START_TEST(other_families_are_refused)
{
        const struct sockaddr un = { .sa_family = AF_UNIX };
        char why[128];

        ck_assert(!key_allows_address(&keys[KEY_CONNECT], &un, why, sizeof(why)));
        ck_assert(!key_allows_address(&keys[KEY_LISTEN], &un, why, sizeof(why)));
}
END_TEST

static const struct {
        const char *text;
        int (*read)(const char *, uint64_t *);
        int r;
        uint64_t value;
} number_rows[] = {
        { "0", number_size, 0, 0 },
        { "64M", number_size, 0, 64 << 20 },
        { "16T", number_size, 0, UINT64_C(1) << 44 },
        { "18446744073709551615", number_size, 0, UINT64_MAX },
        { "18446744073709551616", number_size, -ERANGE, 0 },
        { "16777216T", number_size, -ERANGE, 0 },
        { "1m", number_size, -EINVAL, 0 },
        { "1 M", number_size, -EINVAL, 0 },
        { "+1", number_size, -EINVAL, 0 },
        { "", number_size, -EINVAL, 0 },
        { "1.5G", number_size, -EINVAL, 0 },
        { "5ms", number_duration, 0, 5000000 },
        { "2min", number_duration, 0, 120000000000 },
        { "1d", number_duration, 0, 86400000000000 },
        { "5", number_duration, -EINVAL, 0 },
        { "5m", number_duration, -EINVAL, 0 },
        { "50%", number_percent, 0, 50 },
        { "50", number_percent, -EINVAL, 0 },
        { "7", number_count, 0, 7 },
        { "0x7", number_count, -EINVAL, 0 },
};

START_TEST(numbers)
{
        uint64_t value = 99;

        ck_assert_int_eq(number_rows[_i].read(number_rows[_i].text, &value), number_rows[_i].r);
        ck_assert_uint_eq(value, number_rows[_i].r < 0 ? 99 : number_rows[_i].value);
}
END_TEST

START_TEST(numbers_are_written_as_they_are_read)
{
        static const uint64_t values[] = { 0, 1, 1024, 1536, 64 << 20, 1000, 1000000, 90000000000, 86400000000000, UINT64_MAX };
        char text[40];

        for (unsigned i = 0; i < ELEMENTSOF(values); i++) {
                uint64_t back = 99;

                ck_assert_int_eq(number_size(number_size_text(values[i], text, sizeof(text)), &back), 0);
                ck_assert_uint_eq(back, values[i]);
                ck_assert_int_eq(number_duration(number_duration_text(values[i], text, sizeof(text)), &back), 0);
                ck_assert_uint_eq(back, values[i]);
        }
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("key");

        tcase_add_loop_test(tc, narrower_or_refused, 0, ELEMENTSOF(narrow_rows));
        tcase_add_test(tc, narrowing_does_not_name_the_host);
        tcase_add_test(tc, containing_is_an_order);
        tcase_add_loop_test(tc, the_resolved_address_decides, 0, ELEMENTSOF(address_rows));
        tcase_add_test(tc, other_families_are_refused);
        tcase_add_loop_test(tc, numbers, 0, ELEMENTSOF(number_rows));
        tcase_add_test(tc, numbers_are_written_as_they_are_read);
        return unit_main("key", &tc, 1);
}
