/* lower_module.c - what the functions of an LLVM module share: types, metadata, attributes. */
#include "engine/compile/peak/lower.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static LLVMAttributeRef attribute(LLVMContextRef context, const char *name)
{
        return LLVMCreateEnumAttribute(context, LLVMGetEnumAttributeKindForName(name, strlen(name)), 0);
}

static LLVMValueRef branch_weights(LLVMContextRef context, uint32_t taken, uint32_t otherwise)
{
        LLVMTypeRef i32 = LLVMInt32TypeInContext(context);
        LLVMMetadataRef nodes[3] = {
                LLVMMDStringInContext2(context, "branch_weights", 14),
                LLVMValueAsMetadata(LLVMConstInt(i32, taken, false)),
                LLVMValueAsMetadata(LLVMConstInt(i32, otherwise, false)),
        };

        return LLVMMetadataAsValue(context, LLVMMDNodeInContext2(context, nodes, 3));
}

/* Kinds of memory that never overlap: a store to one does not clobber a value of another. */
static void make_tbaa(struct lowering *l)
{
        static const char *const names[_CLASS_MAX] = { "memory", "global", "descriptor", "spill",
                                                     "object", "length", "cursor" };
        LLVMMetadataRef name = LLVMMDStringInContext2(l->context, "nacelle", 7);
        LLVMMetadataRef root = LLVMMDNodeInContext2(l->context, &name, 1);
        LLVMMetadataRef zero = LLVMValueAsMetadata(const_i64(l, 0));

        for (unsigned i = 0; i < _CLASS_MAX; i++) {
                LLVMMetadataRef kind[3] = {
                        LLVMMDStringInContext2(l->context, names[i], strlen(names[i])), root, zero,
                };
                LLVMMetadataRef node = LLVMMDNodeInContext2(l->context, kind, 3);
                LLVMMetadataRef access[3] = { node, node, zero };

                l->tbaa[i] = LLVMMetadataAsValue(l->context,
                                                 LLVMMDNodeInContext2(l->context, access, 3));
        }
}

static void make_debug_info(struct lowering *l)
{
        LLVMMetadataRef unit, none = NULL;

        l->di = LLVMCreateDIBuilder(l->module);
        l->di_file = LLVMDIBuilderCreateFile(l->di, "wasm", 4, "", 0);
        unit = LLVMDIBuilderCreateCompileUnit(l->di, LLVMDWARFSourceLanguageC, l->di_file, "nacelle", 7,
                                              true, "", 0, 0, "", 0, LLVMDWARFEmissionLineTablesOnly, 0,
                                              false, false, "", 0, "", 0);
        (void)unit;
        l->di_type = LLVMDIBuilderCreateSubroutineType(l->di, l->di_file, &none, 0, LLVMDIFlagZero);
        LLVMAddModuleFlag(l->module, LLVMModuleFlagBehaviorWarning, "Dwarf Version", 13,
                          LLVMValueAsMetadata(const_i32(l, 4)));
        LLVMAddModuleFlag(l->module, LLVMModuleFlagBehaviorWarning, "Debug Info Version", 18,
                          LLVMValueAsMetadata(const_i32(l, LLVMDebugMetadataVersion())));
}

int lowering_init(struct lowering *l, const struct checked_module *c, const struct layout *layout,
                  enum machine machine, LLVMContextRef context)
{
        const struct module *m = c->module;

