/* test-enter - the short way into guests: every list of parameters, traps, exceptions, and who has to go the slow way. */
#include <string.h>
#include <sys/mman.h>

#include "engine/run/enter.h"
#include "tests/unit/run/code.h"
#include "tests/unit/sanitizer.h"

/* An instance without a module: head, spill area, a page of memory. */
struct instance {
        struct instance_prefix prefix;
        union value spill[4];
};

static struct instance guests[2];
static struct fiber *runner;

static void guest_init(struct instance *i)
{
        uint8_t *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        struct instance_head *head = (struct instance_head *)(map + 4096) - 1;

        ck_assert_ptr_ne(map, MAP_FAILED);
        i->prefix.base = map + 4096;
        head->self = i;
        head->spill = i->spill;
}

static void setup(void)
{
        ck_assert_int_eq(run_init(NULL), 0);
        ck_assert_int_eq(run_thread_init(NULL), 0);
        ck_assert_int_eq(arena_new(1 << 20, &arena, NULL), 0);
        guest_init(&guests[0]);
        guest_init(&guests[1]);
}

static unsigned slow_calls;

static int slow(const struct guest_call *c, const union value *args, union value *results,
                struct trap_info *trap)
{
        slow_calls++;
        results[0].i64 = args[0].i64 + c->index;
        return trap ? -EBUSY : 7;
}

static struct guest_call call_of(struct instance *i, const struct functype *type, void *code)
{
        return (struct guest_call) { .enter = guest_short_way(type), .slow = slow, .base = i->prefix.base,
                                     .code = code, .runner = &runner, .index = 5 };
}

/* What @c->enter returns; 99: it lost a register that a callee saves. */
int enter_and_look(const struct guest_call *c, const union value *args, union value *results,
                   struct trap_info *trap);

__asm__(".text\n"
        ".globl enter_and_look\n"
        "enter_and_look:\n"
        "       push %rbp\n push %rbx\n push %r12\n push %r13\n push %r14\n push %r15\n push %rdi\n"
        "       mov $11, %ebp\n mov $12, %ebx\n mov $13, %r12d\n mov $14, %r13d\n mov $15, %r14d\n"
        "       mov $16, %r15d\n"
        "       call *(%rdi)\n"
        "       cmp $11, %rbp\n jne 1f\n cmp $12, %rbx\n jne 1f\n cmp $13, %r12\n jne 1f\n"
        "       cmp $14, %r13\n jne 1f\n cmp $15, %r14\n jne 1f\n cmp $16, %r15\n je 2f\n"
        "1:     mov $99, %eax\n"
        "2:     pop %rdi\n pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbx\n pop %rbp\n"
        "       ret\n");

/* A call on a fiber of its own. */
struct job {
        struct guest_call call;
        union value args[3], results[1];
        struct trap_info trap;
        int r;
};

static void job_entry(void *argument)
{
        struct job *j = argument;

        j->r = enter_and_look(&j->call, j->args, j->results, &j->trap);
}

static void job_run(struct job *j)
{
        struct fiber *f;

        j->results[0] = (union value) { .bits = { 77, 78 } };
        ck_assert_int_eq(fiber_new(0, &f, NULL), 0);
        fiber_start(f, job_entry, j);
        ck_assert(!fiber_resume(f));
        fiber_free(f);
}

/* mov gs:spill,rax; mov rdi,(rax); mov rsi,8(rax); mov rdx,16(rax); mov $-2,rax; ret */
#define NOTES_ARGUMENTS \
        CODE(0x65, 0x48, 0x8b, 0x04, 0x25, 0xc0, 0xff, 0xff, 0xff, 0x48, 0x89, 0x38, 0x48, 0x89, 0x70, 0x08, \
             0x48, 0x89, 0x50, 0x10, 0x48, 0xc7, 0xc0, 0xfe, 0xff, 0xff, 0xff, 0xc3)

