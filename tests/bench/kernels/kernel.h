/* kernel.h - the frame of a kernel: one function of a repeat count, no library, no host call.
 *
 * A kernel returns a checksum that is equal on every engine. The same source is built natively
 * (as kernel_NAME) and as wasm (as the export "kernel"). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __wasm__
#define KERNEL(name) __attribute__((export_name("kernel"))) uint64_t kernel(uint32_t n)
#else
#define KERNEL(name) KERNEL_(name)
#define KERNEL_(name)                       \
        uint64_t kernel_##name(uint32_t n); \
        uint64_t kernel_##name(uint32_t n)
#endif

#define NOINLINE __attribute__((noinline))

static inline uint32_t next_random(uint32_t *state)
{
        *state ^= *state << 13;
        *state ^= *state >> 17;
        *state ^= *state << 5;
        return *state;
}

static inline uint64_t bits_of(double d)
{
        union { double d; uint64_t u; } x = { d };

        return x.u;
}

static inline uint64_t mix(uint64_t sum, uint64_t value)
{
        return (sum ^ value) * UINT64_C(0x100000001b3);
}
