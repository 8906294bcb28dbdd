/* The heap of a store: what it counts into, whose stacks it reads, and guests that end while they use
 * it. With code of a generator. */
#include "config.h"

#include <string.h>
#include <time.h>

#include "engine/run/preempt.h"
#include "tests/unit/instance/world.h"
#include "tests/unit/sanitizer.h"
#include "tests/unit/unit.h"

#define MIB (UINT64_C(1) << 20)

static const char objects[] =
        "(module (import \"h\" \"leave\" (func $leave))"
        " (type $n (struct (field $next (ref null $n)) (field $v i64)))"
        " (type $b (array (mut i8)))"
        " (memory 1)"
        " (global $all (mut (ref null $n)) (ref.null $n))"
        " (func $make (param i64) (result (ref $n)) (struct.new $n (ref.null $n) (local.get 0)))"
        " (func (export \"keep\") (param $k i64) (result i64)"
        "  (loop $l (global.set $all (struct.new $n (global.get $all) (local.get $k)))"
        "   (br_if $l (i64.ne (i64.const 0) (local.tee $k (i64.sub (local.get $k) (i64.const 1))))))"
        "  (i64.const 1))"
        " (func (export \"drop\") (result i64) (global.set $all (ref.null $n)) (i64.const 0))"
        " (func (export \"litter\") (param $k i64) (result i64)"
        "  (loop $l (drop (struct.new $n (ref.null $n) (i64.const -1)))"
        "   (br_if $l (i64.ne (i64.const 0) (local.tee $k (i64.sub (local.get $k) (i64.const 1))))))"
        "  (i64.const 2))"
        " (func (export \"array\") (param i64) (result i64)"
        "  (i64.extend_i32_u (array.len (array.new_default $b (i32.wrap_i64 (local.get 0))))))"
        " (func (export \"grow\") (param i64) (result i64)"
        "  (i64.extend_i32_s (memory.grow (i32.wrap_i64 (local.get 0)))))"
        " (func (export \"across\") (param i64) (result i64)"
        "  (local $a (ref null $n)) (local $b (ref null $n))"
        "  (local.set $a (call $make (local.get 0)))"
        "  (local.set $b (call $make (i64.const 1)))"
        "  (call $leave)"
        "  (i64.add (struct.get $n $v (local.get $a)) (struct.get $n $v (local.get $b)))))";

static struct instance *instance;

static void nothing(void)
{
}

static void suspend(void)
{
        fiber_suspend();
}

/* Another call of the same store, on a fiber that is resumed from here. */
static void call_inside(void)
{
        ck_assert_uint_eq(call_name(instance, "litter", 300, 0, 0, 0, 0), 2);
}

static struct host_function leaves;
static const struct extern_value import = { .kind = EXTERN_FUNC, .host = &leaves };

static void make_store(void (*leave)(void), uint64_t memory_max, bool collect)
{
        leaves = (struct host_function) { .module = "h", .name = "leave", .params = "", .results = "",
                                          .code = (void *)(uintptr_t)leave };
        world_store(&(struct store_options) { .memory_max_bytes = memory_max, .collect_always = collect });
}

static void make_objects(void (*leave)(void), uint64_t memory_max, bool collect)
{
        make_store(leave, memory_max, collect);
        instance = make(load_compiled(objects), &import);
}

static uint64_t call_name_here(const struct instance *i, const char *name, uint64_t argument)
{
        struct extern_value f = export_of(i, name);
        union value arg = { .i64 = argument }, result = { .bits = { 0, 0 } };

        return extern_call(&f, &arg, &result, NULL) == 0 ? result.i64 : 0;
}

static enum trap call_trap(const char *name, uint64_t argument)
{
        struct extern_value f = export_of(instance, name);
        union value arg = { .i64 = argument }, result;
        struct trap_info trap = { 0 };

        return call(&f, &arg, &result, &trap) == 0 ? TRAP_NONE : trap.trap;
}

