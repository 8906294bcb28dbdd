#include "tests/fuzz/generate.h"

#include <string.h>

#include "engine/base/cleanup.h"

uint64_t random_bits(struct gen *g) /* splitmix64 */
{
        uint64_t z = g->random += 0x9e3779b97f4a7c15;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
}

unsigned random_below(struct gen *g, unsigned n)
{
        return (unsigned)(random_bits(g) % n);
}

bool random_chance(struct gen *g, unsigned percent)
{
        return random_below(g, 100) < percent;
}

char random_type(struct gen *g)
{
        return "iiiiIIIffFFvvr"[random_below(g, 14)];
}

uint64_t random_integer(struct gen *g)
{
        static const uint64_t edges[] = {
                0, 1, 2, UINT64_MAX, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000, INT32_MAX,
                0x80000000, 0xffffffff, 0x100000000, INT64_MAX, 0x8000000000000000, 31, 32, 63, 64,
                0xffffffff80000000, 0xffffffff7fffffff, 127, 1000,
        };

        switch (random_below(g, 4)) {
        case 0:
                return random_bits(g);
        case 1:
                return random_bits(g) >> random_below(g, 64);
        case 2:
                return (uint64_t)0 - random_below(g, 70);
        default:
                return edges[random_below(g, ELEMENTSOF(edges))];
        }
}

uint32_t random_f32(struct gen *g)
{
        static const uint32_t edges[] = {
                0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000,
                0x7f800001, 0x7fc12345, 1, 0x807fffff, 0x00800000, 0x7f7fffff, 0x4f000000, 0xcf000000,
                0x4effffff, 0x4f800000, 0x5f000000, 0xdf000000, 0x5f800000, 0x3f000000, 0xbf000000,
                0x40200000, 0xbf7fffff, 0x4b000001,
        };
        uint32_t bits = (uint32_t)random_bits(g);

        switch (random_below(g, 3)) {
        case 0:
                return bits;
        case 1: /* of moderate size */
                return (bits & 0x807fffff) | (100 + random_below(g, 64)) << 23;
        default:
                return edges[random_below(g, ELEMENTSOF(edges))];
        }
}

uint64_t random_f64(struct gen *g)
{
        static const uint64_t edges[] = {
                0, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000, 0x7ff0000000000000,
                0xfff0000000000000, 0x7ff8000000000000, 0xfff8000000000000, 0x7ff0000000000001, 1,
                0x7fefffffffffffff, 0x41dfffffffc00000, 0x41e0000000000000, 0xc1e0000000200000,
                0xc1e0000000000000, 0x41efffffffe00000, 0x41f0000000000000, 0x43e0000000000000,
                0xc3e0000000000000, 0x43f0000000000000, 0x3fe0000000000000, 0xbfe0000000000000,
                0x4004000000000000, 0x3fdfffffffffffff, 0x4330000000000001, 0x47f0000000000000,
                0x36a0000000000000, 0x380fffffffffffff,
        };
        uint64_t bits = random_bits(g);

        switch (random_below(g, 3)) {
        case 0:
                return bits;
        case 1:
                return (bits & 0x800fffffffffffff) | (uint64_t)(990 + random_below(g, 80)) << 52;
        default:
                return edges[random_below(g, ELEMENTSOF(edges))];
        }
}
