/* A module that begins where another's instance stopped: memories, globals, tables and segments are as
 * they were, its functions and their places in the file the same. What cannot be kept is refused. */
#include <string.h>

#include "engine/artefact/snapshot.h"
#include "engine/decode/decode.h"
#include "engine/instance/store.h"
#include "tests/unit/instance/world.h"
#include "tests/unit/sanitizer.h"
#include "tests/unit/unit.h"

static uint64_t host_seven(uint64_t a)
{
        return a + 7;
}

static const struct host_function seven = { "h", "seven", "I", "I", (void *)host_seven };
static const struct extern_value import = { .kind = EXTERN_FUNC, .host = &seven };

#define HEAD "(module (type $t (func (param i64) (result i64))) (import \"h\" \"seven\" (func $seven (type $t)))" \
             " (func $one (type $t) (i64.const 1)) (func $two (type $t) (i64.const 2))"

static const struct {
        const char *name, *wat; /* init, then get(k) for k = 0 .. n - 1 must give the results */
        uint32_t n;
        uint64_t results[8];
} kept[] = {
        { "memory", HEAD "(memory 1 5) (data (i32.const 8) \"first\")"
          "(func (export \"init\") (i32.store8 (i32.const 8) (i32.const 0x46)) (drop (memory.grow (i32.const 2)))"
          " (i64.store (i32.const 131064) (i64.const 0x123456789)) (i64.store (i32.const 70000) (i64.const 5)))"
          "(func (export \"get\") (param i64) (result i64)"
          " (if (result i64) (i64.eqz (local.get 0)) (then (i64.load (i32.const 8)))"
          " (else (if (result i64) (i64.eq (local.get 0) (i64.const 1)) (then (i64.load (i32.const 131064)))"
          " (else (i64.extend_i32_u (memory.size)))))))", 3, { 0x7473726946, 0x123456789, 3 } },
        { "globals", HEAD "(global $i (mut i32) (i32.const 0)) (global $l (mut i64) (i64.const 0))"
          "(global $f (mut f64) (f64.const 0)) (global $s (mut f32) (f32.const 0)) (global $c i64 (i64.const 77))"
          "(global $v (mut v128) (v128.const i64x2 0 0)) (global $r (mut funcref) (ref.null func))"
          "(elem declare func $two)"
          "(func (export \"init\") (global.set $i (i32.const -1)) (global.set $l (i64.const -2))"
          " (global.set $f (f64.const 1.5)) (global.set $s (f32.const nan:0x200001)) (global.set $r (ref.func $two))"
          " (global.set $v (v128.const i64x2 3 4)))"
          "(func (export \"get\") (param i64) (result i64)"
          " (block (block (block (block (block (block (block (br_table 0 1 2 3 4 5 6 (i32.wrap_i64 (local.get 0))))"
          " (return (i64.extend_i32_u (global.get $i)))) (return (global.get $l)))"
          " (return (i64.reinterpret_f64 (global.get $f)))) (return (i64.extend_i32_u (i32.reinterpret_f32 (global.get $s)))))"
          " (return (global.get $c))) (return (i64x2.extract_lane 1 (global.get $v))))"
          " (i64.extend_i32_u (ref.is_null (global.get $r))))",
          7, { 0xffffffff, UINT64_MAX - 1, UINT64_C(0x3ff8000000000000), 0x7fa00001, 77, 4, 0 } },
        { "tables", HEAD "(table $t0 2 10 funcref) (table $t1 3 funcref) (elem (table $t0) (i32.const 0) func $one)"
          "(elem $p func $two) (elem declare func $seven)"
          "(func (export \"init\") (drop (table.grow $t0 (ref.func $two) (i32.const 3)))"
          " (table.set $t0 (i32.const 1) (ref.func $seven)) (table.set $t1 (i32.const 2) (ref.func $one)))"
          "(func (export \"get\") (param i64) (result i64)"
          " (if (result i64) (i64.lt_u (local.get 0) (i64.const 5)) (then (call_indirect $t0 (type $t)"
          "  (i64.const 10) (i32.wrap_i64 (local.get 0))))"
          " (else (if (result i64) (i64.eq (local.get 0) (i64.const 5)) (then (i64.extend_i32_u (table.size $t0)))"
          "  (else (table.init $t1 $p (i32.const 0) (i32.const 0) (i32.const 1))"
          "   (i64.add (call_indirect $t1 (type $t) (i64.const 0) (i32.const 2))"
          "    (call_indirect $t1 (type $t) (i64.const 0) (i32.const 0))))))))", 7, { 1, 17, 2, 2, 2, 5, 3 } },
        { "segments", HEAD "(memory 1) (data $a (i32.const 0) \"active\") (data $p \"passive\") (data $d \"dropped\")"
          "(func (export \"init\") (data.drop $d))"
          "(func (export \"get\") (param i64) (result i64)"
          " (memory.init $a (i32.const 0) (i32.const 0) (i32.const 0))"
          " (memory.init $d (i32.const 0) (i32.const 0) (i32.const 0))"
          " (memory.init $p (i32.const 0) (i32.const 0) (i32.const 7)) (i64.load (i32.const 0)))",
          1, { 0x65766973736170 } },
        { "start function, 64-bit memory", HEAD "(memory i64 1) (start $go) (func $go (i64.store (i64.const 16)"
          " (i64.add (i64.load (i64.const 16)) (i64.const 1))))"
          "(func (export \"init\") (call $go)) (func (export \"get\") (param i64) (result i64)"
          " (i64.load (i64.const 16)))", 1, { 2 } },
        { "two memories", HEAD "(memory 1) (memory $b 1) (func (export \"init\") (i64.store $b (i32.const 8) (i64.const 9)))"
          "(func (export \"get\") (param i64) (result i64) (i64.load $b (i32.const 8)))", 1, { 9 } },
        { "typed references", HEAD "(table $x 2 (ref null $t)) (global $g (mut (ref null $t)) (ref.null $t))"
          "(elem declare func $two $one)"
          "(func (export \"init\") (table.set $x (i32.const 1) (ref.func $two)) (global.set $g (ref.func $one)))"
          "(func (export \"get\") (param i64) (result i64) (i64.add (call_ref $t (i64.const 0) (global.get $g))"
          " (call_ref $t (i64.const 0) (table.get $x (i32.const 1)))))", 1, { 3 } },
        { "resume", HEAD "(func (export \"init\")) (func (export \"_start\") unreachable)"
          "(func (export \"wizer.resume\")) (func (export \"get\") (param i64) (result i64) (i64.const 4))", 1, { 4 } },
};

