/* limits.h - the limits that hostile input is held to, checked before anything is allocated.
 * The table with units and reasons is limits.def. */
#pragma once

#include <stdint.h>

struct limits {
#define LIMIT(name, value, unit, text) uint64_t name;
#include "engine/base/limits.def"
};

extern const struct limits limits_default;
