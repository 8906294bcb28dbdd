#define _GNU_SOURCE /* memfd_create */

#include <string.h>
#include <sys/mman.h>

#include "tests/unit/instance/world.h"
#include "tests/unit/sanitizer.h"
#include "tests/unit/unit.h"

START_TEST(memory_has_its_image)
{
        static const char wat[] = "(module (memory (export \"m\") 2 4)"
                                  " (data (i32.const 5000) \"abc\")"
                                  " (data (i32.const 100000) \"far\")"
                                  " (global $zero i32 (i32.const 9))"
                                  " (func (export \"load\") (result i32) (i32.load (i32.const 5000))))";
        const struct forged_code code[] = { LOAD_CONST(5000) };
        int fd = _i ? memfd_create("artefact", MFD_CLOEXEC) : -EBADF;
        struct loaded_module *m = load(wat, code, 1, fd);
        struct instance *a = make(m, NULL), *b = make(m, NULL);
        uint64_t bytes;
        uint8_t *memory = instance_memory(a, &bytes);

        ck_assert_uint_eq(bytes, 2 * 65536);
        ck_assert_mem_eq(memory + 5000, "abc", 4);
        ck_assert_mem_eq(memory + 100000, "far", 4);
        for (uint64_t at = 0; at < bytes; at++)
                if ((at < 5000 || at > 5002) && (at < 100000 || at > 100002))
                        ck_assert_uint_eq(memory[at], 0);
        ck_assert_uint_eq(call_name(a, "load", 0, 0, 0, 0, 0), 'a' | 'b' << 8 | 'c' << 16);
        memory[5000] = 'X';
        ck_assert_uint_eq(call_name(a, "load", 0, 0, 0, 0, 0) & 255, 'X');
        ck_assert_uint_eq(call_name(b, "load", 0, 0, 0, 0, 0) & 255, 'a');
        ck_assert_ptr_eq(instance_host(a), &world);
        ck_assert_uint_eq(instance_module(a)->nexports, 2);
        if (fd >= 0)
                close(fd);
}
END_TEST

/* A file that becomes shorter takes the guest's pages with it, and nothing else. */
START_TEST(a_lost_image_traps)
{
        static const char wat[] = "(module (memory 1) (data (i32.const 5000) \"abc\")"
                                  " (func (export \"load\") (result i32) unreachable))";
        const struct forged_code code[] = { LOAD_CONST(5000) };
        int fd = memfd_create("artefact", MFD_CLOEXEC);
        struct instance *i = make(load(wat, code, 1, fd), NULL);
        struct extern_value f = export_of(i, "load");
        struct trap_info trap = { 0 };
        union value result = { .bits = { 0, 0 } };

        ck_assert_int_eq(ftruncate(fd, 0), 0);
        ck_assert_int_eq(call(&f, NULL, &result, &trap), -EFAULT);
        ck_assert_uint_eq(trap.trap, TRAP_HOST);
        ck_assert_ptr_nonnull(strstr(trap.text, "image"));
        close(fd);
}
END_TEST

static const char calls_wat[] =
        "(module (type $t (func (result i32)))"
        " (import \"h\" \"f\" (func $f (param i32 i64) (result i64)))"
        " (memory 1)"
        " (func $start)"
        " (func (export \"out\") (param i32 i64) (result i64) (call $f (local.get 0) (local.get 1)))"
        " (func (export \"again\") (result i32) (i32.const 7))"
        " (export \"host\" (func $f)) (start $start))";

static struct instance *seen;

static uint64_t host_f(uint32_t a, uint64_t b)
{
        seen = instance_current();
        return a * 10 + b;
}

static const struct host_function host_functions[] = {
        { "h", "f", "iI", "I", (void *)host_f },
};

