#include "engine/compile/fast/x64/asm.h"

void asm_finish(struct assembler *a)
{
        uint32_t base;

        if (!a->nconstants || a->failed)
                return;
        asm_grow(a, 16 + (size_t)a->nconstants * 16);
        if (a->failed)
                return;
        while (asm_pc(a) % 16)
                asm_u8(a, 0xcc);
        base = asm_pc(a);
        memcpy(a->at, a->constants, (size_t)a->nconstants * 16);
        a->at += (size_t)a->nconstants * 16;
        for (uint32_t i = 0; i < a->nfixups; i++) {
                const struct asm_fixup *f = &a->fixups[i];
                uint32_t rel = base + f->constant * 16 - (f->at + 4 + f->trailing);

                memcpy(a->start + f->at, &rel, 4);
        }
}
