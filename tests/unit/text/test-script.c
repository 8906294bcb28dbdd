#include <stdio.h>
#include <string.h>

#include "engine/text/script_run.h"
#include "tests/unit/unit.h"

static struct script *opened(const char *text)
{
        struct script *s = NULL;

        ck_assert_int_eq(script_open(text, strlen(text), &s, NULL), 0);
        return s;
}

START_TEST(commands_come_one_by_one)
{
        static const char text[] =
                "(module $a (func $broken (frob)))\n"
                "(module $b binary \"\\00asm\" \"\\01\\00\\00\\00\")\n"
                "(register \"x\" $b)\n"
                "(assert_return (invoke $b \"f\" (i32.const -1) (ref.extern 3) (ref.null func))\n"
                "  (f32.const nan:canonical) (v128.const f64x2 nan:arithmetic 1.5)\n"
                "  (either (i32.const 1) (i64.const 2)))\n"
                "(assert_trap (module (start 0)) \"why\")\n"
                "(assert_malformed (module quote \"(func\" \"))\") \"unexpected token\")\n"
                "(frobnicate)\n"
                "(get \"g\")\n";
        _cleanup_(script_freep) struct script *s = opened(text);
        struct script_command c;
        struct error err = { 0 };

        ck_assert_int_eq(script_next(s, &c, NULL), 1);
        ck_assert_int_eq(c.kind, SCRIPT_MODULE);
        ck_assert_int_eq(c.module.error.code, -EBADMSG);
        ck_assert_ptr_nonnull(strstr(c.module.error.text, "1:27: unknown operator frob"));
        ck_assert_int_eq(script_next(s, &c, NULL), 1);
        ck_assert_uint_eq(c.line, 2);
        ck_assert_int_eq(c.module.form, SCRIPT_BINARY);
        ck_assert_uint_eq(c.module.size, 8);
        ck_assert_mem_eq(c.module.id.bytes, "b", 1);
        ck_assert_int_eq(script_next(s, &c, NULL), 1);
        ck_assert_int_eq(c.kind, SCRIPT_REGISTER);
        ck_assert_int_eq(script_next(s, &c, NULL), 1);
        ck_assert_int_eq(c.kind, SCRIPT_ASSERT_RETURN);
        ck_assert_uint_eq(c.action.nargs, 3);
        ck_assert_uint_eq(c.action.args[0].bits[0], UINT32_MAX);
        ck_assert_uint_eq(c.action.args[1].bits[0], 3);
        ck_assert_int_eq(c.action.args[2].kind, SCRIPT_REF_NULL);
        ck_assert_uint_eq(c.nresults, 3);
        ck_assert_int_eq(c.results[0].nan[0], SCRIPT_NAN_CANONICAL);
        ck_assert_int_eq(c.results[1].nan[0], SCRIPT_NAN_ARITHMETIC);
        ck_assert_uint_eq(c.results[1].bits[1], UINT64_C(0x3ff8000000000000));
        ck_assert_uint_eq(c.results[2].nalternatives, 2);
        ck_assert_int_eq(script_next(s, &c, NULL), 1);
        ck_assert_int_eq(c.kind, SCRIPT_ASSERT_UNINSTANTIABLE);
        ck_assert_str_eq(c.text, "why");
        ck_assert_int_eq(script_next(s, &c, NULL), 1);
        ck_assert_int_eq(c.kind, SCRIPT_ASSERT_MALFORMED);
        ck_assert_int_eq(c.module.error.code, -EBADMSG);
        ck_assert_int_eq(script_next(s, &c, &err), -EBADMSG);
        ck_assert_uint_eq(c.line, 9);
        ck_assert_ptr_nonnull(strstr(err.text, "9:2: unknown operator frobnicate"));
        ck_assert_int_eq(script_next(s, &c, NULL), 1);
        ck_assert_int_eq(c.kind, SCRIPT_ACTION);
        ck_assert(c.action.is_get);
        ck_assert_int_eq(script_next(s, &c, NULL), 0);
        ck_assert_int_eq(script_next(s, &c, NULL), 0);
}
END_TEST

static const char *const broken[] = { "(module", "(module))", "nonsense", "(invoke \"a", "(assert_return" };

START_TEST(broken_scripts_end)
{
        _cleanup_(script_freep) struct script *s = opened(broken[_i]);
        struct script_command c;
        int errors = 0, r;

        for (int i = 0; i < 10; i++) {
                struct error err = { 0 };

                r = script_next(s, &c, &err);
                errors += r < 0 || c.module.error.code < 0;
                if (r < 0)
                        ck_assert_int_eq(err.code, r);
                if (!r)
                        break;
        }
        ck_assert_int_eq(r, 0);
        ck_assert_int_ge(errors, 1);
}
END_TEST

