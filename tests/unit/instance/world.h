/* world.h - a store, an arena and hand-made modules for the tests of engine/instance. */
#pragma once

#include "engine/instance/instance.h"
#include "tests/unit/artefact/forge.h"

/* Bytes of a 32-bit displacement, for code in braces. */
#define D32(x) (uint8_t)(x), (uint8_t)((uint32_t)(x) >> 8), (uint8_t)((uint32_t)(x) >> 16), \
               (uint8_t)((uint32_t)(x) >> 24)

/* Tail call of builtin @b, arguments passed on: jmp *%gs:disp */
#define CALL_BUILTIN(b) FORGED(0x65, 0xff, 0x24, 0x25, D32(ABI_BUILTIN(BUILTIN_##b)))

/* Call of import @k of layout @l: push rbp; mov rsp,rbp; mov gs:data,r10; call *gs:code; pop; ret */
#define CALL_IMPORT(l, k) \
        FORGED(0x55, 0x48, 0x89, 0xe5, 0x65, 0x4c, 0x8b, 0x14, 0x25, D32((l).imports + 16 * (k) + 8), \
               0x65, 0xff, 0x14, 0x25, D32((l).imports + 16 * (k)), 0x5d, 0xc3)

/* call_indirect of table @t without checks, index in edi: mov gs:base,rax; shl 5,rdi; add rdi,rax;
 * mov 8(rax),r10; push rbp; mov rsp,rbp; call *(rax); pop rbp; ret */
#define CALL_TABLE(l, t) \
        FORGED(0x65, 0x48, 0x8b, 0x04, 0x25, D32((l).tables + 32 * (t)), 0x48, 0xc1, 0xe7, 0x05, \
               0x48, 0x01, 0xf8, 0x4c, 0x8b, 0x50, 0x08, 0x55, 0x48, 0x89, 0xe5, 0xff, 0x10, 0x5d, 0xc3)

/* i32.load of constant address @at: mov gs:at,eax; ret */
#define LOAD_CONST(at) FORGED(0x65, 0x8b, 0x04, 0x25, D32(at), 0xc3)

/* mov $value,eax; ret */
#define RETURN_CONST(value) FORGED(0xb8, D32(value), 0xc3)

struct world {
        struct store *store;
        struct forged forged[16];
        struct artefact *artefacts[16];
        void *code[16]; /* where it can be executed */
        unsigned n;
};

extern struct world world;

void world_setup(void);          /* run_init, an arena, a store with 64 slots */
void world_store(const struct store_options *o); /* a fresh store */
void world_teardown(void);

struct layout layout_of(const char *wat);
struct loaded_module *load(const char *wat, const struct forged_code *code, uint32_t n, int fd);

/* The same, compiled by the fast generator; world_fast.c, for programs that link it. */
struct loaded_module *load_compiled(const char *wat);
struct loaded_module *load_compiled_for(const char *wat, bool dense, int fd); /* fd: as load() */
struct loaded_module *load_forged(int fd); /* world.forged[world.n], whose file is made */

/* An instance that must come to be. */
struct instance *make(struct loaded_module *m, const struct extern_value *imports);

/* The export @name, which must exist. */
struct extern_value export_of(const struct instance *i, const char *name);

/* Call on a fiber of its own. Returns extern_call()'s result. */
int call(const struct extern_value *f, const union value *args, union value *results,
         struct trap_info *trap);

/* call() of the export @name, integers in, which must succeed; result 0 */
uint64_t call_name(const struct instance *i, const char *name, uint64_t a, uint64_t b, uint64_t c,
                   uint64_t d, uint64_t e);
