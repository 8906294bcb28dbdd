#include "engine/text/lex.h"

#include <string.h>

#include "engine/text/position.h"
#include "engine/text/strings.h"

/* What a byte can be the start or a part of, outside strings and comments. */
enum class {
        CLASS_ILLEGAL,
        CLASS_SPACE,
        CLASS_ID,       /* idchar of the specification */
        CLASS_RESERVED, /* holds a token together, but makes it illegal */
        CLASS_QUOTE,
        CLASS_PAREN,
};

static const uint8_t class_of[256] = {
        [' '] = CLASS_SPACE, ['\t'] = CLASS_SPACE, ['\n'] = CLASS_SPACE, ['\r'] = CLASS_SPACE,
        ['0' ... '9'] = CLASS_ID, ['a' ... 'z'] = CLASS_ID, ['A' ... 'Z'] = CLASS_ID,
        ['!'] = CLASS_ID, ['#'] = CLASS_ID, ['$'] = CLASS_ID, ['%'] = CLASS_ID, ['&'] = CLASS_ID,
        ['\''] = CLASS_ID, ['*'] = CLASS_ID, ['+'] = CLASS_ID, ['-'] = CLASS_ID, ['.'] = CLASS_ID,
        ['/'] = CLASS_ID, [':'] = CLASS_ID, ['<'] = CLASS_ID, ['='] = CLASS_ID, ['>'] = CLASS_ID,
        ['?'] = CLASS_ID, ['@'] = CLASS_ID, ['\\'] = CLASS_ID, ['^'] = CLASS_ID, ['_'] = CLASS_ID,
        ['`'] = CLASS_ID, ['|'] = CLASS_ID, ['~'] = CLASS_ID,
        [','] = CLASS_RESERVED, [';'] = CLASS_RESERVED, ['['] = CLASS_RESERVED,
        [']'] = CLASS_RESERVED, ['{'] = CLASS_RESERVED, ['}'] = CLASS_RESERVED,
        ['"'] = CLASS_QUOTE, ['('] = CLASS_PAREN, [')'] = CLASS_PAREN,
};

static enum class class_at(const struct lexer *l, size_t at)
{
        return (enum class)class_of[(uint8_t)l->text[at]];
}

/* Are the two bytes at @at @a and @b? */
static bool pair_at(const struct lexer *l, size_t at, char a, char b)
{
        return at + 1 < l->size && l->text[at] == a && l->text[at + 1] == b;
}

static int fail(const struct lexer *l, size_t at, const char *what, struct error *err)
{
        return text_error(l->text, l->size, at, err, "%s", what);
}

/* Just behind the string that begins at @at. */
static int string_end(const struct lexer *l, size_t at, size_t *ret, struct error *err)
{
        struct escape escape;
        size_t i = at + 1;

        for (;;) {
                uint8_t c = i < l->size ? (uint8_t)l->text[i] : '\n';
                size_t n = 1;

                if (c == '"')
                        break;
                if (c == '\n' || c == '\r')
                        return fail(l, at, "unclosed string literal", err);
                if (c < 0x20 || c == 0x7f)
                        return fail(l, i, "illegal control character in string literal", err);
                if (c == '\\')
                        n = string_escape(l->text + i, l->size - i, &escape);
                if (!n)
                        return fail(l, i, "illegal escape", err);
                i += n;
        }
        *ret = i + 1;
        return 0;
}

static int skip_block_comment(struct lexer *l, struct error *err)
{
        size_t start = l->at, depth = 0;

        do {
                if (pair_at(l, l->at, '(', ';')) {
                        depth++;
                        l->at += 2;
                } else if (pair_at(l, l->at, ';', ')')) {
                        depth--;
                        l->at += 2;
                } else if (l->at < l->size) {
                        l->at++;
                } else {
                        return fail(l, start, "unclosed comment", err);
                }
        } while (depth);
        return 0;
}

static void skip_line_comment(struct lexer *l)
{
        while (l->at < l->size && l->text[l->at] != '\n' && l->text[l->at] != '\r')
                l->at++;
}