static const struct {
        const char *wat, *text;
} refused[] = {
        { HEAD "(global (export \"g\") (mut externref) (ref.null extern)) (func (export \"init\"))", NULL },
        { "(module (import \"h\" \"seven\" (func (param i64) (result i64))) (import \"h\" \"m\" (memory 1))"
          " (func (export \"init\"))", "imports a memory" },
        { HEAD "(table 1 (ref $t) (ref.func $one)) (func (export \"init\"))", "never null" },
};

/* The module that begins as @i is. */
static int next_module(const struct instance *i, struct buffer *ret, int64_t *ret_moved, struct error *err)
{
        _cleanup_(buffer_done) struct buffer snapshot = { 0 };
        int r = instance_snapshot(i, &snapshot, err);

        if (r == 0)
                r = snapshot_module(instance_module(i) == world.artefacts[0]->module ? world.forged[0].module
                                                                                     : instance_module(i),
                                    snapshot.bytes, snapshot.size, (struct name) { "init", 4 }, ret, ret_moved,
                                    err);
        return r;
}

/* What load_compiled() does, from bytes. */
static struct loaded_module *load_bytes(struct buffer *wasm)
{
        struct compile_options options = { .tier = TIER_FAST, .jobs = 1, .cpu = cpu_features_host() };
        struct forged *f = &world.forged[world.n];
        struct compiled_module *compiled;
        struct error err = { 0 };

        memset(f, 0, sizeof(*f));
        f->wasm = *wasm;
        *wasm = (struct buffer) { 0 };
        HOLD(module_decode(f->wasm.bytes, f->wasm.size, &limits_default, UINT64_MAX, 0, &f->module, &err) == 0,
             err.text);
        HOLD(module_validate(f->module, &limits_default, UINT64_MAX, 1, &f->checked, &err) == 0, err.text);
        HOLD(module_compile(f->checked, &options, &compiled, &err) == 0, err.text);
        f->compiled = *compiled;
        free(compiled);
        forge_file(f);
        return load_forged(-EBADF);
}

