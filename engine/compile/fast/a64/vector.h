/* vector.h - the vector instructions, most of them one of the machine's: simd.def. What is in more
 * than one step uses v30 and v31, and x16 and x17, so that the result may lie where an operand was. */
#pragma once

#include "engine/compile/fast/variable.h"

enum simd_how {
        SIMD_UNARY,       /* dst = op(a) */
        SIMD_BINARY,      /* dst = op(a, b) */
        SIMD_BINARY_NOT,  /* and all bits turned */
        SIMD_SWAPPED,     /* dst = op(b, a) */
        SIMD_NARROW,
        SIMD_MUL64,
        SIMD_PMIN,
        SIMD_PMAX,
        SIMD_DOT16,
        SIMD_DOT8,
        SIMD_SHUFFLE,
        SIMD_REPLACE_F,
        SIMD_BITSELECT,   /* three operands */
        SIMD_MADD,
        SIMD_DOT8_ADD,
        SIMD_TRUNC64,     /* one operand */
        SIMD_CONVERT64,
        SIMD_SPLAT_F,
        SIMD_EXTRACT_F,
        SIMD_ALL_TRUE,    /* to a general register */
        SIMD_ANY_TRUE,
        SIMD_BITMASK,
        SIMD_EXTRACT_G,
        SIMD_SHIFT,       /* with a general register */
        SIMD_SHIFT_S,
        SIMD_SHIFT_U,
        SIMD_SPLAT_G,
        SIMD_REPLACE_G,
        SIMD_LOAD_EXTEND, /* memory */
        SIMD_LOAD_SPLAT,
        SIMD_LOAD_ZERO,
        SIMD_LOAD_LANE,
        SIMD_STORE_LANE,
};

struct simd_row {
        uint8_t how;   /* enum simd_how */
        uint8_t scale;
        uint32_t op;
};

static const struct simd_row simd_rows[_OP_MAX] = {
#define SIMD(name, how, op, scale) [OP_##name] = { SIMD_##how, scale, op },
#include "engine/compile/fast/a64/simd.def"
};

enum {
        VT = SCRATCH_VECTOR, VU = SCRATCH_VECTOR2,
        A64_NOT_V = 0x6e205800, A64_BSL_V = 0x6e601c00, A64_AND_V = 0x4e201c00,
        A64_DUP_G = 0x4e000c00, A64_DUP_V = 0x4e000400, A64_INS_G = 0x4e001c00, A64_INS_V = 0x6e000400,
        A64_DUP_SCALAR = 0x5e000400, A64_UMOV_X = 0x4e083c00, A64_FMOV_XD = (int)0x9e660000,
        A64_FMOV_DX = (int)0x9e670000, A64_UMAXP = 0x6ea0a400, A64_EXT = 0x6e000000,
        A64_SADDLP_H = 0x4e602800, A64_SQXTN_H = 0x0e614800,
};

/* The field that names a lane and its width */
static inline uint32_t lane_field(unsigned scale, unsigned lane)
{
        return (lane << (scale + 1) | 1u << scale) << 16;
}

static void vector_constant(struct generator *g, const struct instruction *in)
{
        push_constant(g, T_V128, asm_constant_number(&g->a, in->bytes));
}

static void vector_load(struct generator *g, const struct instruction *in)
{
        static const struct load l = { A64_LDR_Q, 16, T_V128 };

        memory_load(g, &l, in->offset, in->index);
}