/* The name behind "(@". */
static int annotation_id(struct lexer *l, struct error *err)
{
        size_t start = l->at - 2, end;

        if (l->at < l->size && l->text[l->at] == '"') {
                /* A name may hold no control character, so a broken string is no name at all. */
                if (string_end(l, l->at, &end, NULL) < 0 || end == l->at + 2)
                        return fail(l, start, "empty annotation id", err);
                if (!string_is_utf8(l->text + l->at, end - l->at))
                        return fail(l, start, "malformed UTF-8 encoding", err);
                l->at = end;
                return 0;
        }
        end = l->at;
        while (end < l->size && class_at(l, end) == CLASS_ID)
                end++;
        if (end == l->at && end < l->size && class_at(l, end) == CLASS_ILLEGAL)
                return fail(l, end, "illegal character", err);
        if (end == l->at)
                return fail(l, start, "empty annotation id", err);
        l->at = end;
        return 0;
}

/* Annotations that mean something are skipped like all others, but their place is kept. A token that
 * is read twice is noted once. */
static void note_annotation(struct lexer *l, size_t start)
{
        const char *id = l->text + start + 2;
        size_t size = l->at - start - 2, last = 0;
        struct buffer *places = NULL;

        if ((size == 6 && !memcmp(id, "custom", 6)) || (size == 4 && !memcmp(id, "name", 4)))
                places = l->noted;
        else if (size == 25 && !memcmp(id, "metadata.code.branch_hint", 25))
                places = l->hints;
        if (!places)
                return;
        if (places->size) {
                memcpy(&last, places->bytes + places->size - sizeof(last), sizeof(last));
                if (start <= last)
                        return;
        }
        buffer_append(places, &start, sizeof(start));
}

