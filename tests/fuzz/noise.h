/* noise.h - random bytes, and what is done to bytes that were right: for the fuzzers of protocols. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct noise {
        uint64_t state;
};

static inline uint64_t noise_bits(struct noise *n) /* splitmix64 */
{
        uint64_t z = n->state += 0x9e3779b97f4a7c15;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
}

static inline unsigned noise_below(struct noise *n, unsigned limit)
{
        return (unsigned)(noise_bits(n) % limit);
}

static inline bool noise_chance(struct noise *n, unsigned percent)
{
        return noise_below(n, 100) < percent;
}

/* A few changes of @size bytes at @bytes, which has room for @room; returns the new size. */
static inline size_t noise_mutate(struct noise *n, uint8_t *bytes, size_t size, size_t room)
{
        static const uint8_t edges[] = { 0, 1, 0x7f, 0x80, 0xff, '"', '\\', '{', '}' };

        for (unsigned i = 1 + noise_below(n, 4); i && size; i--) {
                size_t at = noise_bits(n) % size, span = 1 + noise_bits(n) % (size - at < 16 ? size - at : 16);

                switch (noise_below(n, 6)) {
                case 0:
                        bytes[at] ^= (uint8_t)(1u << noise_below(n, 8));
                        break;
                case 1:
                        bytes[at] = edges[noise_below(n, sizeof(edges))];
                        break;
                case 2:
                        bytes[at] = (uint8_t)noise_bits(n);
                        break;
                case 3: /* cut out */
                        memmove(bytes + at, bytes + at + span, size - at - span);
                        size -= span;
                        break;
                case 4: /* twice */
                        if (size + span > room)
                                break;
                        memmove(bytes + at + span, bytes + at, size - at);
                        size += span;
                        break;
                default:
                        size = at + (noise_chance(n, 10) ? 0 : size - at);
                        break;
                }
        }
        return size;
}

/* What is promised does not hold: the seed and the step bring it back. */
#define NOISE_CHECK(condition, n)                                                                              \
        do {                                                                                                   \
                if (!(condition)) {                                                                            \
                        fprintf(stderr, "FAIL %s:%d: %s; the noise was at %#llx\n", __FILE__, __LINE__, #condition, \
                                (unsigned long long)(n)->state);                                               \
                        abort();                                                                               \
                }                                                                                              \
        } while (0)
