#include "inflate.h"

#include <stdbool.h>
#include <string.h>

#define CODE_BITS_MAX 15

struct stream {
        const uint8_t *in, *end;
        uint32_t bits; /* not yet used, lowest first */
        unsigned n;    /* how many */
        bool failed;   /* ran past the end, or met a wrong code */
        uint8_t *out;
        size_t size, room;
};

/* A canonical Huffman code: how many codes have each length, and the symbols in order of code. */
struct code {
        uint16_t count[CODE_BITS_MAX + 1];
        uint16_t symbols[288];
};

static unsigned take(struct stream *s, unsigned n)
{
        unsigned value;

        while (s->n < n) {
                if (s->in == s->end) {
                        s->failed = true;
                        return 0;
                }
                s->bits |= (uint32_t)*s->in++ << s->n;
                s->n += 8;
        }
        value = s->bits & ((1u << n) - 1);
        s->bits >>= n;
        s->n -= n;
        return value;
}

/* False when the lengths claim more codes than there are. Fewer are allowed: a code of one symbol
 * is incomplete by nature, and a symbol that does not exist is refused when it is met. */
static bool code_make(struct code *c, const uint8_t *lengths, unsigned n)
{
        uint16_t next[CODE_BITS_MAX + 1];
        int left = 1;

        memset(c->count, 0, sizeof(c->count));
        for (unsigned i = 0; i < n; i++)
                c->count[lengths[i]]++;
        c->count[0] = 0;
        next[0] = 0;
        next[1] = 0;
        for (unsigned bits = 1; bits <= CODE_BITS_MAX; bits++) {
                left = 2 * left - c->count[bits];
                if (left < 0)
                        return false;
                if (bits < CODE_BITS_MAX)
                        next[bits + 1] = next[bits] + c->count[bits];
        }
        for (unsigned i = 0; i < n; i++) {
                if (lengths[i])
                        c->symbols[next[lengths[i]]++] = (uint16_t)i;
        }
        return true;
}

static unsigned symbol(struct stream *s, const struct code *c)
{
        int code = 0, first = 0, index = 0;

        for (unsigned bits = 1; bits <= CODE_BITS_MAX; bits++) {
                code |= (int)take(s, 1);
                if (s->failed)
                        return 0;
                if (code - first < c->count[bits])
                        return c->symbols[index + code - first];
                index += c->count[bits];
                first = (first + c->count[bits]) << 1;
                code <<= 1;
        }
        s->failed = true;
        return 0;
}

static void put(struct stream *s, uint8_t byte)
{
        if (s->size == s->room)
                s->failed = true;
        else
                s->out[s->size++] = byte;
}

static void copy_back(struct stream *s, unsigned distance, unsigned length)
{
        if (distance > s->size) {
                s->failed = true;
                return;
        }
        while (length-- && !s->failed)
                put(s, s->out[s->size - distance]);
}

static void block_stored(struct stream *s)
{
        unsigned n;

        s->bits = 0; /* to the next byte boundary */
        s->n = 0;
        n = take(s, 16);
        if ((take(s, 16) ^ n) != 0xffff)
                s->failed = true;
        while (n-- && !s->failed)
                put(s, (uint8_t)take(s, 8));
}

static void block_coded(struct stream *s, const struct code *literals, const struct code *distances)
{
        static const uint16_t length_base[29] = { 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27,
                31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258 };
        static const uint8_t length_bits[29] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3,
                3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0 };

        while (!s->failed) {
                unsigned sym = symbol(s, literals), length, bits, distance;

                if (sym < 256) {
                        if (!s->failed)
                                put(s, (uint8_t)sym);
                        continue;
                }
                if (sym == 256)
                        return;
                sym -= 257;
                if (sym >= 29)
                        break;
                length = length_base[sym] + take(s, length_bits[sym]);
                sym = symbol(s, distances);
                if (sym >= 30)
                        break;
                /* Distances: 1-4 plain, then two codes for each further number of extra bits. */
                bits = sym < 4 ? 0 : sym / 2 - 1;
                distance = sym < 4 ? sym + 1 : ((2u + (sym & 1)) << bits) + 1 + take(s, bits);
                copy_back(s, distance, length);
        }
        s->failed = true;
}

static void block_fixed(struct stream *s)
{
        struct code literals, distances;
        uint8_t lengths[288];

        memset(lengths, 8, 144);
        memset(lengths + 144, 9, 112);
        memset(lengths + 256, 7, 24);
        memset(lengths + 280, 8, 8);
        code_make(&literals, lengths, 288);
        memset(lengths, 5, 30);
        code_make(&distances, lengths, 30);
        block_coded(s, &literals, &distances);
}

static void block_dynamic(struct stream *s)
{
        static const uint8_t order[19] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14,
                1, 15 };
        unsigned nliterals = take(s, 5) + 257, ndistances = take(s, 5) + 1, n = take(s, 4) + 4;
        struct code literals, distances;
        uint8_t lengths[288 + 32] = { 0 };

        if (s->failed || nliterals > 286 || ndistances > 30) {
                s->failed = true;
                return;
        }
        for (unsigned i = 0; i < n; i++)
                lengths[order[i]] = (uint8_t)take(s, 3);
        if (!code_make(&literals, lengths, 19))
                s->failed = true;
        memset(lengths, 0, sizeof(lengths));
        for (unsigned i = 0; i < nliterals + ndistances && !s->failed;) {
                unsigned sym = symbol(s, &literals), repeat = 1;
                uint8_t length = (uint8_t)sym;

                if (sym == 16 && i == 0)
                        s->failed = true;
                if (sym >= 16) {
                        length = sym == 16 && i ? lengths[i - 1] : 0;
                        repeat = sym == 16 ? 3 + take(s, 2) : sym == 17 ? 3 + take(s, 3) : 11 + take(s, 7);
                }
                if (repeat > nliterals + ndistances - i)
                        s->failed = true;
                else
                        while (repeat--)
                                lengths[i++] = length;
        }
        if (s->failed || !code_make(&literals, lengths, nliterals) ||
            !code_make(&distances, lengths + nliterals, ndistances)) {
                s->failed = true;
                return;
        }
        block_coded(s, &literals, &distances);
}

long inflate(const uint8_t *in, size_t n, uint8_t *out, size_t room)
{
        struct stream s = { .in = in, .end = in + n, .out = out, .room = room };
        bool last = false;

        while (!last && !s.failed) {
                last = take(&s, 1);
                switch (take(&s, 2)) {
                case 0:
                        block_stored(&s);
                        break;
                case 1:
                        block_fixed(&s);
                        break;
                case 2:
                        block_dynamic(&s);
                        break;
                default:
                        s.failed = true;
                }
        }
        return s.failed ? -1 : (long)s.size;
}