/* Anything may stand in an annotation as long as it is made of tokens and its parentheses match. */
static int skip_annotation(struct lexer *l, struct error *err)
{
        size_t start = l->at, depth = 1;
        int r;

        l->at += 2;
        r = annotation_id(l, err);
        if (r < 0)
                return r;
        note_annotation(l, start);
        while (depth) {
                if (l->at >= l->size)
                        return fail(l, start, "unclosed annotation", err);
                if (pair_at(l, l->at, '(', ';')) {
                        r = skip_block_comment(l, err);
                } else if (pair_at(l, l->at, ';', ';')) {
                        skip_line_comment(l);
                } else if (class_at(l, l->at) == CLASS_QUOTE) {
                        r = string_end(l, l->at, &l->at, err);
                } else if (class_at(l, l->at) == CLASS_ILLEGAL) {
                        r = fail(l, l->at, "illegal character", err);
                } else {
                        depth += l->text[l->at] == '(';
                        depth -= l->text[l->at] == ')';
                        l->at++;
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

static int skip_space(struct lexer *l, struct error *err)
{
        int r = 0;

        while (r >= 0 && l->at < l->size) {
                if (class_at(l, l->at) == CLASS_SPACE)
                        l->at++;
                else if (pair_at(l, l->at, ';', ';'))
                        skip_line_comment(l);
                else if (pair_at(l, l->at, '(', ';'))
                        r = skip_block_comment(l, err);
                else if (pair_at(l, l->at, '(', '@'))
                        r = skip_annotation(l, err);
                else
                        break;
        }
        return r;
}

static bool is_hex(char c)
{
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Digits with single underscores between them; how many bytes, 0 when there are none. */
static size_t digits(const char *s, size_t n, bool hex)
{
        size_t i = 0;

        while (i < n) {
                if (hex ? is_hex(s[i]) : (s[i] >= '0' && s[i] <= '9'))
                        i++;
                else if (s[i] == '_' && i && s[i - 1] != '_')
                        i++;
                else
                        break;
        }
        return i && s[i - 1] == '_' ? 0 : i;
}

enum token_kind number_kind(const char *s, size_t n)
{
        bool sign = n && (s[0] == '+' || s[0] == '-'), hex, is_float = false;
        size_t i = sign, d;

        if (n - i == 3 && (!memcmp(s + i, "inf", 3) || !memcmp(s + i, "nan", 3)))
                return TOKEN_FLOAT;
        if (n - i > 6 && !memcmp(s + i, "nan:0x", 6))
                return digits(s + i + 6, n - i - 6, true) == n - i - 6 ? TOKEN_FLOAT : TOKEN_RESERVED;
        hex = n - i > 2 && s[i] == '0' && s[i + 1] == 'x';
        i += hex ? 2 : 0;
        d = digits(s + i, n - i, hex);
        if (!d)
                return TOKEN_RESERVED;
        i += d;
        if (i < n && s[i] == '.') {
                is_float = true;
                i++;
                i += digits(s + i, n - i, hex);
        }
        if (i < n && (hex ? (s[i] == 'p' || s[i] == 'P') : (s[i] == 'e' || s[i] == 'E'))) {
                is_float = true;
                i++;
                i += i < n && (s[i] == '+' || s[i] == '-');
                d = digits(s + i, n - i, false);
                if (!d)
                        return TOKEN_RESERVED;
                i += d;
        }
        if (i != n)
                return TOKEN_RESERVED;
        return is_float ? TOKEN_FLOAT : sign ? TOKEN_INT : TOKEN_NAT;
}

/* "offset=" and "align=" are part of the token of their number. */
static uint16_t word_of(const char *s, size_t n)
{
        if (n > 7 && !memcmp(s, "offset=", 7))
                return number_kind(s + 7, n - 7) == TOKEN_NAT ? WORD_OFFSET_IS : WORD_NONE;
        if (n > 6 && !memcmp(s, "align=", 6))
                return number_kind(s + 6, n - 6) == TOKEN_NAT ? WORD_ALIGN_IS : WORD_NONE;
        return word_find(s, n);
}

/* Which token the run of @t->size bytes is, @plain when all of them are idchars. */
static int classify(const struct lexer *l, struct token *t, bool plain, struct error *err)
{
        const char *s = l->text + t->at;
        size_t end;

        if (s[0] == '"') {
                if (string_end(l, t->at, &end, err) < 0)
                        return -EBADMSG;
                t->kind = end == t->at + t->size ? TOKEN_STRING : TOKEN_RESERVED;
        } else if (s[0] == '$' && !plain && s[1] == '"') {
                if (string_end(l, t->at + 1, &end, NULL) < 0 || end == t->at + 3)
                        return fail(l, t->at, "empty identifier", err);
                if (!string_is_utf8(s + 1, end - t->at - 1))
                        return fail(l, t->at, "malformed UTF-8 encoding", err);
                t->kind = end == t->at + t->size ? TOKEN_ID : TOKEN_RESERVED;
        } else if (s[0] == '$' && t->size == 1) {
                return fail(l, t->at, "empty identifier", err);
        } else if (!plain) {
                t->kind = TOKEN_RESERVED;
        } else if (s[0] == '$') {
                t->kind = TOKEN_ID;
        } else {
                t->kind = number_kind(s, t->size);
                if (t->kind == TOKEN_RESERVED && s[0] >= 'a' && s[0] <= 'z') {
                        t->kind = TOKEN_WORD;
                        t->word = word_of(s, t->size);
                }
        }
        return 0;
}

int lexer_next(struct lexer *l, struct token *ret, struct error *err)
{
        struct token t = { 0 };
        bool plain = true;
        size_t i;
        int r = skip_space(l, err);

        if (r < 0)
                return r;
        t.at = i = l->at;
        if (i >= l->size) {
                *ret = t;
                return 0;
        }
        if (class_at(l, i) == CLASS_ILLEGAL)
                return fail(l, i, "illegal character", err);
        if (class_at(l, i) == CLASS_PAREN) {
                t.kind = l->text[i] == '(' ? TOKEN_OPEN : TOKEN_CLOSE;
                t.size = 1;
                l->at++;
                *ret = t;
                return 0;
        }
        while (i < l->size && class_at(l, i) >= CLASS_ID && class_at(l, i) <= CLASS_QUOTE) {
                if (pair_at(l, i, ';', ';'))
                        break;
                plain = plain && class_at(l, i) == CLASS_ID;
                if (class_at(l, i) != CLASS_QUOTE) {
                        i++;
                } else if (string_end(l, i, &i, err) < 0) {
                        /* A name may hold no control character: "$" stands alone then. */
                        if (l->text[t.at] == '$' && i == t.at + 1)
                                return fail(l, t.at, "empty identifier", err);
                        return -EBADMSG;
                }
        }
        t.size = i - t.at;
        r = classify(l, &t, plain, err);
        if (r < 0)
                return r;
        l->at = i;
        *ret = t;
        return 0;
}

int text_check(const char *text, size_t size, struct error *err)
{
        size_t bad = utf8_check(text, size);

        if (bad < size)
                return text_error(text, size, bad, err, "malformed UTF-8 encoding");
        return 0;
}