/* Loads and stores of less than a vector */
static void vector_memory(struct generator *g, const struct instruction *in, const struct simd_row *row)
{
        bool lane = row->how == SIMD_LOAD_LANE || row->how == SIMD_STORE_LANE;
        bool plain = lane || row->how == SIMD_LOAD_SPLAT;
        struct entry value = { .kind = ENTRY_CONST }, address;
        struct assembler *a = &g->a;
        struct access x;
        unsigned dst = REG_NONE, v, at = (unsigned)in->lane << row->scale;

        if (lane)
                value = stack_pop(g);
        address = stack_pop(g);
        if (row->how == SIMD_STORE_LANE)
                dst = entry_reg(g, &value);
        else if (lane)
                dst = entry_temp(g, &value);
        access_begin_as(g, &x, &address, in->offset, 1u << row->scale, in->index, plain);
        if (!lane)
                dst = reg_result(g, VEC_MASK, 0, NULL);
        v = vector_of(dst);
        map_add(g, asm_pc(a), wasm_here(g));
        switch ((enum simd_how)row->how) {
        case SIMD_LOAD_EXTEND:
                asm_memory(a, A64_LDR_D, v, x.operand);
                asm_2(a, row->op, v, v);
                break;
        case SIMD_LOAD_ZERO:
                asm_memory(a, row->op, v, x.operand);
                break;
        case SIMD_LOAD_SPLAT:
                asm_2(a, row->op, v, ADDRESS_REG);
                break;
        default: /* the byte of the lane in Q, S and size */
                asm_2(a, row->op | (at >> 3) << 30 | (at & 7) << 10, v, ADDRESS_REG);
                break;
        }
        access_done(g, &x, 0);
        if (row->how == SIMD_STORE_LANE)
                entry_release(g, &value);
        else
                push_reg(g, T_V128, dst);
}

static void emit_mul64(struct assembler *a, unsigned x, unsigned y)
{
        asm_2(a, A64_FMOV_XD, ADDRESS_REG, x);
        asm_2(a, A64_FMOV_XD, SCRATCH_REG, y);
        asm_w3(a, A64_MUL, ASM_W, ADDRESS_REG, ADDRESS_REG, SCRATCH_REG);
        asm_2(a, A64_FMOV_DX, VT, ADDRESS_REG);
        asm_2(a, A64_UMOV_X | 1 << 20, ADDRESS_REG, x);
        asm_2(a, A64_UMOV_X | 1 << 20, SCRATCH_REG, y);
        asm_w3(a, A64_MUL, ASM_W, ADDRESS_REG, ADDRESS_REG, SCRATCH_REG);
        asm_2(a, A64_INS_G | lane_field(3, 1), VT, ADDRESS_REG);
}

/* Products of bytes, summed in pairs, saturated: as words in VT */
static void emit_dot8(struct assembler *a, unsigned x, unsigned y)
{
        asm_3(a, 0x0e20c000, VT, x, y);  /* smull 8h */
        asm_3(a, 0x4e20c000, VU, x, y);  /* smull2 8h */
        asm_2(a, A64_SADDLP_H, VT, VT);
        asm_2(a, A64_SADDLP_H, VU, VU);
        asm_2(a, A64_SQXTN_H, VT, VT);
        asm_2(a, A64_SQXTN_H | 1 << 30, VT, VU);
}

/* Consecutive bytes, of one operand or of both: the first, else -1. */
static int shuffle_rotation(const uint8_t lanes[16], unsigned mask)
{
        for (unsigned i = 1; i < 16; i++)
                if ((lanes[i] & mask) != ((lanes[0] + i) & mask))
                        return -1;
        return lanes[0] & (int)mask;
}

static void emit_shuffle(struct generator *g, unsigned dst, unsigned x, unsigned y, const uint8_t *lanes)
{
        struct assembler *a = &g->a;
        uint8_t one[16], of_y = 0;
        int from;

        for (unsigned i = 0; i < 16; i++) {
                of_y += lanes[i] >> 4;
                one[i] = lanes[i] & 15;
        }
        if (of_y == 16)
                x = y;
        if (of_y == 16 || of_y == 0 || x == y) {
                from = shuffle_rotation(one, 15);
                if (from >= 0) {
                        asm_3(a, A64_EXT | (uint32_t)from << 11, dst, x, x);
                        return;
                }
                load_vector(g, VT, one);
                asm_3(a, 0x4e000000, dst, x, VT); /* tbl */
                return;
        }
        from = shuffle_rotation(lanes, 31);
        if (from >= 0) {
                asm_3(a, A64_EXT | (uint32_t)(from & 15) << 11, dst, from < 16 ? x : y, from < 16 ? y : x);
                return;
        }
        asm_3(a, A64_MOV_V, VU, x, x); /* the two registers of a table are neighbours */
        asm_3(a, A64_MOV_V, VT, y, y);
        load_vector(g, dst, lanes);
        asm_3(a, 0x4e002000, dst, VU, dst);
}