#define I32(n) { .kind = SCRIPT_I32, .bits = { n } }
#define F32(b, ...) { .kind = SCRIPT_F32, .bits = { b }, __VA_ARGS__ }
#define F64(b, ...) { .kind = SCRIPT_F64, .bits = { b }, __VA_ARGS__ }
#define CANONICAL .nan = { SCRIPT_NAN_CANONICAL }
#define ARITHMETIC .nan = { SCRIPT_NAN_ARITHMETIC }

static const struct script_value choice[] = { I32(1), F32(0x3f800000) };

static const struct { const char *name; struct script_value want, got; bool match; } matches[] = {
        { "same integer", I32(7), I32(7), true },
        { "other integer", I32(7), I32(8), false },
        { "other type", I32(0), F32(0), false },
        { "zeros differ", F32(0), F32(0x80000000u), false },
        { "canonical", F32(0, CANONICAL), F32(0x7fc00000u), true },
        { "canonical, negative", F32(0, CANONICAL), F32(0xffc00000u), true },
        { "payload is not canonical", F32(0, CANONICAL), F32(0x7fc00001u), false },
        { "payload is arithmetic", F32(0, ARITHMETIC), F32(0x7fc00001u), true },
        { "signalling is not arithmetic", F32(0, ARITHMETIC), F32(0x7f800001u), false },
        { "infinity is no NaN", F32(0, ARITHMETIC), F32(0x7f800000u), false },
        { "canonical f64", F64(0, CANONICAL), F64(UINT64_C(0x7ff8000000000000)), true },
        { "arithmetic f64", F64(0, ARITHMETIC), F64(UINT64_C(0xfff8000000000123)), true },
        { "not canonical f64", F64(0, CANONICAL), F64(UINT64_C(0x7ff8000000000123)), false },
        { "null of any type", { .kind = SCRIPT_REF_NULL, .any = true },
          { .kind = SCRIPT_REF_NULL, .heap = HEAP_EXTERN }, true },
        { "null of another type", { .kind = SCRIPT_REF_NULL, .heap = HEAP_FUNC },
          { .kind = SCRIPT_REF_NULL, .heap = HEAP_EXTERN }, false },
        { "any host value", { .kind = SCRIPT_REF_EXTERN, .any = true },
          { .kind = SCRIPT_REF_EXTERN, .bits = { 5 } }, true },
        { "other host value", { .kind = SCRIPT_REF_EXTERN, .bits = { 4 } },
          { .kind = SCRIPT_REF_EXTERN, .bits = { 5 } }, false },
        { "either", { .kind = SCRIPT_EITHER, .nalternatives = 2, .alternatives = choice },
          F32(0x3f800000), true },
        { "neither", { .kind = SCRIPT_EITHER, .nalternatives = 2, .alternatives = choice }, I32(2),
          false },
        { "lanes", { .kind = SCRIPT_V128, .lanes = 4, .lane_bits = 32, .lanes_are_float = true,
                     .nan = { 0, SCRIPT_NAN_CANONICAL } },
          { .kind = SCRIPT_V128, .bits = { UINT64_C(0x7fc0000000000000), 0 } }, true },
        { "last lane differs", { .kind = SCRIPT_V128, .lanes = 16, .lane_bits = 8 },
          { .kind = SCRIPT_V128, .bits = { 0, UINT64_C(1) << 56 } }, false },
};

START_TEST(values_match_patterns)
{
        ck_assert_msg(script_value_matches(&matches[_i].want, &matches[_i].got) == matches[_i].match,
                      "%s", matches[_i].name);
}
END_TEST

/* A host whose every function returns its first argument, and traps when that is 99. */
static int echo_load(void *host, const uint8_t *bytes, size_t size, uint32_t *ret, struct error *err)
{
        if (size == 9)
                return error_set(err, STAGE_VALIDATE, -EBADMSG, 0, "type mismatch: in a test");
        *ret = 0;
        return 0;
}

static int echo_instantiate(void *host, uint32_t module, uint32_t *ret, struct script_stop *stop,
                            struct error *err)
{
        *ret = 0;
        return 0;
}

static int echo_enroll(void *host, const struct script_name *name, uint32_t instance,
                       struct error *err)
{
        return 0;
}

static int echo_invoke(void *host, uint32_t instance, const struct script_name *name,
                       const struct script_value *args, uint32_t nargs, struct script_value *ret,
                       uint32_t *ret_n, struct script_stop *stop, struct error *err)
{
        if (nargs && args[0].bits[0] == 99) {
                stop->trapped = true;
                strcpy(stop->text, "unreachable");
                return -EFAULT;
        }
        *ret_n = nargs;
        if (nargs)
                ret[0] = args[0];
        return 0;
}

