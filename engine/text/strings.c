#include "engine/text/strings.h"

#include <string.h>

/* Length of the sequence at @s, 0 when it is malformed (Unicode standard, table 3-7). */
static size_t sequence(const uint8_t *s, size_t size)
{
        uint8_t low = 0x80, high = 0xbf;
        size_t n;

        if (s[0] < 0x80)
                return 1;
        if (s[0] < 0xc2 || s[0] > 0xf4)
                return 0;
        n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
        switch (s[0]) {
        case 0xe0:
                low = 0xa0;
                break;
        case 0xed:
                high = 0x9f;
                break;
        case 0xf0:
                low = 0x90;
                break;
        case 0xf4:
                high = 0x8f;
                break;
        default:
                break;
        }
        if (size < n || s[1] < low || s[1] > high)
                return 0;
        for (size_t i = 2; i < n; i++)
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
        return n;
}

size_t utf8_check(const char *s, size_t size)
{
        size_t i = 0;

        while (i < size) {
                uint64_t word;
                size_t n;

                /* Nearly all text is ASCII: eight bytes at a time. */
                if (size - i >= sizeof(word)) {
                        memcpy(&word, s + i, sizeof(word));
                        if (!(word & UINT64_C(0x8080808080808080))) {
                                i += sizeof(word);
                                continue;
                        }
                }
                n = sequence((const uint8_t *)s + i, size - i);
                if (!n)
                        break;
                i += n;
        }
        return i < size ? i : size;
}

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

static void encode(uint32_t c, struct escape *ret)
{
        size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

        ret->n = n;
        for (size_t i = n; i-- > 1; c >>= 6)
                ret->bytes[i] = (uint8_t)(0x80 | (c & 0x3f));
        ret->bytes[0] = (uint8_t)(lead[n] | c);
}

/* \u{hexnum}, a Unicode scalar value */
static size_t escape_unicode(const char *s, size_t size, struct escape *ret)
{
        uint32_t c = 0;
        size_t i = 3;

        if (size < 5 || s[2] != '{')
                return 0;
        for (; i < size && s[i] != '}'; i++) {
                if (s[i] == '_' && i > 3 && s[i - 1] != '_')
                        continue;
                if (hex_digit(s[i]) < 0)
                        return 0;
                c = c << 4 | (uint32_t)hex_digit(s[i]);
                if (c > 0x10ffff)
                        return 0;
        }
        if (i == 3 || i >= size || s[i - 1] == '_' || (c >= 0xd800 && c < 0xe000))
                return 0;
        encode(c, ret);
        return i + 1;
}

size_t string_escape(const char *s, size_t size, struct escape *ret)
{
        static const char from[] = "nrt\\'\"", to[] = "\n\r\t\\'\"";
        const char *p;

        if (size < 2 || !s[1])
                return 0;
        p = strchr(from, s[1]);
        if (p) {
                *ret = (struct escape) { { (uint8_t)to[p - from] }, 1 };
                return 2;
        }
        if (s[1] == 'u')
                return escape_unicode(s, size, ret);
        if (size < 3 || hex_digit(s[1]) < 0 || hex_digit(s[2]) < 0)
                return 0;
        *ret = (struct escape) { { (uint8_t)(hex_digit(s[1]) << 4 | hex_digit(s[2])) }, 1 };
        return 3;
}

void string_append(const char *s, size_t size, struct buffer *out)
{
        size_t i = 1;

        while (i + 1 < size) {
                struct escape e = { 0 };
                size_t plain = i, n;

                while (plain + 1 < size && s[plain] != '\\')
                        plain++;
                buffer_append(out, s + i, plain - i);
                i = plain;
                if (i + 1 >= size)
                        break;
                n = string_escape(s + i, size - i, &e);
                if (!n)
                        break;
                buffer_append(out, e.bytes, e.n);
                i += n;
        }
}

/* Bytes that come one after the other: the ones of a sequence are gathered until it is whole. */
struct sequence_reader {
        uint8_t bytes[4];
        size_t n;
};

static bool feed(struct sequence_reader *s, uint8_t byte)
{
        size_t want;

        s->bytes[s->n++] = byte;
        want = s->bytes[0] < 0x80 ? 1 : s->bytes[0] < 0xe0 ? 2 : s->bytes[0] < 0xf0 ? 3 : 4;
        if (s->n < want)
                return true;
        s->n = 0;
        return sequence(s->bytes, want);
}

bool string_is_utf8(const char *s, size_t size)
{
        struct sequence_reader reader = { 0 };
        size_t i = 1;

        if (size >= 2 && !memchr(s, '\\', size))
                return utf8_check(s + 1, size - 2) == size - 2;
        while (i + 1 < size) {
                struct escape e = { .bytes = { (uint8_t)s[i] }, .n = 1 };
                size_t used = s[i] == '\\' ? string_escape(s + i, size - i, &e) : 1;

                if (!used)
                        return false;
                for (size_t k = 0; k < e.n; k++)
                        if (!feed(&reader, e.bytes[k]))
                                return false;
                i += used;
        }
        return !reader.n;
}
