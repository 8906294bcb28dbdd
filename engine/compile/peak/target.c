#include "engine/compile/peak/target.h"
#include "engine/compile/peak/finish.h"
#include "engine/compile/peak/keep.h"
#include "engine/compile/peak/mask.h"
#include "engine/compile/peak/peel.h"
#include "engine/compile/peak/reroll.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Support.h>
#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <llvm/Config/llvm-config.h>
#include <pthread.h>
#include <string.h>

#include "engine/compile/compile.h"

/* Chosen by measurement, see docs/performance.md: wasm out of an optimising compiler wants its
 * locals in registers, its redundancies gone once more at 64 bits, its loop invariants (bases of
 * tables and imported memories) hoisted, and its scalar loops made vector loops. What has no loop
 * gains nothing from the second list but compile time: a third of it. */
#if LLVM_VERSION_MAJOR >= 18
#define COMBINE "instcombine<no-verify-fixpoint>"
#else
#define COMBINE "instcombine"
#endif

static const char first_passes[] = "function(mem2reg)";
static const char common_passes[] =
        "function(early-cse<memssa>," COMBINE ",simplifycfg)";
static const char loop_passes[] =
        "function(loop-mssa(loop-rotate,licm),gvn," COMBINE ")";
static const char vector_passes[] = "function(loop-simplify,lcssa,loop-vectorize)";
static const char slp_passes[] = "function(slp-vectorizer)";
static const char last_passes[] = "function(" COMBINE ",simplifycfg)";
static const char address_passes[] = "function(loop(loop-reduce))";

static const struct { uint64_t feature; const char *text; } feature_texts[] = {
        { CPU_X86_AVX, "+avx" },
        /* What has AVX2 is good at 32 bytes anywhere, which the oldest with AVX were not. */
        { CPU_X86_AVX2, "+avx2,-slow-unaligned-mem-32" },
        { CPU_X86_BMI1, "+bmi" },
        { CPU_X86_BMI2, "+bmi2" },     { CPU_X86_LZCNT, "+lzcnt" }, { CPU_X86_FMA, "+fma" },
        { CPU_X86_AVX512, "+avx512f,+avx512bw,+avx512cd,+avx512dq,+avx512vl" },
};

static enum machine first_machine; /* that this process makes code for */

/* Switches of LLVM's that its C interface has no other way to reach; there is one set of them in a process. */
static void set_options(void)
{
#if LLVM_VERSION_MAJOR <= 19 /* an option that a later version has not would end the process */
        static const char *const words[] = {
                "nacelle-compiler",
                /* We have lines and no variables: their tracking by value costs a tenth of the code generation. */
                "-experimental-debug-variable-locations=false",
                /* A store in a loop is not put off to its end: an access that traps would come before it. */
                "-disable-licm-promotion",
                /* A conditional move out of wasm was one in the source, or what its compiler took for hard to guess. */
                "-x86-cmov-converter=false",
                /* A move of whole chains to mask registers, which this code has none of: it takes the square of a
                 * function's length. */
                "-disable-x86-domain-reassignment",
                /* That is optimise_addresses(). */
                "-disable-lsr",
                /* By the latencies of a list instead of twice for an old processor: the rounds of a cipher fit
                 * registers. */
                "-pre-RA-sched=list-ilp", "-enable-misched=false",
        };

        /* The last two are for x86-64: LLVM 19 crashes with that order over vectors for aarch64. */
        LLVMParseCommandLineOptions((int)ELEMENTSOF(words) - (first_machine == MACHINE_AARCH64 ? 2 : 0), words, "");
#endif
}

static void initialise(void)
{
        set_options();
        LLVMInitializeX86TargetInfo();
        LLVMInitializeX86Target();
        LLVMInitializeX86TargetMC();
        LLVMInitializeX86AsmPrinter();
        LLVMInitializeX86AsmParser(); /* there is a little assembly, see mask_below() */
        LLVMInitializeAArch64TargetInfo();
        LLVMInitializeAArch64Target();
        LLVMInitializeAArch64TargetMC();
        LLVMInitializeAArch64AsmPrinter();
        LLVMInitializeAArch64AsmParser();
}

/* Every distance in aarch64's tiny model is relative to the place that names it: the page of the code
 * does not matter, and partitions are small. */
static const struct target {
        enum machine machine;
        const char *triple, *cpu, *features;
        LLVMCodeModel model;
} targets[] = {
        { MACHINE_X86_64, "x86_64-unknown-linux-gnu", "x86-64-v2", "", LLVMCodeModelSmall },
        { MACHINE_AARCH64, "aarch64-unknown-linux-gnu", "generic", "+reserve-x28", LLVMCodeModelTiny },
};

static const struct target *target_of(enum machine machine)
{
        return &targets[machine == MACHINE_AARCH64];
}

LLVMTargetMachineRef target_new(enum machine machine, uint64_t cpu, struct error *err)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        const struct target *t = target_of(machine);
        char features[256];
        LLVMTargetRef target;
        LLVMTargetMachineRef ret;
        char *message = NULL;

        first_machine = machine;
        pthread_once(&once, initialise);
        strcpy(features, t->features);
        if (LLVMGetTargetFromTriple(t->triple, &target, &message)) {
                error_set(err, STAGE_COMPILE, -EOPNOTSUPP, ERROR_NOWHERE, "LLVM: %s", message);
                LLVMDisposeMessage(message);
                return NULL;
        }
        for (size_t i = 0; i < ELEMENTSOF(feature_texts); i++)
                if (machine == MACHINE_X86_64 && cpu & feature_texts[i].feature) {
                        if (features[0])
                                strcat(features, ",");
                        strcat(features, feature_texts[i].text);
                }
        ret = LLVMCreateTargetMachine(target, t->triple, t->cpu, features, LLVMCodeGenLevelDefault,
                                      LLVMRelocPIC, t->model);
        if (!ret)
                error_set(err, STAGE_COMPILE, -EOPNOTSUPP, ERROR_NOWHERE, "LLVM has no such machine");
        return ret;
}

