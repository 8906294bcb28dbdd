#include "config.h"

#include "supervisor/cli/values.h"

#include <arpa/inet.h>
#include <string.h>

#define DURATION_MAX_MS ((uint64_t)INT64_MAX / 1000000) /* as nanoseconds it is a number, too */

struct unit {
        const char *name;
        uint64_t factor;
};

static const struct unit size_units[] = {
        { "",  1 },
        { "K", UINT64_C(1) << 10 },
        { "M", UINT64_C(1) << 20 },
        { "G", UINT64_C(1) << 30 },
        { "T", UINT64_C(1) << 40 },
};

static const struct unit duration_units[] = { /* in milliseconds */
        { "ms",  1 },
        { "s",   1000 },
        { "min", 60 * 1000 },
        { "h",   60 * 60 * 1000 },
};

static int refuse(struct error *err, const char *text, const char *expected)
{
        return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "\"%s\" is not %s", text, expected);
}

/* Digits from *@text on, at least one; moves behind them. False when they do not fit. */
static bool take_number(const char **text, uint64_t *ret)
{
        const char *p = *text;
        uint64_t value = 0;

        if (*p < '0' || *p > '9')
                return false;
        for (; *p >= '0' && *p <= '9'; p++) {
                if (__builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
                        return false;
        }
        *text = p;
        *ret = value;
        return true;
}

static bool take_quantity(const char *text, const struct unit *units, size_t n, uint64_t most, uint64_t *ret)
{
        uint64_t value;

        if (!take_number(&text, &value) || value == 0)
                return false;
        for (size_t i = 0; i < n; i++) {
                if (strcmp(text, units[i].name) != 0)
                        continue;
                if (__builtin_mul_overflow(value, units[i].factor, &value) || value > most)
                        return false;
                *ret = value;
                return true;
        }
        return false;
}

int parse_size(const char *text, uint64_t *ret_bytes, struct error *err)
{
        if (!take_quantity(text, size_units, ELEMENTSOF(size_units), INT64_MAX, ret_bytes))
                return refuse(err, text, "a size such as 64M or 1G (bytes, K, M, G, T)");
        return 0;
}

int parse_duration(const char *text, uint64_t *ret_ms, struct error *err)
{
        if (!take_quantity(text, duration_units, ELEMENTSOF(duration_units), DURATION_MAX_MS, ret_ms))
                return refuse(err, text, "a time such as 500ms or 10s (ms, s, min, h)");
        return 0;
}

int parse_count(const char *text, unsigned max, unsigned *ret, struct error *err)
{
        const char *p = text;
        uint64_t value;

        if (!take_number(&p, &value) || *p || value == 0 || value > max)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                                 "\"%s\" is not a number from 1 to %u", text, max);
        *ret = (unsigned)value;
        return 0;
}

int parse_dir(const char *text, struct run_dir *ret, char **ret_storage, struct error *err)
{
        _cleanup_free_ char *copy = strdup(text);
        char *host = copy, *guest = NULL, *rest;
        size_t n;
        bool read_only = false;

        if (!copy)
                return error_set(err, STAGE_USAGE, -ENOMEM, ERROR_NOWHERE, "out of memory");
        n = strlen(copy);
        if (n > 3 && strcmp(copy + n - 3, ":ro") == 0) {
                copy[n - 3] = 0;
                read_only = true;
        }
        rest = strchr(copy, ':');
        if (rest) {
                *rest = 0;
                guest = rest + 1;
        }
        if (!*host || (guest && (!*guest || strchr(guest, ':'))))
                return refuse(err, text, "HOST[:GUEST][:ro]");
        *ret = (struct run_dir) { .host = host, .guest = guest, .read_only = read_only };
        *ret_storage = TAKE_PTR(copy);
        return 0;
}

int parse_env(const char *text, char **ret, struct error *err)
{
        const char *equals = strchr(text, '='), *value;
        char *pair;

        if (!*text || equals == text)
                return refuse(err, text, "NAME or NAME=VALUE");
        if (equals) {
                pair = strdup(text);
        } else {
                value = getenv(text);
                if (!value)
                        return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                                         "%s is not set here; to hand on an empty value write %s=",
                                         text, text);
                if (asprintf(&pair, "%s=%s", text, value) < 0)
                        pair = NULL;
        }
        if (!pair)
                return error_set(err, STAGE_USAGE, -ENOMEM, ERROR_NOWHERE, "out of memory");
        *ret = pair;
        return 0;
}

int parse_listen(const char *text, struct error *err)
{
        static const char expected[] = "tcp:ADDRESS:PORT, an IPv6 address in brackets";
        const char *address, *colon = strrchr(text, ':'), *port;
        char host[64];
        uint8_t binary[16];
        size_t n;
        uint64_t number;
        bool brackets;

        if (strncmp(text, "tcp:", 4) != 0 || colon < text + 4)
                return refuse(err, text, expected);
        address = text + 4;
        port = colon + 1;
        n = (size_t)(colon - address);
        brackets = n >= 2 && address[0] == '[' && address[n - 1] == ']';
        if (brackets) {
                address++;
                n -= 2;
        }
        if (n >= sizeof(host))
                return refuse(err, text, expected);
        memcpy(host, address, n);
        host[n] = 0;
        if (inet_pton(brackets ? AF_INET6 : AF_INET, host, binary) != 1 ||
            !take_number(&port, &number) || *port || number == 0 || number > 65535)
                return refuse(err, text, expected);
        return 0;
}
