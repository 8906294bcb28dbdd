#include "engine/compile/fast/x64/simd_emit.h"

/* dst = four lanes of 32 bits of src */
static void select_lanes(struct assembler *a, enum xmm dst, enum xmm src, unsigned imm)
{
        if (sse_avx(a) || dst == src)
                sse_op3i(a, SSE_SHUFPS, dst, src, op_reg(src), imm);
        else
                sse_op2i(a, SSE_PSHUFD, dst, op_reg(src), imm); /* saves the move */
}

/* dst = its first lane of @bytes in every lane */
void simd_spread(struct assembler *a, enum xmm dst, unsigned bytes)
{
        if (bytes <= 2 && sse_avx2(a)) {
                a->cpu_used |= CPU_X86_AVX2;
                sse_op2(a, bytes == 1 ? SSE_VPBROADCASTB : SSE_VPBROADCASTW, dst, op_reg(dst));
        } else if (bytes == 1) {
                sse_op3(a, SSE_PSHUFB, dst, dst, sse_splat64(a, 0));
        } else if (bytes == 8) {
                sse_op3(a, SSE_PUNPCKLQDQ, dst, dst, op_reg(dst));
        } else {
                if (bytes == 2)
                        sse_op2i(a, SSE_PSHUFLW, dst, op_reg(dst), 0);
                sse_op2i(a, SSE_PSHUFD, dst, op_reg(dst), 0);
        }
}

void simd_emit_splat(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        sse_op2(a, row->imm == 8 ? SSE_MOVQ : SSE_MOVD, o->dst, op_reg(o->g));
        simd_spread(a, o->dst, row->imm);
}

void simd_emit_splat_float(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        if (row->imm == 4)
                select_lanes(a, o->dst, o->a, 0);
        else
                sse_op2(a, SSE_MOVDDUP, o->dst, op_reg(o->a));
}

/* Extract and replace */

void simd_emit_extract(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        if (o->lane == 0 && row->second)
                sse_op2(a, row->second, o->a, op_reg(o->g));
        else if (row->imm == 2) /* pextrw alone names the general register first */
                sse_op2i(a, row->insn, o->g, op_reg(o->a), o->lane);
        else
                sse_op2i(a, row->insn, o->a, op_reg(o->g), o->lane);
}

void simd_emit_extract_s(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        simd_emit_extract(a, row, o);
        asm_legacy(a, 0, MAP_0F, row->imm == 1 ? 0xbe : 0xbf, ASM_BYTE, o->g, op_reg(o->g), 0);
}

void simd_emit_extract_float(struct assembler *a, const struct simd_row *row,
                             struct simd_operands *o)
{
        if (o->lane == 0)
                sse_move(a, o->dst, o->a);
        else
                select_lanes(a, o->dst, o->a, row->imm == 4 ? o->lane * 0x55u : 0xee);
}

void simd_emit_replace(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        enum xmm x = simd_first(a, o); /* the other operand is not a vector register */

        sse_op3i(a, row->insn, o->dst, x, op_reg(o->g), o->lane);
}

void simd_emit_replace_f32(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        sse_op3i(a, SSE_INSERTPS, o->dst, o->a, o->b, (unsigned)o->lane << 4);
}

void simd_emit_replace_f64(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        sse_op3(a, o->lane ? SSE_MOVLHPS : SSE_MOVSD, o->dst, o->a, o->b);
}

/* Swizzle and shuffle */

/* pshufb looks at bit 7 and the low four bits: an index from 16 on must have bit 7 set. */
void simd_emit_swizzle(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        sse_op3(a, SSE_PADDUSB, o->temps[0], o->b.base, sse_splat8(a, 0x70));
        sse_op3(a, SSE_PSHUFB, o->dst, o->a, op_reg(o->temps[0]));
}

/* What one instruction of two operands does: lanes 0..15 are the first's, 16..31 the second's. */
static const struct unpack {
        uint32_t insn;
        uint8_t lanes[16];
} unpacks[] = {
        { SSE_PUNPCKLBW,  { 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23 } },
        { SSE_PUNPCKHBW,  { 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31 } },
        { SSE_PUNPCKLWD,  { 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23 } },
        { SSE_PUNPCKHWD,  { 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31 } },
        { SSE_PUNPCKLDQ,  { 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23 } },
        { SSE_PUNPCKHDQ,  { 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31 } },
        { SSE_PUNPCKLQDQ, { 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23 } },
        { SSE_PUNPCKHQDQ, { 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31 } },
};

/* The unpack whose lanes, with @flip (16 swaps the operands) and under @mask, are @lanes. */
static const struct unpack *find_unpack(const uint8_t lanes[16], unsigned flip, unsigned mask)
{
        for (size_t k = 0; k < ELEMENTSOF(unpacks); k++) {
                unsigned i = 0;

                while (i < 16 && ((unpacks[k].lanes[i] ^ flip) & mask) == lanes[i])
                        i++;
                if (i == 16)
                        return &unpacks[k];
        }
        return NULL;
}

/* Lanes of 32 bits, if the shuffle moves those whole: four numbers 0..7. */
static bool as_dwords(const uint8_t lanes[16], uint8_t ret[4])
{
        for (unsigned i = 0; i < 16; i++)
                if (lanes[i] % 4 != i % 4 || lanes[i] / 4 != lanes[i & ~3u] / 4)
                        return false;
        for (unsigned i = 0; i < 4; i++)
                ret[i] = lanes[4 * i] / 4;
        return true;
}

