/* machine.h - what the shared parts of the generator know of aarch64.
 *
 * Registers have one numbering: 0..31 general, 32..63 vector. x16 and x17 belong to the assembler,
 * x18 to the platform, x27 is the base of an imported memory 0, x28 of the instance; v30 and v31 are
 * for the inside of one instruction. */
#pragma once

#include "engine/compile/abi.h"
#include "engine/compile/fast/a64/asm.h"

typedef uint64_t reg_set;

#define REG_COUNT  64u
#define REG_VECTOR 32u
#define GPR_MASK   UINT64_C(0x00000000ffffffff)
#define VEC_MASK   UINT64_C(0xffffffff00000000)
#define BIT(r)     (UINT64_C(1) << (r))

static inline unsigned reg_first(reg_set set)
{
        return (unsigned)__builtin_ctzll(set);
}

static inline unsigned reg_number(reg_set set)
{
        return (unsigned)__builtin_popcountll(set);
}

enum condition {
        CC_E = 0, CC_NE = 1, CC_AE = 2, CC_B = 3, CC_MI = 4, CC_PL = 5, CC_VS = 6, CC_VC = 7,
        CC_A = 8, CC_BE = 9, CC_GE = 10, CC_L = 11, CC_G = 12, CC_LE = 13,
        CC_ALWAYS = 0xff,
};

enum cold_kind {
        COLD_TRAP,
        COLD_TRUNC,     /* a float that is no number, or too large */
        COLD_CALL_TYPE, /* an entry of another type, or an empty one */
        COLD_STRUCT_NEW, /* a structure that does not fit the run at hand */
};

static const uint8_t argument_gprs[ABI_INTEGER_ARGS] = { X0, X1, X2, X3, X4, X5 };

#define RESULT_GPR    X0                  /* of calls, and of blocks with one result */
#define RESULT_VECTOR (REG_VECTOR + 0)
#define DATA_REG      X7                  /* the word that goes with a function pointer */
#define CALL_REG      X9                  /* no argument: what is called, an exception */
#define AFTER_GPR     X8                  /* free behind a call, which gives no result in them */
#define AFTER_VECTOR  (REG_VECTOR + 1)
#define PARAMETER_GPR ADDRESS_REG /* no argument: on the way from the spill area to the frame */
#define PARAMETER_VECTOR (REG_VECTOR + SCRATCH_VECTOR)
#define SCRATCH_VECTOR  31u               /* in the numbering of the instructions */
#define SCRATCH_VECTOR2 30u