START_TEST(every_list_of_integers_goes_in)
{
        static const valtype kinds[] = { VAL_I64, VAL_I32 };
        void *code = NOTES_ARGUMENTS;

        for (unsigned n = 0; n <= 3; n++)
                for (unsigned narrow = 0; narrow < 1u << n; narrow++) {
                        valtype params[3], result = _i == 1 ? VAL_I32 : VAL_I64;
                        struct functype type = { n, _i > 0, params, &result };
                        const uint64_t *seen = guests[0].spill[0].bits;
                        struct job j;

                        for (unsigned k = 0; k < n; k++) {
                                params[k] = kinds[narrow >> k & 1];
                                j.args[k].i64 = (k + 1) * UINT64_C(0x100000007);
                        }
                        j.call = call_of(&guests[0], &type, code);
                        ck_assert_ptr_nonnull(j.call.enter);
                        job_run(&j);
                        ck_assert_int_eq(j.r, 0);
                        for (unsigned k = 0; k < n; k++)
                                ck_assert_uint_eq(seen[k], narrow >> k & 1 ? j.args[k].i32 : j.args[k].i64);
                        ck_assert_uint_eq(j.results[0].bits[0], _i == 0 ? 77 : _i == 1 ? UINT32_MAX - 1 : UINT64_MAX - 1);
                        ck_assert_uint_eq(j.results[0].bits[1], _i == 0 ? 78 : 0);
                        ck_assert_ptr_null(runner);
                }
        ck_assert_uint_eq(slow_calls, 0);
}
END_TEST

static const valtype I[] = { VAL_I64, VAL_I64, VAL_I64, VAL_I64 }, F[] = { VAL_F64 }, V[] = { VAL_V128 };

START_TEST(other_types_have_no_short_way)
{
        static const struct functype types[] = {
                { 4, 0, I, NULL }, { 0, 2, NULL, I }, { 1, 0, F, NULL }, { 0, 1, NULL, F }, { 1, 1, I, V },
        };

        for (unsigned k = 0; k < ELEMENTSOF(types); k++)
                ck_assert_ptr_null(guest_short_way(&types[k]));
}
END_TEST

static const struct functype type_I_I = { 1, 1, I, I };

static const struct {
        const char *name;
        uint8_t code[40];
        enum trap trap;
} ends[] = {
        { "a trap", { 0x67, 0x0f, 0xb9, 0x40, 1 }, TRAP_UNREACHABLE },
        /* push rbp; mov rsp,rbp; zero ebx, r12d to r15d; ud1 */
        { "a trap, registers changed", { 0x55, 0x48, 0x89, 0xe5, 0x31, 0xdb, 0x45, 0x31, 0xe4, 0x45, 0x31, 0xed, 0x45,
                                         0x31, 0xf6, 0x45, 0x31, 0xff, 0x67, 0x0f, 0xb9, 0x40, 4 },
          TRAP_INVALID_CONVERSION },
        /* movq $1,gs:thrown; ret */
        { "an exception", { 0x65, 0x48, 0xc7, 0x04, 0x25, 0xd0, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0xc3 },
          TRAP_UNCAUGHT_EXCEPTION },
        { "endless recursion", { 0x55, 0x48, 0x89, 0xe5, 0xe8, 0xf7, 0xff, 0xff, 0xff, 0x5d, 0xc3 },
          TRAP_STACK_EXHAUSTED },
};

START_TEST(a_trap_comes_back)
{
        struct job j = { .call = call_of(&guests[0], &type_I_I, code_add(ends[_i].code, sizeof(ends[_i].code))) };
        struct job good = { .call = call_of(&guests[1], &type_I_I, NOTES_ARGUMENTS) };

        for (unsigned round = 0; round < 3; round++) {
                memset(&j.trap, 0, sizeof(j.trap));
                job_run(&j);
                ck_assert_int_eq(j.r, -EFAULT);
                ck_assert_uint_eq(j.trap.trap, ends[_i].trap);
                ck_assert_uint_eq(j.results[0].bits[0], 77);
                ck_assert_ptr_null(runner);
                ck_assert_ptr_null(((struct instance_head *)guests[0].prefix.base - 1)->thrown);
                job_run(&good);
                ck_assert_int_eq(good.r, 0);
        }
        ck_assert_uint_eq(slow_calls, 0);
}
END_TEST

