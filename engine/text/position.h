/* position.h - where a byte of a text is, as people count.
 *
 * text_position_find - line and column of byte @offset (cut to @size); both from 1, columns in
 *   characters. Lines end with LF, CR, or CR LF.
 * text_error - error_set() with STAGE_TEXT, -EBADMSG, the offset, and "LINE:COLUMN: " in front.
 * text_place - put "LINE:COLUMN: " of the error's offset, a place in the text, before its words
 * text_caret - print the line that holds @offset and a caret below it; long lines are cut around the
 *   place, control characters never reach the stream. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "engine/base/error.h"

struct text_position {
        uint32_t line, column;
        size_t line_at, line_size; /* the line without its end, bytes */
};

void text_position_find(const char *text, size_t size, size_t offset, struct text_position *ret);
_printf_(5, 6) int text_error(const char *text, size_t size, size_t offset, struct error *err,
                              const char *format, ...);
void text_place(const char *text, size_t size, struct error *err);
void text_caret(FILE *stream, const char *text, size_t size, size_t offset);
