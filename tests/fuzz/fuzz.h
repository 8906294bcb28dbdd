/* fuzz.h - what tests/fuzz/mutate does to its inputs, and what it counts.
 *
 * A target takes bytes that may be anything. It returns 0 or the negative errno of the refusal,
 * and aborts (fuzz_fail) when a promise is broken. @seed chooses options, such as features.
 * The same function serves libFuzzer: see module.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/buffer.h"
#include "engine/base/error.h"

int target_module(const uint8_t *bytes, size_t size, uint32_t seed);
int target_artefact(const uint8_t *bytes, size_t size, uint32_t seed);
int target_text(const uint8_t *bytes, size_t size, uint32_t seed);
int target_script(const uint8_t *bytes, size_t size, uint32_t seed);
int target_print(const uint8_t *bytes, size_t size, uint32_t seed);

/* A module as input of the target: appends nothing for one that cannot be. */
void prepare_artefact(const uint8_t *bytes, size_t size, struct buffer *out);
void prepare_text(const uint8_t *bytes, size_t size, struct buffer *out);
void prepare_script(const uint8_t *bytes, size_t size, struct buffer *out);

_noreturn_ _printf_(1, 2) void fuzz_fail(const char *format, ...);

/* A refusal of @size bytes has a number, a place and a word, and leaves nothing behind (@bytes_out). */
static inline void fuzz_refused(int r, const struct error *err, size_t size, size_t bytes_out)
{
        if (r != err->code || bytes_out)
                fuzz_fail("refused with %d, the error says %d, %zu bytes out", r, err->code, bytes_out);
        if (r != -EBADMSG && r != -E2BIG && r != -EOPNOTSUPP && r != -ENOMEM)
                fuzz_fail("refused with %d", r);
        if (r == -EBADMSG && err->offset > size)
                fuzz_fail("refused at byte %llu of %zu", (unsigned long long)err->offset, size);
        if (!err->text[0])
                fuzz_fail("refused without a word");
}

/* The heap as the program uses it (heap.c): bytes now, the most since heap_mark(), and the number
 * of allocations. heap_fail_at(n) lets the n-th allocation from now fail, 0 none. */
size_t heap_bytes(void);
size_t heap_most(void);
void heap_mark(void);
void heap_fail_at(uint64_t n);
bool heap_has_failed(void);