START_TEST(host_functions_are_called)
{
        struct layout l = layout_of(calls_wat);
        const struct forged_code code[] = { { .size = 0 }, CALL_IMPORT(l, 0), RETURN_CONST(7) };
        struct extern_value import = { .kind = EXTERN_FUNC, .host = &host_functions[0] };
        struct instance *i = make(load(calls_wat, code, 3, -EBADF), &import);
        struct extern_value f = export_of(i, "host");
        union value args[2] = { { .i32 = 4 }, { .i64 = 2 } }, result;

        ck_assert_uint_eq(call_name(i, "out", 3, UINT64_C(1) << 40, 0, 0, 0), (UINT64_C(1) << 40) + 30);
        ck_assert_ptr_eq(seen, i);
        ck_assert_uint_eq(call_name(i, "again", 0, 0, 0, 0, 0), 7);
        ck_assert_int_eq(call(&f, args, &result, NULL), 0);
        ck_assert_uint_eq(result.i64, 42);
        ck_assert_uint_eq(extern_function_type(&f)->nparams, 2);
        ck_assert_int_eq(instance_export(i, "none", 4, &f), -ENOENT);
        f = (struct extern_value) { .kind = EXTERN_FUNC, .host = &host_functions[0] };
        ck_assert_int_eq(extern_call(&f, args, &result, NULL), -EINVAL);
}
END_TEST

/* What the instance keeps of its latest calls is of few functions; here are more. */
START_TEST(calls_are_of_the_function_that_is_named)
{
        static const char wat_of_ten[] =
                "(module (func (export \"0\") (result i32) unreachable) (func (export \"1\") (result i32) unreachable)"
                " (func (export \"2\") (result i32) unreachable) (func (export \"3\") (result i32) unreachable)"
                " (func (export \"4\") (result i32) unreachable) (func (export \"5\") (result i32) unreachable)"
                " (func (export \"6\") (result i32) unreachable) (func (export \"7\") (result i32) unreachable)"
                " (func (export \"8\") (result i32) unreachable) (func (export \"9\") (result i32) unreachable))";
        const struct forged_code code[] = { RETURN_CONST(0), RETURN_CONST(1), RETURN_CONST(2), RETURN_CONST(3),
                                            RETURN_CONST(4), RETURN_CONST(5), RETURN_CONST(6), RETURN_CONST(7),
                                            RETURN_CONST(8), RETURN_CONST(9) };
        struct loaded_module *m = load(wat_of_ten, code, 10, -EBADF);
        struct instance *i[2] = { make(m, NULL), make(m, NULL) };

        for (unsigned k = 0; k < 400; k++) {
                struct extern_value f = { .kind = EXTERN_FUNC, .instance = i[k / 3 & 1], .index = k * k / 7 % 12 };
                union value result = { .bits = { 77, 77 } };
                int r = call(&f, NULL, &result, NULL);

                ck_assert_int_eq(r, f.index < 10 ? 0 : -EINVAL);
                ck_assert_uint_eq(result.i64, f.index < 10 ? f.index : 77);
        }
}
END_TEST

static void start_entry(void *argument)
{
        struct trap_info trap = { 0 };

        ck_assert_int_eq(instance_start(argument, &trap), -EFAULT);
        ck_assert_uint_eq(trap.trap, TRAP_UNREACHABLE);
        ck_assert_uint_eq(trap.nframes, 1);
        ck_assert_ptr_eq(trap.frames[0].instance, (struct instance *)argument);
        ck_assert_uint_eq(trap.frames[0].function, 1);
        ck_assert_uint_eq(trap.frames[0].offset, instance_module(argument)->nimports + 1000);
}

