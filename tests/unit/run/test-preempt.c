/* test-preempt.c - guests that do not give the thread back lose it, and notice nothing. */
#include "config.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/base/clock.h"
#include "engine/run/arena.h"
#include "engine/run/preempt.h"
#include "engine/run/run.h"
#include "tests/unit/sanitizer.h"
#include "tests/unit/unit.h"

#define SLICE_NS UINT64_C(100000)
#define SIGNALS  100u /* as many to know what one costs */

struct instance {
        struct instance_prefix prefix;
        union value spill[16];
        uint8_t *area;
};

static struct arena *arena;
static struct instance guest;
static timer_t timer, coarse;
static uint64_t slice_ns; /* so long that an emulated machine has time for the guest, too */
static volatile bool leave_always;
static __attribute__((unused)) volatile uint64_t ticks, ticks_in_guest;

/* Code of a guest; copied into the arena, so nothing in it refers to a place outside. All registers
 * take part in a sum that any lost bit changes: rdi rounds, the sum in rax. */
__asm__("       .pushsection .rodata\n"
        "guest_churn:\n"
        "       push %rbp; mov %rsp, %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15; push %r15\n"
        "       mov $0x9e3779b97f4a7c15, %rax; mov %rax, %rbx; mov %rax, %rcx; mov %rax, %rdx; mov %rax, %rsi\n"
        "       lea 1(%rax), %r8; lea 2(%rax), %r9; lea 3(%rax), %r10; lea 4(%rax), %r11\n"
        "       lea 5(%rax), %r12; lea 6(%rax), %r13; lea 7(%rax), %r14; lea 8(%rax), %r15\n"
        "       .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "       movq %rax, %xmm\\n; add $\\n, %rax\n"
        "       .endr\n"
        "1:     add %rbx, %rax; rol $7, %rax; xor %rcx, %rbx; add %rdx, %rcx; rol $11, %rcx; xor %rsi, %rdx\n"
        "       add %r8, %rsi; xor %r9, %r8; add %r10, %r9; xor %r11, %r10; add %r12, %r11; rol $3, %r11\n"
        "       xor %r13, %r12; add %r14, %r13; xor %r15, %r14; add %rax, %r15; rol $17, %r15\n"
        "       paddq %xmm1, %xmm0; pxor %xmm2, %xmm1; paddq %xmm3, %xmm2; pxor %xmm4, %xmm3\n"
        "       paddq %xmm5, %xmm4; pxor %xmm6, %xmm5; paddq %xmm7, %xmm6; pxor %xmm8, %xmm7\n"
        "       paddq %xmm9, %xmm8; pxor %xmm10, %xmm9; paddq %xmm11, %xmm10; pxor %xmm12, %xmm11\n"
        "       paddq %xmm13, %xmm12; pxor %xmm14, %xmm13; paddq %xmm15, %xmm14; pxor %xmm0, %xmm15\n"
        "       pshufd $0x39, %xmm3, %xmm3\n"
        /* below the stack pointer, where a signal must not write, and flags across a jump */
        "       mov %rax, -64(%rsp); mov %rbx, -128(%rsp); add -64(%rsp), %rax; xor -128(%rsp), %rax\n"
        "       dec %rdi; jne 1b\n"
        "       movq %xmm0, %rbx; add %rbx, %rax; movq %xmm7, %rbx; add %rbx, %rax; movq %xmm15, %rbx; add %rbx, %rax\n"
        "       add %rsi, %rax; add %r8, %rax; add %r15, %rax\n"
        "       pop %r15; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp; ret\n"
        "guest_churn_end:\n"
        "guest_spin: jmp guest_spin\n"
        "guest_spin_end:\n"
        /* rdi times: call r10's code */
        "guest_calls:\n"
        "       push %rbp; mov %rsp, %rbp; push %rbx; push %r12; mov %rdi, %rbx; mov %r10, %r12\n"
        "1:     mov %r12, %r10; mov 0(%r10), %rax; mov 8(%r10), %r10; call *%rax; dec %rbx; jne 1b\n"
        "       pop %r12; pop %rbx; pop %rbp; ret\n"
        "guest_calls_end:\n"
        "       .popsection\n");

extern const uint8_t guest_churn[], guest_churn_end[], guest_spin[], guest_spin_end[], guest_calls[],
        guest_calls_end[];

