/* cursor.h - reads the bytes of the binary format, never past the end.
 *
 * Every read returns false on failure and leaves its output untouched; .why then holds the text
 * and .where the byte, for cursor_error(). The texts are those of the official test scripts.
 *
 * The reads are inlined and the slow paths take values, not the cursor: a cursor that is a local
 * variable of a hot loop stays in registers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/error.h"
#include "engine/decode/module.h"

#define _always_inline_ inline __attribute__((always_inline))
#define _cold_          __attribute__((cold, noinline))

struct cursor {
        const uint8_t *at, *end;
        const uint8_t *file, *file_end;
        const char *why;       /* of the failure */
        const uint8_t *where;
        int code;              /* 0: -EBADMSG */
};

struct leb { /* returned in two registers */
        uint64_t value;
        const uint8_t *next;   /* NULL: failed */
};

extern const char text_unexpected_end[], text_type_unsupported[];

/* The general case of LEB128 (section 5.2.2): at most ceil(bits / 7) bytes, and the unused bits of
 * the last one zero (unsigned) or the sign (signed). */
struct leb leb_unsigned(const uint8_t *at, const uint8_t *end, unsigned bits);
struct leb leb_signed(const uint8_t *at, const uint8_t *end, unsigned bits);
/* What is wrong with the number at @at. One that begins before @end is read on to the end of the
 * file, as the official scripts do. */
_cold_ const char *leb_why(const uint8_t *at, const uint8_t *end, const uint8_t *file_end,
                           unsigned bits);

bool utf8_is_valid(const uint8_t *bytes, size_t size);

static inline struct cursor cursor_over(const struct module *m, struct slice part)
{
        return (struct cursor) {
                .at = m->bytes + part.offset,
                .end = m->bytes + part.offset + part.size,
                .file = m->bytes,
                .file_end = m->bytes + m->size,
        };
}

static inline size_t cursor_offset(const struct cursor *c)
{
        return (size_t)(c->at - c->file);
}

static inline size_t cursor_left(const struct cursor *c)
{
        return (size_t)(c->end - c->at);
}

static _always_inline_ bool cursor_fail(struct cursor *c, const uint8_t *where, const char *why)
{
        c->why = why;
        c->where = where;
        return false;
}

/* A byte that stands for something that exists, but not here. */
static _always_inline_ bool cursor_unsupported(struct cursor *c, const uint8_t *where,
                                               const char *why)
{
        c->code = -EOPNOTSUPP;
        return cursor_fail(c, where, why);
}

/* Fills @err from .why; returns its code. */
int cursor_error(const struct cursor *c, struct error *err);

static _always_inline_ bool read_u8(struct cursor *c, uint8_t *ret)
{
        if (_unlikely_(c->at >= c->end))
                return cursor_fail(c, c->at, text_unexpected_end);
        *ret = *c->at++;
        return true;
}

static _always_inline_ bool read_leb_unsigned(struct cursor *c, unsigned bits, uint64_t *ret)
{
        struct leb l;

        if (_likely_(c->at < c->end && *c->at < 0x80)) {
                *ret = *c->at++;
                return true;
        }
        l = leb_unsigned(c->at, c->end, bits);
        if (_unlikely_(!l.next))
                return cursor_fail(c, c->at, leb_why(c->at, c->end, c->file_end, bits));
        *ret = l.value;
        c->at = l.next;
        return true;
}

static _always_inline_ bool read_leb_signed(struct cursor *c, unsigned bits, int64_t *ret)
{
        struct leb l;

        if (_likely_(c->at < c->end && *c->at < 0x80)) {
                *ret = (int64_t)((uint64_t)*c->at++ << 57) >> 57;
                return true;
        }
        l = leb_signed(c->at, c->end, bits);
        if (_unlikely_(!l.next))
                return cursor_fail(c, c->at, leb_why(c->at, c->end, c->file_end, bits));
        *ret = (int64_t)l.value;
        c->at = l.next;
        return true;
}

static _always_inline_ bool read_u32(struct cursor *c, uint32_t *ret)
{
        uint64_t value;

        if (_unlikely_(!read_leb_unsigned(c, 32, &value)))
                return false;
        *ret = (uint32_t)value;
        return true;
}

static _always_inline_ bool read_u64(struct cursor *c, uint64_t *ret)
{
        return read_leb_unsigned(c, 64, ret);
}

static _always_inline_ bool read_s32(struct cursor *c, int32_t *ret)
{
        int64_t value;

        if (_unlikely_(!read_leb_signed(c, 32, &value)))
                return false;
        *ret = (int32_t)value;
        return true;
}

static _always_inline_ bool read_s33(struct cursor *c, int64_t *ret)
{
        return read_leb_signed(c, 33, ret);
}

static _always_inline_ bool read_s64(struct cursor *c, int64_t *ret)
{
        return read_leb_signed(c, 64, ret);
}

/* @n bytes into @ret: the little-endian bits of a number. */
static _always_inline_ bool read_raw(struct cursor *c, void *ret, size_t n)
{
        if (_unlikely_(cursor_left(c) < n))
                return cursor_fail(c, c->at, text_unexpected_end);
        memcpy(ret, c->at, n);
        c->at += n;
        return true;
}