/* The start function of calls_wat has the code of a trap, which its map puts at body + delta. */
START_TEST(the_start_function_traps)
{
        const struct forged_code code[] = {
                { .bytes = { 0x55, 0x48, 0x89, 0xe5, 0x67, 0x0f, 0xb9, 0x40, 1 }, .size = 9,
                  .map = { 4, 0 }, .map_size = 2 },
        };
        struct extern_value import = { .kind = EXTERN_FUNC, .host = &host_functions[0] };
        struct loaded_module *m = load(calls_wat, code, 1, -EBADF);
        struct instance *i = make(m, &import);
        struct fiber *f;

        /* Offsets of bodies are only figures: this one is known. */
        ((uint32_t *)(uintptr_t)world.artefacts[0]->bodies)[0] = 1001;
        ck_assert_int_eq(fiber_new(0, &f, NULL), 0);
        fiber_start(f, start_entry, i);
        ck_assert(!fiber_resume(f));
        fiber_free(f);
}
END_TEST

/* Nine integers and nine floats: three of each class' arguments spill; three results. */
static uint64_t host_many(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f,
                          double g, double h)
{
        uint64_t sum = a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + (uint64_t)g + (uint64_t)h;
        uint32_t i = host_spill(0)->i32, j = host_spill(1)->i32;

        host_spill(0)->i64 = i;
        host_spill(1)->f32 = (float)j;
        return sum;
}

START_TEST(host_functions_have_many_arguments)
{
        static const char wat[] =
                "(module (type $t (func (param i64 i64 i64 i64 i64 i64 f64 f64 i32 i32)"
                " (result i64 i64 f32)))"
                " (import \"h\" \"many\" (func $f (type $t)))"
                " (func (export \"out\") (type $t) unreachable))";
        static const struct host_function many = { "h", "many", "IIIIIIFFii", "IIf", (void *)host_many };
        struct layout l = layout_of(wat);
        const struct forged_code code[] = { CALL_IMPORT(l, 0) };
        struct extern_value import = { .kind = EXTERN_FUNC, .host = &many };
        struct instance *i = make(load(wat, code, 1, -EBADF), &import);
        struct extern_value f = export_of(i, "out");
        union value args[10], results[3];

        for (unsigned k = 0; k < 6; k++)
                args[k].i64 = k + 1;
        args[6].f64 = 1000;
        args[7].f64 = 2000;
        args[8].i64 = UINT64_MAX << 32 | 77;
        args[9].i64 = UINT64_MAX << 32 | 88;
        ck_assert_int_eq(call(&f, args, results, NULL), 0);
        ck_assert_uint_eq(results[0].i64, 3000 + 91);
        ck_assert_uint_eq(results[1].i64, 77);
        ck_assert(results[2].f32 == 88.0f);
        ck_assert_uint_eq(results[2].bits[0] >> 32, 0);
}
END_TEST

