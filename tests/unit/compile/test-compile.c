/* test-compile - module_compile as a whole, the layout of instances, CPU features, and shapes of
 * the fast generator's code that matter. What the code computes is tested by the official scripts. */
#include "engine/compile/compile.h"
#include "engine/decode/body.h"
#include "tests/unit/compile/compiled.h"

static struct compiled_module *compile(const struct compiled *c, unsigned jobs, uint64_t cpu)
{
        const struct compile_options o = { .tier = TIER_FAST, .jobs = jobs, .cpu = cpu };
        struct compiled_module *out = NULL;
        struct error err = { 0 };

        ck_assert_msg(module_compile(c->checked, &o, &out, &err) == 0, "%s", err.text);
        return out;
}

/* A module of some hundred functions that call each other, access memory and trap. */
static void many_functions(struct buffer *text, unsigned n)
{
        char line[1024];

        buffer_append(text, "(module (memory 1) (table 4 funcref) (type $t (func (param i32) (result i32)))", 78);
        for (unsigned i = 0; i < n; i++) {
                int size = snprintf(line, sizeof(line),
                        "(func $f%u (param i32) (result i32) (local f64 i64)"
                        " (if (i32.lt_u (local.get 0) (i32.const %u)) (then"
                        "  (return (i32.load offset=%u (local.get 0)))))"
                        " (i32.store8 (local.get 0) (i32.const 7))"
                        " (local.set 1 (f64.mul (local.get 1) (f64.const %u.5)))"
                        " (local.set 2 (i64.trunc_f64_u (local.get 1)))"
                        " (if (i64.eqz (local.get 2)) (then (unreachable)))"
                        " (i32.div_s (call $f%u (i32.sub (local.get 0) (i32.const 1)))"
                        "  (call_indirect (type $t) (local.get 0) (i32.const %u))))\n",
                        i, i, 4 * i, i, (i * 7 + 3) % n, i % 4);

                buffer_append(text, line, (size_t)size);
        }
        buffer_append(text, ")", 1);
}

START_TEST(bytes_do_not_depend_on_jobs)
{
        static const unsigned jobs[] = { 2, 3, 8 };
        struct buffer text = { 0 };
        struct compiled_module *one;
        struct compiled c;

        many_functions(&text, 2500); /* several batches */
        prepare(&c, (char *)text.bytes, text.size);
        one = compile(&c, 1, CPU_X86_V2);
        ck_assert_uint_gt(c.wasm.size, 3 * 65536);
        for (unsigned i = 0; i < ELEMENTSOF(jobs); i++) {
                struct compiled_module *other = compile(&c, jobs[i], CPU_X86_V2);

                ck_assert_uint_eq(one->code_bytes, other->code_bytes);
                ck_assert_mem_eq(one->code, other->code, one->code_bytes);
                ck_assert_uint_eq(one->maps.size, other->maps.size);
                ck_assert_mem_eq(one->maps.bytes, other->maps.bytes, one->maps.size);
                ck_assert_mem_eq(one->offsets, other->offsets, 4 * (one->nfunctions + 1));
                ck_assert_mem_eq(one->map_offsets, other->map_offsets, 4 * (one->nfunctions + 1));
                compiled_module_free(other);
        }
        compiled_module_free(one);
        done(&c);
        buffer_done(&text);
}
END_TEST

static bool may_trap_or_call(uint8_t opcode)
{
        return opcode == 0x00 || opcode == 0x10 || opcode == 0x11 ||
               (opcode >= 0x28 && opcode <= 0x3e) || (opcode >= 0x6d && opcode <= 0x70) ||
               opcode == 0xb1;
}

