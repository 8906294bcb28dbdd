/* abi.h - what compiled code and the instance agree on: both code generators, the entry code and
 * the instance obey this page, so that one artefact can hold functions of both generators.
 *
 * Instance base. One address, G, stands for the running instance. On x86-64 it is the GS base, on
 * aarch64 register x28, which compiled code never changes. Memory 0 begins at G when the instance owns it, so
 * a load is one instruction, `mov %gs:offset(%index), %reg`. Everything else of the instance lies
 * below G: struct instance_head ends at G, and the arrays of struct layout lie below the head.
 * Indices into memory are zero-extended and offsets positive, so no guest address reaches them.
 * A module that imports memory 0 does not own it: its code reads the base from the memory's
 * descriptor in the prologue and keeps it in a callee-saved register.
 *
 * Calls. The C convention of the machine, arguments in registers only: on x86-64 integers and
 * references in rdi rsi rdx rcx r8 r9, floats and vectors in xmm0-7. Arguments beyond those go, in
 * order, to the spill area of the instance (16 bytes each); the callee copies them out in its
 * prologue, before it calls anything. The first result is in rax or xmm0; result i >= 1 is in spill
 * entry i - 1. rbx rbp r12-r15 are saved by the callee. No argument is ever on the stack, so a
 * tail call is a jump. An i32 is zero-extended to 64 bits wherever it travels; a float's upper
 * lanes are undefined. rsp is 16-byte aligned before a call; every function keeps rbp as a frame
 * pointer, so a backtrace is a walk.
 * On aarch64: arguments in x0-x5 and v0-v7, results in x0 or v0, the word of an import or table entry
 * in x7, x29 the frame pointer with the return address behind the caller's; saved by the callee are
 * x19-x28 and the lower halves of v8-v15. x18 is nobody's.
 * (LLVM's tailcc makes every function pop 8 bytes even with no argument on the stack. The C
 * convention with register arguments alone gives the same tail calls and a plain ret.)
 *
 * Imported functions: import_desc k holds the code to call and a word that goes to r10 first
 * (LLVM: a `nest` parameter). It may be a C function (a host call), code of the same instance, or
 * a thunk that switches the instance base.
 *
 * Indirect calls: compare the index with table_desc.length (else trap UNDEFINED_ELEMENT), take the
 * 32-byte table_entry, compare .type with the instance's canonical id of the wanted type (else,
 * when .code is NULL, trap UNINITIALIZED, otherwise CALL_TYPE_MISMATCH), load r10 from .data and
 * call .code. An empty entry has type TYPE_NONE, which equals nothing. A wanted type that is not
 * final is also met by the types below it: see struct type_display.
 *
 * References. Those of the any and extern hierarchies as engine/gc/gc.h says: any in 32 bits, zero-
 * extended; head.heap + reference is the object. funcref: the address of a table_entry that outlives
 * the instance group, or 0. Compiled code keeps a reference that it needs after a call as itself, in
 * a callee-saved register or in its frame: there collections look for it.
 *
 * Objects. Bounds of arrays are checked as MEMORY_CHECK_END is, against the length, and what has
 * passed goes through a conditional move. A structure of at most GC_SMALL_MAX bytes is made where
 * head.cursor->bump is, when that leaves it within .limit; else by a builtin. A value that a builtin
 * puts into elements of an array comes in spill entry 0.
 *
 * Exceptions. A function that throws sets head.thrown to a struct exception and returns, its results
 * undefined. In a module that throws or catches (checked_catches()), code tests the word behind every call and
 * goes on at the handler around it, or returns as well; who catches clears the word. Between instances the
 * thunk hands it on; when the caller's module does neither it leaves that instance's frames. Value k of an
 * exception is at ABI_EXCEPTION_VALUES + 16 * k, as a global's. exnref: the address of an exception, or 0.
 *
 * Traps. What llvm.ubsantrap emits, with the code from traps.def: `ud1l code(%eax), %eax` (67 0f b9 40
 * CODE), on aarch64 `brk #ABI_BRK_TRAP + code`. A fault in the guard of a memory is MEMORY_BOUNDS, in the guard
 * of a stack STACK_EXHAUSTED. A frame larger than ABI_PROBE_BYTES touches the stack every ABI_PROBE_BYTES
 * in its prologue, from the top down.
 *
 * Memories. A slot reserves 4 GiB + ABI_GUARD_BYTES after G for a 32-bit memory, and for a 64-bit
 * one at least that. Memories k >= 1 and imported ones are reserved the same way: their base comes
 * from the descriptor. abi_memory_check() says which of three checks an access needs:
 *   GUARD  none: what a 32-bit index and a small offset reach is memory or guard
 *   INDEX  the lesser of the index and memory_desc.room takes the place of the index: from there on
 *          is guard, and a small offset reaches no further
 *   END    index + offset + width <= memory_desc.bytes, and the sum does not wrap
 * Dense code (compile_options.dense) takes END everywhere: behind the memory lies no guard then, but what
 * belongs to others.
 * The guard begins at a machine page's border, so memories whose size need not be a multiple of one
 * take END. A branch can be mispredicted: what END has passed goes through a conditional move that
 * makes it 0 where the check fails, so that the processor reads a fixed place (at most 16 bytes
 * below the base) and not where a guest wants it to. GUARD and INDEX have no branch. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/decode/module.h"
#include "engine/gc/gc.h"

#define ABI_VERSION       2u
#define ABI_GUARD_BYTES   (UINT64_C(16) << 20) /* 32 MiB between slots, half for the instance below */
#define ABI_INSTANCE_MAX  (UINT64_C(16) << 20) /* head and arrays, bytes */
#define ABI_PROBE_BYTES   32768u
#define ABI_BRK_TRAP      0x5500u
#define ABI_STACK_GUARD   65536u /* PROT_NONE below every guest stack, bytes */
#define ABI_SPILL_BYTES   16u
#define ABI_GLOBAL_BYTES  16u
#define ABI_EXCEPTION_VALUES 32
#define ABI_BUILTINS      48
#define TYPE_NONE         0u /* canonical ids begin at 1: zeroed memory is an empty table */