START_TEST(globals_are_shared)
{
        static const char a_wat[] =
                "(module (global (export \"var\") (mut i32) (i32.const 5))"
                " (global (export \"const\") i64 (i64.const -1))"
                " (global (export \"sum\") i32 (i32.add (i32.const 0x7fffffff) (i32.mul (i32.const 2) (i32.const 3))))"
                " (global (export \"vector\") v128 (v128.const i64x2 1 2)))";
        static const char b_wat[] =
                "(module (import \"a\" \"var\" (global $v (mut i32)))"
                " (import \"a\" \"const\" (global $c i64))"
                " (import \"h\" \"mine\" (global $h (mut f64)))"
                " (global (export \"copy\") i64 (global.get $c))"
                " (export \"var\" (global $v)) (export \"h\" (global $h))"
                " (func (export \"bump\") (result i32) unreachable))";
        struct layout l = layout_of(b_wat);
        /* mov gs:global,rcx; incl (rcx); mov (rcx),eax; ret */
        const struct forged_code code[] = {
                FORGED(0x65, 0x48, 0x8b, 0x0c, 0x25, D32(l.globals), 0xff, 0x01, 0x8b, 0x01, 0xc3),
        };
        struct instance *a = make(load(a_wat, NULL, 0, -EBADF), NULL), *b;
        struct global_object *mine;
        struct globaltype f64_var = { VAL_F64, true };
        struct extern_value imports[3] = { export_of(a, "var"), export_of(a, "const") }, v;
        valtype type;
        union value value;

        ck_assert_int_eq(store_new_global(world.store, &f64_var, (union value) { .f64 = 1.5 }, &mine,
                                          NULL), 0);
        imports[2] = (struct extern_value) { .kind = EXTERN_GLOBAL, .global = mine };
        b = make(load(b_wat, code, 1, -EBADF), imports);
        ck_assert_uint_eq(call_name(b, "bump", 0, 0, 0, 0, 0), 6);
        v = export_of(a, "var");
        ck_assert_int_eq(extern_global_get(&v, &type, &value), 0);
        ck_assert_uint_eq(value.i32, 6);
        ck_assert_uint_eq(type, VAL_I32);
        v = export_of(b, "var");
        ck_assert_int_eq(extern_global_get(&v, &type, &value), 0);
        ck_assert_uint_eq(value.i32, 6);
        v = export_of(b, "copy");
        ck_assert_int_eq(extern_global_get(&v, &type, &value), 0);
        ck_assert_uint_eq(value.i64, UINT64_MAX);
        v = export_of(b, "h");
        ck_assert_int_eq(extern_global_get(&v, &type, &value), 0);
        ck_assert(value.f64 == 1.5);
        ck_assert_int_eq(extern_global_get(&imports[2], &type, &value), 0);
        ck_assert(value.f64 == 1.5);
        v = export_of(a, "sum");
        ck_assert_int_eq(extern_global_get(&v, &type, &value), 0);
        ck_assert_uint_eq(value.i64, 0x80000005);
        v = export_of(a, "vector");
        ck_assert_int_eq(extern_global_get(&v, &type, &value), 0);
        ck_assert_uint_eq(value.bits[1], 2);
        v.kind = EXTERN_FUNC;
        ck_assert_int_eq(extern_global_get(&v, &type, &value), -EINVAL);
}
END_TEST

/* Functions pass through an instance that only exports its import again. */
START_TEST(functions_cross_instances)
{
        static const char a_wat[] = "(module (memory (export \"m\") 1) (data (i32.const 0) \"A\")"
                                    " (func (export \"f\") (result i32) unreachable))";
        static const char b_wat[] = "(module (import \"a\" \"f\" (func $f (result i32)))"
                                    " (memory 1) (data (i32.const 0) \"B\")"
                                    " (export \"f\" (func $f))"
                                    " (func (export \"g\") (result i32) unreachable)"
                                    " (func (export \"here\") (result i32) unreachable))";
        struct layout l = layout_of(b_wat);
        const struct forged_code a_code[] = { LOAD_CONST(0) };
        /* mov gs:data,r10; push; call *gs:code; shl 8,eax; add gs:0,al; pop; ret */
        const struct forged_code b_code[] = {
                FORGED(0x65, 0x4c, 0x8b, 0x14, 0x25, D32(l.imports + 8), 0x55, 0x48, 0x89, 0xe5, 0x65,
                       0xff, 0x14, 0x25, D32(l.imports), 0xc1, 0xe0, 0x08, 0x65, 0x02, 0x04, 0x25,
                       D32(0), 0x5d, 0xc3),
                LOAD_CONST(0),
        };
        struct instance *a = make(load(a_wat, a_code, 1, -EBADF), NULL), *b, *c;
        struct loaded_module *bm = load(b_wat, b_code, 2, -EBADF);
        struct extern_value import = export_of(a, "f");

        b = make(bm, &import);
        ck_assert_uint_eq(call_name(b, "f", 0, 0, 0, 0, 0), 'A');
        ck_assert_uint_eq(call_name(b, "g", 0, 0, 0, 0, 0), 'A' << 8 | 'B');
        import = export_of(b, "f");
        c = make(bm, &import);
        ck_assert_uint_eq(call_name(c, "g", 0, 0, 0, 0, 0), 'A' << 8 | 'B');
        import = export_of(b, "g");
        c = make(bm, &import);
        ck_assert_uint_eq(call_name(c, "g", 0, 0, 0, 0, 0), ('A' << 8 | 'B') << 8 | 'B');
        ck_assert_uint_eq(call_name(c, "here", 0, 0, 0, 0, 0), 'B');
}
END_TEST

