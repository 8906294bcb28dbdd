/* buffer.h - a byte buffer that grows.
 *
 * A zeroed struct is an empty buffer. The first failure to allocate sticks in .failed: appends
 * after it do nothing, and the caller checks once at the end (buffer_ok). Bytes belong to the
 * buffer until buffer_steal(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/cleanup.h"

struct buffer {
        uint8_t *bytes;
        size_t size, room;
        bool failed;
};

/* Room for @n more bytes; returns where they go, or NULL. The caller then adds to .size. */
uint8_t *buffer_reserve(struct buffer *b, size_t n);
void buffer_append(struct buffer *b, const void *bytes, size_t n);
void buffer_u8(struct buffer *b, uint8_t value);
void buffer_u32(struct buffer *b, uint32_t value); /* little endian */
void buffer_u64(struct buffer *b, uint64_t value); /* little endian */
void buffer_uleb(struct buffer *b, uint64_t value);
void buffer_sleb(struct buffer *b, int64_t value);
void buffer_align(struct buffer *b, size_t alignment); /* pads with zero; a power of two */
void buffer_done(struct buffer *b);
uint8_t *buffer_steal(struct buffer *b, size_t *ret_size);

static inline bool buffer_ok(const struct buffer *b)
{
        return !b->failed;
}
