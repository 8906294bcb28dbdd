/* lower.h - one checked function to LLVM IR (inside the peak generator only).
 *
 * A struct lowering holds one LLVM module: a partition of the functions. A struct body is the
 * function at hand: the operand stack holds LLVM values in their wasm types (i32, i64, float,
 * double, <2 x i64>; references are i64). Locals are allocas, which the first pass makes SSA.
 *
 * Everything obeys abi.h: i32 travels as i64 (zero-extended), arguments beyond the registers and
 * results beyond the first go through the spill area. Everything of the instance is a constant distance
 * from .base: on x86-64 null in address space 256, which is the GS segment, elsewhere what the reserved
 * register holds. */
#pragma once

#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>
#include <llvm/Config/llvm-config.h>

#include "engine/compile/abi.h"
#include "engine/compile/compile.h"
#include "engine/compile/objects.h"
#include "engine/decode/body.h"
#include "engine/validate/validate.h"

#define AS_INSTANCE 256
#define DATA_PARAMETER 7 /* register x7 */
#define STRAIGHT    "nacelle-straight" /* attribute of a function without a loop */
#define LANES       "nacelle-lanes"    /* attribute of one that puts vectors together lane by lane */

/* LENGTH: what of an object never changes, its length and its first word. CURSOR: of the heap. */
enum memory_class { CLASS_MEMORY, CLASS_GLOBAL, CLASS_DESCRIPTOR, CLASS_SPILL, CLASS_OBJECT, CLASS_LENGTH,
                    CLASS_CURSOR, _CLASS_MAX };

struct lowering {
        const struct checked_module *checked;
        const struct module *m;
        const struct layout *layout;
        struct object_layouts objects;
        LLVMContextRef context;
        LLVMModuleRef module;
        LLVMBuilderRef b;
        LLVMDIBuilderRef di;
        LLVMMetadataRef di_file, di_type;
        LLVMTypeRef i1, i8, i16, i32, i64, f32, f64, v128, pointer, nothing;
        LLVMValueRef *functions;       /* [nfunctions], declared on first use */
        LLVMValueRef unlikely;         /* branch weights */
        LLVMValueRef hinted[2];        /* the same of branches that the module says are unlikely, likely */
        LLVMValueRef tbaa[_CLASS_MAX];
        unsigned kind_prof, kind_tbaa, kind_invariant;
        LLVMValueRef base;             /* of the instance */
        enum machine machine;
        LLVMAttributeRef nomerge, nest;
        bool own_memory;               /* memory 0 begins at the instance base */
        bool catches;                  /* checked_catches() */
        bool lanes;                    /* some function puts vectors together lane by lane */
        bool deterministic;            /* compile_options.deterministic; set by the caller */
        bool dense;                    /* compile_options.dense; set by the caller */
};

struct control {
        uint8_t op;                    /* OP_BLOCK, OP_LOOP, OP_IF, OP_TRY_TABLE, OP_TRY; OP_CATCH: a try in
                                        * its catches; OP_END for the function itself */
        bool dead_entry;               /* the whole block cannot be reached: it has no LLVM blocks */
        bool has_else;
        uint32_t height;               /* of the operand stack below the parameters */
        struct functype type;
        LLVMBasicBlockRef end, loop, other; /* other: the else part, or the next catch */
        LLVMValueRef *phis;            /* of .end: results; of a loop's head: parameters (loop_phis) */
        LLVMValueRef *loop_phis;
        LLVMBasicBlockRef handler;     /* of a try_table or the function: where exceptions go; made
                                        * for the first call that may throw */
        LLVMValueRef exception;        /* of the catches of a try; NULL: nothing can be thrown */
        const uint8_t *catches;        /* the clauses of a try_table */
        uint32_t ncatches;
        LLVMValueRef *saved;           /* parameters of an if, for its else */
        bool reached;                  /* somebody branches to .end */
};

struct body {
        struct lowering *l;
        uint32_t function;             /* index in the module */
        const struct functype *type;
        LLVMValueRef f;
        LLVMMetadataRef scope;
        LLVMValueRef *locals;
        valtype *local_types;
        uint32_t nlocals;
        LLVMValueRef *stack;
        uint32_t depth, depth_max;
        struct control *control;
        uint32_t ncontrol, control_max;
        bool dead;                     /* the code at hand cannot be reached */
        struct cursor cursor;
        const uint8_t *body_start;
        bool loops;                    /* something branches back */
        bool lanes;                    /* something puts a vector together lane by lane */
        const struct branch_hint *hint, *hint_end;
        bool failed;                   /* out of memory */
};

/* Layout of an LLVM function for @type; @data: with the word that goes with a function pointer, on x86-64
 * first, as a nest parameter, elsewhere as the eighth integer, behind ones that nobody sets. */
LLVMTypeRef lower_function_type(struct lowering *l, const struct functype *type, bool data);
LLVMTypeRef lower_type(struct lowering *l, valtype t);
LLVMTypeRef lower_travel_type(struct lowering *l, valtype t); /* i32 as i64 */
LLVMValueRef lower_function(struct lowering *l, uint32_t function);

int lowering_init(struct lowering *l, const struct checked_module *c, const struct layout *layout,
                  enum machine machine, LLVMContextRef context);
void lowering_done(struct lowering *l);
int lower_body(struct lowering *l, uint32_t function);