START_TEST(maps_lead_to_the_instructions)
{
        struct buffer text = { 0 };
        struct compiled_module *out;
        struct compiled c;

        many_functions(&text, 20);
        prepare(&c, (char *)text.bytes, text.size);
        out = compile(&c, 1, CPU_X86_V2);
        for (uint32_t k = 0; k < out->nfunctions; k++) {
                const uint8_t *p = out->maps.bytes + out->map_offsets[k];
                const uint8_t *end = out->maps.bytes + out->map_offsets[k + 1];
                const struct slice body = c.module->functions[k].body;
                uint64_t pc = 0, pairs = 0, calls = 0;
                int64_t wasm = 0;

                for (; p < end; pairs++) {
                        uint64_t delta = body_leb_u(&p), zigzag = body_leb_u(&p);

                        pc += delta;
                        wasm += (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
                        ck_assert(pairs == 0 || delta > 0);
                        ck_assert_uint_lt(pc, out->offsets[k + 1] - out->offsets[k]);
                        ck_assert_int_ge(wasm, 0);
                        ck_assert_int_lt(wasm, (int64_t)body.size);
                        ck_assert(may_trap_or_call(c.wasm.bytes[body.offset + (size_t)wasm]));
                        calls += c.wasm.bytes[body.offset + (size_t)wasm] == 0x10;
                }
                ck_assert_ptr_eq(p, end);
                ck_assert_uint_eq(calls, 1);
                /* load, store, conversion (2), unreachable, div (2), call, call_indirect (4) */
                ck_assert_uint_ge(pairs, 11);
        }
        compiled_module_free(out);
        done(&c);
        buffer_done(&text);
}
END_TEST

/* A prefix of its own code: text, bytes that must be in it, bytes that must not. */
static const struct {
        const char *name, *text;
        uint64_t cpu;
        uint8_t bytes[12];
        size_t n;
        bool absent;
} shapes[] = {
        { "a load is one instruction",
          "(memory 1) (func (param i32) (result i32) (i32.load offset=16 (local.get 0)))", CPU_X86_V2,
          { 0x65, 0x8b, 0x47, 0x10 }, 4, false },
        { "a scaled index without offset is part of it",
          "(memory 1) (func (param i32 i32) (result i32) (i32.load (i32.add (local.get 0)"
          " (i32.shl (local.get 1) (i32.const 2)))))", CPU_X86_V2,
          { 0x65, 0x67, 0x8b, 0x04, 0xb7 }, 5, false },
        { "but not where the sum could wrap below the offset",
          "(memory 1) (func (param i32 i32) (result i32) (i32.load offset=4 (i32.add (local.get 0)"
          " (i32.shl (local.get 1) (i32.const 2)))))", CPU_X86_V2,
          { 0x65, 0x67 }, 2, true },
        { "an addition takes a load as its operand",
          "(memory 1) (func (param i32 i32) (result i32) (i32.add (local.get 0)"
          " (i32.load (local.get 1))))", CPU_X86_V2,
          { 0x65, 0x03, 0x06 }, 3, false },
        { "a load whose value is dropped stays",
          "(memory 1) (func (param i32) (drop (i32.load (local.get 0))))", CPU_X86_V2,
          { 0x65, 0x8b, 0x07 }, 3, false },
        { "an offset beyond the guard is checked",
          "(memory 1) (func (param i32) (result i32) (i32.load offset=0x1000000 (local.get 0)))",
          CPU_X86_V2, { 0x65, 0x48, 0x3b }, 3, false },
        { "an offset within it is not",
          "(memory 1) (func (param i32) (result i32) (i32.load offset=0xfffffc (local.get 0)))",
          CPU_X86_V2, { 0x65, 0x48, 0x3b }, 3, true },
        { "a comparison is fused with the branch",
          "(func (param i32 i32) (block (br_if 0 (i32.lt_s (local.get 0) (local.get 1))) unreachable))",
          CPU_X86_V2, { 0x3b, 0xfe, 0x0f, 0x8c }, 4, false },
        { "a branch that is unlikely to carry its value jumps to where it is moved",
          "(func (param i32 i32) (result i32) (block (result i32) (local.get 1)"
          " (@metadata.code.branch_hint \"\\00\") (br_if 0 (local.get 0)) drop (i32.const 7)))",
          CPU_X86_V2, { 0x85, 0xff, 0x0f, 0x85 }, 4, false },
        { "and else jumps over the move",
          "(func (param i32 i32) (result i32) (block (result i32) (local.get 1)"
          " (@metadata.code.branch_hint \"\\01\") (br_if 0 (local.get 0)) drop (i32.const 7)))",
          CPU_X86_V2, { 0x85, 0xff, 0x0f, 0x85 }, 4, true },
        { "a tail call is a jump behind leave",
          "(func $f (param i32) (return_call $f (local.get 0)))", CPU_X86_V2,
          { 0xc9, 0xe9 }, 2, false },
        { "unreachable is ud1 with its code",
          "(func unreachable)", CPU_X86_V2, { 0x67, 0x0f, 0xb9, 0x40, 0x01 }, 5, false },
        { "shlx where the processor has it",
          "(func (param i32 i32) (result i32) (i32.shl (local.get 0) (local.get 1)))", CPU_X86_V3,
          { 0xc4, 0xe2, 0x49, 0xf7, 0xc7 }, 5, false },
        { "shl by cl where not",
          "(func (param i32 i32) (result i32) (i32.shl (local.get 0) (local.get 1)))", CPU_X86_V2,
          { 0xd3, 0xe0 }, 2, false },
        { "division by a power of two shifts",
          "(func (param i32) (result i32) (i32.div_u (local.get 0) (i32.const 8)))", CPU_X86_V2,
          { 0xc1, 0xe8, 0x03 }, 3, false },
        { "division by a constant does not divide",
          "(func (param i32) (result i32) (i32.div_u (local.get 0) (i32.const 10)))", CPU_X86_V2,
          { 0xf7, 0xf1 }, 2, true },
        { "a large frame touches the stack on its way down",
          "(func (local v128 v128 v128 v128) (call 1)) (func)", CPU_X86_V2,
          { 0x84, 0x84, 0x24, 0x00, 0x80, 0xff, 0xff }, 7, true },
};

static bool contains(const struct compiled_module *out, const uint8_t *bytes, size_t n)
{
        for (size_t i = 0; i + n <= out->code_bytes; i++)
                if (memcmp(out->code + i, bytes, n) == 0)
                        return true;
        return false;
}

START_TEST(code_has_its_shape)
{
        struct compiled_module *out;
        struct compiled c;

        prepare(&c, shapes[_i].text, strlen(shapes[_i].text));
        out = compile(&c, 1, shapes[_i].cpu);
        ck_assert_msg(contains(out, shapes[_i].bytes, shapes[_i].n) != shapes[_i].absent, "%s",
                      shapes[_i].name);
        ck_assert_uint_eq(out->offsets[0], 0);
        for (uint32_t k = 0; k <= out->nfunctions; k++)
                ck_assert_uint_eq(out->offsets[k] % 16, 0);
        compiled_module_free(out);
        done(&c);
}
END_TEST

static void large_frame(struct buffer *text, unsigned locals)
{
        buffer_append(text, "(func (local", 12);
        for (unsigned i = 0; i < locals; i++)
                buffer_append(text, " v128", 5);
        buffer_append(text, ") (call 0))", 11);
}

START_TEST(frames_are_probed)
{
        static const uint8_t probe[] = { 0x84, 0x84, 0x24, 0x00, 0x80, 0xff, 0xff };
        static const uint8_t probe2[] = { 0x84, 0x84, 0x24, 0x00, 0x00, 0xff, 0xff };
        struct buffer text = { 0 };
        struct compiled_module *out;
        struct compiled c;

        large_frame(&text, 4200); /* 67,200 bytes: two probes */
        prepare(&c, (char *)text.bytes, text.size);
        out = compile(&c, 1, CPU_X86_V2);
        ck_assert(contains(out, probe, sizeof(probe)));
        ck_assert(contains(out, probe2, sizeof(probe2)));
        compiled_module_free(out);
        done(&c);
        buffer_done(&text);
}
END_TEST

/* 50,000 locals and 20,000 operands that a block puts into slots. */
START_TEST(frames_have_a_limit)
{
        const struct compile_options o = { .tier = TIER_FAST, .jobs = 2, .cpu = CPU_X86_V2 };
        struct compiled_module *out = NULL;
        struct buffer text = { 0 };
        struct error err = { 0 };
        struct compiled c;

        buffer_append(&text, "(func) (func (local", 19);
        for (unsigned i = 0; i < 50000; i++)
                buffer_append(&text, " v128", 5);
        buffer_append(&text, ") ", 2);
        for (unsigned i = 0; i < 20000; i++)
                buffer_append(&text, "local.get 0 ", 12);
        buffer_append(&text, "block end ", 10);
        for (unsigned i = 0; i < 20000; i++)
                buffer_append(&text, "drop ", 5);
        buffer_append(&text, ")", 1);
        prepare(&c, (char *)text.bytes, text.size);
        ck_assert_int_eq(module_compile(c.checked, &o, &out, &err), -E2BIG);
        ck_assert_ptr_null(out);
        ck_assert_int_eq(err.code, -E2BIG);
        ck_assert_int_eq(err.stage, STAGE_COMPILE);
        ck_assert_uint_eq(err.offset, c.module->functions[1].body.offset);
        ck_assert_msg(strstr(err.text, "function 1: ") != NULL, "%s", err.text);
        done(&c);
        buffer_done(&text);
}
END_TEST

static int stop_at_once(void *context, uint64_t bytes_done, uint64_t bytes_all)
{
        unsigned *calls = context;

        ck_assert_uint_le(bytes_done, bytes_all);
        (*calls)++;
        return 1;
}

static const struct {
        const char *name;
        uint64_t cpu;
        bool stops;
        enum tier tier;
        int r;
} refusals[] = {
        { "progress says stop", CPU_X86_V2, true, TIER_FAST, -ECANCELED },
        { "a processor below v2", CPU_X86_AVX, false, TIER_FAST, -EOPNOTSUPP },
        { "no optimising generator here", CPU_X86_V2, false, TIER_PEAK, -EOPNOTSUPP },
};

START_TEST(compile_refuses)
{
        unsigned calls = 0;
        const struct compile_options o = {
                .tier = refusals[_i].tier, .jobs = 1, .cpu = refusals[_i].cpu,
                .progress = refusals[_i].stops ? stop_at_once : NULL, .context = &calls,
        };
        struct compiled_module *out = (void *)&calls;
        struct error err = { 0 };
        struct compiled c;

        prepare(&c, "(func)", 6);
        ck_assert_int_eq(module_compile(c.checked, &o, &out, &err), refusals[_i].r);
        ck_assert_int_eq(err.code, refusals[_i].r);
        ck_assert_ptr_eq(out, &calls);
        ck_assert_uint_eq(calls, refusals[_i].stops);
        done(&c);
}
END_TEST

START_TEST(layout_lies_below_the_base)
{
        const char *text = "(import \"m\" \"f\" (func (param i32))) (import \"m\" \"g\" (global i32))"
                           "(memory 1) (table 2 funcref) (table 3 externref) (global i64 (i64.const 1))"
                           "(func (param i64 i64 i64 i64 i64 i64 i64 f32) (result i32 i32 i32 i32) unreachable)";
        struct layout l;
        struct compiled c;

        prepare(&c, text, strlen(text));
        ck_assert_int_eq(layout_compute(c.module, &l, NULL), 0);
        ck_assert_uint_eq(l.spill_entries, 3);
        ck_assert_uint_eq(l.bytes % 16, 0);
        ck_assert_int_le(l.memories, -(int)sizeof(struct instance_head) - 32);
        ck_assert_int_le(l.globals, l.memories - 32);
        ck_assert_int_le(l.spill, l.globals - 48);
        ck_assert_int_le(l.tables, l.spill - 64);
        ck_assert_int_le(l.imports, l.tables - 16);
        ck_assert_int_le(l.types, l.imports - 8);
        ck_assert_int_eq(l.types, -(int)l.bytes);
        done(&c);
}
END_TEST

START_TEST(layout_has_a_limit)
{
        const struct module m = { .nglobals = ABI_INSTANCE_MAX / ABI_GLOBAL_BYTES };
        struct layout l = { .bytes = 77 };
        struct error err = { 0 };

        ck_assert_int_eq(layout_compute(&m, &l, &err), -E2BIG);
        ck_assert_int_eq(err.code, -E2BIG);
        ck_assert_uint_eq(l.bytes, 77);
}
END_TEST

static const struct {
        const char *name, *params;
        unsigned nresults, entries;
} spills[] = {
        { "nothing", "", 0, 0 },
        { "one result", "", 1, 0 },
        { "three results", "", 3, 2 },
        { "all registers", "iiiiiiffffffff", 1, 0 },
        { "one integer more", "iiiiiiiffffffff", 1, 1 },
        { "one float more", "ifffffffff", 0, 1 },
        { "one of each more", "iiiiiiifffffffff", 1, 2 },
        { "results need more", "iiiiiii", 4, 3 },
};

START_TEST(spill_entries_are_counted)
{
        valtype params[32], results[4] = { VAL_I32, VAL_F64, VAL_I64, VAL_V128 };
        struct functype type = { .nresults = spills[_i].nresults, .params = params, .results = results };

        for (const char *p = spills[_i].params; *p; p++)
                params[type.nparams++] = *p == 'i' ? VAL_I32 : VAL_F32;
        ck_assert_uint_eq(abi_spill_entries(&type), spills[_i].entries);
}
END_TEST

START_TEST(features_have_names)
{
        uint64_t features = 77;
        char text[128];

        ck_assert_int_eq(cpu_features_parse("x86-64-v3", &features), 0);
        ck_assert_uint_eq(features, CPU_X86_V3);
        ck_assert_str_eq(cpu_features_text(CPU_X86_V2 | CPU_X86_BMI2, text, sizeof(text)),
                         "x86-64-v2 bmi2");
        ck_assert_str_eq(cpu_features_text(0, text, sizeof(text)), "");
        ck_assert_int_eq(cpu_features_parse("x86-64-v9", &features), -EINVAL);
        ck_assert_uint_eq(features, CPU_X86_V3);
        ck_assert_int_eq(cpu_features_parse("host", &features), 0);
        ck_assert_uint_eq(features, cpu_features_host());
        ck_assert(features & CPU_X86_V2);
        (void)cpu_features_text(UINT64_MAX, text, 8); /* cut, terminated */
        ck_assert_uint_lt(strlen(text), 8);
}
END_TEST

START_TEST(traps_have_texts)
{
        ck_assert_str_eq(trap_text(TRAP_UNREACHABLE), "unreachable");
        ck_assert_str_eq(trap_text(TRAP_NONE), "unknown trap");
        ck_assert_str_eq(trap_text((enum trap)200), "unknown trap");
}
END_TEST

int main(void)
{
        TCase *code = tcase_create("code"), *rest = tcase_create("abi, layout, cpu");

        tcase_add_test(code, bytes_do_not_depend_on_jobs);
        tcase_add_test(code, maps_lead_to_the_instructions);
        tcase_add_loop_test(code, code_has_its_shape, 0, ELEMENTSOF(shapes));
        tcase_add_test(code, frames_are_probed);
        tcase_add_test(code, frames_have_a_limit);
        tcase_add_loop_test(code, compile_refuses, 0, ELEMENTSOF(refusals));
        tcase_set_timeout(code, 60);
        tcase_add_test(rest, layout_lies_below_the_base);
        tcase_add_test(rest, layout_has_a_limit);
        tcase_add_loop_test(rest, spill_entries_are_counted, 0, ELEMENTSOF(spills));
        tcase_add_test(rest, features_have_names);
        tcase_add_test(rest, traps_have_texts);
        return unit_main("compile", (TCase *const[]) { code, rest }, 2);
}
