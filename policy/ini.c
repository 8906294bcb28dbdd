/* ini.c - inih was tried and reports no columns, cuts lines at 200 bytes and names at 49, and drops what
 * follows a semicolon: too lenient for a file that says what may happen. */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "policy/ini.h"

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\r';
}

static const char *skip_blanks(const char *at, const char *end)
{
        while (at < end && is_blank(*at))
                at++;
        return at;
}

static struct ini_text trimmed(const char *at, const char *end)
{
        at = skip_blanks(at, end);
        while (end > at && is_blank(end[-1]))
                end--;
        return (struct ini_text) { at, (size_t)(end - at) };
}

static const char *line_end(const char *at, const char *end)
{
        const char *newline = memchr(at, '\n', (size_t)(end - at));

        return newline ? newline : end;
}

/* A NUL or an escape in a policy is a mistake or a trick. */
static const char *control_byte(const char *at, const char *end)
{
        for (; at < end; at++) {
                unsigned char c = (unsigned char)*at;

                if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
                        return at;
        }
        return NULL;
}

/* End of the value that starts in the line [@at, @end): behind lines that a backslash continues. */
static const char *value_end(const struct ini *ini, const char *at, const char *end,
                             const char **ret_comment)
{
        *ret_comment = NULL;
        while (end > at && end[-1] == '\\' && end < ini->end) {
                const char *next = skip_blanks(end + 1, ini->end);

                if (next < ini->end && (*next == '#' || *next == ';') && !*ret_comment)
                        *ret_comment = next;
                at = end + 1;
                end = line_end(at, ini->end);
        }
        return end;
}

static int refuse(struct ini_line *ret, const char *at, const char *problem, const char **ret_problem)
{
        *ret = (struct ini_line) { .at = at };
        *ret_problem = problem;
        return -EINVAL;
}

static int section_line(const char *at, const char *end, struct ini_line *ret, const char **problem)
{
        struct ini_text line = trimmed(at, end);
        const char *close = memchr(line.at, ']', line.size);
        struct ini_text name;

        if (!close)
                return refuse(ret, line.at, "a section head without ]", problem);
        if (close + 1 != line.at + line.size)
                return refuse(ret, close + 1, "something behind a section head", problem);
        name = trimmed(line.at + 1, close);
        *ret = (struct ini_line) { .at = name.at, .section = name };
        return 1;
}

int ini_next(struct ini *ini, struct ini_line *ret, const char **ret_problem)
{
        const char *at, *end, *equals, *bad, *comment;

        do {
                if (ini->at >= ini->end)
                        return 0;
                at = skip_blanks(ini->at, ini->end);
                end = line_end(at, ini->end);
                ini->at = end < ini->end ? end + 1 : end;
        } while (at >= end || *at == '#' || *at == ';');

        bad = control_byte(at, end);
        if (bad)
                return refuse(ret, bad, "a control character", ret_problem);
        if (*at == '[')
                return section_line(at, end, ret, ret_problem);

        equals = memchr(at, '=', (size_t)(end - at));
        if (!equals)
                return refuse(ret, at, "neither a section, nor NAME=VALUE, nor a comment", ret_problem);
        end = value_end(ini, at, end, &comment);
        ini->at = end < ini->end ? end + 1 : end;
        bad = control_byte(equals, end);
        if (bad)
                return refuse(ret, bad, "a control character", ret_problem);
        if (comment)
                return refuse(ret, comment, "a comment inside of a continued line", ret_problem);
        if (end > equals && end[-1] == '\\' && end == ini->end)
                return refuse(ret, end - 1, "the file ends in a continued line", ret_problem);
        *ret = (struct ini_line) { .at = at, .name = trimmed(at, equals), .value = trimmed(equals + 1, end) };
        if (!ret->name.size)
                return refuse(ret, equals, "no name before =", ret_problem);
        return 1;
}

void ini_place(const struct ini *ini, const char *at, unsigned *ret_line, unsigned *ret_column)
{
        const char *line = ini->text;

        *ret_line = 1;
        *ret_column = 1;
        for (const char *p = ini->text; p < at && p < ini->end; p++)
                if (*p == '\n') {
                        line = p + 1;
                        ++*ret_line;
                }
        for (const char *p = line; p < at; p++)
                *ret_column += ((unsigned char)*p & 0xc0) != 0x80;
}