/* @dst may be @x, @y or @z; what reads an operand behind the first write goes through VT. */
static void emit_vector(struct generator *g, const struct instruction *in, const struct simd_row *row,
                        unsigned dst, unsigned x, unsigned y, unsigned z)
{
        struct assembler *a = &g->a;
        uint32_t op = row->op;

        switch ((enum simd_how)row->how) {
        case SIMD_UNARY:
                asm_2(a, op, dst, x);
                return;
        case SIMD_BINARY:
                asm_3(a, op, dst, x, y);
                return;
        case SIMD_BINARY_NOT:
                asm_3(a, op, dst, x, y);
                asm_2(a, A64_NOT_V, dst, dst);
                return;
        case SIMD_SWAPPED:
                asm_3(a, op, dst, y, x);
                return;
        case SIMD_TRUNC64:
                asm_2(a, op, VT, x);
                asm_2(a, 0x0ea14800 | (uint32_t)row->scale << 29, dst, VT); /* sqxtn, uqxtn 2s */
                return;
        case SIMD_CONVERT64:
                asm_2(a, 0x0f20a400 | (uint32_t)row->scale << 29, VT, x); /* sxtl, uxtl 2d */
                asm_2(a, op, dst, VT);
                return;
        case SIMD_SPLAT_F:
                asm_2(a, A64_DUP_V | lane_field(row->scale, 0), dst, x);
                return;
        case SIMD_EXTRACT_F:
                asm_2(a, A64_DUP_SCALAR | lane_field(row->scale, in->lane), dst, x);
                return;
        case SIMD_SHUFFLE:
                emit_shuffle(g, dst, x, y, in->bytes);
                return;
        case SIMD_NARROW:
                asm_2(a, op, VT, x);
                asm_2(a, op | 1 << 30, VT, y);
                break;
        case SIMD_MUL64:
                emit_mul64(a, x, y);
                break;
        case SIMD_PMIN: /* y where x > y */
                asm_3(a, op, VT, x, y);
                asm_3(a, A64_BSL_V, VT, y, x);
                break;
        case SIMD_PMAX: /* y where y > x */
                asm_3(a, op, VT, y, x);
                asm_3(a, A64_BSL_V, VT, y, x);
                break;
        case SIMD_DOT16:
                asm_3(a, 0x0e60c000, VT, x, y); /* smull 4s */
                asm_3(a, 0x4e60c000, VU, x, y);
                asm_3(a, 0x4ea0bc00, VT, VT, VU); /* addp 4s */
                break;
        case SIMD_DOT8:
                emit_dot8(a, x, y);
                break;
        case SIMD_DOT8_ADD:
                emit_dot8(a, x, y);
                asm_2(a, A64_SADDLP_H, VT, VT);
                asm_3(a, 0x4ea08400, VT, VT, z); /* add 4s */
                break;
        case SIMD_REPLACE_F:
                asm_3(a, A64_MOV_V, VT, x, x);
                asm_2(a, A64_INS_V | lane_field(row->scale, in->lane), VT, y);
                break;
        case SIMD_BITSELECT:
                asm_3(a, A64_MOV_V, VT, z, z);
                asm_3(a, A64_BSL_V, VT, x, y);
                break;
        case SIMD_MADD: /* two roundings: the same on every machine */
                asm_3(a, 0x6e20dc00 | (uint32_t)row->scale << 22, VT, x, y);
                asm_3(a, op, dst, z, VT);
                return;
        default:
                abort();
        }
        asm_3(a, A64_MOV_V, dst, VT, VT);
}

