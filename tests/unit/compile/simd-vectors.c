#include "tests/unit/compile/simd-vectors.h"

#include "engine/base/cleanup.h"

static const uint32_t f32_edges[] = {
        0x00000000, 0x80000000, 0x3f800000, 0xbf800000, /* 0 1 */
        0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, /* infinities, canonical NaNs */
        0x7fc00001, 0xffe12345, 0x7f800001, 0xffa00000, /* other quiet NaNs, signalling NaNs */
        0x00000001, 0x807fffff, 0x00800000, 0x7f7fffff, /* subnormal, smallest, largest */
        0x4f000000, 0xcf000000, 0x4effffff, 0xcf000001, /* around 2^31 */
        0x4f800000, 0x4f7fffff, 0xcf800000, 0x5f000000, /* around 2^32, 2^63 */
        0x3f000000, 0xbf000000, 0x3fc00000, 0x40200000, /* halves */
        0x3effffff, 0xbf7fffff, 0x4b000001, 0x4a800001,
};

static const uint64_t f64_edges[] = {
        0x0000000000000000, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000,
        0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000, 0xfff8000000000000,
        0x7ff8000000000001, 0xfffc000012345678, 0x7ff0000000000001, 0xfff4000000000000,
        0x0000000000000001, 0x800fffffffffffff, 0x0010000000000000, 0x7fefffffffffffff,
        0x41dfffffffc00000, 0x41e0000000000000, 0xc1e0000000000000, 0xc1e0000000200000,
        0x41dfffffffffffff, 0x41efffffffe00000, 0x41f0000000000000, 0x41efffffffffffff,
        0x3fe0000000000000, 0xbfe0000000000000, 0x3ff8000000000000, 0x4004000000000000,
        0x3fdfffffffffffff, 0xbfefffffffffffff, 0x4330000000000001, 0x4320000000000001,
        0x47f0000000000000, 0x36a0000000000000, 0x3690000000000000, 0x380fffffffffffff, /* demote */
};

static const union vec integer_edges[] = {
        { .u64 = { 0, 0 } },
        { .u64 = { UINT64_MAX, UINT64_MAX } },
        { .u8 = { 0, 1, 2, 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff, 0x0f, 0x10, 0x11, 0x55, 0xaa, 0x40, 0xc0 } },
        { .u8 = { 0xff, 0x80, 0x7f, 1, 0xff, 0x80, 0x7f, 1, 0, 0x80, 0x7f, 1, 0xfe, 0x81, 0x10, 0xf0 } },
        { .u8 = { 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0 } },
        { .u8 = { 16, 17, 31, 32, 127, 128, 143, 144, 255, 240, 239, 112, 0, 1, 2, 15 } },
        { .u64 = { 0x7f7f7f7f7f7f7f7f, 0x7f7f7f7f7f7f7f7f } },
        { .u64 = { 0x8080808080808080, 0x8080808080808080 } },
        { .u16 = { 0, 1, 0x7fff, 0x8000, 0x8001, 0xffff, 0x00ff, 0xff00 } },
        { .u16 = { 0x8000, 0x8000, 0x8000, 0x7fff, 0xffff, 1, 0x0100, 0xff80 } },
        { .u64 = { 0x8000800080008000, 0x8000800080008000 } },
        { .u64 = { 0x7fff7fff7fff7fff, 0x7fff7fff7fff7fff } },
        { .u32 = { 0, 1, 0x7fffffff, 0x80000000 } },
        { .u32 = { 0x80000001, 0xffffffff, 0x00007fff, 0xffff8000 } },
        { .u32 = { 0x00010000, 0x0000ffff, 0xffff7fff, 0x00008000 } },
        { .u32 = { 0xfffffe00, 0x01000001, 0x7fffffbf, 0xffffff80 } }, /* roundings to f32 */
        { .u32 = { 0x80000000, 0x80000000, 0x80000000, 0x80000000 } },
        { .u64 = { 0x8000000000000000, 0x7fffffffffffffff } },
        { .u64 = { 0x0000000080000000, 0xffffffff00000000 } },
        { .u64 = { 0x7fffffff00000000, 0x00000000ffffffff } },
        { .u64 = { 0, 0x8000000000000000 } },
        { .u64 = { 1, 0 } },
};

unsigned vectors_edges(void)
{
        return ELEMENTSOF(integer_edges) + ELEMENTSOF(f32_edges) + ELEMENTSOF(f64_edges);
}

/* The float ones are windows into the lists, so that each edge comes into each lane. */
union vec vectors_edge(unsigned i)
{
        union vec v;

        if (i < ELEMENTSOF(integer_edges))
                return integer_edges[i];
        i -= ELEMENTSOF(integer_edges);
        if (i < ELEMENTSOF(f32_edges)) {
                for (unsigned k = 0; k < 4; k++)
                        v.u32[k] = f32_edges[(i + k) % ELEMENTSOF(f32_edges)];
                return v;
        }
        i -= ELEMENTSOF(f32_edges);
        v.u64[0] = f64_edges[i];
        v.u64[1] = f64_edges[(i + 1) % ELEMENTSOF(f64_edges)];
        return v;
}

uint64_t vectors_bits(uint64_t *seed) /* splitmix64 */
{
        uint64_t z = *seed += 0x9e3779b97f4a7c15;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
}

union vec vectors_random(uint64_t *seed)
{
        union vec v = { .u64 = { vectors_bits(seed), vectors_bits(seed) } };
        uint64_t kind = vectors_bits(seed);

        switch (kind % 5) {
        case 0: /* floats of moderate size, where conversions round and saturate */
                for (unsigned i = 0; i < 4; i++)
                        v.u32[i] = (v.u32[i] & 0x807fffff) | (uint32_t)(110 + (kind >> 8 * i & 0x3f)) << 23;
                break;
        case 1:
                for (unsigned i = 0; i < 2; i++)
                        v.u64[i] = (v.u64[i] & 0x800fffffffffffff) |
                                   (uint64_t)(1000 + (kind >> 8 * i & 0x3f)) << 52;
                break;
        case 2: /* edges mixed by byte */
                for (unsigned i = 0; i < 16; i++)
                        v.u8[i] = vectors_edge((unsigned)(kind >> 8) % vectors_edges()).u8[v.u8[i] % 16];
                break;
        case 3:
                return vectors_edge((unsigned)(kind >> 8) % vectors_edges());
        default:
                break;
        }
        return v;
}
