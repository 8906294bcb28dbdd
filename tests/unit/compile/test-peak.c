/* test-peak - the optimising generator as a whole: what it refuses, that its bytes depend on nothing
 * but the input, and its maps. What the code computes is tested by the official scripts. */
#include "engine/compile/idioms.h"
#include "engine/compile/peak/peak.h"
#include "tests/unit/compile/compiled.h"

static const char calls[] = "(module (import \"m\" \"g\" (func (param i32))) (memory 1)"
                            " (func $a (param i32) (result i32) (i32.load (call $b (local.get 0))))"
                            " (func $b (param i32) (result i32) (i32.mul (local.get 0) (i32.const 12)))"
                            " (func $c (param i32) (call 0 (call $a (local.get 0)))))";

static const struct {
        const char *name;
        uint32_t hot[2], n;
} hot_refusals[] = {
        { "imported", { 0 }, 1 },
        { "behind the last", { 4 }, 1 },
        { "twice", { 2, 2 }, 2 },
        { "out of order", { 3, 1 }, 2 },
};

START_TEST(mixed_refuses)
{
        const struct compile_options o = { .tier = TIER_MIXED, .jobs = 1, .cpu = CPU_X86_V2,
                                           .hot = hot_refusals[_i].hot, .nhot = hot_refusals[_i].n };
        struct compiled_module *out = NULL;
        struct error err = { 0 };
        struct compiled c;

        prepare(&c, calls, sizeof(calls) - 1);
        ck_assert_int_eq(module_compile(c.checked, &o, &out, &err), -EINVAL);
        ck_assert_int_eq(err.code, -EINVAL);
        ck_assert_ptr_null(out);
        done(&c);
}
END_TEST

static struct compiled_module *compile(const struct compiled *c, enum tier tier, unsigned jobs,
                                       const uint32_t *hot, uint32_t nhot)
{
        const struct compile_options o = { .tier = tier, .jobs = jobs, .cpu = CPU_X86_V3,
                                           .hot = hot, .nhot = nhot };
        struct compiled_module *out = NULL;
        struct error err = { 0 };

        ck_assert_msg(module_compile(c->checked, &o, &out, &err) == 0, "%s", err.text);
        return out;
}

static void same(const struct compiled_module *a, const struct compiled_module *b)
{
        ck_assert_uint_eq(a->code_bytes, b->code_bytes);
        ck_assert_mem_eq(a->code, b->code, a->code_bytes);
        ck_assert_uint_eq(a->maps.size, b->maps.size);
        ck_assert_mem_eq(a->maps.bytes, b->maps.bytes, a->maps.size);
        ck_assert_mem_eq(a->offsets, b->offsets, (a->nfunctions + 1) * sizeof(*a->offsets));
}

/* Functions large enough for several partitions. */
static void many_functions(struct buffer *text, unsigned n)
{
        char line[256];

        buffer_append(text, "(module (memory 1)", 18);
        for (unsigned i = 0; i < n; i++) {
                int size = snprintf(line, sizeof(line), "(func $f%u (param i32) (result i32) (local.get 0)", i);

                buffer_append(text, line, (size_t)size);
                for (unsigned k = 0; k < 100; k++) {
                        size = snprintf(line, sizeof(line), " (i32.load offset=%u) (i32.xor (i32.const %u))",
                                        k, i * k);
                        buffer_append(text, line, (size_t)size);
                }
                size = snprintf(line, sizeof(line), " (call $f%u))\n", (i * 7 + 3) % n);
                buffer_append(text, line, (size_t)size);
        }
        buffer_append(text, ")", 1);
}

START_TEST(bytes_do_not_depend_on_jobs)
{
        static const uint32_t hot[] = { 0, 5, 6, 99 };
        static const enum tier tiers[] = { TIER_PEAK, TIER_MIXED };
        bool mixed = tiers[_i] == TIER_MIXED;
        struct buffer text = { 0 };
        struct compiled_module *one, *three;
        struct compiled c;

        many_functions(&text, 100);
        prepare(&c, (char *)text.bytes, text.size);
        one = compile(&c, tiers[_i], 1, mixed ? hot : NULL, mixed ? ELEMENTSOF(hot) : 0);
        three = compile(&c, tiers[_i], 3, mixed ? hot : NULL, mixed ? ELEMENTSOF(hot) : 0);
        ck_assert_uint_eq(one->nfunctions, 100);
        same(one, three);
        compiled_module_free(one);
        compiled_module_free(three);
        done(&c);
        buffer_done(&text);
}
END_TEST

START_TEST(mixed_with_nothing_hot_is_fast)
{
        struct compiled_module *fast, *mixed;
        struct compiled c;

        prepare(&c, calls, sizeof(calls) - 1);
        fast = compile(&c, TIER_FAST, 1, NULL, 0);
        mixed = compile(&c, TIER_MIXED, 1, NULL, 0);
        same(fast, mixed);
        compiled_module_free(fast);
        compiled_module_free(mixed);
        done(&c);
}
END_TEST