static void vector_to_vector(struct generator *g, const struct instruction *in, const struct simd_row *row)
{
        struct entry e[3];
        unsigned n = row->how >= SIMD_TRUNC64 || row->how == SIMD_UNARY ? 1
                     : row->how >= SIMD_BITSELECT                        ? 3
                                                                         : 2;
        unsigned v[3] = { 0, 0, 0 }, dst, type = T_V128;

        for (unsigned i = n; i-- > 0;)
                e[i] = stack_pop(g);
        for (unsigned i = 0; i < n; i++)
                v[i] = vector_of(entry_reg(g, &e[i]));
        dst = reg_result(g, VEC_MASK, 0, &e[0]);
        emit_vector(g, in, row, vector_of(dst), v[0], v[1], v[2]);
        for (unsigned i = 0; i < n; i++)
                entry_release_but(g, &e[i], BIT(dst));
        if (row->how == SIMD_EXTRACT_F)
                type = row->scale == 2 ? T_F32 : T_F64;
        push_reg(g, type, dst);
}

/* All lanes of VT by the count, negative ones to the right */
static void emit_shift(struct generator *g, const struct simd_row *row, unsigned dst, unsigned x,
                       const struct entry *count)
{
        struct assembler *a = &g->a;
        unsigned bits = 8u << row->scale, n;
        uint32_t sign = row->how == SIMD_SHIFT_S ? 0 : 1u << 29, fields;

        if (is_const(count)) {
                n = (unsigned)count->constant % bits;
                if (n == 0)
                        asm_3(a, A64_MOV_V, dst, x, x);
                else if (row->how == SIMD_SHIFT)
                        asm_2(a, 0x4f005400 | (bits + n) << 16, dst, x);
                else
                        asm_2(a, 0x4f000400 | sign | (2 * bits - n) << 16, dst, x);
                return;
        }
        (void)asm_logical_fields(bits - 1, 0, &fields);
        asm_u32(a, A64_AND_I | fields | (unsigned)count->reg << 5 | SCRATCH_REG);
        if (row->how != SIMD_SHIFT)
                asm_w3(a, A64_SUB, ASM_W, SCRATCH_REG, XZR, SCRATCH_REG);
        asm_2(a, A64_DUP_G | lane_field(row->scale, 0), VT, SCRATCH_REG);
        asm_3(a, 0x4e204400 | sign | (uint32_t)row->scale << 22, dst, x, VT); /* sshl, ushl */
}

/* Vector and general register in, vector out. */
static void vector_with_general(struct generator *g, const struct instruction *in,
                                const struct simd_row *row)
{
        struct entry n = stack_pop(g), v = { .kind = ENTRY_CONST };
        struct assembler *a = &g->a;
        unsigned x = 0, dst;

        if (row->how != SIMD_SPLAT_G) {
                v = stack_pop(g);
                x = vector_of(entry_reg(g, &v));
        }
        if (!is_const(&n) || row->how == SIMD_SPLAT_G || row->how == SIMD_REPLACE_G)
                (void)entry_reg(g, &n);
        if (n.kind == ENTRY_LOCAL)
                n.reg = g->locals[n.local].reg;
        dst = reg_result(g, VEC_MASK, 0, &v);
        if (row->how == SIMD_SPLAT_G) {
                asm_2(a, A64_DUP_G | lane_field(row->scale, 0), vector_of(dst), n.reg);
        } else if (row->how == SIMD_REPLACE_G) {
                move(g, T_V128, dst, REG_VECTOR + x);
                asm_2(a, A64_INS_G | lane_field(row->scale, in->lane), vector_of(dst), n.reg);
        } else {
                emit_shift(g, row, vector_of(dst), x, &n);
        }
        entry_release(g, &n);
        push_result(g, T_V128, dst, &v, NULL);
}

