/* An interpreter of a small byte code: a switch in a loop. */
#include "kernel.h"

enum { PUSH, ADD, SUB, MUL, LOAD, STORE, LESS, JUMP, BRANCH, HALT };

/* s = 0; for (i = 0; i < 1000; i++) s = s * 3 + i; */
static const uint8_t program[] = {
        PUSH, 0, STORE, 0, PUSH, 0, STORE, 1,
        LOAD, 1, LOAD, 2, LESS, BRANCH, 34,
        LOAD, 0, PUSH, 3, MUL, LOAD, 1, ADD, STORE, 0,
        LOAD, 1, PUSH, 1, ADD, STORE, 1, JUMP, 8, HALT,
};

static NOINLINE uint32_t run(uint32_t limit)
{
        uint32_t stack[16], vars[4] = { 0, 0, limit, 0 }, sp = 0, pc = 0;

        for (;;) {
                switch (program[pc++]) {
                case PUSH:
                        stack[sp++] = program[pc++];
                        break;
                case ADD:
                        sp--;
                        stack[sp - 1] += stack[sp];
                        break;
                case SUB:
                        sp--;
                        stack[sp - 1] -= stack[sp];
                        break;
                case MUL:
                        sp--;
                        stack[sp - 1] *= stack[sp];
                        break;
                case LOAD:
                        stack[sp++] = vars[program[pc++]];
                        break;
                case STORE:
                        vars[program[pc++]] = stack[--sp];
                        break;
                case LESS:
                        sp--;
                        stack[sp - 1] = stack[sp - 1] < stack[sp];
                        break;
                case JUMP:
                        pc = program[pc];
                        break;
                case BRANCH:
                        pc = stack[--sp] ? pc + 1 : program[pc];
                        break;
                default:
                        return vars[0];
                }
        }
}

KERNEL(interp)
{
        uint64_t sum = 0;

        for (uint32_t i = 0; i < n * 4; i++)
                sum = mix(sum, run(1000 + i));
        return sum;
}