static const valtype one_i64[] = { VAL_I64 };
static const struct functype takes_i64 = { 1, 1, (valtype *)one_i64, (valtype *)one_i64 };
static const struct functype nothing = { 0 };

static bool wanted(uintptr_t pc)
{
        (void)pc;
        ticks++;
        return leave_always;
}

static bool find_memory(const struct instance *i, uintptr_t address, uint64_t *ret_offset)
{
        return false;
}

static bool locate(struct instance *i, uintptr_t pc, bool call, struct trap_frame *ret)
{
        *ret = (struct trap_frame) { .instance = i, .function = 5, .offset = 6 };
        return true;
}

static void setup(void)
{
        static const struct run_hooks hooks = { find_memory, locate };
        struct instance_head *head;
        uint64_t start_ns;

        ck_assert_int_eq(run_init(NULL), 0);
        ck_assert_int_eq(run_thread_init(NULL), 0);
        ck_assert_int_eq(preempt_init(wanted, NULL), 0);
        ck_assert_int_eq(preempt_thread_init(&timer, &coarse, NULL), 0);
        ck_assert_int_eq(arena_new(1 << 20, &arena, NULL), 0);
        run_set_hooks(&hooks);
        guest.area = calloc(1, 4096);
        guest.prefix.base = guest.area + 4096;
        head = (struct instance_head *)guest.prefix.base - 1;
        head->self = &guest;
        head->spill = guest.spill;
        leave_always = false;
        start_ns = monotonic_ns();
        for (unsigned i = 0; i < SIGNALS; i++)
                raise(SIGPROF);
        slice_ns = 5 * (monotonic_ns() - start_ns) / SIGNALS;
        slice_ns = slice_ns < SLICE_NS ? SLICE_NS : slice_ns;
        leave_always = true;
}

static void teardown(void)
{
        preempt_stop(timer);
        timer_delete(timer);
        timer_delete(coarse);
        arena_free(arena);
        free(guest.area);
}

static void *code_add(const uint8_t *from, const uint8_t *to)
{
        void *code;

        ck_assert_int_eq(arena_add(arena, from, (size_t)(to - from), &code, NULL), 0);
        return code;
}

struct job {
        struct fiber *fiber;
        void *code, *data;
        const struct functype *type;
        uint64_t rounds, sum;
        int r;
        struct trap_info trap;
        uint64_t turns;
        bool ended;
};

static void run(void *argument)
{
        struct job *j = argument;
        union value arg = { .i64 = j->rounds }, result = { 0 };

        j->r = guest_call(&guest, j->code, j->data, j->type, &arg, &result, &j->trap);
        j->sum = result.i64;
}

static void start(struct job *j)
{
        ck_assert_int_eq(fiber_new(0, &j->fiber, NULL), 0);
        fiber_set_preemptible(j->fiber, true);
        fiber_start(j->fiber, run, j);
}

static void turn(struct job *j)
{
        j->turns++;
        j->ended = !fiber_resume(j->fiber);
        if (!j->ended)
                ck_assert(fiber_interrupted(j->fiber));
}

START_TEST(registers_survive)
{
        enum { N = 3 };
        void *code = code_add(guest_churn, guest_churn_end);
        struct job alone = { .code = code, .type = &takes_i64, .rounds = 4000000 }, jobs[N];
        unsigned running = N;

        start(&alone);
        leave_always = false;
        turn(&alone);
        ck_assert(alone.ended);
        ck_assert_int_eq(alone.r, 0);

        leave_always = true;
        for (unsigned i = 0; i < N; i++) {
                jobs[i] = (struct job) { .code = code, .type = &takes_i64, .rounds = 4000000 };
                start(&jobs[i]);
        }
        preempt_start(timer, slice_ns);
        while (running)
                for (unsigned i = 0; i < N; i++) {
                        if (jobs[i].ended)
                                continue;
                        turn(&jobs[i]);
                        running -= jobs[i].ended;
                }
        preempt_stop(timer);
        for (unsigned i = 0; i < N; i++) {
                ck_assert_int_eq(jobs[i].r, 0);
                ck_assert_uint_eq(jobs[i].sum, alone.sum);
                ck_assert_uint_gt(jobs[i].turns, 20);
                fiber_free(jobs[i].fiber);
        }
        fiber_free(alone.fiber);
}
END_TEST

