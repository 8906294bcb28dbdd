/* world_peak.c - load_compiled() through the optimising generator. */
#define WORLD_TIER TIER_PEAK
#include "tests/unit/instance/world_fast.c"