/* A load that nothing uses must be there: its trap is. */
START_TEST(unused_loads_stay)
{
        static const char *const bodies[] = {
                "(drop (i32.load (local.get 0)))",
                "(local.set 1 (i32.load (local.get 0)))",
                "(local.set 1 (i32.add (i32.load (local.get 0)) (i32.const 1)))",
                "(local.set 1 (i32.load (local.get 0))) (if (local.get 2) (then (global.set 0 (local.get 1))))",
        };
        static const uint8_t load[] = { 0x65, 0x8b }; /* mov %gs:..., */
        struct compiled_module *out;
        struct compiled c;
        char text[512];
        int size = snprintf(text, sizeof(text), "(module (memory 1) (global (mut i32) (i32.const 0))"
                            " (func (param i32) (local i32 i32) (local.set 2 (i32.eqz (local.get 0))) %s))",
                            bodies[_i]);
        bool found = false;

        prepare(&c, text, (size_t)size);
        out = compile(&c, TIER_PEAK, 1, NULL, 0);
        for (size_t at = 0; at + 2 <= out->code_bytes; at++)
                found |= memcmp(out->code + at, load, 2) == 0;
        ck_assert(found);
        compiled_module_free(out);
        done(&c);
}
END_TEST

/* The part that is likely comes first: the call of the other one is at another place. */
START_TEST(hints_decide_what_falls_through)
{
        static const char text[] =
                "(module (import \"\" \"a\" (func (param i32))) (import \"\" \"b\" (func (param i32)))"
                " (func (param i32) (@metadata.code.branch_hint \"\\0%u\") (if (local.get 0)"
                " (then (call 0 (i32.const 1000))) (else (call 1 (i32.const 2000)))) (call 0 (i32.const 3000))))";
        static const uint8_t numbers[2][4] = { { 0xd0, 0x07, 0, 0 }, { 0xe8, 0x03, 0, 0 } };

        for (unsigned likely = 0; likely < 2; likely++) {
                struct compiled_module *out;
                struct compiled c;
                char module[sizeof(text) + 8];
                size_t at[2] = { 0 };

                prepare(&c, module, (size_t)snprintf(module, sizeof(module), text, likely));
                out = compile(&c, TIER_PEAK, 1, NULL, 0);
                for (size_t i = 0; i + 4 <= out->code_bytes; i++)
                        for (unsigned k = 0; k < 2; k++)
                                if (!memcmp(out->code + i, numbers[k], 4))
                                        at[k] = i;
                ck_assert(at[0] && at[1]);
                ck_assert_uint_lt(at[likely], at[!likely]);
                compiled_module_free(out);
                done(&c);
        }
}
END_TEST

static uint8_t digit(char c)
{
        return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static const char *const idiom_bodies[] = {
#define IDIOM(name, low_first, hex) hex,
#include "engine/compile/idioms.def"
};

START_TEST(idioms_are_found_whole_or_not)
{
        static const valtype params[] = { VAL_I32, VAL_I64, VAL_I64, VAL_I64, VAL_I64 };
        const char *hex = idiom_bodies[_i];
        uint8_t bytes[512];
        size_t size = strlen(hex) / 2;
        struct functype type = { 5, 0, params, NULL };
        struct function function = { .body = { 0, size } };
        struct memory memory = { 0 };
        struct module m = { .bytes = bytes, .size = size, .types = &type, .ntypes = 1,
                            .functions = &function, .nfunctions = 1, .memories = &memory,
                            .nmemories = 1 };
        bool low_first;

        for (size_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
        ck_assert_int_eq(idiom_find(&m, 0, &low_first), IDIOM_MUL128);
        for (size_t i = 0; i < size; i++) {
                bytes[i] ^= 1;
                ck_assert_int_eq(idiom_find(&m, 0, &low_first), IDIOM_NONE);
                bytes[i] ^= 1;
        }
        memory.type.size.is_64 = true;
        ck_assert_int_eq(idiom_find(&m, 0, &low_first), IDIOM_NONE);
        memory.type.size.is_64 = false;
        m.nmemories = 0;
        ck_assert_int_eq(idiom_find(&m, 0, &low_first), IDIOM_NONE);
        m.nmemories = 1;
        type.nparams = 4;
        ck_assert_int_eq(idiom_find(&m, 0, &low_first), IDIOM_NONE);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("peak");

        tcase_set_timeout(tc, 60);
        tcase_add_loop_test(tc, mixed_refuses, 0, ELEMENTSOF(hot_refusals));
        tcase_add_loop_test(tc, bytes_do_not_depend_on_jobs, 0, 2);
        tcase_add_test(tc, mixed_with_nothing_hot_is_fast);
        tcase_add_test(tc, hints_decide_what_falls_through);
        tcase_add_loop_test(tc, unused_loads_stay, 0, 4);
        tcase_add_loop_test(tc, idioms_are_found_whole_or_not, 0, ELEMENTSOF(idiom_bodies));
        return unit_main("peak", &tc, 1);
}
