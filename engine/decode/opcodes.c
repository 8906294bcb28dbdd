#include "engine/decode/opcodes.h"

#include "engine/base/cleanup.h"
#include "engine/decode/decode.h"

const uint64_t features_default = 0
#define FEATURE(name, text, dflt, what) | (uint64_t)(dflt) << FEATURE_##name
#include "engine/decode/features.def"
        ;

const struct feature_info feature_table[_FEATURE_MAX] = {
#define FEATURE(name, text, dflt, what) [FEATURE_##name] = { text, what },
#include "engine/decode/features.def"
};

const struct opcode_info opcode_table[_OP_MAX] = {
#define OP(name, code, text, immediate, pops, pushes, feature) \
        [OP_##name] = { code, IMM_##immediate, FEATURE_##feature, text, pops, pushes },
#include "engine/decode/opcodes.def"
};

/* Every row writes the entry of its code where the prefix is the table's, and otherwise the last
 * entry of the table, which no code uses: so the index is built by the compiler. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#endif

#define BYTE_LAST 0xff
#define FB_LAST   0x1f
#define FC_LAST   0x1f
#define FD_LAST   0x11f
#define FE_LAST   0x4f

_Static_assert(FB_LAST < 0x1000 && FC_LAST < 0x1000 && FD_LAST < 0x1000, "numbers have twelve bits");

const uint16_t opcode_of_byte[BYTE_LAST + 1] = {
        [0 ... BYTE_LAST] = OP_INVALID,
#define OP(name, code, text, immediate, pops, pushes, feature) \
        [(code) <= 0xff ? (code) : BYTE_LAST] = (code) <= 0xff ? OP_##name : OP_INVALID,
#include "engine/decode/opcodes.def"
};

static const uint16_t opcode_of_fb[FB_LAST + 1] = {
        [0 ... FB_LAST] = OP_INVALID,
#define OP(name, code, text, immediate, pops, pushes, feature) \
        [(code) >> 12 == 0xfb ? (code) & 0xfff : FB_LAST] = \
                (code) >> 12 == 0xfb ? OP_##name : OP_INVALID,
#include "engine/decode/opcodes.def"
};

static const uint16_t opcode_of_fc[FC_LAST + 1] = {
        [0 ... FC_LAST] = OP_INVALID,
#define OP(name, code, text, immediate, pops, pushes, feature) \
        [(code) >> 12 == 0xfc ? (code) & 0xfff : FC_LAST] = \
                (code) >> 12 == 0xfc ? OP_##name : OP_INVALID,
#include "engine/decode/opcodes.def"
};

static const uint16_t opcode_of_fd[FD_LAST + 1] = {
        [0 ... FD_LAST] = OP_INVALID,
#define OP(name, code, text, immediate, pops, pushes, feature) \
        [(code) >> 12 == 0xfd ? (code) & 0xfff : FD_LAST] = \
                (code) >> 12 == 0xfd ? OP_##name : OP_INVALID,
#include "engine/decode/opcodes.def"
};

static const uint16_t opcode_of_fe[FE_LAST + 1] = {
        [0 ... FE_LAST] = OP_INVALID,
#define OP(name, code, text, immediate, pops, pushes, feature) \
        [(code) >> 12 == 0xfe ? (code) & 0xfff : FE_LAST] = \
                (code) >> 12 == 0xfe ? OP_##name : OP_INVALID,
#include "engine/decode/opcodes.def"
};

#pragma GCC diagnostic pop

uint16_t opcode_find(uint8_t prefix, uint32_t number)
{
        if (prefix == 0xfb && number < ELEMENTSOF(opcode_of_fb))
                return opcode_of_fb[number];
        if (prefix == 0xfc && number < ELEMENTSOF(opcode_of_fc))
                return opcode_of_fc[number];
        if (prefix == 0xfd && number < ELEMENTSOF(opcode_of_fd))
                return opcode_of_fd[number];
        if (prefix == 0xfe && number < ELEMENTSOF(opcode_of_fe))
                return opcode_of_fe[number];
        return OP_INVALID;
}

#define ATOMIC_WIDTHS(a, b, c, d, e, f, g) \
        [OP_I32_ATOMIC_##a] = 4, [OP_I64_ATOMIC_##b] = 8, [OP_I32_ATOMIC_##c] = 1, \
        [OP_I32_ATOMIC_##d] = 2, [OP_I64_ATOMIC_##e] = 1, [OP_I64_ATOMIC_##f] = 2, \
        [OP_I64_ATOMIC_##g] = 4
#define ATOMIC_RMW_WIDTHS(op) \
        ATOMIC_WIDTHS(RMW_##op, RMW_##op, RMW8_##op##_U, RMW16_##op##_U, RMW8_##op##_U, \
                      RMW16_##op##_U, RMW32_##op##_U)

static const uint8_t access_bytes[_OP_MAX] = {
        [OP_I32_LOAD] = 4,         [OP_I64_LOAD] = 8,         [OP_F32_LOAD] = 4,
        [OP_F64_LOAD] = 8,         [OP_I32_LOAD8_S] = 1,      [OP_I32_LOAD8_U] = 1,
        [OP_I32_LOAD16_S] = 2,     [OP_I32_LOAD16_U] = 2,     [OP_I64_LOAD8_S] = 1,
        [OP_I64_LOAD8_U] = 1,      [OP_I64_LOAD16_S] = 2,     [OP_I64_LOAD16_U] = 2,
        [OP_I64_LOAD32_S] = 4,     [OP_I64_LOAD32_U] = 4,     [OP_I32_STORE] = 4,
        [OP_I64_STORE] = 8,        [OP_F32_STORE] = 4,        [OP_F64_STORE] = 8,
        [OP_I32_STORE8] = 1,       [OP_I32_STORE16] = 2,      [OP_I64_STORE8] = 1,
        [OP_I64_STORE16] = 2,      [OP_I64_STORE32] = 4,
        [OP_V128_LOAD] = 16,       [OP_V128_STORE] = 16,
        [OP_V128_LOAD8X8_S] = 8,   [OP_V128_LOAD8X8_U] = 8,   [OP_V128_LOAD16X4_S] = 8,
        [OP_V128_LOAD16X4_U] = 8,  [OP_V128_LOAD32X2_S] = 8,  [OP_V128_LOAD32X2_U] = 8,
        [OP_V128_LOAD8_SPLAT] = 1, [OP_V128_LOAD16_SPLAT] = 2, [OP_V128_LOAD32_SPLAT] = 4,
        [OP_V128_LOAD64_SPLAT] = 8, [OP_V128_LOAD32_ZERO] = 4, [OP_V128_LOAD64_ZERO] = 8,
        [OP_V128_LOAD8_LANE] = 1,  [OP_V128_LOAD16_LANE] = 2, [OP_V128_LOAD32_LANE] = 4,
        [OP_V128_LOAD64_LANE] = 8, [OP_V128_STORE8_LANE] = 1, [OP_V128_STORE16_LANE] = 2,
        [OP_V128_STORE32_LANE] = 4, [OP_V128_STORE64_LANE] = 8,
        [OP_MEMORY_ATOMIC_NOTIFY] = 4, [OP_MEMORY_ATOMIC_WAIT32] = 4, [OP_MEMORY_ATOMIC_WAIT64] = 8,
        ATOMIC_WIDTHS(LOAD, LOAD, LOAD8_U, LOAD16_U, LOAD8_U, LOAD16_U, LOAD32_U),
        ATOMIC_WIDTHS(STORE, STORE, STORE8, STORE16, STORE8, STORE16, STORE32),
        ATOMIC_RMW_WIDTHS(ADD), ATOMIC_RMW_WIDTHS(SUB), ATOMIC_RMW_WIDTHS(AND),
        ATOMIC_RMW_WIDTHS(OR), ATOMIC_RMW_WIDTHS(XOR), ATOMIC_RMW_WIDTHS(XCHG),
        ATOMIC_RMW_WIDTHS(CMPXCHG),
};

unsigned opcode_access_bytes(enum opcode op)
{
        return (unsigned)op < _OP_MAX ? access_bytes[op] : 0;
}
