#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* REG_RIP */
#endif

#include "tests/unit/compile/simd-frame.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#define CODE_BYTES 65536

static sigjmp_buf fault_jump;
static uint64_t fault_pc;

static void on_fault(int signal, siginfo_t *info, void *context)
{
        fault_pc = (uint64_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
        siglongjmp(fault_jump, 1);
}

void frame_open(struct frame *m)
{
        struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

        sigaction(SIGSEGV, &action, NULL);
        sigaction(SIGBUS, &action, NULL);
        *m = (struct frame) { 0 };
        m->code = mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (m->code == MAP_FAILED)
                abort();
}

static bool is_saved(unsigned g)
{
        return g == RBX || g == RBP || (g >= R12 && g <= R15);
}

/* push 50+r, pop 58+r */
static void push_or_pop(struct assembler *a, unsigned opcode, unsigned g)
{
        if (g >= 8)
                asm_u8(a, 0x41);
        asm_u8(a, opcode | (g & 7));
}

static void move_all(struct assembler *a, unsigned opcode_xmm, unsigned opcode_gpr)
{
        for (unsigned i = 0; i < 16; i++) {
                asm_legacy(a, 0, MAP_0F, opcode_xmm, 0, i,
                           op_base(R15, (int32_t)offsetof(struct context, xmm[0]) + 16 * (int)i), 0);
                if (i != RSP && i != R15)
                        asm_legacy(a, 0, MAP_1BYTE, opcode_gpr, ASM_W, i,
                                   op_base(R15, (int32_t)offsetof(struct context, gpr[0]) + 8 * (int)i),
                                   0);
        }
}

void frame_build(struct frame *m, uint64_t cpu, enum opcode op, struct simd_operands *o)
{
        struct assembler a;

        asm_init(&a, cpu, ASM_MAX);
        asm_room(&a);
        for (unsigned g = 0; g < 16; g++)
                if (is_saved(g))
                        push_or_pop(&a, 0x50, g);
        asm_legacy(&a, 0, MAP_1BYTE, 0x8b, ASM_W, R15, op_reg(RDI), 0);
        move_all(&a, 0x10, 0x8b);
        asm_room(&a);
        o->fault_pc = UINT32_MAX;
        simd_emit(&a, op, o);
        asm_room(&a);
        move_all(&a, 0x11, 0x89);
        for (unsigned g = 16; g-- > 0;)
                if (is_saved(g))
                        push_or_pop(&a, 0x58, g);
        asm_u8(&a, 0xc3);
        asm_finish(&a);
        if (a.failed || asm_pc(&a) > CODE_BYTES)
                abort();
        memcpy(m->code, a.start, asm_pc(&a));
        m->constants = a.nconstants;
        m->fault_pc = o->fault_pc;
        m->cpu_used = a.cpu_used;
        asm_done(&a);
}

bool frame_run(struct frame *m, struct context *c)
{
        if (sigsetjmp(fault_jump, 0)) {
                m->fault_at = (uint32_t)(fault_pc - (uint64_t)m->code);
                return false;
        }
        ((void (*)(struct context *))(void *)m->code)(c);
        return true;
}
