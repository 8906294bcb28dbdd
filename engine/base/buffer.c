#include "engine/base/buffer.h"

#include <string.h>

uint8_t *buffer_reserve(struct buffer *b, size_t n)
{
        size_t room = b->room ? b->room : 64;
        uint8_t *bytes;

        if (b->failed || n > SIZE_MAX / 2 - b->size) {
                b->failed = true;
                return NULL;
        }
        if (b->size + n <= b->room)
                return b->bytes + b->size;
        while (room < b->size + n)
                room *= 2;
        bytes = realloc(b->bytes, room);
        if (!bytes) {
                b->failed = true;
                return NULL;
        }
        b->bytes = bytes;
        b->room = room;
        return b->bytes + b->size;
}

void buffer_append(struct buffer *b, const void *bytes, size_t n)
{
        uint8_t *p = buffer_reserve(b, n);

        if (!p || !n)
                return;
        memcpy(p, bytes, n);
        b->size += n;
}

void buffer_u8(struct buffer *b, uint8_t value)
{
        buffer_append(b, &value, 1);
}

void buffer_u32(struct buffer *b, uint32_t value)
{
        uint8_t bytes[4];

        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t)(value >> (8 * i));
        buffer_append(b, bytes, sizeof(bytes));
}

void buffer_u64(struct buffer *b, uint64_t value)
{
        buffer_u32(b, (uint32_t)value);
        buffer_u32(b, (uint32_t)(value >> 32));
}

void buffer_uleb(struct buffer *b, uint64_t value)
{
        do {
                buffer_u8(b, (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0)));
                value >>= 7;
        } while (value);
}

void buffer_sleb(struct buffer *b, int64_t value)
{
        bool more = true;

        while (more) {
                uint8_t byte = value & 0x7f;

                value >>= 7;
                more = !((value == 0 && !(byte & 0x40)) || (value == -1 && (byte & 0x40)));
                buffer_u8(b, byte | (more ? 0x80 : 0));
        }
}

void buffer_align(struct buffer *b, size_t alignment)
{
        size_t n = -b->size & (alignment - 1);
        uint8_t *p = buffer_reserve(b, n);

        if (!p || !n)
                return;
        memset(p, 0, n);
        b->size += n;
}

void buffer_done(struct buffer *b)
{
        free(b->bytes);
        *b = (struct buffer) { 0 };
}

uint8_t *buffer_steal(struct buffer *b, size_t *ret_size)
{
        uint8_t *bytes = b->bytes;

        *ret_size = b->size;
        *b = (struct buffer) { 0 };
        return bytes;
}
