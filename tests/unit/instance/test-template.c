/* Slots and templates: nanoprocesses that are made by copying are as those made anew, and of the one
 * before nothing is left: memory, beyond its old size, tables, globals, segments, spill area, stack,
 * exceptions. On both kinds of slots, with and without the kernel's word on dirty pages. */
#define _GNU_SOURCE /* memfd_create */

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/instance/slot.h"
#include "tests/unit/instance/world.h"
#include "tests/unit/sanitizer.h"
#include "tests/unit/unit.h"
#include "tests/on_fiber.h"

#define MODULE(pages, more) \
        "(module (type $t (func (param i64) (result i64)))" \
        " (import \"h\" \"f\" (func $f (type $t)))" \
        " (memory (export \"m\") " pages ") (global $g (mut i64) (i64.const 7))" \
        " (global $r (mut funcref) (ref.func $one))" \
        " (table $t0 4 16 funcref) (table $x 2 8 externref) (elem (table $t0) (i32.const 0) func $one $f)" \
        " (elem $e func $two) (data (i32.const 16) \"image\") (data $d \"passive\")" more \
        " (tag $tag (param i64))" \
        " (func $one (export \"one\") (type $t) (i64.const 1))" \
        " (func $two (type $t) (i64.const 2))" \
        " (func (export \"load\") (param i32) (result i64) (i64.load (local.get 0)))" \
        " (func (export \"store\") (param i32 i64) (i64.store (local.get 0) (local.get 1)))" \
        " (func (export \"size\") (result i32) (memory.size))" \
        " (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))" \
        " (func (export \"global\") (result i64) (global.get $g))" \
        " (func (export \"call\") (param i32) (result i64)" \
        "  (call_indirect $t0 (type $t) (i64.const 5) (local.get 0)))" \
        " (func (export \"tables\") (result i32) (i32.add (table.size $t0) (i32.mul (i32.const 100) (table.size $x))))" \
        " (func $many (param i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64) (local.get 8))" \
        " (func (export \"dirty\") (param i64) (result i64)" \
        "  (global.set $g (local.get 0)) (global.set $r (ref.null func))" \
        "  (table.set $t0 (i32.const 0) (ref.func $two))" \
        "  (drop (table.grow $t0 (ref.func $two) (i32.const 5)))" \
        "  (drop (table.grow $x (ref.null extern) (i32.const 3)))" \
        "  (table.init $t0 $e (i32.const 2) (i32.const 0) (i32.const 1)) (elem.drop $e)" \
        "  (memory.init $d (i32.const 100) (i32.const 0) (i32.const 7)) (data.drop $d)" \
        "  (i64.store (i32.const 16) (local.get 0)) (i64.store (i32.const 60000) (local.get 0))" \
        "  (drop (memory.grow (i32.const 2))) (i64.store (i32.const 65536) (local.get 0))" \
        "  (block $h (result exnref) (try_table (catch_all_ref $h) (throw $tag (local.get 0))) (ref.null exn)) (drop)" \
        "  (call $many (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)" \
        "   (local.get 0) (local.get 0) (local.get 0))))"

#define SECRET UINT64_C(0x5ec2e75ec2e75ec2)

static uint64_t host_f(uint64_t a)
{
        volatile uint8_t deep[40000];

        memset((void *)deep, 0xa5, sizeof(deep));
        return a + 100 + deep[0] - 0xa5;
}

static const struct host_function function = { "h", "f", "I", "I", (void *)host_f };
static const struct extern_value import = { .kind = EXTERN_FUNC, .host = &function };

struct kind {
        const char *name, *pages, *more;
        bool dense, pagemap, mapped;
        size_t keep;
};

static const struct kind kinds[] = {
        { "written whole", "1 6", "", false, false, false, 0 },
        { "dense, written whole", "1 6", "", true, false, false, 0 },
        { "by the kernel's word", "20 30", "", false, true, false, 0 },
        { "dense, by the kernel's word", "20 30", "", true, true, false, 0 },
        { "given back", "20 30", "", false, false, false, 0 },
        { "dense, given back", "20 30", "", true, false, false, 0 },
        { "more than is kept", "20 30", "", false, true, false, 4096 },
        { "image mapped", "4 8", "(data (i32.const 131000) \"far\")", false, true, true, 0 },
        { "image mapped, given back", "4 8", "(data (i32.const 131000) \"far\")", false, false, true, 0 },
        { "image far away, copied", "4 8", "(data (i32.const 131000) \"far\")", true, true, false, 0 },
        { "segment at a computed place", "1 6", "(global $p i32 (i32.const 200)) (data (global.get $p) \"x\")",
          false, false, false, 0 },
};