enum trap {
        TRAP_NONE,
#define TRAP(name, code, text) TRAP_##name = code,
#include "engine/compile/traps.def"
        _TRAP_MAX,
};

const char *trap_text(enum trap trap); /* "unreachable", ...; "unknown trap" for others */

enum builtin {
#define BUILTIN(name, params, result) BUILTIN_##name,
#include "engine/compile/builtins.def"
        _BUILTIN_MAX,
};

struct instance;
struct memory_object;
struct table_object;

struct memory_desc {
        uint8_t *base;
        uint64_t bytes; /* size now; grows, never shrinks */
        struct memory_object *object;
        uint64_t room;  /* where the guard begins that it can never grow into */
};

struct table_entry { /* of a funcref table, and what a funcref points to */
        void *code;
        void *data;     /* goes to r10 */
        uint32_t type;  /* canonical id, TYPE_NONE when empty */
        uint32_t function; /* index in the owner */
        struct instance *owner;
};

/* The supertypes of a canonical type, ABI_DISPLAY at a time: head.displays[k][t].id[d] is the one of
 * id t whose depth is k * ABI_DISPLAY + d, the type itself among them; TYPE_NONE beyond it. So a
 * value of type t is one of the defined type W when t == W, or, unless W is final, when the place of
 * W's depth in the displays of t holds W: that alone is enough. The depth of a type is that of
 * module.defs: equal types have equal depths. Displays that no type reaches are NULL: code that
 * names a type of that depth makes them exist. They move when a module with new types is loaded, and
 * are written to all instances then: keep no pointer to them over a call. */
#define ABI_DISPLAY       16
#define ABI_DISPLAY_SHIFT 6 /* of sizeof(struct type_display) */
#define ABI_DISPLAYS      4 /* ABI_DISPLAY each: the limit of the depth is 63 */

struct type_display {
        uint32_t id[ABI_DISPLAY];
};

_Static_assert(sizeof(struct type_display) == 1 << ABI_DISPLAY_SHIFT, "the generators shift by it");

struct table_desc {
        void *base;      /* table_entry[] for funcref tables, uint64_t[] for externref */
        uint64_t length; /* elements */
        struct table_object *object;
        uint64_t reserved;
};

struct import_desc {
        void *code;
        void *data;      /* goes to r10 */
};

