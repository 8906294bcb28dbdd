#include "engine/base/limits.h"

const struct limits limits_default = {
#define LIMIT(name, value, unit, text) .name = value,
#include "engine/base/limits.def"
};