static int pagemap = -EBADF, image = -EBADF;
static struct slots *slots;

static struct template *template_of(const struct kind *k, unsigned count)
{
        char wat[8192];
        const struct slots_options o = {
                .count = count, .memory_bytes = k->dense ? 2u << 20 : 0, .stack_bytes = 256u << 10,
                .instance_bytes = 64u << 10, .keep_bytes = k->keep, .pagemap = k->pagemap ? pagemap : -EBADF,
        };
        struct template *t = NULL;
        struct error err = { 0 };

        snprintf(wat, sizeof(wat), MODULE("%s", "%s"), k->pages, k->more);
        if (k->mapped)
                image = memfd_create("image", MFD_CLOEXEC);
        load_compiled_for(wat, k->dense, k->mapped ? image : -EBADF);
        HOLD(slots_new(&o, &slots, &err) == 0, err.text);
        HOLD(template_new(slots, &(struct store_options) { .slots = 4 }, world.artefacts[world.n - 1],
                          world.code[world.n - 1], k->mapped ? image : -EBADF, &import, &t, NULL,
                          &err) == 0, err.text);
        return t;
}

static struct instance *take(struct template *t)
{
        struct instance *i = NULL;
        struct error err = { 0 };

        HOLD(template_take(t, &world, 0, &i, NULL, &err) == 0, err.text);
        return i;
}

/* On the nanoprocess's own stack. */
static int run(struct instance *i, const char *name, uint64_t a, uint64_t b, uint64_t *ret)
{
        struct extern_value f = export_of(i, name);
        union value args[2] = { { .i64 = a }, { .i64 = b } }, result = { .bits = { 0, 0 } };
        struct trap_info trap = { 0 };
        int r = call_on_fiber(instance_fiber(i), &f, args, &result, &trap);

        *ret = r == 0 ? result.i64 : (uint64_t)trap.trap;
        return r;
}

static uint64_t must(struct instance *i, const char *name, uint64_t a, uint64_t b)
{
        uint64_t v;

        ck_assert_int_eq(run(i, name, a, b, &v), 0);
        return v;
}

static void setup(void)
{
        world_setup();
        pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(pagemap, 0);
}

static void teardown(void)
{
        slots_free(slots);
        slots = NULL;
        world_teardown();
        close(pagemap);
        if (image >= 0)
                close(image);
        image = -EBADF;
}

/* Everything that a guest or its host could find of it: a copy, for comparison. */
struct picture {
        uint8_t *below, *memory;
        size_t below_bytes;
        uint64_t memory_bytes;
};

static struct picture picture_of(const struct instance *i)
{
        const struct slot *s = i->slot;
        struct picture p = { .below_bytes = (size_t)(s->base - slot_stack_high(s)) };
        const uint8_t *memory = instance_memory(i, &p.memory_bytes);

        p.below = malloc(p.below_bytes);
        p.memory = malloc(p.memory_bytes);
        memcpy(p.below, slot_stack_high(s), p.below_bytes);
        memcpy(p.memory, memory, p.memory_bytes);
        /* The slot's own notes differ. */
        memset(p.below + s->template->arrays.size, 0, slot_head_bytes());
        return p;
}

static void picture_done(struct picture *p)
{
        free(p->below);
        free(p->memory);
}

static void expect_same(const struct picture *a, const struct picture *b)
{
        ck_assert_uint_eq(a->below_bytes, b->below_bytes);
        ck_assert_uint_eq(a->memory_bytes, b->memory_bytes);
        ck_assert_mem_eq(a->below, b->below, a->below_bytes);
        ck_assert(memcmp(a->memory, b->memory, a->memory_bytes) == 0);
}

static bool all_zero(const uint8_t *p, const uint8_t *end)
{
        while (p < end && *p == 0)
                p++;
        return p == end;
}