/* Wherever it is, and with a backtrace of that place. */
START_TEST(a_spinning_guest_is_stopped)
{
        struct job j = { .code = code_add(guest_spin, guest_spin_end), .type = &nothing };

        start(&j);
        preempt_start(timer, slice_ns);
        for (unsigned i = 0; i < 10; i++) {
                turn(&j);
                ck_assert(!j.ended);
        }
        fiber_stop(j.fiber, "enough");
        turn(&j);
        ck_assert(j.ended);
        ck_assert_int_eq(j.r, -EFAULT);
        ck_assert_int_eq(j.trap.trap, TRAP_HOST);
        ck_assert_str_eq(j.trap.text, "enough");
        ck_assert_uint_eq(j.trap.nframes, 1);
        ck_assert_uint_eq(j.trap.frames[0].function, 5);
        fiber_free(j.fiber);
}
END_TEST

static uint64_t host_rounds;

/* Nearly all the time is spent here, where nobody is preempted. */
static uint64_t host_work(void)
{
        for (volatile unsigned i = 0; i < 30000; i++)
                ;
        host_rounds++;
        return 42;
}

START_TEST(a_guest_in_host_calls_leaves_behind_them)
{
        struct run_host host = { .code = host_work };
        void *imports[2] = { (void *)(uintptr_t)run_host_thunk, &host };
        struct job j = { .code = code_add(guest_calls, guest_calls_end), .data = imports,
                         .type = &takes_i64, .rounds = 1000 };

        host_rounds = 0;
        start(&j);
        preempt_start(timer, slice_ns);
        while (!j.ended)
                turn(&j);
        ck_assert_int_eq(j.r, 0);
        ck_assert_uint_eq(j.sum, 42);
        ck_assert_uint_eq(host_rounds, 1000);
        ck_assert_uint_gt(j.turns, 20);
        ck_assert_uint_eq(fiber_host_calls(j.fiber), 1000);
        fiber_free(j.fiber);
}
END_TEST

START_TEST(a_guest_in_host_calls_is_stopped)
{
        struct run_host host = { .code = host_work };
        void *imports[2] = { (void *)(uintptr_t)run_host_thunk, &host };
        struct job j = { .code = code_add(guest_calls, guest_calls_end), .data = imports,
                         .type = &takes_i64, .rounds = UINT64_MAX };

        start(&j);
        preempt_start(timer, slice_ns);
        turn(&j);
        ck_assert(!j.ended);
        fiber_stop(j.fiber, "enough");
        turn(&j);
        ck_assert(j.ended);
        ck_assert_int_eq(j.r, -EFAULT);
        ck_assert_str_eq(j.trap.text, "enough");
        fiber_free(j.fiber);
}
END_TEST

/* A stop before the guest was entered, or while it waits, waits for the next way out of host code. */
START_TEST(the_coarse_timer_ticks_as_well)
{
        struct job j = { .code = code_add(guest_spin, guest_spin_end), .type = &nothing };

        start(&j);
        preempt_start(coarse, 4000000);
        for (unsigned i = 0; i < 5; i++) {
                turn(&j);
                ck_assert(!j.ended);
        }
        preempt_stop(coarse);
        fiber_stop(j.fiber, "enough");
        turn(&j);
        ck_assert(j.ended);
        fiber_free(j.fiber);
}
END_TEST

START_TEST(who_is_not_preemptible_stays)
{
        struct job j = { .code = code_add(guest_churn, guest_churn_end), .type = &takes_i64,
                         .rounds = 1000000 };

        start(&j);
        fiber_set_preemptible(j.fiber, false);
        ticks = 0;
        preempt_start(timer, slice_ns);
        turn(&j);
        ck_assert(j.ended);
        ck_assert_uint_gt(ticks, 0);
        fiber_free(j.fiber);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("preempt");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, registers_survive);
        tcase_add_test(tc, a_spinning_guest_is_stopped);
        tcase_add_test(tc, a_guest_in_host_calls_leaves_behind_them);
        tcase_add_test(tc, a_guest_in_host_calls_is_stopped);
        tcase_add_test(tc, the_coarse_timer_ticks_as_well);
        tcase_add_test(tc, who_is_not_preemptible_stays);
        return unit_main("preempt", &tc, 1);
}
