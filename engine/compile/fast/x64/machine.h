/* machine.h - what the shared parts of the generator know of x86-64.
 *
 * Registers have one numbering: 0..15 general, 16..31 vector. */
#pragma once

#include "engine/compile/abi.h"
#include "engine/compile/fast/x64/asm.h"

typedef uint32_t reg_set;

#define REG_COUNT  32u
#define REG_VECTOR 16u
#define GPR_MASK   0x0000ffffu
#define VEC_MASK   0xffff0000u
#define BIT(r)     (UINT32_C(1) << (r))

static inline unsigned reg_first(reg_set set)
{
        return (unsigned)__builtin_ctz(set);
}

static inline unsigned reg_last(reg_set set)
{
        return 31 - (unsigned)__builtin_clz(set);
}

static inline unsigned reg_number(reg_set set)
{
        return (unsigned)__builtin_popcount(set);
}

enum condition {
        CC_O = 0, CC_NO = 1, CC_B = 2, CC_AE = 3, CC_E = 4, CC_NE = 5, CC_BE = 6, CC_A = 7,
        CC_S = 8, CC_NS = 9, CC_P = 10, CC_NP = 11, CC_L = 12, CC_GE = 13, CC_LE = 14, CC_G = 15,
        CC_FLOAT_EQ = 16, /* E and NP: two tests */
        CC_FLOAT_NE = 17, /* NE or P */
        CC_ALWAYS = 0xff,
};

enum cold_kind {
        COLD_TRAP,
        COLD_TRUNC_SIGNED,
        COLD_TRUNC_U32,
        COLD_TRUNC_U64,
        COLD_CALL_TYPE, /* an entry of another type, or an empty one */
        COLD_STRUCT_NEW, /* the run at hand has no room */
};

static const uint8_t argument_gprs[ABI_INTEGER_ARGS] = { RDI, RSI, RDX, RCX, R8, R9 };

#define RESULT_GPR    RAX                 /* of calls, and of blocks with one result */
#define RESULT_VECTOR (REG_VECTOR + XMM0)
#define CALL_REG      R11                 /* no argument: what is called, an exception */
#define AFTER_GPR     RCX                 /* free behind a call, which gives no result in them */
#define AFTER_VECTOR  (REG_VECTOR + XMM1)
#define PARAMETER_GPR RAX /* no argument: on the way from the spill area to the frame */
#define PARAMETER_VECTOR (REG_VECTOR + XMM15)
