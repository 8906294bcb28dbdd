/* strings.h - string literals and UTF-8.
 *
 * utf8_check - offset of the first byte that is not part of well-formed UTF-8 (no surrogates, no
 *   overlong forms, nothing above U+10FFFF), or @size when there is none.
 * string_escape - the escape that begins with the backslash at @s: how many bytes of text it takes, 0
 *   when it is none. @out (may be NULL) gets the bytes it stands for.
 * string_append - the bytes that the literal @s (with its quotes, already checked by the lexer)
 *   stands for. @out has .failed set when memory is short.
 * string_is_utf8 - is what the literal stands for well-formed UTF-8? */
#pragma once

#include "engine/base/buffer.h"

struct escape {
        uint8_t bytes[4];
        size_t n;
};

size_t utf8_check(const char *s, size_t size);
size_t string_escape(const char *s, size_t size, struct escape *ret);
void string_append(const char *s, size_t size, struct buffer *out);
bool string_is_utf8(const char *s, size_t size);