/* Ends at G. */
struct instance_head {
        uint64_t reserved[6];
        uint8_t *heap;             /* where reference 0 would point */
        struct gc_cursor *cursor;  /* never NULL */
        void *builtins[ABI_BUILTINS];
        void *spill;            /* address of spill entry 0 */
        struct instance *self;
        void *thrown;           /* the exception on its way to a handler, or NULL */
        uint64_t catches;       /* the code looks at .thrown behind its calls */
        const struct type_display *displays[ABI_DISPLAYS]; /* each by canonical id */
};

_Static_assert(_BUILTIN_MAX <= ABI_BUILTINS, "a builtin has no place in the head");
_Static_assert(sizeof(struct instance_head) == 512, "the head is part of the ABI");
_Static_assert(sizeof(struct table_entry) == 32, "the generators scale by 32");
_Static_assert(sizeof(struct memory_desc) == 32 && sizeof(struct table_desc) == 32, "scale by 32");

/* Displacement from G of a field of the head: negative, fits a signed 32-bit displacement. */
#define ABI_HEAD(field) \
        ((int32_t)offsetof(struct instance_head, field) - (int32_t)sizeof(struct instance_head))
#define ABI_BUILTIN(b) (ABI_HEAD(builtins) + 8 * (int32_t)(b))

/* Where the arrays of an instance lie: entry 0 is at G + the field (fields are negative). Global k
 * is 16 bytes: the value, or for an imported mutable one the address of its value. */
struct layout {
        int32_t globals;  /* ABI_GLOBAL_BYTES each */
        int32_t imports;  /* struct import_desc, imported functions only */
        int32_t tables;   /* struct table_desc */
        int32_t memories; /* struct memory_desc */
        int32_t types;    /* uint32_t, of the module's types: GC_WORD() of kind and canonical id, which of
                           * a function type is the id alone */
        int32_t spill;    /* ABI_SPILL_BYTES each, as many as any type of the module needs */
        uint32_t spill_entries;
        uint32_t bytes;   /* all of it with the head, a multiple of 16 */
};

/* layout_compute - lay the arrays of @m out. -E2BIG when they pass ABI_INSTANCE_MAX. */
struct error;
int layout_compute(const struct module *m, struct layout *ret, struct error *err);

enum memory_check { MEMORY_CHECK_GUARD, MEMORY_CHECK_INDEX, MEMORY_CHECK_END };

#define ABI_PAGE_SHIFT 12 /* of the machine */

static inline enum memory_check abi_memory_check(const struct memtype *t, bool dense,
                                                 uint64_t offset, unsigned bytes)
{
        if (dense || offset > ABI_GUARD_BYTES - bytes || t->page_shift < ABI_PAGE_SHIFT)
                return MEMORY_CHECK_END;
        return t->size.is_64 ? MEMORY_CHECK_INDEX : MEMORY_CHECK_GUARD;
}

/* What END adds to the index: with the largest sum, which no memory has, every access fails. */
static inline uint64_t abi_access_end(uint64_t offset, unsigned bytes)
{
        return offset > UINT64_MAX - bytes ? UINT64_MAX : offset + bytes;
}

/* Where the arguments of a type travel. */
#define ABI_INTEGER_ARGS 6
#define ABI_VECTOR_ARGS  8

enum abi_place { ABI_INTEGER, ABI_VECTOR, ABI_SPILL };

struct abi_walk { /* start zeroed */
        unsigned integers, vectors, spills;
};

struct abi_location {
        enum abi_place place;
        unsigned index; /* of the argument register of that class, or of the spill entry */
};

/* Location of the next argument of type @t. */
static inline struct abi_location abi_next(struct abi_walk *w, valtype t)
{
        if (valtype_is_vector_register(t)) {
                if (w->vectors < ABI_VECTOR_ARGS)
                        return (struct abi_location) { ABI_VECTOR, w->vectors++ };
        } else if (w->integers < ABI_INTEGER_ARGS) {
                return (struct abi_location) { ABI_INTEGER, w->integers++ };
        }
        return (struct abi_location) { ABI_SPILL, w->spills++ };
}

/* Spill entries that a call of @type uses for arguments and for results, whichever is more. */
unsigned abi_spill_entries(const struct functype *type);
