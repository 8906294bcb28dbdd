/* nans.h - which instructions may give a NaN of the machine's choice, by opcode. */
#pragma once

#include "engine/decode/opcodes.h"

enum nan_lanes { NAN_NONE, NAN_F32, NAN_F64, NAN_F32X4, NAN_F64X2 };

#define NAN_CANONICAL_32 UINT32_C(0x7fc00000)
#define NAN_CANONICAL_64 UINT64_C(0x7ff8000000000000)

static const uint8_t nan_lanes[_OP_MAX] = {
#define NAN(op, lanes) [OP_##op] = NAN_##lanes,
#include "engine/compile/nans.def"
};
