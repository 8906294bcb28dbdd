#include "engine/compile/fast/x64/asm.h"

#include <stdlib.h>

void asm_init(struct assembler *a, uint64_t cpu)
{
        *a = (struct assembler) { .cpu = cpu };
}

void asm_done(struct assembler *a)
{
        free(a->start);
        free(a->constants);
        free(a->fixups);
        *a = (struct assembler) { 0 };
}

void asm_reset(struct assembler *a)
{
        a->at = a->start;
        a->nconstants = a->nfixups = 0;
        a->failed = a->too_large = false;
}

void asm_grow(struct assembler *a, size_t room)
{
        size_t used = (size_t)(a->at - a->start), size = (size_t)(a->end - a->start);
        uint8_t *bytes;

        size = size ? size : 4096;
        while (size - used < room)
                size *= 2;
        a->too_large = size > ASM_MAX;
        bytes = a->too_large ? NULL : realloc(a->start, size);
        if (!bytes) {
                /* Keep going over the same bytes: nobody reads code of a function that failed. */
                a->failed = true;
                a->at = a->start;
                return;
        }
        a->start = bytes;
        a->at = bytes + used;
        a->end = bytes + size;
}

struct operand asm_constant(struct assembler *a, const uint8_t bytes[16])
{
        struct operand rm = { .kind = OPERAND_CONSTANT, .base = GPR_NONE, .index = GPR_NONE };
        uint8_t (*grown)[16];

        /* The last few only: a function of thousands of constants must not cost a square. */
        for (uint32_t i = a->nconstants, n = 0; i > 0 && n < 32; i--, n++)
                if (memcmp(a->constants[i - 1], bytes, 16) == 0) {
                        rm.disp = (int32_t)(i - 1);
                        return rm;
                }
        if (a->nconstants == a->constants_room) {
                uint32_t room = a->constants_room ? 2 * a->constants_room : 16;

                grown = realloc(a->constants, room * sizeof(*grown));
                if (!grown) {
                        a->failed = true;
                        return rm;
                }
                a->constants = grown;
                a->constants_room = room;
        }
        memcpy(a->constants[a->nconstants], bytes, 16);
        rm.disp = (int32_t)a->nconstants++;
        return rm;
}

void asm_fixup(struct assembler *a, uint32_t constant, unsigned trailing)
{
        if (a->nfixups == a->fixups_room) {
                uint32_t room = a->fixups_room ? 2 * a->fixups_room : 16;
                struct asm_fixup *grown = realloc(a->fixups, room * sizeof(*grown));

                if (!grown) {
                        a->failed = true;
                        return;
                }
                a->fixups = grown;
                a->fixups_room = room;
        }
        a->fixups[a->nfixups++] = (struct asm_fixup) { asm_pc(a), constant, (uint8_t)trailing };
}

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