        *l = (struct lowering) { .checked = c, .m = m, .layout = layout, .context = context,
                                  .machine = machine };
        l->functions = calloc(m->nfunctions ? m->nfunctions : 1, sizeof(*l->functions));
        if (!l->functions || object_layouts_new(m, &l->objects) < 0) {
                free(l->functions);
                l->functions = NULL;
                return -ENOMEM;
        }
        l->module = LLVMModuleCreateWithNameInContext("wasm", context);
        l->b = LLVMCreateBuilderInContext(context);
        l->i1 = LLVMInt1TypeInContext(context);
        l->i8 = LLVMInt8TypeInContext(context);
        l->i16 = LLVMInt16TypeInContext(context);
        l->i32 = LLVMInt32TypeInContext(context);
        l->i64 = LLVMInt64TypeInContext(context);
        l->f32 = LLVMFloatTypeInContext(context);
        l->f64 = LLVMDoubleTypeInContext(context);
        l->v128 = LLVMVectorType(l->i64, 2);
        l->pointer = LLVMPointerTypeInContext(context, 0);
        l->base = LLVMConstNull(LLVMPointerTypeInContext(context, AS_INSTANCE));
        l->nothing = LLVMVoidTypeInContext(context);
        l->kind_prof = LLVMGetMDKindIDInContext(context, "prof", 4);
        l->kind_tbaa = LLVMGetMDKindIDInContext(context, "tbaa", 4);
        l->kind_invariant = LLVMGetMDKindIDInContext(context, "invariant.load", 14);
        l->unlikely = branch_weights(context, 1, 100000);
        l->hinted[0] = branch_weights(context, 1, 2000);
        l->hinted[1] = branch_weights(context, 2000, 1);
        l->nomerge = attribute(context, "nomerge");
        l->nest = attribute(context, "nest");
        l->own_memory = m->imported_memories == 0;
        l->catches = checked_catches(c);
        make_tbaa(l);
        make_debug_info(l);
        return 0;
}

void lowering_done(struct lowering *l)
{
        free(l->functions);
        object_layouts_done(&l->objects);
        if (l->di)
                LLVMDisposeDIBuilder(l->di);
        if (l->b)
                LLVMDisposeBuilder(l->b);
        if (l->module)
                LLVMDisposeModule(l->module);
        *l = (struct lowering) { 0 };
}

LLVMTypeRef lower_type(struct lowering *l, valtype t)
{
        switch (valtype_kind(t)) {
        case VAL_I32:
                return l->i32;
        case VAL_F32:
                return l->f32;
        case VAL_F64:
                return l->f64;
        case VAL_V128:
                return l->v128;
        default:
                return l->i64;
        }
}

LLVMTypeRef lower_travel_type(struct lowering *l, valtype t)
{
        return valtype_kind(t) == VAL_I32 ? l->i64 : lower_type(l, t);
}

LLVMTypeRef lower_function_type(struct lowering *l, const struct functype *type, bool data)
{
        LLVMTypeRef params[DATA_PARAMETER + 1 + ABI_VECTOR_ARGS], result = l->nothing;
        struct abi_walk walk = { 0 };
        unsigned n = 0;

        if (data && l->machine == MACHINE_X86_64)
                params[n++] = l->pointer;
        for (uint32_t i = 0; i < type->nparams; i++)
                if (abi_next(&walk, type->params[i]).place != ABI_SPILL)
                        params[n++] = lower_travel_type(l, type->params[i]);
        if (data && l->machine != MACHINE_X86_64) {
                for (; walk.integers < DATA_PARAMETER; walk.integers++)
                        params[n++] = l->i64;
                params[n++] = l->pointer;
        }
        if (type->nresults)
                result = lower_travel_type(l, type->results[0]);
        return LLVMFunctionType(result, params, n, false);
}

void string_attribute(struct lowering *l, LLVMValueRef f, const char *key, const char *value)
{
        LLVMAddAttributeAtIndex(f, LLVMAttributeFunctionIndex,
                                LLVMCreateStringAttribute(l->context, key, (unsigned)strlen(key), value,
                                                          (unsigned)strlen(value)));
}

LLVMValueRef lower_function(struct lowering *l, uint32_t function)
{
        LLVMValueRef f = l->functions[function];
        char name[16];

        if (f)
                return f;
        snprintf(name, sizeof(name), "f%u", function);
        f = LLVMAddFunction(l->module, name,
                            lower_function_type(l, module_function_type(l->m, function), false));
        LLVMSetVisibility(f, LLVMHiddenVisibility);
        l->functions[function] = f;
        return f;
}

void function_attributes(struct lowering *l, LLVMValueRef f)
{
        LLVMAddAttributeAtIndex(f, LLVMAttributeFunctionIndex, attribute(l->context, "nounwind"));
        LLVMAddAttributeAtIndex(f, LLVMAttributeFunctionIndex, attribute(l->context, "noredzone"));
        /* A walk of rbp is the backtrace. */
        string_attribute(l, f, "frame-pointer", "all");
        string_attribute(l, f, "probe-stack", "inline-asm");
        string_attribute(l, f, "stack-probe-size", "32768");
        /* Loops that copy stay loops: a call of memset could not reach the GS segment. */
        string_attribute(l, f, "no-builtins", "");
}
