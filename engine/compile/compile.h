/* compile.h - checked module -> machine code, in parallel by function.
 *
 * module_compile - compile every function of @c.
 * @c: borrowed; the module's bytes must be unchanged since the check
 * @ret: on success a new compiled module, the caller's to compiled_module_free()
 * Returns 0, -EOPNOTSUPP (the CPU level lacks what the module needs, a machine that code is not made
 * for), -E2BIG (code larger than 2 GiB, on aarch64 128 MiB, a frame larger than 1 MiB), -ENOMEM, -ECANCELED
 * (progress said stop).
 *
 * The result is position independent and holds no relocation: calls between functions are
 * relative, constants lie in the code, everything else goes through the instance base (abi.h).
 * The same input and options give the same bytes, whatever the number of jobs. */
#pragma once

#include "engine/base/buffer.h"
#include "engine/compile/abi.h"
#include "engine/validate/validate.h"

enum machine { MACHINE_X86_64 = 62, MACHINE_AARCH64 = 183 }; /* ELF e_machine */

#ifdef __aarch64__
#define MACHINE_HOST MACHINE_AARCH64
#else
#define MACHINE_HOST MACHINE_X86_64
#endif

/* Fast: all functions by the generator in one pass. Peak: all optimised, but for those whose body is larger
 * than 384 KiB, with exceptions 128 KiB, or less with thousands of locals. Mixed: compile_options.hot. */
enum tier { TIER_FAST, TIER_PEAK, TIER_MIXED };

/* CPU features that code may need; part of the artefact's key and checked at load. */
#define CPU_X86_V2       (UINT64_C(1) << 0) /* SSE3, SSSE3, SSE4.1, SSE4.2, POPCNT, CMPXCHG16B */
#define CPU_X86_AVX      (UINT64_C(1) << 1)
#define CPU_X86_AVX2     (UINT64_C(1) << 2)
#define CPU_X86_BMI1     (UINT64_C(1) << 3)
#define CPU_X86_BMI2     (UINT64_C(1) << 4)
#define CPU_X86_LZCNT    (UINT64_C(1) << 5)
#define CPU_X86_FMA      (UINT64_C(1) << 6)
#define CPU_X86_AVX512   (UINT64_C(1) << 7) /* F, BW, CD, DQ, VL */
#define CPU_X86_V3       (CPU_X86_V2 | CPU_X86_AVX | CPU_X86_AVX2 | CPU_X86_BMI1 | CPU_X86_BMI2 | \
                          CPU_X86_LZCNT | CPU_X86_FMA)
#define CPU_X86_V4       (CPU_X86_V3 | CPU_X86_AVX512)

uint64_t cpu_features_host(void); /* what this machine has; includes OS support for the state */

/* "host", "x86-64-v2", "x86-64-v3", "x86-64-v4". Returns -EINVAL for another word. */
int cpu_features_parse(const char *text, uint64_t *ret);
char *cpu_features_text(uint64_t features, char *text, unsigned size);

struct compile_options {
        enum tier tier;
        enum machine machine;     /* that the code is for; 0: MACHINE_HOST */
        unsigned jobs;            /* threads, >= 1 */
        uint64_t cpu;             /* set of CPU_... that the code may use; on x86-64 V2 is required */
        /* Every access compares with the size of the memory, so that no guard need lie behind it: for
         * dense slots (engine/instance/slots.h). Slower code; it runs in an ordinary place as well. */
        bool dense;
        bool deterministic;       /* every NaN that arithmetic makes is the canonical one: see nans.def */
        /* TIER_MIXED: functions that are optimised, the others are fast: indices in the module,
         * ascending, none twice; imported ones and such beyond the last are refused (-EINVAL). */
        const uint32_t *hot;
        uint32_t nhot;
        /* Called now and then from any thread with what is done; non-zero stops. May be NULL. */
        int (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_all);
        void *context;
};

/* The map of a function: pairs of uleb (pc delta, zigzag of the wasm offset delta), from the
 * function's first byte of code and of its body, in ascending order of pc. The fast generator writes
 * one for each instruction that can trap (its address) and each call (its return address). The
 * peak generator writes one where LLVM's line table changes, at that address plus one: a look-up
 * takes the last pair at or before a return address, or at or before one byte behind the address
 * of a trap, and so finds the line that the call or the trap lies in. */
struct compiled_module {
        enum machine machine;
        uint64_t cpu_used;        /* features that the code needs */
        struct layout layout;
        bool dense;               /* as the options had it */
        bool catches;             /* checked_catches() */
        uint8_t *code;            /* all functions; offsets into it */
        size_t code_bytes;
        uint32_t nfunctions;      /* defined ones */
        uint32_t *offsets;        /* [nfunctions + 1]: function k is [k] .. [k + 1] */
        struct buffer maps;       /* all maps, one behind the other */
        uint32_t *map_offsets;    /* [nfunctions + 1] */
};

_must_check_ int module_compile(const struct checked_module *c, const struct compile_options *o,
                                struct compiled_module **ret, struct error *err);
void compiled_module_free(struct compiled_module *c); /* takes NULL */

static inline void compiled_module_freep(struct compiled_module **c)
{
        compiled_module_free(*c);
}