static const struct {
        const char *name, *wat;
        bool host; /* the host's item instead of the provider's export */
        const char *text;
} links[] = {
        { "fits", "(module (import \"p\" \"f\" (func (param i32))))", false, NULL },
        { "nothing", "(module (import \"p\" \"none\" (func)))", false, "unknown import" },
        { "another type", "(module (import \"p\" \"f\" (func (param i64))))", false,
          "incompatible import type: \"p\" \"f\": (i32) -> ()" },
        { "more results", "(module (import \"p\" \"f\" (func (param i32) (result i32))))", false,
          "incompatible import type" },
        { "another kind", "(module (import \"p\" \"f\" (memory 1)))", false,
          "incompatible import type" },
        { "memory", "(module (import \"p\" \"m\" (memory 2 5)))", false, NULL },
        { "memory that is smaller", "(module (import \"p\" \"m\" (memory 3)))", false,
          "incompatible import type" },
        { "memory that may grow more", "(module (import \"p\" \"m\" (memory 2 3)))", false,
          "incompatible import type" },
        { "memory without maximum wanted", "(module (import \"p\" \"m\" (memory 0)))", false, NULL },
        { "table", "(module (import \"p\" \"t\" (table 10 funcref)))", false, NULL },
        { "table with a maximum", "(module (import \"p\" \"t\" (table 10 20 funcref)))", false,
          "incompatible import type" },
        { "table that is smaller", "(module (import \"p\" \"t\" (table 11 funcref)))", false,
          "incompatible import type" },
        { "memory with 64-bit addresses", "(module (import \"p\" \"m\" (memory i64 2 5)))", false,
          "incompatible import type: \"p\" \"m\": addresses of another width" },
        { "table with 64-bit indices", "(module (import \"p\" \"t\" (table i64 10 funcref)))", false,
          "incompatible import type: \"p\" \"t\": addresses of another width" },
        { "table of externref", "(module (import \"p\" \"t\" (table 10 externref)))", false,
          "incompatible import type" },
        { "global", "(module (import \"p\" \"g\" (global i32)))", false, NULL },
        { "global that varies", "(module (import \"p\" \"g\" (global (mut i32))))", false,
          "incompatible import type" },
        { "global of another type", "(module (import \"p\" \"g\" (global f32)))", false,
          "incompatible import type" },
        { "host function", "(module (import \"h\" \"f\" (func (param i32 i64) (result i64))))", true,
          NULL },
        { "host function of another type", "(module (import \"h\" \"f\" (func (param i32))))", true,
          "incompatible import type" },
};

START_TEST(imports_are_matched)
{
        static const char provider[] =
                "(module (func (export \"f\") (param i32)) (memory (export \"m\") 2 4)"
                " (table (export \"t\") 10 funcref) (global (export \"g\") i32 (i32.const 1)))";
        struct instance *p = make(load(provider, NULL, 0, -EBADF), NULL), *i = NULL;
        struct loaded_module *m = load(links[_i].wat, NULL, 0, -EBADF);
        struct extern_value v = { .kind = EXTERN_FUNC, .host = &host_functions[0] };
        const struct import *im = &world.artefacts[1]->module->imports[0];
        struct error err = { 0 };
        int r;

        if (!links[_i].host) {
                v = (struct extern_value) { 0 };
                r = instance_export(p, im->name.bytes, im->name.size, &v);
        }
        r = instance_create(world.store, m, &v, NULL, &i, NULL, &err);
        if (!links[_i].text) {
                ck_assert_msg(r == 0, "%s", err.text);
                ck_assert_ptr_nonnull(i);
                return;
        }
        ck_assert_int_eq(r, -EINVAL);
        ck_assert_int_eq(err.stage, STAGE_LINK);
        ck_assert_ptr_null(i);
        ck_assert_msg(strncmp(err.text, links[_i].text, strlen(links[_i].text)) == 0, "%s", err.text);
}
END_TEST

