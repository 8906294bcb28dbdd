#include "engine/decode/cursor.h"

/* Longer than the "unexpected end" of some scripts, which compare the beginning. */
const char text_unexpected_end[] = "unexpected end of section or function";
const char text_type_unsupported[] = "a type of a proposal that is not supported";

struct leb leb_unsigned(const uint8_t *at, const uint8_t *end, unsigned bits)
{
        uint64_t value = 0;

        for (unsigned shift = 0; shift < bits && at < end; shift += 7) {
                uint8_t byte = *at++;
                unsigned rest = bits - shift;

                if (rest < 7 && (byte & 0x7f) >> rest)
                        break; /* a bit that the type does not have */
                value |= (uint64_t)(byte & 0x7f) << shift;
                if (byte < 0x80)
                        return (struct leb) { value, at };
        }
        return (struct leb) { 0, NULL };
}

struct leb leb_signed(const uint8_t *at, const uint8_t *end, unsigned bits)
{
        uint64_t value = 0;

        for (unsigned shift = 0; shift < bits && at < end; shift += 7) {
                uint8_t byte = *at++;
                unsigned rest = bits - shift;

                if (rest < 7) {
                        /* The sign bit and all bits above it must be the same. */
                        uint8_t above = (uint8_t)(0x7f & ~0u << (rest - 1));

                        if ((byte & above) && (byte & above) != above)
                                break;
                }
                value |= (uint64_t)(byte & 0x7f) << shift;
                if (byte < 0x80) {
                        unsigned spare = shift + 7 < 64 ? 57 - shift : 0;

                        value = (uint64_t)((int64_t)(value << spare) >> spare);
                        return (struct leb) { value, at };
                }
        }
        return (struct leb) { 0, NULL };
}

const char *leb_why(const uint8_t *at, const uint8_t *end, const uint8_t *file_end, unsigned bits)
{
        unsigned longest = (bits + 6) / 7;

        for (unsigned i = 0; i < longest; i++) {
                if (at + i >= (i > 0 ? file_end : end))
                        return text_unexpected_end;
                if (at[i] < 0x80)
                        return "integer too large";
        }
        return "integer representation too long";
}

/* Bytes that may follow a first byte, and the range of the first of them: everything that keeps
 * overlong forms, surrogates and what lies above U+10FFFF out (The Unicode Standard, table 3-7). */
static const struct { uint8_t first, last, follow, low, high; } utf8_rows[] = {
        { 0x00, 0x7f, 0, 0x00, 0x00 },
        { 0xc2, 0xdf, 1, 0x80, 0xbf },
        { 0xe0, 0xe0, 2, 0xa0, 0xbf },
        { 0xe1, 0xec, 2, 0x80, 0xbf },
        { 0xed, 0xed, 2, 0x80, 0x9f },
        { 0xee, 0xef, 2, 0x80, 0xbf },
        { 0xf0, 0xf0, 3, 0x90, 0xbf },
        { 0xf1, 0xf3, 3, 0x80, 0xbf },
        { 0xf4, 0xf4, 3, 0x80, 0x8f },
};

static size_t utf8_sequence(const uint8_t *s, size_t size)
{
        for (size_t i = 1; i < ELEMENTSOF(utf8_rows); i++) {
                if (*s < utf8_rows[i].first || *s > utf8_rows[i].last)
                        continue;
                if (size <= utf8_rows[i].follow)
                        return 0;
                if (s[1] < utf8_rows[i].low || s[1] > utf8_rows[i].high)
                        return 0;
                for (unsigned k = 2; k <= utf8_rows[i].follow; k++)
                        if ((s[k] & 0xc0) != 0x80)
                                return 0;
                return utf8_rows[i].follow + 1u;
        }
        return 0;
}

bool utf8_is_valid(const uint8_t *bytes, size_t size)
{
        while (size > 0) {
                size_t n = *bytes < 0x80 ? 1 : utf8_sequence(bytes, size);

                if (n == 0)
                        return false;
                bytes += n;
                size -= n;
        }
        return true;
}

int cursor_error(const struct cursor *c, struct error *err)
{
        return error_set(err, STAGE_DECODE, c->code ? c->code : -EBADMSG,
                         (uint64_t)(c->where - c->file), "%s", c->why);
}
