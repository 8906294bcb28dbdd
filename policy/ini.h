/* ini.h - lines of an INI file, each part with its place.
 *
 * Strict where other readers guess: "=" alone separates, a comment stands on a line of its own (";" and "#"
 * inside of a value belong to it), nothing is cut at a length, and bytes that no text has are
 * refused. A backslash at the end of a line continues the value on the next.
 *
 * ini_next - the next section head or setting. Returns 1; 0 at the end; -EINVAL with *ret_problem
 *   a sentence about the byte ret->at. After that the line is skipped: the next call goes on behind it.
 * ini_place - line and column, from 1, of @at in the text; columns count characters. */
#pragma once

#include <stddef.h>

struct ini {
        const char *text, *end, *at;
};

struct ini_text { /* a slice of the file; continued lines are still in it */
        const char *at;
        size_t size;
};

struct ini_line {
        const char *at;        /* where it starts, or what is wrong */
        struct ini_text section; /* [section]: at is not NULL */
        struct ini_text name, value;
};

int ini_next(struct ini *ini, struct ini_line *ret, const char **ret_problem);
void ini_place(const struct ini *ini, const char *at, unsigned *ret_line, unsigned *ret_column);
