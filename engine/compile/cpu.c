#include "engine/compile/compile.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <stdio.h>
#include <string.h>

static const struct {
        uint64_t feature;
        const char *text;
} feature_texts[] = {
        { CPU_X86_V2, "x86-64-v2" }, { CPU_X86_AVX, "avx" },     { CPU_X86_AVX2, "avx2" },
        { CPU_X86_BMI1, "bmi1" },    { CPU_X86_BMI2, "bmi2" },   { CPU_X86_LZCNT, "lzcnt" },
        { CPU_X86_FMA, "fma" },      { CPU_X86_AVX512, "avx512" },
};

static const struct {
        const char *text;
        uint64_t features;
} levels[] = {
        { "x86-64-v2", CPU_X86_V2 },
        { "x86-64-v3", CPU_X86_V3 },
        { "x86-64-v4", CPU_X86_V4 },
};

#ifdef __x86_64__
/* The state components that the kernel saves: XCR0. */
static uint64_t state_components(void)
{
        uint32_t low, high;

        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        return (uint64_t)high << 32 | low;
}

uint64_t cpu_features_host(void)
{
        const uint32_t v2 = bit_SSE3 | bit_SSSE3 | bit_SSE4_1 | bit_SSE4_2 | bit_POPCNT |
                            bit_CMPXCHG16B;
        const uint32_t avx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ |
                                bit_AVX512VL;
        uint32_t a, b, c, d, b7 = 0, c80 = 0;
        uint64_t state = 0, features = 0;

        if (!__get_cpuid(1, &a, &b, &c, &d))
                return 0;
        if (c & bit_OSXSAVE)
                state = state_components();
        if (__get_cpuid_count(7, 0, &a, &b7, &d, &d) == 0)
                b7 = 0;
        if (__get_cpuid(0x80000001, &a, &b, &c80, &d) == 0)
                c80 = 0;
        if ((c & v2) == v2)
                features |= CPU_X86_V2;
        if (b7 & bit_BMI)
                features |= CPU_X86_BMI1;
        if (b7 & bit_BMI2)
                features |= CPU_X86_BMI2;
        if (c80 & bit_LZCNT)
                features |= CPU_X86_LZCNT;
        if ((state & 0x06) != 0x06 || !(c & bit_AVX)) /* xmm and upper ymm */
                return features;
        features |= CPU_X86_AVX;
        if (b7 & bit_AVX2)
                features |= CPU_X86_AVX2;
        if (c & bit_FMA)
                features |= CPU_X86_FMA;
        if ((state & 0xe6) == 0xe6 && (b7 & avx512) == avx512) /* and opmask, zmm */
                features |= CPU_X86_AVX512;
        return features;
}
#else
uint64_t cpu_features_host(void)
{
        return 0; /* code for aarch64 asks for nothing beyond what every processor has */
}
#endif

int cpu_features_parse(const char *text, uint64_t *ret)
{
        if (strcmp(text, "host") == 0) {
                *ret = cpu_features_host();
                return 0;
        }
        for (unsigned i = 0; i < ELEMENTSOF(levels); i++)
                if (strcmp(text, levels[i].text) == 0) {
                        *ret = levels[i].features;
                        return 0;
                }
        return -EINVAL;
}

char *cpu_features_text(uint64_t features, char *text, unsigned size)
{
        unsigned used = 0;

        if (size)
                text[0] = '\0';
        for (unsigned i = 0; i < ELEMENTSOF(feature_texts) && used < size; i++)
                if (features & feature_texts[i].feature)
                        used += (unsigned)snprintf(text + used, size - used, "%s%s",
                                                   used ? " " : "", feature_texts[i].text);
        return text;
}
