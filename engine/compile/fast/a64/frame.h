/* frame.h - the way into a function and out of it.
 *
 *   x29 + 8   return address
 *   x29       caller's x29
 *   ...
 *   sp        saved registers, homes of locals, stack slots, from here upwards; 16-aligned */
#pragma once

#include "engine/compile/fast/a64/assign.h"
#include "engine/compile/fast/a64/convert.h"
#include "engine/compile/fast/a64/divide.h"
#include "engine/compile/fast/a64/memory.h"
#include "engine/compile/fast/parameters.h"

enum {
        A64_STP_PRE = (int)0xa9bf7bfd,  /* stp x29, x30, [sp, #-16]! */
        A64_LDP_POST = (int)0xa8c17bfd, /* ldp x29, x30, [sp], #16 */
        A64_STP = (int)0xa9000000, A64_LDP = (int)0xa9400000,
};

/* The saved registers, two at a time, to or from the lower end of the frame. */
static void frame_saved(struct generator *g, uint32_t pair, uint32_t one)
{
        uint32_t at = 0;

        for (reg_set left = g->saved; left; left &= left - 1, at += 8) {
                unsigned reg = reg_first(left);

                if (left & (left - 1)) {
                        left &= left - 1;
                        asm_u32(&g->a, pair | at / 8 << 15 | reg_first(left) << 10 | SP << 5 | reg);
                        at += 8;
                } else {
                        asm_memory(&g->a, one, reg, op_base(SP, at));
                }
        }
}

/* Everything of the function's own is put back, as it was at the call. */
static void frame_unwind(struct generator *g)
{
        frame_saved(g, A64_LDP, A64_LDR_X);
        asm_arithmetic(&g->a, A64_ADD_I, ASM_W, SP, X29, 0);
        asm_u32(&g->a, A64_LDP_POST);
}

static void frame_leave(struct generator *g)
{
        frame_unwind(g);
        asm_u32(&g->a, A64_RET);
}

/* Where declared locals are in the frame, bytes from the stack pointer: [*ret_low, *ret_high). */
static bool frame_declared(const struct generator *g, int32_t *ret_low, int32_t *ret_high)
{
        bool any = false;

        if (g->nlocals == g->type->nparams)
                return false;
        if (g->sparse) {
                *ret_low = -sparse_home(g, g->type->nparams) - (int32_t)g->slot_bytes;
                *ret_high = -sparse_home(g, g->nlocals - 1);
                return true;
        }
        for (uint32_t i = g->type->nparams; i < g->nlocals; i++) {
                const struct local *l = &g->locals[i];

                if (l->reg != REG_NONE)
                        continue;
                if (!any)
                        *ret_low = -l->home - (l->type == T_V128 ? 16 : 8);
                *ret_high = -l->home;
                any = true;
        }
        return any;
}

/* Declared locals start as zero. */
static void frame_zero(struct generator *g)
{
        int32_t low = 0, high = 0;

        for (reg_set left = g->pinned; left; left &= left - 1) {
                unsigned reg = reg_first(left);

                if (g->reg_local[reg] < g->type->nparams)
                        continue;
                if (reg >= REG_VECTOR)
                        zero_vector(g, reg);
                else
                        asm_w3(&g->a, A64_ORR, ASM_W, reg, XZR, XZR);
        }
        if (!frame_declared(g, &low, &high))
                return;
        if (high - low > 512) { /* a loop from low to high, 16 bytes and then 8 */
                uint32_t loop;

                asm_move_constant(&g->a, ADDRESS_REG, (uint64_t)low);
                asm_u32(&g->a, 0x8b206000 | ADDRESS_REG << 16 | SP << 5 | ADDRESS_REG); /* add x, sp, x */
                asm_move_constant(&g->a, SCRATCH_REG, (uint64_t)(high - low) / 16);
                loop = asm_pc(&g->a);
                asm_u32(&g->a, 0xa8817c1f | XZR << 10 | ADDRESS_REG << 5); /* stp xzr, xzr, [x], #16 */
                asm_arithmetic(&g->a, A64_SUBS_I, ASM_W, SCRATCH_REG, SCRATCH_REG, 1);
                jump_patch(g, jump_short(g, CC_NE), loop);
                low += (high - low) / 16 * 16;
        }
        for (; low < high; low += 8)
                asm_memory(&g->a, A64_STR_X, XZR, op_base(SP, low));
}

static void frame_enter(struct generator *g)
{
        asm_room(&g->a);
        asm_u32(&g->a, A64_STP_PRE);
        asm_arithmetic(&g->a, A64_ADD_I, ASM_W, X29, SP, 0);
        g->frame_patch = asm_pc(&g->a);
        asm_arithmetic(&g->a, A64_SUB_I, ASM_W, SP, SP, 0);
        frame_saved(g, A64_STP, A64_STR_X);
        for (unsigned pass = 0; pass < 3; pass++)
                frame_params(g, pass);
        if (g->base != REG_NONE)
                load_register(g, T_I64, g->base, op_gs(GPR_NONE, g->layout->memories));
        frame_params(g, 3);
        frame_zero(g);
}

/* The frame's size is known: into the prologue. A large frame touches the stack on its way down,
 * so that it cannot step over the guard. */
static int frame_finish(struct generator *g, struct error *err)
{
        uint64_t bytes = (uint64_t)-(int64_t)g->slots - g->slot_bytes +
                         (uint64_t)g->max_slots * g->slot_bytes;
        uint32_t back = g->frame_patch + 4;

        bytes = (bytes + 15) & ~UINT64_C(15);
        if (bytes > FAST_FRAME_MAX)
                return error_set(err, STAGE_COMPILE, -E2BIG,
                                 (uint64_t)(g->body - g->m->bytes),
                                 "the function's frame would take %llu bytes",
                                 (unsigned long long)bytes);
        if (g->a.failed)
                return 0;
        if (bytes < 4096) {
                asm_write(&g->a, g->frame_patch, asm_read(&g->a, g->frame_patch) | (uint32_t)bytes << 10);
                return 0;
        }
        asm_room(&g->a);
        asm_write(&g->a, g->frame_patch, A64_B);
        jump_patch(g, g->frame_patch, asm_pc(&g->a));
        for (uint32_t at = ABI_PROBE_BYTES; at <= bytes; at += ABI_PROBE_BYTES) {
                asm_arithmetic(&g->a, A64_SUB_I, ASM_W, ADDRESS_REG, SP, at);
                asm_memory(&g->a, A64_LDRB, XZR, op_base(ADDRESS_REG, 0));
        }
        asm_arithmetic(&g->a, A64_SUB_I, ASM_W, SP, SP, bytes & ~UINT64_C(0xfff));
        asm_arithmetic(&g->a, A64_SUB_I, ASM_W, SP, SP, bytes & 0xfff);
        asm_u32(&g->a, A64_B);
        jump_patch(g, asm_pc(&g->a) - 4, back);
        return 0;
}