START_TEST(the_heap_counts_as_memory)
{
        struct instance_usage before, after;

        make_objects(nothing, 8 * MIB, false);
        ck_assert_uint_eq(call_name(instance, "keep", 300000, 0, 0, 0, 0), 1); /* 4.6 MiB */
        ck_assert_uint_eq(call_name(instance, "grow", 60, 0, 0, 0, 0), UINT64_MAX);
        ck_assert_uint_eq(call_name(instance, "grow", 4, 0, 0, 0, 0), 1);
        ck_assert_int_eq(call_trap("keep", 400000), TRAP_HEAP_EXHAUSTED);
        ck_assert_int_eq(call_trap("array", 4 * MIB + 1), TRAP_HEAP_EXHAUSTED);
        ck_assert_uint_eq(call_name(instance, "drop", 0, 0, 0, 0, 0), 0);
        /* The size, on the stack, may look like a reference to what was dropped: that goes first, and then
         * one object may stay in the way. */
        ck_assert_uint_eq(call_name(instance, "litter", 2000000, 0, 0, 0, 0), 2);
        ck_assert_uint_eq(call_name(instance, "array", 3 * MIB, 0, 0, 0, 0), 3 * MIB);
        instance_usage(instance, &before);
        ck_assert_int_eq(call_trap("array", 8 * MIB), TRAP_HEAP_EXHAUSTED);
        instance_usage(instance, &after);
        ck_assert_uint_eq(after.memory_refused, before.memory_refused + 1);
        ck_assert_uint_gt(after.memory_bytes, 3 * MIB);
        ck_assert_uint_le(after.memory_bytes, 8 * MIB);
}
END_TEST

START_TEST(stacks_below_are_read)
{
        make_objects(call_inside, 0, true);
        ck_assert_uint_eq(call_name(instance, "across", 41, 0, 0, 0, 0), 42);
}
END_TEST

struct started {
        struct fiber *fiber;
        union value arg, result;
        struct trap_info trap;
        int r;
};

static void start_entry(void *argument)
{
        struct started *s = argument;
        struct extern_value f = export_of(instance, "across");

        s->r = extern_call(&f, &s->arg, &s->result, &s->trap);
}

static void start_across(struct started *s)
{
        ck_assert_int_eq(fiber_new(0, &s->fiber, NULL), 0);
        fiber_start(s->fiber, start_entry, s);
        ck_assert(fiber_resume(s->fiber)); /* it is in the host */
}

START_TEST(a_stack_that_cannot_be_read_is_refused)
{
        struct started s = { .arg.i64 = 5 };
        struct extern_value f;
        union value arg = { .i64 = 3 }, result = { .i64 = 77 };

        make_objects(suspend, 0, true);
        start_across(&s);
        f = export_of(instance, "litter");
        ck_assert_int_eq(call(&f, &arg, &result, NULL), -EBUSY);
        ck_assert_uint_eq(result.i64, 77);
        ck_assert(!fiber_resume(s.fiber));
        ck_assert_int_eq(s.r, 0);
        ck_assert_uint_eq(s.result.i64, 6);
        ck_assert_int_eq(call(&f, &arg, &result, NULL), 0);
        fiber_free(s.fiber);
}
END_TEST

/* The guest was called when there was no heap; its next call is of a store that has one. */
START_TEST(a_heap_that_comes_later_is_refused_as_well)
{
        static const char plain[] = "(module (import \"h\" \"leave\" (func $leave))"
                                    " (func (export \"across\") (param i64) (result i64)"
                                    "  (call $leave) (i64.add (local.get 0) (i64.const 1))))";
        struct started s = { .arg.i64 = 5 };
        struct extern_value later, first;
        union value arg = { .i64 = 3 }, result = { .i64 = 77 };

        make_store(suspend, 0, true);
        instance = make(load_compiled(plain), &import);
        start_across(&s);
        first = export_of(instance, "across");
        later = export_of(make(load_compiled(objects), &import), "litter");
        ck_assert_int_eq(call(&later, &arg, &result, NULL), -EBUSY);
        ck_assert_int_eq(call(&first, &arg, &result, NULL), -EBUSY);
        ck_assert(!fiber_resume(s.fiber));
        ck_assert_int_eq(s.r, 0);
        ck_assert_uint_eq(s.result.i64, 6);
        ck_assert_int_eq(call(&later, &arg, &result, NULL), 0);
        fiber_start(s.fiber, start_entry, &s);
        ck_assert(fiber_resume(s.fiber));
        ck_assert_int_eq(call(&later, &arg, &result, NULL), -EBUSY);
        ck_assert(!fiber_resume(s.fiber));
        fiber_free(s.fiber);
}
END_TEST