/* Guest code that calls the record in its second argument with the first as the argument, as in test-trap.c. */
#define CALL_OUT CODE(0x55, 0x48, 0x89, 0xe5, 0x49, 0x89, 0xf2, 0xff, 0x56, 0x08, 0x5d, 0xc3)

static struct job nested;

static uint64_t host_calls_again(uint64_t argument)
{
        struct fiber *before = runner;
        int r = enter_and_look(&nested.call, nested.args, nested.results, argument ? &nested.trap : NULL);

        ck_assert_ptr_eq(before, fiber_current());
        ck_assert_ptr_eq(runner, before);
        return (uint64_t)r;
}

START_TEST(guests_below_go_the_slow_way)
{
        static const struct functype type = { 2, 1, I, I };
        struct {
                struct run_host host;
                const void *thunk;
        } record = { { host_calls_again }, run_host_thunk };
        struct job j = { .call = call_of(&guests[0], &type, CALL_OUT),
                         .args = { { .i64 = (uint64_t)_i }, { .i64 = (uintptr_t)&record } } };

        nested = (struct job) { .call = call_of(&guests[1], &type_I_I, NOTES_ARGUMENTS), .args = { { .i64 = 30 } } };
        job_run(&j);
        ck_assert_int_eq(j.r, 0);
        ck_assert_uint_eq(slow_calls, 1);
        ck_assert_uint_eq(nested.results[0].i64, 35);
        ck_assert_int_eq((int)j.results[0].i64, _i ? -EBUSY : 7);
        ck_assert_ptr_null(runner);
}
END_TEST

START_TEST(who_is_noted_elsewhere_goes_the_slow_way)
{
        struct job j = { .call = call_of(&guests[0], &type_I_I, NOTES_ARGUMENTS), .args = { { .i64 = 1 } } };

        runner = (struct fiber *)&j;
        job_run(&j);
        ck_assert_int_eq(j.r, -EBUSY);
        ck_assert_uint_eq(j.results[0].i64, 6);
        ck_assert_uint_eq(slow_calls, 1);
        ck_assert_ptr_eq(runner, (struct fiber *)&j);
}
END_TEST

START_TEST(each_guest_has_its_base)
{
        /* mov gs:0,rax; ret */
        void *code = CODE(0x65, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0, 0xc3);
        struct job j[2];

        for (unsigned k = 0; k < 2; k++) {
                *(uint64_t *)guests[k].prefix.base = k + 100;
                j[k].call = call_of(&guests[k], &type_I_I, code);
        }
        for (unsigned k = 0; k < 6; k++) {
                job_run(&j[k / 2 & 1]);
                ck_assert_int_eq(j[k / 2 & 1].r, 0);
                ck_assert_uint_eq(j[k / 2 & 1].results[0].i64, (k / 2 & 1) + 100);
        }
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("enter");

        tcase_add_checked_fixture(tc, setup, NULL);
        tcase_add_loop_test(tc, every_list_of_integers_goes_in, 0, 3);
        tcase_add_test(tc, other_types_have_no_short_way);
        tcase_add_loop_test(tc, a_trap_comes_back, 0, ELEMENTSOF(ends));
        tcase_add_loop_test(tc, guests_below_go_the_slow_way, 0, 2);
        tcase_add_test(tc, who_is_noted_elsewhere_goes_the_slow_way);
        tcase_add_test(tc, each_guest_has_its_base);
        return unit_main("enter", &tc, 1);
}
