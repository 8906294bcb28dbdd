#include "engine/text/position.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#define CARET_LEFT  60u /* characters of context shown on either side of the place */
#define CARET_RIGHT 40u

static bool is_continuation(char c)
{
        return ((uint8_t)c & 0xc0) == 0x80;
}

void text_position_find(const char *text, size_t size, size_t offset, struct text_position *ret)
{
        struct text_position p = { .line = 1, .column = 1 };
        size_t end;

        if (offset > size)
                offset = size;
        for (size_t i = 0; i < offset; i++) {
                if (text[i] == '\n' || (text[i] == '\r' && !(i + 1 < size && text[i + 1] == '\n'))) {
                        p.line++;
                        p.line_at = i + 1;
                }
        }
        for (size_t i = p.line_at; i < offset; i++)
                p.column += !is_continuation(text[i]);
        for (end = p.line_at; end < size && text[end] != '\n' && text[end] != '\r'; end++)
                ;
        p.line_size = end - p.line_at;
        *ret = p;
}

int text_error(const char *text, size_t size, size_t offset, struct error *err, const char *format,
               ...)
{
        struct text_position p;
        char what[sizeof(err->text)];
        va_list ap;

        va_start(ap, format);
        vsnprintf(what, sizeof(what), format, ap);
        va_end(ap);
        text_position_find(text, size, offset, &p);
        return error_set(err, STAGE_TEXT, -EBADMSG, offset, "%u:%u: %.220s", p.line, p.column, what);
}

void text_place(const char *text, size_t size, struct error *err)
{
        struct text_position p;
        char what[sizeof(err->text)];

        text_position_find(text, size, err->offset, &p);
        snprintf(what, sizeof(what), "%s", err->text);
        snprintf(err->text, sizeof(err->text), "%u:%u: %.220s", p.line, p.column, what);
}

void text_caret(FILE *stream, const char *text, size_t size, size_t offset)
{
        struct text_position p;
        size_t at, end, chars = 0;

        if (offset > size)
                offset = size;
        text_position_find(text, size, offset, &p);
        end = p.line_at + p.line_size;
        for (at = offset < end ? offset : end; at > p.line_at && chars < CARET_LEFT; at--)
                chars += !is_continuation(text[at - 1]);
        while (at > p.line_at && at < end && is_continuation(text[at]))
                at--;

        fputs("  ", stream);
        chars = 0;
        for (size_t i = at, right = 0; i < end; i++) {
                bool control = (uint8_t)text[i] < 0x20 || text[i] == 0x7f;

                if (!is_continuation(text[i])) {
                        if (right >= CARET_RIGHT)
                                break;
                        chars += i < offset;
                        right += i >= offset;
                }
                fputc(control ? ' ' : text[i], stream);
        }
        fprintf(stream, "\n  %*s^\n", (int)chars, "");
}
