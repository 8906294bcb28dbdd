#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy/number.h"

struct scale {
        const char *text;
        uint64_t factor;
};

static const struct scale sizes[] = {
        { "T", UINT64_C(1) << 40 }, { "G", UINT64_C(1) << 30 }, { "M", UINT64_C(1) << 20 },
        { "K", UINT64_C(1) << 10 }, { "", 1 },
};

static const struct scale durations[] = {
        { "d", UINT64_C(86400000000000) }, { "h", UINT64_C(3600000000000) },
        { "min", UINT64_C(60000000000) },  { "s", 1000000000 },
        { "ms", 1000000 },                 { "us", 1000 },
        { "ns", 1 },
};

static int scaled(const char *text, const struct scale *scales, size_t n, uint64_t *ret)
{
        uint64_t value = 0;
        const char *at = text;

        for (; *at >= '0' && *at <= '9'; at++)
                if (__builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
                        return -ERANGE;
        if (at == text)
                return -EINVAL;
        for (size_t i = 0; i < n; i++) {
                if (strcmp(at, scales[i].text) != 0)
                        continue;
                if (__builtin_mul_overflow(value, scales[i].factor, &value))
                        return -ERANGE;
                *ret = value;
                return 0;
        }
        return -EINVAL;
}

int number_size(const char *text, uint64_t *ret_bytes)
{
        return scaled(text, sizes, ELEMENTSOF(sizes), ret_bytes);
}

int number_duration(const char *text, uint64_t *ret_ns)
{
        return scaled(text, durations, ELEMENTSOF(durations), ret_ns);
}

int number_count(const char *text, uint64_t *ret)
{
        static const struct scale one = { "", 1 };

        return scaled(text, &one, 1, ret);
}

int number_percent(const char *text, uint64_t *ret)
{
        static const struct scale one = { "%", 1 };

        return scaled(text, &one, 1, ret);
}

static char *shortest(uint64_t value, const struct scale *scales, size_t n, char *text, size_t size)
{
        size_t i = 0;

        while (i + 1 < n && (value == 0 || value % scales[i].factor))
                i++;
        snprintf(text, size, "%" PRIu64 "%s", value / scales[i].factor, scales[i].text);
        return text;
}

char *number_size_text(uint64_t bytes, char *text, size_t size)
{
        return shortest(bytes, sizes, ELEMENTSOF(sizes), text, size);
}

char *number_duration_text(uint64_t ns, char *text, size_t size)
{
        return shortest(ns, durations, ELEMENTSOF(durations), text, size);
}
