#include "engine/text/reader.h"

#include <stdarg.h>
#include <stdio.h>

#include "engine/text/literal.h"
#include "engine/text/position.h"

#define SHOWN_BYTES 40 /* of a token in an error */

static void fail_now(struct reader *r)
{
        r->failed = true;
        r->has_peek = false;
        r->token = (struct token) { .kind = TOKEN_END, .at = r->token.at };
}

void reader_start(struct reader *r, const char *text, size_t size, size_t at, struct error *err)
{
        *r = (struct reader) { .lexer = { text, size, at, NULL, NULL }, .behind = at, .err = err };
        if (lexer_next(&r->lexer, &r->token, err) < 0)
                fail_now(r);
}

void reader_next(struct reader *r)
{
        if (r->failed)
                return;
        r->behind = r->token.at + r->token.size;
        if (r->has_peek && r->peek.kind != TOKEN_BAD) {
                r->token = r->peek;
                r->has_peek = false;
                return;
        }
        r->has_peek = false;
        if (lexer_next(&r->lexer, &r->token, r->err) < 0)
                fail_now(r);
}

const struct token *reader_peek(struct reader *r)
{
        size_t at = r->lexer.at;

        if (r->has_peek || r->failed)
                return r->failed ? &r->token : &r->peek;
        /* What is wrong with it is said when it is read, so that is where reading goes on. */
        if (lexer_next(&r->lexer, &r->peek, NULL) < 0) {
                r->peek = (struct token) { .kind = TOKEN_BAD, .at = at };
                r->lexer.at = at;
        }
        r->has_peek = true;
        return &r->peek;
}

void reader_fail(struct reader *r, size_t at, const char *format, ...)
{
        char what[200];
        va_list ap;

        if (r->failed)
                return;
        va_start(ap, format);
        vsnprintf(what, sizeof(what), format, ap);
        va_end(ap);
        text_error(r->lexer.text, r->lexer.size, at, r->err, "%s", what);
        fail_now(r);
}

void reader_no_memory(struct reader *r)
{
        if (r->failed)
                return;
        error_set(r->err, STAGE_TEXT, -ENOMEM, r->token.at, "memory for the text");
        fail_now(r);
}

void reader_unexpected(struct reader *r)
{
        const struct token *t = &r->token;
        int n = t->size < SHOWN_BYTES ? (int)t->size : SHOWN_BYTES;

        if (t->kind == TOKEN_END)
                reader_fail(r, t->at, "unexpected token: the text ends here");
        else if (t->kind == TOKEN_RESERVED || (t->kind == TOKEN_WORD && !t->word))
                reader_fail(r, t->at, "unknown operator %.*s", n, reader_text(r));
        else
                reader_fail(r, t->at, "unexpected token %.*s", n, reader_text(r));
}

bool reader_is_open(struct reader *r, enum word word)
{
        const struct token *peek;

        if (!reader_is(r, TOKEN_OPEN))
                return false;
        peek = reader_peek(r);
        return peek->kind == TOKEN_WORD && peek->word == word;
}

bool reader_accept(struct reader *r, enum word word)
{
        if (!reader_is_word(r, word))
                return false;
        reader_next(r);
        return true;
}

bool reader_accept_open(struct reader *r, enum word word)
{
        if (!reader_is_open(r, word))
                return false;
        reader_next(r);
        reader_next(r);
        return true;
}

void reader_expect_close(struct reader *r)
{
        if (reader_is(r, TOKEN_CLOSE))
                reader_next(r);
        else
                reader_unexpected(r);
}

void reader_expect_open(struct reader *r, enum word word)
{
        if (reader_accept_open(r, word))
                return;
        if (reader_is(r, TOKEN_OPEN))
                reader_next(r);
        reader_unexpected(r);
}

void reader_skip_group(struct reader *r)
{
        size_t depth = 0;

        do {
                if (reader_is(r, TOKEN_END)) {
                        reader_unexpected(r);
                        return;
                }
                depth += reader_is(r, TOKEN_OPEN);
                depth -= reader_is(r, TOKEN_CLOSE);
                reader_next(r);
        } while (depth && !r->failed);
}

uint64_t reader_nat(struct reader *r, unsigned bits)
{
        uint64_t value = 0;
        int e;

        if (!reader_is(r, TOKEN_NAT)) {
                reader_unexpected(r);
                return 0;
        }
        e = literal_int(reader_text(r), r->token.size, bits, &value);
        if (e < 0) {
                reader_fail(r, r->token.at, "i%u constant out of range", bits);
                return 0;
        }
        reader_next(r);
        return value;
}

uint64_t token_int(struct reader *r, const struct token *t, unsigned bits)
{
        uint64_t value = 0;

        if (literal_int(r->lexer.text + t->at, t->size, bits, &value) < 0)
                reader_fail(r, t->at, "i%u constant out of range", bits);
        return value;
}

uint64_t token_float(struct reader *r, const struct token *t, unsigned bits)
{
        const char *s = r->lexer.text + t->at;
        uint64_t value = 0;
        uint32_t single = 0;
        int e;

        if (bits == 32) {
                e = literal_f32(s, t->size, &single);
                value = single;
        } else {
                e = literal_f64(s, t->size, &value);
        }
        if (e == -ENOMEM)
                reader_no_memory(r);
        else if (e < 0)
                reader_fail(r, t->at, "f%u constant out of range", bits);
        return value;
}

uint64_t reader_int(struct reader *r, unsigned bits)
{
        uint64_t value;

        if (!reader_is(r, TOKEN_NAT) && !reader_is(r, TOKEN_INT)) {
                reader_unexpected(r);
                return 0;
        }
        value = token_int(r, &r->token, bits);
        reader_next(r);
        return value;
}

uint64_t reader_float(struct reader *r, unsigned bits)
{
        uint64_t value;

        if (!reader_is_number(r)) {
                reader_unexpected(r);
                return 0;
        }
        value = token_float(r, &r->token, bits);
        reader_next(r);
        return value;
}

const struct vector_shape *reader_shape(struct reader *r)
{
        static const struct vector_shape shapes[] = {
                { WORD_I8X16, 16, 8, false }, { WORD_I16X8, 8, 16, false },
                { WORD_I32X4, 4, 32, false }, { WORD_I64X2, 2, 64, false },
                { WORD_F32X4, 4, 32, true },  { WORD_F64X2, 2, 64, true },
        };

        for (size_t i = 0; i < ELEMENTSOF(shapes); i++)
                if (reader_accept(r, shapes[i].word))
                        return &shapes[i];
        reader_unexpected(r);
        return NULL;
}
