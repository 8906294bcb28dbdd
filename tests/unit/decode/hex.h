/* hex.h - modules of tests as hexadecimal text, with or without the eight bytes of the header.
 *
 * hex_bytes - the bytes of @hex in a block of exactly their size, so that a sanitizer sees a read
 *             past the end; "*" repeats the byte before it: "00*5" is five zeros. */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/buffer.h"
#include "tests/unit/unit.h"

#define HEX_HEADER "00 61 73 6d 01 00 00 00 "

static inline unsigned hex_digit(char c)
{
        return c >= 'a' ? (unsigned)(c - 'a') + 10 : (unsigned)(c - '0');
}

static inline uint8_t *hex_bytes(const char *header, const char *hex, size_t *ret_size)
{
        const char *parts[] = { header, hex };
        struct buffer b = { 0 };
        uint8_t *exact, byte = 0;

        for (unsigned i = 0; i < 2; i++)
                for (const char *p = parts[i]; *p;) {
                        if (*p == '*') {
                                char *end;

                                for (unsigned long n = strtoul(p + 1, &end, 10); n > 1; n--)
                                        buffer_u8(&b, byte);
                                p = end;
                        } else if (*p == ' ' || *p == '/') {
                                p++;
                        } else {
                                byte = (uint8_t)(hex_digit(p[0]) << 4 | hex_digit(p[1]));
                                buffer_u8(&b, byte);
                                p += 2;
                        }
                }
        ck_assert(buffer_ok(&b));
        exact = malloc(b.size ? b.size : 1);
        ck_assert_ptr_nonnull(exact);
        if (b.size > 0)
                memcpy(exact, b.bytes, b.size);
        *ret_size = b.size;
        buffer_done(&b);
        return exact;
}
