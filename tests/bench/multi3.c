/* __multi3 of the run-time library, which wasm64 does not have here: the product of 128-bit numbers
 * out of 32-bit pieces. */
#include <stdint.h>

__int128 __multi3(__int128 a, __int128 b);

__int128 __multi3(__int128 a, __int128 b)
{
        uint64_t x = (uint64_t)a, y = (uint64_t)b, low_x = (uint32_t)x, low_y = (uint32_t)y;
        uint64_t low = low_x * low_y, middle = (x >> 32) * low_y + (low >> 32), high;
        uint64_t carry = (uint32_t)middle + low_x * (y >> 32);

        high = (x >> 32) * (y >> 32) + (middle >> 32) + (carry >> 32);
        high += x * (uint64_t)(b >> 64) + (uint64_t)(a >> 64) * y;
        return (__int128)((unsigned __int128)high << 64 | carry << 32 | (uint32_t)low);
}