static int echo_get(void *host, uint32_t instance, const struct script_name *name,
                    struct script_value *ret, struct error *err)
{
        *ret = (struct script_value) I32(1);
        return 0;
}

static const struct script_host echo = { echo_load, echo_instantiate, echo_enroll, echo_invoke,
                                         echo_get };

static const struct { const char *text; unsigned passed, failed, skipped; const char *line; } runs[] = {
        { "(module)", 0, 0, 0, "" },
        { "(module) (assert_return (invoke \"f\" (i32.const 1)) (i32.const 1))", 1, 0, 0, "" },
        { "(module)\n(assert_return (invoke \"f\" (i32.const 1)) (i32.const 2))", 0, 1, 0,
          "t.wast:2: assert_return: invoke \"f\": result 0: expected i32:2 (0x2), got i32:1 (0x1) "
          "[module 1, line 1]\n" },
        { "(module) (assert_return (invoke \"f\" (i32.const 1)))", 0, 1, 0,
          "t.wast:1: assert_return: invoke \"f\": expected 0 results, got 1 [module 1, line 1]\n" },
        { "(module) (assert_trap (invoke \"f\" (i32.const 99)) \"unreachable\")", 1, 0, 0, "" },
        { "(module) (assert_trap (invoke \"f\" (i32.const 99)) \"integer overflow\")", 0, 1, 0,
          "t.wast:1: assert_trap: invoke \"f\": expected trap \"integer overflow\", got "
          "\"unreachable\" [module 1, line 1]\n" },
        { "(module) (assert_return (invoke \"f\" (i32.const 99)))", 0, 1, 0,
          "t.wast:1: assert_return: invoke \"f\": trapped: unreachable [module 1, line 1]\n" },
        { "(assert_return (invoke \"f\"))", 0, 1, 0,
          "t.wast:1: assert_return: invoke \"f\": there is no such instance [module 0, line 0]\n" },
        { "(assert_malformed (module quote \"(func\") \"unexpected token\")", 1, 0, 0, "" },
        { "(assert_malformed (module quote \"(func\") \"unknown label\")", 0, 1, 0,
          "t.wast:1: assert_malformed: expected \"unknown label\", got \"1:6: unexpected token: the "
          "text ends here\" (text)\n" },
        { "(assert_malformed (module quote \"(func)\") \"x\")", 0, 1, 0,
          "t.wast:1: assert_malformed: expected \"x\", but the module was accepted\n" },
        { "(assert_invalid (module binary \"123456789\") \"type mismatch\")", 1, 0, 0, "" },
        { "(assert_invalid (module (frob)) \"unknown operator\")", 0, 1, 0,
          "t.wast:1: assert_invalid: must be readable: text: 1:26: unknown operator frob\n" },
        { "(module (frob))", 0, 1, 0, "t.wast:1: module: module: text: 1:10: unknown operator frob\n" },
        { "(module) (frob)", 0, 1, 0,
          "t.wast:1: module: not understood: text: 1:11: unknown operator frob\n" },
        { "\n\n\n\n\n\n\n\n\n(module (frob)) (assert_return (invoke \"f\"))", 0, 0, 1, "" },
        { "\n\n\n\n\n\n\n\n\n(module)\n(assert_return (invoke \"f\"))", 0, 1, 0,
          "t.wast:11: assert_return: invoke \"f\": its module was skipped, so this must be, too "
          "[module 1, line 0]\n" },
};

START_TEST(runs_are_counted_and_told)
{
        static const struct script_skip skips[] = {
                { "other.wast", 0, 0, "x", "another file" },
                { "t.wast", 10, 10, "x", "line 10 alone" },
        };
        char *lines = NULL;
        size_t size = 0;
        struct script_run run = { .table = &echo, .file = "t.wast", .skips = skips,
                                  .nskips = ELEMENTSOF(skips),
                                  .out = open_memstream(&lines, &size) };

        ck_assert_int_eq(script_run(&run, runs[_i].text, strlen(runs[_i].text), NULL), 0);
        fclose(run.out);
        ck_assert_str_eq(lines, runs[_i].line);
        ck_assert_uint_eq(run.passed, runs[_i].passed);
        ck_assert_uint_eq(run.failed, runs[_i].failed);
        ck_assert_uint_eq(run.skipped, runs[_i].skipped);
        free(lines);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("script");

        tcase_add_test(tc, commands_come_one_by_one);
        tcase_add_loop_test(tc, broken_scripts_end, 0, ELEMENTSOF(broken));
        tcase_add_loop_test(tc, values_match_patterns, 0, ELEMENTSOF(matches));
        tcase_add_loop_test(tc, runs_are_counted_and_told, 0, ELEMENTSOF(runs));
        return unit_main("script", &tc, 1);
}