static const struct {
        const char *name, *wat;
        enum trap trap;
} segments[] = {
        { "inside", "(module (import \"p\" \"m\" (memory 1)) (import \"p\" \"t\" (table 1 funcref))"
                    " (func $f) (elem (i32.const 8) $f $f) (data (i32.const 65535) \"x\"))", TRAP_NONE },
        { "empty at the end", "(module (import \"p\" \"m\" (memory 1)) (data (i32.const 65536)))",
          TRAP_NONE },
        { "empty behind the end", "(module (import \"p\" \"m\" (memory 1)) (data (i32.const 65537)))",
          TRAP_MEMORY_BOUNDS },
        { "data", "(module (import \"p\" \"m\" (memory 1)) (data (i32.const 0) \"kept\")"
                  " (data (i32.const 65534) \"lost\"))", TRAP_MEMORY_BOUNDS },
        { "data at -1", "(module (memory 1) (data (i32.const -1) \"x\"))", TRAP_MEMORY_BOUNDS },
        { "elements", "(module (import \"p\" \"t\" (table 1 funcref)) (import \"p\" \"m\" (memory 1))"
                      " (func $f) (elem (i32.const 0) $f) (elem (i32.const 9) $f $f)"
                      " (data (i32.const 0) \"no\"))", TRAP_TABLE_BOUNDS },
        { "elements at -1", "(module (table 4 funcref) (func $f) (elem (i32.const -1) $f))",
          TRAP_TABLE_BOUNDS },
};

START_TEST(active_segments_trap)
{
        static const char provider[] = "(module (memory (export \"m\") 1)"
                                       " (table (export \"t\") 10 funcref)"
                                       " (func (export \"get\") (param i32 i64) (result i64) unreachable))";
        const struct forged_code code[] = { CALL_BUILTIN(table_get) };
        struct instance *p = make(load(provider, code, 1, -EBADF), NULL), *i = NULL;
        struct loaded_module *m = load(segments[_i].wat, NULL, 0, -EBADF);
        const struct module *module = world.artefacts[1]->module;
        struct extern_value imports[2];
        struct trap_info trap = { 0 };
        struct error err = { 0 };
        uint64_t bytes;
        uint8_t *memory = instance_memory(p, &bytes);
        int r;

        for (uint32_t k = 0; k < module->nimports; k++)
                ck_assert_int_eq(instance_export(p, module->imports[k].name.bytes,
                                                 module->imports[k].name.size, &imports[k]), 0);
        r = instance_create(world.store, m, imports, NULL, &i, &trap, &err);
        ck_assert_uint_eq(trap.trap, segments[_i].trap);
        ck_assert_int_eq(r, segments[_i].trap ? -EFAULT : 0);
        ck_assert_int_eq(err.code, 0);
        ck_assert_int_eq(i != NULL, r == 0);
        if (strcmp(segments[_i].name, "inside") == 0) {
                ck_assert_uint_eq(memory[65535], 'x');
                ck_assert_uint_ne(call_name(p, "get", 0, 9, 0, 0, 0), 0);
        }
        if (strcmp(segments[_i].name, "data") == 0) {
                ck_assert_mem_eq(memory, "kept", 4);
                ck_assert_uint_eq(memory[65534], 0);
        }
        if (strcmp(segments[_i].name, "elements") == 0) {
                ck_assert_uint_eq(memory[0], 0);
                ck_assert_uint_ne(call_name(p, "get", 0, 0, 0, 0, 0), 0);
                ck_assert_uint_eq(call_name(p, "get", 0, 9, 0, 0, 0), 0);
        }
}
END_TEST