START_TEST(nothing_of_a_guest_is_left)
{
        const struct kind *k = &kinds[_i];
        struct template *t = template_of(k, 3);
        struct template_figures figures;
        struct instance *i = take(t), *again;
        struct picture first = picture_of(i), second;
        uint64_t size = must(i, "size", 0, 0), v;

        template_figures(t, &figures);
        ck_assert_msg(!template_why(t), "%s: %s", k->name, template_why(t));
        ck_assert_msg(figures.image_mapped == k->mapped, "%s", k->name);
        for (unsigned round = 0; round < 40; round++) {
                ck_assert_uint_eq(must(i, "load", 16, 0) & 0xffffffffff, UINT64_C(0x6567616d69));
                ck_assert_uint_eq(must(i, "global", 0, 0), 7);
                ck_assert_uint_eq(must(i, "call", 0, 0), 1);
                ck_assert_uint_eq(must(i, "call", 1, 0), 105);
                ck_assert_uint_eq(must(i, "tables", 0, 0), 204);
                ck_assert_int_eq(run(i, "load", size << 16, 0, &v), -EFAULT);
                ck_assert_uint_eq(v, TRAP_MEMORY_BOUNDS);

                ck_assert_uint_eq(must(i, "dirty", SECRET, 0), SECRET);
                ck_assert_uint_eq(must(i, "size", 0, 0), size + 2);
                must(i, "store", (size + 2) * 65536 - 8, SECRET);
                ck_assert_uint_eq(must(i, "call", 0, 0), 2);
                ck_assert_uint_eq(must(i, "call", 2, 0), 2);
                ck_assert_uint_eq(must(i, "tables", 0, 0), 509);
                template_give(i);

                again = take(t);
                ck_assert_ptr_eq(again, i);
                second = picture_of(i);
                expect_same(&first, &second);
                picture_done(&second);
                ck_assert_ptr_eq(i->store->exceptions, NULL);
                ck_assert_ptr_eq(instance_host(i), &world);
                /* Deep stacks are looked at now and then. */
                ck_assert(all_zero(slot_stack_kept(i->slot), slot_stack_high(i->slot)));
        }
        ck_assert_uint_eq(must(i, "size", 0, 0), size);
        ck_assert_uint_eq(must(i, "grow", 3, 0), size);
        for (uint64_t at = size << 16; at < (size + 3) << 16; at += 8)
                ck_assert_uint_eq(*(uint64_t *)(i->slot->base + at), 0);
        picture_done(&first);
        template_give(i);
        template_free(t);
}
END_TEST

START_TEST(a_deep_stack_is_given_back)
{
        struct template *t = template_of(&kinds[_i], 1);
        struct instance *i;

        for (unsigned round = 0; round < 64; round++) {
                i = take(t);
                ck_assert_uint_eq(must(i, "call", 1, 0), 105);
                template_give(i);
        }
        i = take(t);
        ck_assert(all_zero(slots_stack(slots, i->slot->base), slot_stack_high(i->slot)));
        template_give(i);
        template_free(t);
}
END_TEST

START_TEST(many_at_once_are_apart)
{
        struct template *t = template_of(&kinds[_i], 8);
        struct slots_state state;
        struct instance *i[8];

        for (unsigned k = 0; k < 8; k++)
                i[k] = take(t);
        for (unsigned k = 0; k < 8; k++) {
                must(i[k], "dirty", k, 0);
                must(i[k], "store", 8, 1000 + k);
        }
        for (unsigned k = 0; k < 8; k++) {
                ck_assert_uint_eq(must(i[k], "global", 0, 0), k);
                ck_assert_uint_eq(must(i[k], "load", 8, 0), 1000 + k);
                ck_assert_uint_eq(must(i[k], "call", 0, 0), 2);
        }
        slots_state(slots, &state);
        ck_assert_uint_eq(state.busy, 8);
        ck_assert_uint_eq(state.warm, 0);
        for (unsigned k = 0; k < 8; k++)
                template_give(i[k]);
        slots_state(slots, &state);
        ck_assert_uint_eq(state.busy, 0);
        ck_assert_uint_eq(state.warm, 8);
        template_free(t);
}
END_TEST