START_TEST(a_guest_that_is_stopped_leaves_a_heap_behind)
{
        struct started s = { .arg.i64 = 5 };

        make_objects(suspend, 0, true);
        start_across(&s);
        fiber_stop(s.fiber, "enough");
        (void)fiber_resume(s.fiber);
        ck_assert_int_eq(s.r, -EFAULT);
        ck_assert_int_eq(s.trap.trap, TRAP_HOST);
        ck_assert_uint_eq(call_name(instance, "litter", 100, 0, 0, 0, 0), 2);
        ck_assert_uint_eq(call_name(instance, "keep", 100, 0, 0, 0, 0), 1);
        fiber_free(s.fiber);
}
END_TEST

static bool wanted(uintptr_t pc)
{
        (void)pc;
        return true;
}

static uint64_t thread_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static const char *slice_name;
static uint64_t slice_argument;

static void slice_entry(void *argument)
{
        ck_assert_uint_ne(call_name_here(instance, slice_name, slice_argument), 0);
        (void)argument;
}

/* Nanoseconds of processor's time: all, and the longest until the guest left the thread to others. */
static uint64_t longest_stretch(const char *name, uint64_t argument, uint64_t *ret_all)
{
        uint64_t longest = 0, start = thread_ns(), at = start, now;
        struct fiber *f;
        bool more;

        slice_name = name;
        slice_argument = argument;
        ck_assert_int_eq(fiber_new(0, &f, NULL), 0);
        fiber_set_preemptible(f, true);
        fiber_start(f, slice_entry, NULL);
        do {
                more = fiber_resume(f);
                now = thread_ns();
                longest = now - at > longest ? now - at : longest;
                at = now;
        } while (more);
        fiber_free(f);
        *ret_all = now - start;
        return longest;
}

/* 96 MiB are looked at, swept and given back, and nobody waits for that. */
START_TEST(a_collection_lets_others_run)
{
        static const struct {
                const char *name;
                uint64_t argument;
        } calls[] = { { "keep", 6000000 }, { "litter", 14000000 }, { "array", 200000000 } };
        uint64_t limit = UINT64_C(30000000), all, longest = UINT64_MAX;
        unsigned slow = 0;
        timer_t timer, coarse;

#ifdef NACELLE_SANITIZERS
        limit *= 20;
#endif
        ck_assert_int_eq(preempt_init(wanted, NULL), 0);
        ck_assert_int_eq(preempt_thread_init(&timer, &coarse, NULL), 0);
        preempt_start(timer, 1000000);
        /* Once of three times: a virtual machine may stand still for a while. */
        for (unsigned attempt = 0; attempt < 3 && longest >= limit; attempt++) {
                make_objects(nothing, 0, false);
                longest = 0;
                for (unsigned k = 0; k < ELEMENTSOF(calls) && longest < limit; k++) {
                        longest = longest_stretch(calls[k].name, calls[k].argument, &all);
                        slow = k;
                }
        }
        preempt_stop(timer);
        ck_assert_msg(longest < limit, "%s: %llu ns at once of %llu", calls[slow].name,
                      (unsigned long long)longest, (unsigned long long)all);
}
END_TEST

START_TEST(no_room_for_constants_is_a_trap)
{
        struct instance *i = (void *)0x5a5a;
        struct trap_info trap = { 0 };
        struct error err = { 0 };
        struct loaded_module *m;

        world_store(&(struct store_options) { .memory_max_bytes = MIB });
        m = load_compiled("(module (type $b (array i64))"
                          " (global (ref $b) (array.new_default $b (i32.const 1000000))))");
        ck_assert_int_eq(instance_create(world.store, m, NULL, NULL, &i, &trap, &err), -EFAULT);
        ck_assert_int_eq(trap.trap, TRAP_HEAP_EXHAUSTED);
        ck_assert_ptr_eq(i, (void *)0x5a5a);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("objects");

        tcase_set_timeout(tc, 60);
        tcase_add_checked_fixture(tc, world_setup, world_teardown);
        tcase_add_test(tc, the_heap_counts_as_memory);
        tcase_add_test(tc, stacks_below_are_read);
        tcase_add_test(tc, a_stack_that_cannot_be_read_is_refused);
        tcase_add_test(tc, a_heap_that_comes_later_is_refused_as_well);
        tcase_add_test(tc, a_guest_that_is_stopped_leaves_a_heap_behind);
        tcase_add_test(tc, a_collection_lets_others_run);
        tcase_add_test(tc, no_room_for_constants_is_a_trap);
        return unit_main("objects", &tc, 1);
}