static inline void push(struct body *s, LLVMValueRef v)
{
        s->stack[s->depth++] = v;
}

static inline LLVMValueRef pop(struct body *s)
{
        return s->stack[--s->depth];
}

static inline LLVMValueRef const_i32(struct lowering *l, uint32_t v)
{
        return LLVMConstInt(l->i32, v, false);
}

static inline LLVMValueRef const_i64(struct lowering *l, uint64_t v)
{
        return LLVMConstInt(l->i64, v, false);
}

/* An index or a length in 64 bits. */
static inline LLVMValueRef index_64(struct body *s, LLVMValueRef v)
{
        return LLVMTypeOf(v) == s->l->i32 ? LLVMBuildZExt(s->l->b, v, s->l->i64, "") : v;
}

/* Whether the caller's frame goes before @call. Older C interfaces know no "never", but without a mark of ours nobody
 * makes a tail call: the pass that finds them is not in the list. */
static inline void set_tail(LLVMValueRef call, bool tail)
{
#if LLVM_VERSION_MAJOR >= 18
        LLVMSetTailCallKind(call, tail ? LLVMTailCallKindTail : LLVMTailCallKindNoTail);
#else
        LLVMSetTailCall(call, tail);
#endif
}

/* Shared by the parts. */
/* The module may say of a conditional branch which way it goes. */
void branch_hinted(struct body *s, const struct instruction *in, LLVMValueRef branch);
void body_mark(struct body *s, const uint8_t *at);       /* what comes belongs to this instruction */
void trap_if(struct body *s, LLVMValueRef condition, enum trap trap);
void trap_now(struct body *s, enum trap trap);           /* ends the block */
LLVMBasicBlockRef new_block(struct body *s, const char *name);
LLVMValueRef call_intrinsic(struct lowering *l, const char *name, LLVMTypeRef *types,
                            unsigned ntypes, LLVMValueRef *args, unsigned nargs);
/* @code of the machine's assembler on @n values, 1 or 2; @where: LLVM's constraints. The result has the type of the first. */
LLVMValueRef assembly(struct lowering *l, const char *code, const char *where, LLVMValueRef *args, unsigned n);
void lower_base(struct lowering *l); /* .base of the function at hand, in its entry */
LLVMValueRef instance_at(struct lowering *l, int32_t displacement); /* pointer */
/* @v where it is below @limit (@equal: or is it), else 0, whatever the processor has guessed. */
LLVMValueRef mask_below(struct body *s, LLVMValueRef v, LLVMValueRef limit, bool equal);
LLVMValueRef load_field(struct body *s, LLVMTypeRef type, LLVMValueRef pointer,
                        enum memory_class class, bool invariant);
void store_field(struct body *s, LLVMValueRef value, LLVMValueRef pointer, enum memory_class class);
LLVMValueRef travel(struct body *s, LLVMValueRef v, valtype t);   /* wasm type -> how it travels */
LLVMValueRef arrive(struct body *s, LLVMValueRef v, valtype t);
LLVMValueRef quiet_operand(struct lowering *l, LLVMValueRef v);

void string_attribute(struct lowering *l, LLVMValueRef f, const char *key, const char *value);
void function_attributes(struct lowering *l, LLVMValueRef f); /* those of every function */

/* Of values that come into @block; NULL: none, or no memory (.failed). */
LLVMValueRef *make_phis(struct body *s, LLVMBasicBlockRef block, uint32_t n, const valtype *types);
void control_free(struct control *c);
LLVMValueRef is_true(struct body *s, LLVMValueRef v);

/* Each returns false when the opcode is not one of its own. */
bool lower_control(struct body *s, const struct instruction *in);
bool lower_number(struct body *s, const struct instruction *in);
bool lower_memory(struct body *s, const struct instruction *in);
bool lower_call(struct body *s, const struct instruction *in);
bool lower_atomic(struct body *s, const struct instruction *in);
bool lower_gc(struct body *s, const struct instruction *in);
bool lower_simd(struct body *s, const struct instruction *in);
void lower_return(struct body *s); /* results are on the stack */
void lower_parameters(struct body *s);
void lower_thrown(struct body *s);  /* behind a call: goes to the handler when there is an exception */
/* Exceptions before 3.0. lower_catch_part: @tag UINT32_MAX: any. lower_try_end: @c is off the stack of
 * controls; @depth: of the block around it to which exceptions go on. */
void lower_catch_part(struct body *s, uint32_t tag);
void lower_try_end(struct body *s, struct control *c, uint32_t depth);
void fall_to_end(struct body *s, struct control *c); /* the code at hand does, if it goes on */
void lower_handler(struct body *s, const struct control *c); /* c is off the stack of controls */
LLVMBasicBlockRef branch_target(struct body *s, uint32_t label);
/* With arguments that are at hand; the result is an i64, undefined beyond what the builtin has. */
LLVMValueRef builtin_call(struct body *s, enum builtin b, const LLVMValueRef *values, unsigned n);

LLVMValueRef memory_pointer(struct body *s, uint32_t memory, LLVMValueRef index, uint64_t offset,
                            unsigned bytes);
LLVMValueRef memory_load(struct body *s, LLVMTypeRef type, LLVMValueRef pointer);
void memory_store(struct body *s, LLVMValueRef value, LLVMValueRef pointer);
LLVMValueRef float_min_max(struct body *s, LLVMValueRef a, LLVMValueRef b, bool max);
