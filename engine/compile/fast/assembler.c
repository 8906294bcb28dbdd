#include "engine/compile/fast/assembler.h"

#include <stdlib.h>

void asm_init(struct assembler *a, uint64_t cpu, size_t code_max)
{
        *a = (struct assembler) { .cpu = cpu, .code_max = code_max };
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
        a->failed = a->too_large = a->out_of_reach = false;
}

void asm_grow(struct assembler *a, size_t room)
{
        size_t used = (size_t)(a->at - a->start), size = (size_t)(a->end - a->start);
        uint8_t *bytes;

        size = size ? size : 4096;
        while (size - used < room)
                size *= 2;
        a->too_large = size > a->code_max;
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

uint32_t asm_constant_number(struct assembler *a, const uint8_t bytes[16])
{
        /* The last few only: a function of thousands of constants must not cost a square. */
        for (uint32_t i = a->nconstants, n = 0; i > 0 && n < 32; i--, n++)
                if (memcmp(a->constants[i - 1], bytes, 16) == 0)
                        return i - 1;
        if (a->nconstants == a->constants_room) {
                uint32_t room = a->constants_room ? 2 * a->constants_room : 16;
                uint8_t (*grown)[16] = realloc(a->constants, room * sizeof(*grown));

                if (!grown) {
                        a->failed = true;
                        return 0;
                }
                a->constants = grown;
                a->constants_room = room;
        }
        memcpy(a->constants[a->nconstants], bytes, 16);
        return a->nconstants++;
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