START_TEST(what_is_refused)
{
        struct template *t = template_of(&kinds[0], 2), *other = NULL;
        struct instance *a = take(t), *b = take(t), *none = NULL;
        struct error err = { 0 };

        ck_assert_int_eq(template_take(t, NULL, 0, &none, NULL, &err), -EAGAIN);
        ck_assert_str_eq(err.text, "all 2 slots are taken");
        ck_assert_int_eq(template_take(t, NULL, 65535, &none, NULL, &err), -E2BIG);
        ck_assert_ptr_eq(none, NULL);
        template_give(a);
        ck_assert_int_eq(template_take(t, NULL, 65536 + 4096, &a, NULL, &err), 0); /* tables too */
        ck_assert_uint_eq(must(a, "grow", 1, 0), UINT32_MAX); /* the limit is the taker's */
        template_give(a);

        /* A template that finds no slot takes one that is warm for another. */
        load_compiled("(module (func (export \"three\") (result i32) (i32.const 3)))");
        ck_assert_int_eq(template_new(slots, &(struct store_options) { 0 }, world.artefacts[1],
                                      world.code[1], -EBADF, NULL, &other, NULL, &err), 0);
        a = take(other);
        ck_assert_uint_eq(must(a, "three", 0, 0), 3);
        ck_assert_int_eq(template_take(other, NULL, 0, &none, NULL, &err), -EAGAIN);
        template_give(b);
        b = take(other);
        template_give(a);
        template_give(b);
        template_give(NULL);
        template_free(other);
        a = take(t);
        ck_assert_uint_eq(must(a, "global", 0, 0), 7);
        template_give(a);
        template_free(t);
}
END_TEST

START_TEST(code_and_slots_must_fit)
{
        struct template *t = NULL;
        struct error err = { 0 };

        load_compiled_for("(module (memory 1))", !_i, -EBADF);
        ck_assert_int_eq(slots_new(&(struct slots_options) { .count = 1, .pagemap = -EBADF,
                                                             .memory_bytes = _i ? 65536 : 0 },
                                   &slots, &err), 0);
        ck_assert_int_eq(template_new(slots, &(struct store_options) { 0 }, world.artefacts[0],
                                      world.code[0], -EBADF, NULL, &t, NULL, &err), -EINVAL);
        ck_assert_str_eq(err.text, _i ? "code that needs guards, for dense slots"
                                      : "code for dense slots, and these have guards");
        ck_assert_ptr_eq(t, NULL);
}
END_TEST

static const struct {
        const char *wat, *why;
} anew[] = {
        { "(module (memory 1) (memory 1) (func (export \"f\") (result i32) (i32.const 3)))",
          "it has several memories" },
        { "(module (memory 2) (func (export \"f\") (result i32) (i32.const 3)))",
          "its memory does not fit a slot" },
        { "(module (table 9000 funcref) (func (export \"f\") (result i32) (i32.const 3)))",
          "its tables do not fit a slot" },
};

START_TEST(what_cannot_be_copied_is_made_anew)
{
        struct template *t = NULL;
        struct instance *i;
        struct error err = { 0 };

        load_compiled_for(anew[_i].wat, true, -EBADF);
        ck_assert_int_eq(slots_new(&(struct slots_options) { .count = 1, .pagemap = -EBADF,
                                                             .memory_bytes = 65536 }, &slots, &err), 0);
        ck_assert_int_eq(template_new(slots, &(struct store_options) { 0 }, world.artefacts[0],
                                      world.code[0], -EBADF, NULL, &t, NULL, &err), 0);
        ck_assert_ptr_ne(template_why(t), NULL);
        ck_assert_str_eq(template_why(t), anew[_i].why);
        for (unsigned k = 0; k < 3; k++) {
                i = take(t);
                ck_assert_uint_eq(must(i, "f", 0, 0), 3);
                template_give(i);
        }
        template_free(t);
}
END_TEST

START_TEST(a_segment_out_of_bounds_traps)
{
        struct template *t = NULL;
        struct trap_info trap = { 0 };
        struct error err = { 0 };

        load_compiled("(module (memory 1) (data (i32.const 65536) \"x\"))");
        ck_assert_int_eq(slots_new(&(struct slots_options) { .count = 1, .pagemap = -EBADF }, &slots,
                                   &err), 0);
        ck_assert_int_eq(template_new(slots, &(struct store_options) { 0 }, world.artefacts[0],
                                      world.code[0], -EBADF, NULL, &t, &trap, &err), -EFAULT);
        ck_assert_int_eq(trap.trap, TRAP_MEMORY_BOUNDS);
        ck_assert_ptr_eq(t, NULL);
}
END_TEST