START_TEST(a_module_begins_where_another_stopped)
{
        struct buffer wasm = { 0 };
        struct error err = { 0 };
        struct extern_value v;
        struct instance *i, *j;
        int64_t moved = 0;
        char wat[4096];

        snprintf(wat, sizeof(wat), "%s)", kept[_i].wat);
        i = make(load_compiled(wat), &import);
        if (instance_module(i)->has_start) {
                v = (struct extern_value) { .kind = EXTERN_FUNC, .instance = i, .index = instance_module(i)->start };
                ck_assert_int_eq(call(&v, NULL, NULL, NULL), 0);
        }
        v = export_of(i, "init");
        ck_assert_int_eq(call(&v, NULL, NULL, NULL), 0);
        ck_assert_msg(next_module(i, &wasm, &moved, &err) == 0, "%s: %s", kept[_i].name, err.text);

        j = make(load_bytes(&wasm), &import);
        ck_assert_int_eq(instance_export(j, "init", 4, &v), -ENOENT);
        ck_assert(!instance_module(j)->has_start);
        for (uint32_t k = 0; k < kept[_i].n; k++)
                ck_assert_msg(call_name(j, "get", k, 0, 0, 0, 0) == kept[_i].results[k], "%s: get %u", kept[_i].name,
                              k);
        for (uint32_t k = 0; k < world.forged[0].module->nfunctions; k++) {
                const struct function *a = &world.forged[0].module->functions[k];
                const struct function *b = &world.forged[1].module->functions[k];

                if (a->body.size)
                        ck_assert_int_eq((int64_t)b->body.offset - (int64_t)a->body.offset, moved);
        }
        if (instance_export(i, "wizer.resume", 12, &v) == 0) {
                ck_assert_int_eq(instance_export(j, "wizer.resume", 12, &v), -ENOENT);
                v = export_of(j, "_start");
                ck_assert_int_eq(call(&v, NULL, NULL, NULL), 0);
        }
}
END_TEST

START_TEST(what_cannot_be_kept_is_refused)
{
        struct extern_value imports[2] = { import, { .kind = EXTERN_MEMORY } };
        struct buffer wasm = { 0 };
        struct error err = { 0 };
        struct instance *i;
        int64_t moved = 77;
        char wat[4096];

        ck_assert_int_eq(store_new_memory(world.store, &(struct memtype) { { 1, 0, 0, 0, 0 }, 16 }, &imports[1].memory,
                                          &err), 0);
        snprintf(wat, sizeof(wat), "%s)", refused[_i].wat);
        i = make(load_compiled(wat), imports);
        if (!refused[_i].text) { /* the host puts something there */
                struct extern_value g = export_of(i, "g");

                ck_assert_int_eq(next_module(i, &wasm, &moved, &err), 0);
                buffer_done(&wasm);
                moved = 77;
                instance_global(i, g.index)->ref = 5;
        }
        ck_assert_int_eq(next_module(i, &wasm, &moved, &err), -EOPNOTSUPP);
        ck_assert_msg(strstr(err.text, refused[_i].text ? refused[_i].text : "refers to what is not in the module") != NULL,
                      "%s", err.text);
        ck_assert_int_eq(moved, 77);
        buffer_done(&wasm);
}
END_TEST

/* Every prefix, and every byte changed: refused, or a module that the decoder judges. */
START_TEST(a_hostile_snapshot_does_no_harm)
{
        _cleanup_(buffer_done) struct buffer good = { 0 }, wasm = { 0 };
        struct error err = { 0 };
        struct instance *i;
        int64_t moved;
        char wat[4096];
        uint8_t *copy;

        snprintf(wat, sizeof(wat), "%s(memory 1) (data (i32.const 3) \"abc\"))", kept[2].wat);
        i = make(load_compiled(wat), &import);
        ck_assert_int_eq(instance_snapshot(i, &good, &err), 0);
        copy = aligned_alloc(16, (good.size + 15) & ~(size_t)15);
        memcpy(copy, good.bytes, good.size);
        for (size_t n = 0; n < good.size; n++) {
                ck_assert_int_eq(snapshot_module(world.forged[0].module, copy, n, (struct name) { "", 0 }, &wasm, &moved,
                                                 &err), -EBADMSG);
                wasm.size = 0;
        }
        for (size_t n = 0; n < good.size; n++)
                for (unsigned bit = 0; bit < 8; bit += 7) {
                        struct module *m = NULL;
                        int r;

                        copy[n] ^= (uint8_t)(1u << bit);
                        r = snapshot_module(world.forged[0].module, copy, good.size, (struct name) { "", 0 }, &wasm,
                                            &moved, &err);
                        ck_assert(r == 0 || r == -EBADMSG);
                        if (r == 0 && module_decode(wasm.bytes, wasm.size, &limits_default, UINT64_MAX, 0, &m, &err) == 0)
                                module_free(m);
                        copy[n] ^= (uint8_t)(1u << bit);
                        wasm.size = 0;
                }
        free(copy);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("snapshot");

        tcase_add_checked_fixture(tc, world_setup, world_teardown);
        tcase_add_loop_test(tc, a_module_begins_where_another_stopped, 0, ELEMENTSOF(kept));
        tcase_add_loop_test(tc, what_cannot_be_kept_is_refused, 0, ELEMENTSOF(refused));
        tcase_add_test(tc, a_hostile_snapshot_does_no_harm);
        return unit_main("snapshot", &tc, 1);
}
