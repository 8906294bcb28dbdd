#include "config.h"

#include "engine/text/literal.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int digit_value(char c)
{
        return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Magnitude without a sign. */
static int parse_nat(const char *s, size_t size, uint64_t *ret)
{
        bool hex = size > 2 && s[0] == '0' && s[1] == 'x';
        uint64_t value = 0;

        for (size_t i = hex ? 2 : 0; i < size; i++) {
                int d = s[i] == '_' ? 0 : digit_value(s[i]);

                if (s[i] == '_')
                        continue;
                if (d < 0 || d >= (hex ? 16 : 10))
                        return -EINVAL;
                if (__builtin_mul_overflow(value, hex ? 16u : 10u, &value) ||
                    __builtin_add_overflow(value, (uint64_t)d, &value))
                        return -ERANGE;
        }
        *ret = value;
        return 0;
}

int literal_int(const char *s, size_t size, unsigned bits, uint64_t *ret)
{
        bool sign = size && (s[0] == '+' || s[0] == '-');
        uint64_t value, mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
        int r = parse_nat(s + sign, size - sign, &value);

        if (r < 0)
                return r;
        if (s[0] == '-' ? value > UINT64_C(1) << (bits - 1) : value > mask)
                return -ERANGE;
        *ret = (s[0] == '-' ? -value : value) & mask;
        return 0;
}

/* strtod() reads the decimal point of the locale; ours is always '.'. */
static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void)
{
        c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* A terminated copy without underscores, in @room when it fits, else the caller's to free. */
static char *plain_copy(const char *s, size_t size, char *room, size_t room_size)
{
        char *copy = size < room_size ? room : malloc(size + 1), *p = copy;

        if (!copy)
                return NULL;
        for (size_t i = 0; i < size; i++)
                if (s[i] != '_')
                        *p++ = s[i];
        *p = '\0';
        return copy;
}

/* The literal without sign, if it is a NaN: 1 and the payload, *ret_canonical without one. */
static int nan_payload(const char *s, size_t size, unsigned bits, uint64_t *ret)
{
        uint64_t payload;
        int r;

        if (size < 3 || memcmp(s, "nan", 3))
                return 0;
        if (size == 3) {
                *ret = UINT64_C(1) << (bits - 1);
                return 1;
        }
        r = parse_nat(s + 4, size - 4, &payload);
        if (r < 0)
                return r;
        if (!payload || payload >> bits)
                return -ERANGE;
        *ret = payload;
        return 1;
}

int literal_f32(const char *s, size_t size, uint32_t *ret)
{
        bool sign = size && (s[0] == '+' || s[0] == '-');
        char room[128], *copy;
        uint64_t payload;
        uint32_t bits;
        float value;
        int r = nan_payload(s + sign, size - sign, 23, &payload);

        if (r < 0)
                return r;
        if (r) {
                *ret = (s[0] == '-' ? 0x80000000u : 0) | 0x7f800000u | (uint32_t)payload;
                return 0;
        }
        pthread_once(&c_locale_once, make_c_locale);
        copy = plain_copy(s, size, room, sizeof(room));
        if (!copy || !c_locale)
                return -ENOMEM;
        /* glibc rounds correctly, to even at halfway, whatever the length and the base. */
        value = strtof_l(copy, NULL, c_locale);
        if (copy != room)
                free(copy);
        if (isinf(value) && !memchr(s, 'n', size))
                return -ERANGE;
        memcpy(&bits, &value, sizeof(bits));
        *ret = bits;
        return 0;
}

int literal_f64(const char *s, size_t size, uint64_t *ret)
{
        bool sign = size && (s[0] == '+' || s[0] == '-');
        char room[128], *copy;
        uint64_t payload, bits;
        double value;
        int r = nan_payload(s + sign, size - sign, 52, &payload);

        if (r < 0)
                return r;
        if (r) {
                *ret = (s[0] == '-' ? UINT64_C(1) << 63 : 0) | UINT64_C(0x7ff) << 52 | payload;
                return 0;
        }
        pthread_once(&c_locale_once, make_c_locale);
        copy = plain_copy(s, size, room, sizeof(room));
        if (!copy || !c_locale)
                return -ENOMEM;
        value = strtod_l(copy, NULL, c_locale);
        if (copy != room)
                free(copy);
        if (isinf(value) && !memchr(s, 'n', size))
                return -ERANGE;
        memcpy(&bits, &value, sizeof(bits));
        *ret = bits;
        return 0;
}

/* 9 and 17 digits are always enough; fewer are tried first. */
static void shortest(uint64_t bits, unsigned width, char *text, size_t size)
{
        locale_t before = uselocale(c_locale);
        unsigned most = width == 32 ? 9 : 17;

        for (unsigned digits = most - 3; digits <= most; digits++) {
                uint32_t single = (uint32_t)bits, back32 = 0;
                uint64_t back64 = 0;
                double value;
                float f;

                if (width == 32) {
                        memcpy(&f, &single, sizeof(f));
                        value = (double)f;
                } else {
                        memcpy(&value, &bits, sizeof(value));
                }
                snprintf(text, size, "%.*g", (int)digits, value);
                if (width == 32 ? !literal_f32(text, strlen(text), &back32) && back32 == single
                                : !literal_f64(text, strlen(text), &back64) && back64 == bits)
                        break;
        }
        uselocale(before);
}

char *float_text(uint64_t bits, unsigned width, char text[static FLOAT_TEXT_MAX])
{
        unsigned mantissa = width == 32 ? 23 : 52;
        uint64_t payload = bits & ((UINT64_C(1) << mantissa) - 1), infinity;
        const char *sign = bits >> (width - 1) & 1 ? "-" : "";

        infinity = (UINT64_C(1) << (width - 1)) - (UINT64_C(1) << mantissa);
        pthread_once(&c_locale_once, make_c_locale);
        if ((bits & infinity) != infinity)
                shortest(bits, width, text, FLOAT_TEXT_MAX);
        else if (!payload)
                snprintf(text, FLOAT_TEXT_MAX, "%sinf", sign);
        else if (payload == UINT64_C(1) << (mantissa - 1))
                snprintf(text, FLOAT_TEXT_MAX, "%snan", sign);
        else
                snprintf(text, FLOAT_TEXT_MAX, "%snan:0x%" PRIx64, sign, payload);
        return text;
}
