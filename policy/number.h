/* number.h - sizes, times and counts as people write them, strictly: decimal digits without sign or
 * blanks, a unit from the list, and nothing that does not fit. Outputs are untouched on failure.
 *
 * number_size      "64M": bytes, or K, M, G, T of 1024
 * number_duration  "500ms": ns, us, ms, s, min, h, d; the unit is required; in nanoseconds
 * number_count     digits alone
 * number_percent   "50%"
 * All: 0, -EINVAL (malformed), -ERANGE (beyond 64 bits). */
#pragma once

#include <stdint.h>

#include "engine/base/cleanup.h"

_must_check_ int number_size(const char *text, uint64_t *ret_bytes);
_must_check_ int number_duration(const char *text, uint64_t *ret_ns);
_must_check_ int number_count(const char *text, uint64_t *ret);
_must_check_ int number_percent(const char *text, uint64_t *ret);

/* The shortest way to write it that number_... reads back; returns @text. */
char *number_size_text(uint64_t bytes, char *text, size_t size);
char *number_duration_text(uint64_t ns, char *text, size_t size);
