/* file.h - whole files for the test programs; "-" is standard input or output.
 *
 * file_read - append the bytes of @path to @out. file_write - make or replace @path. */
#pragma once

#include "engine/base/buffer.h"
#include "engine/base/error.h"

_must_check_ int file_read(const char *path, struct buffer *out, struct error *err);
_must_check_ int file_write(const char *path, const uint8_t *bytes, size_t size, struct error *err);