static int run_passes(struct lowering *l, const char *list, LLVMTargetMachineRef machine,
                      LLVMPassBuilderOptionsRef options, struct error *err)
{
        LLVMErrorRef failure = LLVMRunPasses(l->module, list, machine, options);
        char *message;
        int r;

        if (!failure)
                return 0;
        message = LLVMGetErrorMessage(failure);
        r = error_set(err, STAGE_COMPILE, -EINVAL, ERROR_NOWHERE, "LLVM's passes: %s", message);
        LLVMDisposeErrorMessage(message);
        return r;
}

static bool has(LLVMValueRef f, const char *attribute)
{
        return LLVMGetStringAttributeAtIndex(f, LLVMAttributeFunctionIndex, attribute,
                                             (unsigned)strlen(attribute)) != NULL;
}

static bool has_loops(LLVMValueRef f)
{
        return !has(f, STRAIGHT);
}

/* What the SLP vectoriser is good for: a cipher's rounds that came in pieces. In scalar code it pairs what was stored one
 * by one a moment ago: the wide load waits for both. */
static bool has_lanes(LLVMValueRef f)
{
        return has_loops(f) && has(f, LANES);
}

static bool any(LLVMValueRef f)
{
        (void)f;
        return true;
}

/* The passes that come now leave out the functions that are not @wanted: LLVM's passes leave alone what has
 * this pair of attributes. */
static void choose(struct lowering *l, bool (*wanted)(LLVMValueRef f))
{
        static const char *const names[] = { "optnone", "noinline" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                unsigned kind = LLVMGetEnumAttributeKindForName(names[i], strlen(names[i]));
                LLVMAttributeRef a = LLVMCreateEnumAttribute(l->context, kind, 0);

                for (LLVMValueRef f = LLVMGetFirstFunction(l->module); f; f = LLVMGetNextFunction(f))
                        if (LLVMIsDeclaration(f))
                                continue;
                        else if (wanted(f))
                                LLVMRemoveEnumAttributeAtIndex(f, LLVMAttributeFunctionIndex, kind);
                        else
                                LLVMAddAttributeAtIndex(f, LLVMAttributeFunctionIndex, a);
        }
}

static int optimise_loops(struct lowering *l, LLVMTargetMachineRef machine, LLVMPassBuilderOptionsRef options,
                          struct error *err)
{
        int r;

        choose(l, has_loops);
        r = run_passes(l, loop_passes, machine, options, err);
        if (r == 0) {
                reroll_loops(l);
                r = run_passes(l, vector_passes, machine, options, err);
        }
        if (r == 0)
                peel_loops(l);
        if (r == 0 && l->lanes) {
                choose(l, has_lanes);
                r = run_passes(l, slp_passes, machine, options, err);
                choose(l, has_loops);
        }
        if (r == 0)
                r = run_passes(l, last_passes, machine, options, err);
        choose(l, any);
        return r;
}

static int optimise(struct lowering *l, LLVMTargetMachineRef machine, struct error *err)
{
        LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
        int r = run_passes(l, first_passes, machine, options, err);

        if (r == 0 && keep_loads(l) < 0)
                r = error_set(err, STAGE_COMPILE, -ENOMEM, ERROR_NOWHERE, "out of memory");
        if (r == 0) {
                keep_hold(l);
                r = run_passes(l, common_passes, machine, options, err);
        }
        if (r == 0 && keep_settle(l) < 0)
                r = error_set(err, STAGE_COMPILE, -ENOMEM, ERROR_NOWHERE, "out of memory");
        if (r == 0)
                r = optimise_loops(l, machine, options, err);
        if (r == 0)
                keep_widths(l);
        LLVMDisposePassBuilderOptions(options);
        return r;
}

/* Addresses that go up with a loop's turns: the last thing before code generation, of which it would be a part in
 * functions without a loop, too. */
static int optimise_addresses(struct lowering *l, LLVMTargetMachineRef machine, struct error *err)
{
        LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
        int r;

        choose(l, has_loops);
        r = run_passes(l, address_passes, machine, options, err);
        choose(l, any);
        LLVMDisposePassBuilderOptions(options);
        return r;
}

int target_emit(struct lowering *l, LLVMTargetMachineRef machine, LLVMMemoryBufferRef *ret,
                struct error *err)
{
        LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
        char *message = NULL;
        int r = 0;

        LLVMSetModuleDataLayout(l->module, layout);
        LLVMDisposeTargetData(layout);
        LLVMSetTarget(l->module, target_of(l->machine)->triple);
#ifdef NACELLE_SANITIZERS
        if (LLVMVerifyModule(l->module, LLVMReturnStatusAction, &message))
                r = error_set(err, STAGE_COMPILE, -EINVAL, ERROR_NOWHERE, "LLVM refuses: %.200s", message);
        LLVMDisposeMessage(message);
        message = NULL;
#endif
        if (r == 0)
                r = optimise(l, machine, err);
        if (r == 0)
                finish_module(l);
        if (r == 0)
                mask_switches(l);
        if (r == 0)
                r = optimise_addresses(l, machine, err);
        if (r == 0 && LLVMTargetMachineEmitToMemoryBuffer(machine, l->module, LLVMObjectFile, &message,
                                                          ret)) {
                r = error_set(err, STAGE_COMPILE, -EINVAL, ERROR_NOWHERE, "LLVM's code: %s", message);
                LLVMDisposeMessage(message);
        }
        return r;
}