static unsigned dword_imm(const uint8_t dwords[4])
{
        unsigned imm = 0;

        for (unsigned i = 0; i < 4; i++)
                imm |= (dwords[i] & 3u) << 2 * i;
        return imm;
}

/* Words shuffled within one half, @first 0 or 4, and the other half unmoved: the immediate of
 * pshuflw or pshufhw, else -1. */
static int half_words_imm(const uint8_t lanes[16], unsigned first)
{
        int imm = 0;

        for (unsigned i = 0; i < 8; i++) {
                unsigned word = lanes[2 * i] / 2;

                if (lanes[2 * i] % 2 || lanes[2 * i + 1] != lanes[2 * i] + 1)
                        return -1;
                if (i / 4 != first / 4 ? word != i : word / 4 != i / 4)
                        return -1;
                if (i / 4 == first / 4)
                        imm |= (int)((word & 3) << 2 * (i & 3));
        }
        return imm;
}

/* Consecutive lanes: the first, else -1. @modulus: 16 or 32 */
static int rotation(const uint8_t lanes[16], unsigned modulus)
{
        for (unsigned i = 1; i < 16; i++)
                if (lanes[i] != (lanes[0] + i) % modulus)
                        return -1;
        return lanes[0];
}

static void shuffle_one(struct assembler *a, enum xmm dst, enum xmm src, const uint8_t lanes[16])
{
        const struct unpack *unpack;
        uint8_t dwords[4];
        int imm;

        if ((imm = rotation(lanes, 16)) == 0) {
                sse_move(a, dst, src);
        } else if (as_dwords(lanes, dwords)) {
                sse_op2i(a, SSE_PSHUFD, dst, op_reg(src), dword_imm(dwords));
        } else if (imm > 0) {
                sse_op3i(a, SSE_PALIGNR, dst, src, op_reg(src), (unsigned)imm);
        } else if ((imm = half_words_imm(lanes, 0)) >= 0) {
                sse_op2i(a, SSE_PSHUFLW, dst, op_reg(src), (unsigned)imm);
        } else if ((imm = half_words_imm(lanes, 4)) >= 0) {
                sse_op2i(a, SSE_PSHUFHW, dst, op_reg(src), (unsigned)imm);
        } else if ((unpack = find_unpack(lanes, 0, 15))) {
                sse_op3(a, unpack->insn, dst, src, op_reg(src));
        } else {
                sse_op3(a, SSE_PSHUFB, dst, src, asm_constant(a, lanes));
        }
}

/* Words of a and b in their places: the immediate of pblendw, else -1. */
static int blend_imm(const uint8_t lanes[16])
{
        int imm = 0;

        for (unsigned i = 0; i < 16; i++)
                if (lanes[i] % 16 != i || lanes[i] / 16 != lanes[i & ~1u] / 16)
                        return -1;
        for (unsigned i = 0; i < 8; i++)
                imm |= lanes[2 * i] / 16 << i;
        return imm;
}

/* The bytes of both by pshufb, zero where the other's go, or'ed. */
static void shuffle_bytes(struct assembler *a, struct simd_operands *o, const uint8_t lanes[16])
{
        uint8_t of_a[16], of_b[16];

        for (unsigned i = 0; i < 16; i++) {
                of_a[i] = lanes[i] < 16 ? lanes[i] : 0x80;
                of_b[i] = lanes[i] < 16 ? 0x80 : lanes[i] - 16;
        }
        sse_op3(a, SSE_PSHUFB, o->temps[0], o->b.base, asm_constant(a, of_b));
        sse_op3(a, SSE_PSHUFB, o->dst, o->a, asm_constant(a, of_a));
        sse_op3(a, SSE_POR, o->dst, o->dst, op_reg(o->temps[0]));
}

static void shuffle_two(struct assembler *a, struct simd_operands *o, const uint8_t lanes[16])
{
        const struct unpack *unpack;
        uint8_t d[4];
        int imm;

        if ((unpack = find_unpack(lanes, 0, 31))) {
                sse_op3(a, unpack->insn, o->dst, o->a, o->b);
        } else if ((unpack = find_unpack(lanes, 16, 31))) {
                simd_swap(a, unpack->insn, o, -1);
        } else if ((imm = blend_imm(lanes)) >= 0) {
                sse_op3i(a, SSE_PBLENDW, o->dst, o->a, o->b, (unsigned)imm);
        } else if ((imm = rotation(lanes, 32)) >= 16) {
                sse_op3i(a, SSE_PALIGNR, o->dst, o->a, o->b, (unsigned)imm - 16);
        } else if (imm >= 0) {
                simd_swap(a, SSE_PALIGNR, o, imm);
        } else if (as_dwords(lanes, d) && d[0] / 4 == d[1] / 4 && d[2] / 4 == d[3] / 4) {
                if (d[0] / 4 == 0)
                        sse_op3i(a, SSE_SHUFPS, o->dst, o->a, o->b, dword_imm(d));
                else
                        simd_swap(a, SSE_SHUFPS, o, (int)dword_imm(d));
        } else {
                shuffle_bytes(a, o, lanes);
        }
}

void simd_emit_shuffle(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        unsigned mask = o->a == o->b.base ? 15 : 31, of_b = 0;
        uint8_t lanes[16], one[16];

        for (unsigned i = 0; i < 16; i++) {
                lanes[i] = o->lanes[i] & mask;
                one[i] = lanes[i] & 15;
                of_b += lanes[i] / 16;
        }
        if (of_b == 0)
                shuffle_one(a, o->dst, o->a, one);
        else if (of_b == 16)
                shuffle_one(a, o->dst, o->b.base, one);
        else
                shuffle_two(a, o, lanes);
}