START_TEST(few_are_kept_warm)
{
        struct template *t = template_of(&kinds[_i], 4);
        struct slots_state state;
        struct instance *i[4];

        slots->o.warm_max = 2;
        for (unsigned round = 0; round < 3; round++) {
                for (unsigned k = 0; k < 4; k++) {
                        i[k] = take(t);
                        ck_assert_uint_eq(must(i[k], "load", 8, 0), 0);
                        ck_assert_uint_eq(must(i[k], "global", 0, 0), 7);
                        must(i[k], "dirty", SECRET, 0);
                        must(i[k], "store", 8, SECRET);
                }
                for (unsigned k = 0; k < 4; k++)
                        template_give(i[k]);
                slots_state(slots, &state);
                ck_assert_uint_eq(state.warm, 2);
                ck_assert_uint_eq(state.busy, 0);
        }
        template_free(t);
}
END_TEST

static void suspend_entry(void *argument)
{
        for (;;)
                fiber_suspend();
}

START_TEST(a_guest_that_waits_can_be_ended)
{
        struct template *t = template_of(&kinds[0], 1);
        struct instance *i = take(t);

        fiber_start(instance_fiber(i), suspend_entry, NULL);
        ck_assert(fiber_resume(instance_fiber(i)));
        template_give(i);
        i = take(t);
        ck_assert_uint_eq(must(i, "one", 0, 0), 1);
        template_give(i);
        template_free(t);
}
END_TEST

static const struct {
        struct slots_options o;
        int r;
} sizes[] = {
        { { .count = 30000 }, 0 },
        { { .count = 32000 }, 0 },
        { { .count = 33000 }, -E2BIG },
        { { .count = 100000, .memory_bytes = 1u << 20, .stack_bytes = 1 }, 0 },
        { { .count = 0 }, -EINVAL },
        { { .count = 1, .stack_bytes = SIZE_MAX }, -EINVAL },
        { { .count = 1, .stack_bytes = 8u << 20, .instance_bytes = 9u << 20 }, -EINVAL },
        { { .count = 1, .memory_bytes = UINT64_MAX }, -EINVAL },
        { { .count = UINT32_MAX, .memory_bytes = 1u << 20 }, -E2BIG },
};

START_TEST(sizes_are_measured)
{
        struct slots_figures f = { .slot_bytes = 1 };
        struct error err = { 0 };

        ck_assert_int_eq(slots_measure(&sizes[_i].o, &f, &err), sizes[_i].r);
        ck_assert(sizes[_i].r == 0 ? f.slot_bytes > 65536 : f.slot_bytes == 1);
        ck_assert(sizes[_i].r == 0 || f.all_bytes == 0);
        ck_assert(sizes[_i].r < 0 || f.mappings == (sizes[_i].o.memory_bytes ? 0 : 2));
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("template");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_set_timeout(tc, 60);
        tcase_add_loop_test(tc, nothing_of_a_guest_is_left, 0, ELEMENTSOF(kinds));
        tcase_add_loop_test(tc, a_deep_stack_is_given_back, 0, ELEMENTSOF(kinds));
        tcase_add_loop_test(tc, many_at_once_are_apart, 0, ELEMENTSOF(kinds));
        tcase_add_test(tc, what_is_refused);
        tcase_add_loop_test(tc, code_and_slots_must_fit, 0, 2);
        tcase_add_loop_test(tc, what_cannot_be_copied_is_made_anew, 0, ELEMENTSOF(anew));
        tcase_add_test(tc, a_segment_out_of_bounds_traps);
        tcase_add_loop_test(tc, few_are_kept_warm, 0, ELEMENTSOF(kinds));
        tcase_add_test(tc, a_guest_that_waits_can_be_ended);
        tcase_add_loop_test(tc, sizes_are_measured, 0, ELEMENTSOF(sizes));
        return unit_main("template", &tc, 1);
}
