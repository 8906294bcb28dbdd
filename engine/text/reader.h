/* reader.h - reading tokens one after the other, with one more in view.
 *
 * The first failure sticks: .failed is set, the current token becomes TOKEN_END and stays, and everything
 * after it does nothing, so that parsers check once at the end of a loop. Every loop over tokens must
 * stop at TOKEN_END. */
#pragma once

#include <stdbool.h>

#include "engine/text/lex.h"

struct reader {
        struct lexer lexer;       /* behind the last token read */
        struct token token, peek;
        size_t behind;            /* end of the token that was read before the current one */
        bool has_peek, failed;
        struct error *err;
};

/* Start at byte @at of @text; the first token is read. */
void reader_start(struct reader *r, const char *text, size_t size, size_t at, struct error *err);
void reader_next(struct reader *r);
const struct token *reader_peek(struct reader *r);

_printf_(3, 4) void reader_fail(struct reader *r, size_t at, const char *format, ...);
void reader_no_memory(struct reader *r);
void reader_unexpected(struct reader *r); /* the current token has no place here */

static inline bool reader_is(const struct reader *r, enum token_kind kind)
{
        return r->token.kind == kind;
}

static inline bool reader_is_word(const struct reader *r, enum word word)
{
        return r->token.kind == TOKEN_WORD && r->token.word == word;
}

static inline const char *reader_text(const struct reader *r)
{
        return r->lexer.text + r->token.at;
}

/* "(" and then @word */
bool reader_is_open(struct reader *r, enum word word);
bool reader_accept(struct reader *r, enum word word);
bool reader_accept_open(struct reader *r, enum word word);
void reader_expect_close(struct reader *r);
void reader_expect_open(struct reader *r, enum word word);

/* Skip the group whose "(" is the current token. */
void reader_skip_group(struct reader *r);

/* The current token as a number without sign of @bits bits; then the next token. */
uint64_t reader_nat(struct reader *r, unsigned bits);

static inline bool reader_is_number(const struct reader *r)
{
        return r->token.kind == TOKEN_NAT || r->token.kind == TOKEN_INT ||
               r->token.kind == TOKEN_FLOAT;
}

/* The current token as an integer or a float of @bits bits, see literal.h; then the next token. */
uint64_t reader_int(struct reader *r, unsigned bits);
uint64_t reader_float(struct reader *r, unsigned bits);

/* The same of a token that is a number, without reading on. */
uint64_t token_int(struct reader *r, const struct token *t, unsigned bits);
uint64_t token_float(struct reader *r, const struct token *t, unsigned bits);

struct vector_shape {
        enum word word;
        uint8_t lanes, bits;
        bool is_float;
};

/* The current token as the shape of a vector constant; then the next token. NULL after a failure. */
const struct vector_shape *reader_shape(struct reader *r);
