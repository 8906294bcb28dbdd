/* lex.h - the tokens of the text format (core specification, section 6.3).
 *
 * A token is a part of the text: nothing is copied. White space, comments and annotations lie
 * between tokens and are skipped; they are checked all the same.
 *
 * lexer_next - the next token, TOKEN_END at the end of the text.
 * @ret: untouched on failure
 * Returns 0 or -EBADMSG with the offset and "LINE:COLUMN: ..." in @err. Texts begin with those that
 * the official test scripts expect. Time is linear, no memory, never recurses.
 *
 * The text must be UTF-8: text_check() says whether it is, once for all of it. */
#pragma once

#include "engine/base/buffer.h"
#include "engine/base/error.h"
#include "engine/text/words.h"

enum token_kind {
        TOKEN_END,
        TOKEN_OPEN,
        TOKEN_CLOSE,
        TOKEN_WORD,     /* begins with a small letter; .word says which */
        TOKEN_ID,       /* $name or $"name" */
        TOKEN_STRING,   /* with its quotes */
        TOKEN_NAT,      /* a number without sign */
        TOKEN_INT,      /* a number with a sign */
        TOKEN_FLOAT,
        TOKEN_RESERVED, /* anything else that holds together: never legal */
        TOKEN_BAD,      /* only as a token to come: reading on gives the error */
};

struct token {
        enum token_kind kind;
        uint16_t word;   /* enum word; WORD_NONE for unknown words */
        size_t at, size; /* part of the text */
};

struct lexer {
        const char *text;
        size_t size, at;
        struct buffer *noted; /* gets the places (size_t) of "(@custom" and "(@name"; or NULL */
        struct buffer *hints; /* the same of "(@metadata.code.branch_hint" */
};

_must_check_ int lexer_next(struct lexer *l, struct token *ret, struct error *err);
_must_check_ int text_check(const char *text, size_t size, struct error *err);

/* TOKEN_NAT, TOKEN_INT or TOKEN_FLOAT when the bytes are a number, else TOKEN_RESERVED. */
enum token_kind number_kind(const char *text, size_t size);