/* The sign of each lane to a bit of its own, and their sum */
static void emit_bitmask(struct generator *g, unsigned scale, unsigned dst, unsigned x)
{
        static const uint8_t weights[3][16] = {
                { 1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128 },
                { 1, 0, 2, 0, 4, 0, 8, 0, 16, 0, 32, 0, 64, 0, 128, 0 },
                { 1, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 8, 0, 0, 0 },
        };
        struct assembler *a = &g->a;
        unsigned bits = 8u << scale;

        if (scale == 3) {
                asm_2(a, A64_UMOV_X | 1 << 20, ADDRESS_REG, x);
                asm_2(a, A64_FMOV_XD, SCRATCH_REG, x);
                shift_immediate(g, SHIFT_SHR, ASM_W, ADDRESS_REG, ADDRESS_REG, 63);
                shift_immediate(g, SHIFT_SHR, ASM_W, SCRATCH_REG, SCRATCH_REG, 63);
                asm_w3(a, A64_ADD | 1 << 10, 0, dst, SCRATCH_REG, ADDRESS_REG);
                return;
        }
        load_vector(g, VU, weights[scale]);
        asm_2(a, 0x4f000400 | (bits + 1) << 16, VT, x); /* sshr by all but one */
        asm_3(a, A64_AND_V, VT, VT, VU);
        if (scale == 0) { /* the halves become the bytes of words */
                asm_3(a, A64_EXT | 8 << 11, VU, VT, VT);
                asm_3(a, 0x4e003800, VT, VT, VU); /* zip1 16b */
        }
        asm_2(a, scale == 2 ? 0x4eb1b800 : 0x4e71b800, VT, VT); /* addv */
        asm_2(a, A64_FMOV_WS, dst, VT);
}

/* Vector in, general register out. */
static void vector_to_general(struct generator *g, const struct instruction *in, const struct simd_row *row)
{
        struct entry v = stack_pop(g);
        struct assembler *a = &g->a;
        unsigned x = vector_of(entry_reg(g, &v)), dst = reg_result(g, GPR_MASK, 0, NULL);

        if (row->how == SIMD_EXTRACT_G) {
                asm_2(a, row->op | lane_field(row->scale, in->lane), dst, x);
        } else if (row->how == SIMD_BITMASK) {
                emit_bitmask(g, row->scale, dst, x);
        } else {
                bool lanes64 = row->how == SIMD_ALL_TRUE && row->scale == 3;

                if (row->how == SIMD_ALL_TRUE)
                        asm_2(a, row->op, VT, x);
                if (row->how == SIMD_ANY_TRUE || lanes64)
                        asm_3(a, A64_UMAXP, VT, lanes64 ? VT : x, lanes64 ? VT : x);
                asm_2(a, A64_FMOV_XD, SCRATCH_REG, VT);
                test_register(g, ASM_W, SCRATCH_REG);
                set_condition(g, lanes64 ? CC_E : CC_NE, dst);
        }
        entry_release(g, &v);
        push_reg(g, row->how == SIMD_EXTRACT_G && row->scale == 3 ? T_I64 : T_I32, dst);
}

static void vector_instruction(struct generator *g, const struct instruction *in)
{
        const struct simd_row *row = &simd_rows[in->op];

        switch (in->op) {
        case OP_V128_CONST:
                vector_constant(g, in);
                return;
        case OP_V128_LOAD:
                vector_load(g, in);
                return;
        case OP_V128_STORE:
                memory_store(g, T_V128, 16, in->offset, in->index);
                return;
        }
        if (row->how >= SIMD_LOAD_EXTEND)
                vector_memory(g, in, row);
        else if (row->how >= SIMD_SHIFT)
                vector_with_general(g, in, row);
        else if (row->how >= SIMD_ALL_TRUE)
                vector_to_general(g, in, row);
        else
                vector_to_vector(g, in, row);
}