START_TEST(limits_of_the_store_hold)
{
        static const char wat[] = "(module (memory 3 10)"
                                  " (func (export \"grow\") (param i32 i64) (result i64) unreachable))";
        static const char tables[] = "(module (table 60 funcref)"
                                     " (func (export \"grow\") (param i32 i64 i64) (result i64) unreachable))";
        const struct forged_code code[] = { CALL_BUILTIN(memory_grow) };
        const struct forged_code table_code[] = { CALL_BUILTIN(table_grow) };
        struct loaded_module *m;
        struct instance *i, *none = NULL;
        struct error err = { 0 };

        /* The tables' entries, of 32 bytes, count as memory. */
        world_store(&(struct store_options) { .memory_max_bytes = 7 * 65536 + 100 * 32, .slots = 2,
                                              .table_max_elements = 100 });
        m = load(wat, code, 1, -EBADF);
        i = make(m, NULL);
        make(m, NULL);
        ck_assert_uint_eq(call_name(i, "grow", 0, 2, 0, 0, 0), UINT64_MAX);
        ck_assert_uint_eq(call_name(i, "grow", 0, 1, 0, 0, 0), 3);
        ck_assert_uint_eq(call_name(i, "grow", 0, 1, 0, 0, 0), UINT64_MAX);
        ck_assert_int_eq(instance_create(world.store, m, NULL, NULL, &none, NULL, &err), -E2BIG);
        ck_assert_ptr_nonnull(strstr(err.text, "more than 2 memories"));
        ck_assert_ptr_null(none);

        m = load(tables, table_code, 1, -EBADF);
        i = make(m, NULL);
        ck_assert_uint_eq(call_name(i, "grow", 0, 0, 41, 0, 0), UINT64_MAX);
        ck_assert_uint_eq(call_name(i, "grow", 0, 0, 40, 0, 0), 60);
        ck_assert_int_eq(instance_create(world.store, m, NULL, NULL, &none, NULL, &err), -E2BIG);
        ck_assert_ptr_nonnull(strstr(err.text, "passes the limit of 100"));

        world_store(&(struct store_options) { .memory_max_bytes = 80 * 32 });
        m = load(tables, table_code, 1, -EBADF);
        i = make(m, NULL);
        ck_assert_uint_eq(call_name(i, "grow", 0, 0, 21, 0, 0), UINT64_MAX);
        ck_assert_uint_eq(call_name(i, "grow", 0, 0, 20, 0, 0), 60);
        ck_assert_int_eq(instance_create(world.store, m, NULL, NULL, &none, NULL, &err), -E2BIG);
        ck_assert_ptr_nonnull(strstr(err.text, "passes the limit of memory"));

        world_store(&(struct store_options) { .memory_max_bytes = 2 * 65536 });
        m = load(wat, code, 1, -EBADF);
        ck_assert_int_eq(instance_create(world.store, m, NULL, NULL, &none, NULL, &err), -E2BIG);
        ck_assert_ptr_nonnull(strstr(err.text, "passes the limit of 131072"));
        ck_assert_ptr_null(none);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("instance");

        tcase_add_checked_fixture(tc, world_setup, world_teardown);
        tcase_add_loop_test(tc, memory_has_its_image, 0, 2);
        tcase_add_test(tc, a_lost_image_traps);
        tcase_add_test(tc, host_functions_are_called);
        tcase_add_test(tc, calls_are_of_the_function_that_is_named);
        tcase_add_test(tc, the_start_function_traps);
        tcase_add_test(tc, host_functions_have_many_arguments);
        tcase_add_test(tc, globals_are_shared);
        tcase_add_test(tc, functions_cross_instances);
        tcase_add_loop_test(tc, imports_are_matched, 0, ELEMENTSOF(links));
        tcase_add_loop_test(tc, active_segments_trap, 0, ELEMENTSOF(segments));
        tcase_add_test(tc, limits_of_the_store_hold);
        return unit_main("instance", &tc, 1);
}
