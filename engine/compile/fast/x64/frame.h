/* frame.h - the way into a function and out of it.
 *
 *   rbp + 8   return address
 *   rbp       caller's rbp
 *   rbp - 8   saved registers, homes of locals, stack slots
 *   rsp       16-aligned */
#pragma once

#include "engine/compile/fast/x64/assign.h"
#include "engine/compile/fast/x64/convert.h"
#include "engine/compile/fast/x64/divide.h"
#include "engine/compile/fast/x64/memory.h"
#include "engine/compile/fast/parameters.h"

/* Everything of the function's own is put back; the return address is on top of the stack. */
static void frame_unwind(struct generator *g)
{
        int32_t at = -8;

        for (reg_set left = g->saved; left; left &= left - 1, at -= 8)
                op_frame(g, 0x8b, ASM_W, (unsigned)__builtin_ctz(left), at);
        asm_u8(&g->a, 0xc9); /* leave */
}

static void frame_leave(struct generator *g)
{
        frame_unwind(g);
        asm_u8(&g->a, 0xc3);
}

/* Where declared locals are in the frame: [*ret_low, *ret_high). */
static bool frame_declared(const struct generator *g, int32_t *ret_low, int32_t *ret_high)
{
        bool any = false;

        if (g->nlocals == g->type->nparams)
                return false;
        if (g->sparse) {
                *ret_low = sparse_home(g, g->nlocals - 1);
                *ret_high = sparse_home(g, g->type->nparams) + (int32_t)g->slot_bytes;
                return true;
        }
        for (uint32_t i = g->type->nparams; i < g->nlocals; i++) {
                const struct local *l = &g->locals[i];

                if (l->reg != REG_NONE)
                        continue;
                if (!any)
                        *ret_high = l->home + (l->type == T_V128 ? 16 : 8);
                *ret_low = l->home;
                any = true;
        }
        return any;
}

/* Declared locals start as zero. */
static void frame_zero(struct generator *g)
{
        int32_t low = 0, high = 0;
        unsigned zero = REG_VECTOR + XMM15;

        for (reg_set left = g->pinned; left; left &= left - 1) {
                unsigned reg = (unsigned)__builtin_ctz(left);

                if (g->reg_local[reg] < g->type->nparams)
                        continue;
                if (reg >= REG_VECTOR)
                        zero_vector(g, reg);
                else
                        op_rr(g, 0x31, 0, reg, reg);
        }
        if (!frame_declared(g, &low, &high))
                return;
        if (high - low == 8) {
                op_frame(g, 0xc7, ASM_W, 0, low);
                asm_u32(&g->a, 0);
                return;
        }
        zero_vector(g, zero);
        if (high - low > 512) { /* a loop from low to high - 16 */
                uint32_t loop;

                op_rm(g, 0x8d, ASM_W, RAX, op_base(FRAME, low), 0);
                op_rm(g, 0x8d, ASM_W, RCX, op_base(FRAME, high - 16), 0);
                loop = asm_pc(&g->a);
                op_sse2(g, 0, 0x11, 0, zero, op_base(RAX, 0));
                alu_immediate(g, ALU_ADD, ASM_W, op_reg(RAX), 16);
                op_rr(g, 0x3b, ASM_W, RAX, RCX);
                asm_u8(&g->a, 0x72); /* jb */
                asm_u8(&g->a, (uint8_t)(loop - (asm_pc(&g->a) + 1)));
        } else {
                for (; high - low > 16; low += 16)
                        op_sse2(g, 0, 0x11, 0, zero, op_base(FRAME, low));
        }
        op_sse2(g, 0, 0x11, 0, zero, op_base(FRAME, high - 16));
}

static void frame_enter(struct generator *g)
{
        asm_room(&g->a);
        asm_u8(&g->a, 0x55);             /* push rbp */
        op_rr(g, 0x8b, ASM_W, RBP, RSP); /* mov rbp, rsp */
        for (reg_set left = g->saved; left; left &= left - 1) {
                unsigned reg = (unsigned)__builtin_ctz(left);

                if (reg >= 8)
                        asm_u8(&g->a, 0x41);
                asm_u8(&g->a, 0x50 | (reg & 7));
        }
        g->frame_patch = asm_pc(&g->a);
        op_rm(g, 0x81, ASM_W, ALU_SUB, op_reg(RSP), 4);
        asm_u32(&g->a, 0);
        for (unsigned pass = 0; pass < 3; pass++)
                frame_params(g, pass);
        if (g->base != REG_NONE)
                op_rm(g, 0x8b, ASM_W, g->base, op_gs(GPR_NONE, g->layout->memories), 0);
        frame_params(g, 3);
        frame_zero(g);
}

/* The frame's size is known: into the prologue. A large frame touches the stack on its way down,
 * so that it cannot step over the guard. */
static int frame_finish(struct generator *g, struct error *err)
{
        uint64_t bytes = (uint64_t)-(int64_t)g->slots - g->slot_bytes +
                         (uint64_t)g->max_slots * g->slot_bytes - 8 * g->nsaved;
        uint32_t rel;

        bytes += (bytes + 8 * g->nsaved) % 16 ? 16 - (bytes + 8 * g->nsaved) % 16 : 0;
        if (bytes > FAST_FRAME_MAX)
                return error_set(err, STAGE_COMPILE, -E2BIG,
                                 (uint64_t)(g->body - g->m->bytes),
                                 "the function's frame would take %llu bytes",
                                 (unsigned long long)bytes);
        if (g->a.failed)
                return 0;
        rel = (uint32_t)bytes;
        if (bytes <= ABI_PROBE_BYTES) {
                memcpy(g->a.start + g->frame_patch + 3, &rel, 4);
                return 0;
        }
        asm_room(&g->a);
        rel = asm_pc(&g->a) - (g->frame_patch + 5);
        g->a.start[g->frame_patch] = 0xe9;
        memcpy(g->a.start + g->frame_patch + 1, &rel, 4);
        for (uint32_t at = ABI_PROBE_BYTES; at <= bytes; at += ABI_PROBE_BYTES)
                op_rm(g, 0x84, 0, RAX, op_base(RSP, -(int32_t)at), 0); /* test [rsp - at], al */
        op_rm(g, 0x81, ASM_W, ALU_SUB, op_reg(RSP), 4);
        asm_u32(&g->a, (uint32_t)bytes);
        asm_u8(&g->a, 0xe9);
        asm_u32(&g->a, g->frame_patch + 7 - (asm_pc(&g->a) + 4));
        return 0;
}
