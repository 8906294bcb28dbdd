/* text.h - the text format (.wat) to the binary format.
 *
 * text_module_to_binary - read a module: "(module ...)" or the fields alone.
 * @text: UTF-8, borrowed
 * @out: on success the bytes of the module are appended; on failure unchanged
 * @err: on failure the byte offset, and a text that begins with "LINE:COLUMN: "; else untouched
 * Time and memory are linear in @size. Never recurses. Names ($id, or "(@name ...)") go to the "name"
 * section; "(@custom ...)" makes a custom section, and
 * "(@metadata.code.branch_hint ...)" before an if or a br_if an entry in that of hints.
 * Returns 0, -EBADMSG, or -ENOMEM.
 *
 * text_module_to_binary_traced - the same, and what came from where is appended to @origins, which begins empty.
 * text_origin_find - the byte of the text where a reader would look for byte @offset of the module: the
 *   instruction, the export or the field that it belongs to. False for what is before the first field.
 *
 * Only what belongs to the text is checked: syntax, names, ranges of constants. The result may be
 * invalid; module_decode() and module_validate() say so. See position.h for the caret below a line. */
#pragma once

#include <stdbool.h>

#include <stddef.h>

#include "engine/base/buffer.h"
#include "engine/base/error.h"
#include "engine/text/position.h"

_must_check_ int text_module_to_binary(const char *text, size_t size, struct buffer *out,
                                       struct error *err);
_must_check_ int text_module_to_binary_traced(const char *text, size_t size, struct buffer *out,
                                              struct buffer *origins, struct error *err);
bool text_origin_find(const struct buffer *origins, uint64_t offset, size_t *ret_at);
