#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/run/run.h"
#include "tests/unit/run/code.h"
#include "tests/unit/sanitizer.h"

/* An instance without a module: head, spill area, one page of memory in 4 GiB + guard. */
struct instance {
        struct instance_prefix prefix;
        uint8_t *map;
        union value spill[16];
};

#define MEMORY_BYTES (UINT64_C(1) << 32)

static struct instance guests[2];

static bool find_memory(const struct instance *i, uintptr_t address, uint64_t *ret_offset)
{
        uintptr_t base = (uintptr_t)i->prefix.base;

        if (address < base || address >= base + MEMORY_BYTES + ABI_GUARD_BYTES)
                return false;
        *ret_offset = address - base;
        return true;
}

/* Functions of these tests are one page each; the "wasm offset" is the place in the page. */
static bool locate(struct instance *i, uintptr_t pc, bool call, struct trap_frame *ret)
{
        *ret = (struct trap_frame) { .instance = i, .function = call, .offset = pc & 4095 };
        return true;
}

static void guest_init(struct instance *i)
{
        struct instance_head *head;

        i->map = mmap(NULL, 4096 + MEMORY_BYTES + ABI_GUARD_BYTES, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        ck_assert_ptr_ne(i->map, MAP_FAILED);
        ck_assert_int_eq(mprotect(i->map, 4096 + 65536, PROT_READ | PROT_WRITE), 0);
        i->prefix.base = i->map + 4096;
        head = (struct instance_head *)i->prefix.base - 1;
        head->self = i;
        head->spill = i->spill;
}

static void setup(void)
{
        static const struct run_hooks hooks = { find_memory, locate };

        ck_assert_int_eq(run_init(NULL), 0);
        ck_assert_int_eq(run_thread_init(NULL), 0);
        ck_assert_int_eq(arena_new(1 << 20, &arena, NULL), 0);
        run_set_hooks(&hooks);
        guest_init(&guests[0]);
        guest_init(&guests[1]);
}

/* A call on a fiber of its own. */
struct job {
        struct instance *instance;
        void *code, *data;
        const struct functype *type;
        union value args[20], results[8];
        struct trap_info trap;
        int r;
};

static void job_entry(void *argument)
{
        struct job *j = argument;

        j->r = guest_call(j->instance, j->code, j->data, j->type, j->args, j->results, &j->trap);
}

static void job_run(struct job *j)
{
        struct fiber *f;

        ck_assert_int_eq(fiber_new(0, &f, NULL), 0);
        fiber_start(f, job_entry, j);
        ck_assert(!fiber_resume(f));
        fiber_free(f);
}

static const valtype ii[] = { VAL_I32, VAL_I32 }, II[] = { VAL_I64, VAL_I64 };
static const struct functype type_ii_i = { 2, 1, ii, ii }, type_II_I = { 2, 1, II, II };

static const struct {
        const char *name;
        uint8_t code[24];
        const struct functype *type;
        uint64_t a, b;
        enum trap trap;
        uint64_t result; /* or the address, or the offset of the trap */
} cases[] = {
        { "add", { 0x8d, 0x04, 0x37, 0xc3 }, &type_ii_i, 5, UINT32_MAX, TRAP_NONE, 4 },
        { "load", { 0x65, 0x8b, 0x07, 0xc3 }, &type_ii_i, 65532, 0, TRAP_NONE, 0 },
        { "load behind the end", { 0x65, 0x8b, 0x07, 0xc3 }, &type_ii_i, 65536, 0,
          TRAP_MEMORY_BOUNDS, 65536 },
        { "load far behind", { 0x65, 0x8b, 0x07, 0xc3 }, &type_ii_i, UINT32_MAX, 0,
          TRAP_MEMORY_BOUNDS, UINT32_MAX },
        { "store in the guard", { 0x65, 0x89, 0xb7, 0xf0, 0xff, 0xff, 0x00, 0xc3 }, &type_ii_i,
          UINT32_MAX, 0, TRAP_MEMORY_BOUNDS, UINT64_C(0x100ffffef) },
        { "unreachable", { 0x67, 0x0f, 0xb9, 0x40, 1 }, &type_ii_i, 0, 0, TRAP_UNREACHABLE, 0 },
        { "conversion", { 0x90, 0x67, 0x0f, 0xb9, 0x40, 4 }, &type_ii_i, 0, 0,
          TRAP_INVALID_CONVERSION, 0 },
        { "table", { 0x67, 0x0f, 0xb9, 0x40, 6 }, &type_ii_i, 0, 0, TRAP_TABLE_BOUNDS, 0 },
        { "div by zero", { 0x31, 0xd2, 0x89, 0xf8, 0xf7, 0xf6, 0xc3 }, &type_ii_i, 7, 0,
          TRAP_DIVIDE_BY_ZERO, 0 },
        { "div", { 0x31, 0xd2, 0x89, 0xf8, 0xf7, 0xf6, 0xc3 }, &type_ii_i, 7, 2, TRAP_NONE, 3 },
        { "idiv overflow", { 0x48, 0x89, 0xf8, 0x48, 0x99, 0x48, 0xf7, 0xfe, 0xc3 }, &type_II_I,
          UINT64_C(1) << 63, UINT64_MAX, TRAP_INTEGER_OVERFLOW, 0 },
        { "idiv r8", { 0x49, 0x89, 0xf0, 0x48, 0x89, 0xf8, 0x48, 0x99, 0x49, 0xf7, 0xf8, 0xc3 },
          &type_II_I, 12, 0, TRAP_DIVIDE_BY_ZERO, 0 },
        { "endless recursion", { 0x55, 0x48, 0x89, 0xe5, 0xe8, 0xf7, 0xff, 0xff, 0xff, 0x5d, 0xc3 },
          &type_ii_i, 0, 0, TRAP_STACK_EXHAUSTED, 0 },
        /* push rbp; mov rsp,rbp; sub $32768,rsp; orl $0,(rsp); call; leave; ret */
        { "large frames", { 0x55, 0x48, 0x89, 0xe5, 0x48, 0x81, 0xec, 0x00, 0x80, 0x00, 0x00,
                            0x83, 0x0c, 0x24, 0x00, 0xe8, 0xec, 0xff, 0xff, 0xff, 0xc9, 0xc3 },
          &type_ii_i, 0, 0, TRAP_STACK_EXHAUSTED, 0 },
};

START_TEST(guests_return_or_trap)
{
        struct job j = { .instance = &guests[_i & 1], .type = cases[_i].type,
                         .args = { { .i64 = cases[_i].a }, { .i64 = cases[_i].b } },
                         .results = { { .bits = { 77, 77 } } } };

        j.code = code_add(cases[_i].code, sizeof(cases[_i].code));
        for (unsigned round = 0; round < 3; round++) {
                j.trap.trap = TRAP_NONE;
                job_run(&j);
                ck_assert_uint_eq(j.trap.trap, cases[_i].trap);
                if (cases[_i].trap == TRAP_NONE) {
                        ck_assert_int_eq(j.r, 0);
                        ck_assert_uint_eq(j.results[0].bits[0], cases[_i].result);
                        ck_assert_uint_eq(j.results[0].bits[1], 0);
                        continue;
                }
                ck_assert_int_eq(j.r, -EFAULT);
                ck_assert_uint_eq(j.results[0].bits[0], 77);
                ck_assert_uint_ge(j.trap.nframes, 1);
                ck_assert_ptr_eq(j.trap.frames[0].instance, j.instance);
                if (cases[_i].trap == TRAP_MEMORY_BOUNDS)
                        ck_assert_uint_eq(j.trap.address, cases[_i].result);
                if (cases[_i].trap == TRAP_STACK_EXHAUSTED) {
                        ck_assert_uint_gt(j.trap.nframes_all, 5);
                        ck_assert_uint_eq(j.trap.nframes, j.trap.nframes_all < TRAP_FRAMES_MAX
                                                                  ? j.trap.nframes_all
                                                                  : TRAP_FRAMES_MAX);
                        ck_assert_uint_eq(j.trap.frames[1].function, true);
                        if (cases[_i].code[4] == 0xe8)
                                ck_assert_uint_eq(j.trap.frames[1].offset, 9);
                } else {
                        ck_assert_uint_eq(j.trap.nframes_all, 1);
                        ck_assert_uint_eq(j.trap.frames[0].function, false);
                }
        }
}
END_TEST

START_TEST(every_argument_arrives)
{
        static const valtype params[] = {
                VAL_I32, VAL_I64, VAL_F64, VAL_I32, VAL_F32, VAL_I32, VAL_I32, VAL_I32, VAL_V128,
                VAL_I32, VAL_I64, VAL_F64, VAL_F64, VAL_F64, VAL_F64, VAL_F64, VAL_F32,
        };
        static const valtype results[] = { VAL_V128, VAL_I32, VAL_I64 };
        static const struct functype type = { ELEMENTSOF(params), 3, params, results };
        struct job j = { .instance = &guests[0], .type = &type };

        for (unsigned i = 0; i < type.nparams; i++)
                j.args[i] = (union value) { .bits = { UINT64_MAX << 40 | (i + 1), i } };
        /* The eighth integer, i64: spill 1. The ninth vector, f32: spill 2. Result 1 takes the
         * upper half of the seventh integer's spill entry, result 2 the 64 bits of spill 1. */
        j.code = CODE(0x0f, 0x28, 0xc2,                                     /* movaps xmm2, xmm0 */
                      0x65, 0x48, 0x8b, 0x04, 0x25, 0xc0, 0xff, 0xff, 0xff, /* mov gs:spill, rax */
                      0x8b, 0x48, 0x04, 0x89, 0x08,                         /* 4(rax) -> (rax) */
                      0xc3);
        job_run(&j);
        ck_assert_int_eq(j.r, 0);
        ck_assert_uint_eq(j.results[0].bits[0], j.args[8].bits[0]);
        ck_assert_uint_eq(j.results[0].bits[1], 8);
        ck_assert_uint_eq(j.results[1].bits[0], 0);
        ck_assert_uint_eq(j.results[2].bits[0], j.args[10].bits[0]);
        ck_assert_uint_eq(guests[0].spill[2].i32, 17);
}
END_TEST

/* Guest code that calls the record in its second argument with the first as the argument:
 * push rbp; mov rsp,rbp; mov rsi,r10; call *(rsi+8 is the thunk); pop rbp; ret */
#define CALL_OUT CODE(0x55, 0x48, 0x89, 0xe5, 0x49, 0x89, 0xf2, 0xff, 0x56, 0x08, 0x5d, 0xc3)

struct record {
        struct run_host host;
        const void *thunk;
        void *code; /* guest code for a nested call */
        uint64_t data;
        unsigned depth;
};

static struct record *current;

static uint64_t host_raises(uint64_t argument)
{
        ck_assert_ptr_eq(instance_current(), &guests[0]);
        trap_raise(TRAP_HOST, argument == 1 ? "first" : NULL);
}

START_TEST(a_host_call_traps)
{
        struct record record = { { host_raises }, run_host_thunk, NULL, 0, 0 };
        struct job j = { .instance = &guests[0], .type = &type_II_I, .code = CALL_OUT };

        for (unsigned i = 0; i < 3; i++) {
                j.args[0].i64 = i;
                j.args[1].i64 = (uintptr_t)&record;
                job_run(&j);
                ck_assert_int_eq(j.r, -EFAULT);
                ck_assert_uint_eq(j.trap.trap, TRAP_HOST);
                ck_assert_str_eq(j.trap.text, i == 1 ? "first" : "");
                ck_assert_uint_eq(j.trap.nframes_all, 1);
                ck_assert_uint_eq(j.trap.frames[0].function, true);
                ck_assert_uint_eq(j.trap.frames[0].offset, 10);
        }
}
END_TEST

/* Enters the other instance, which calls this again, until the stack ends. */
static uint64_t host_enters(uint64_t depth)
{
        struct instance *self = instance_current(), *other = &guests[self == &guests[0]];
        union value args[2] = { { .i64 = depth + 1 }, { .i64 = (uintptr_t)current } }, result;
        struct trap_info trap;
        int r;

        current->depth++;
        if (depth == current->data)
                trap_raise(TRAP_HOST, "deep");
        r = guest_call(other, current->code, NULL, &type_II_I, args, &result, &trap);
        ck_assert_ptr_eq(instance_current(), self);
        if (r < 0 && depth == 0) {
                ck_assert_uint_eq(trap.trap, current->data < 50 ? TRAP_HOST : TRAP_STACK_EXHAUSTED);
                return trap.nframes_all;
        }
        if (r < 0)
                trap_raise(trap.trap, trap.text);
        return result.i64;
}

START_TEST(host_and_guest_recurse)
{
        struct record record = { { host_enters }, run_host_thunk, CALL_OUT, 5, 0 };
        struct job j = { .instance = &guests[0], .type = &type_II_I, .code = record.code,
                         .args = { { .i64 = 0 }, { .i64 = (uintptr_t)&record } } };

        current = &record;
        job_run(&j);
        ck_assert_int_eq(j.r, 0);
        ck_assert_uint_eq(record.depth, 6);
        /* The trap is passed on by each host call: the last backtrace is the outermost's, of the
         * first two guests. */
        ck_assert_uint_eq(j.results[0].i64, 2);

        record.data = UINT64_MAX;
        job_run(&j);
        ck_assert_int_eq(j.r, 0);
        ck_assert_uint_gt(record.depth, 20);
        ck_assert_uint_eq(j.results[0].i64, 2);
}
END_TEST

static uint64_t host_traces(uint64_t depth)
{
        union value args[2] = { { .i64 = depth - 1 }, { .i64 = (uintptr_t)current } }, result;
        struct trap_info trap;

        if (depth == 0)
                trap_raise(TRAP_HOST, NULL);
        if (guest_call(&guests[depth & 1], current->code, NULL, &type_II_I, args, &result, &trap) == 0)
                abort();
        if (depth == 1) {
                ck_assert_uint_eq(trap.nframes_all, 4);
                for (unsigned i = 0; i < 4; i++)
                        ck_assert_ptr_eq(trap.frames[i].instance, &guests[(i + 1) & 1]);
        }
        trap_raise(TRAP_HOST, NULL);
}

START_TEST(a_backtrace_crosses_host_calls)
{
        struct record record = { { host_traces }, run_host_thunk, CALL_OUT, 0, 0 };
        struct job j = { .instance = &guests[0], .type = &type_II_I, .code = record.code,
                         .args = { { .i64 = 3 }, { .i64 = (uintptr_t)&record } } };

        current = &record;
        job_run(&j);
        ck_assert_int_eq(j.r, -EFAULT);
        ck_assert_uint_eq(j.trap.nframes_all, 1);
}
END_TEST

/* Called in another instance: result 0 is 100 * argument 0 + gs:0, result 1 argument spill + 1. */
START_TEST(a_cross_thunk_switches)
{
        static const valtype params[] = { VAL_I64, VAL_I64, VAL_I64, VAL_I64,
                                          VAL_I64, VAL_I64, VAL_I64, VAL_F64 };
        static const struct functype type = { 8, 2, params, params };
        struct run_cross cross = { .base = guests[1].prefix.base, .args = 1, .results = 1 };
        const void *record[2] = { &cross, run_cross_thunk };
        struct job j = { .instance = &guests[0], .type = &type };

        /* imul $100,rdi,rax; add gs:0,rax; mov gs:spill,rcx; incq (rcx); ret */
        cross.code = CODE(0x48, 0x6b, 0xc7, 0x64, 0x65, 0x48, 0x03, 0x04, 0x25, 0, 0, 0, 0, 0x65,
                          0x48, 0x8b, 0x0c, 0x25, 0xc0, 0xff, 0xff, 0xff, 0x48, 0xff, 0x01, 0xc3);
        /* push rbp; mov rsp,rbp; mov (rsi),r10; call *8(rsi); add gs:0,rax; pop rbp; ret */
        j.code = CODE(0x55, 0x48, 0x89, 0xe5, 0x4c, 0x8b, 0x16, 0xff, 0x56, 0x08, 0x65, 0x48, 0x03,
                      0x04, 0x25, 0, 0, 0, 0, 0x5d, 0xc3);
        *(uint64_t *)guests[0].prefix.base = 3;
        *(uint64_t *)guests[1].prefix.base = 20;
        j.args[0].i64 = 7;
        j.args[1].i64 = (uintptr_t)record;
        j.args[6].i64 = 41;
        job_run(&j);
        ck_assert_int_eq(j.r, 0);
        ck_assert_uint_eq(j.results[0].i64, 723);
        ck_assert_uint_eq(j.results[1].i64, 42);

        /* In the same instance it is a jump. */
        cross.base = guests[0].prefix.base;
        j.args[6].i64 = 1;
        job_run(&j);
        ck_assert_uint_eq(j.results[0].i64, 706);
        ck_assert_uint_eq(j.results[1].i64, 2);

        /* A trap behind the border names both instances. */
        cross.base = guests[1].prefix.base;
        cross.code = CODE(0x55, 0x48, 0x89, 0xe5, 0x67, 0x0f, 0xb9, 0x40, 7);
        job_run(&j);
        ck_assert_int_eq(j.r, -EFAULT);
        ck_assert_uint_eq(j.trap.trap, TRAP_UNDEFINED_ELEMENT);
        ck_assert_uint_eq(j.trap.nframes_all, 2);
        ck_assert_ptr_eq(j.trap.frames[0].instance, &guests[1]);
        ck_assert_ptr_eq(j.trap.frames[1].instance, &guests[0]);
        ck_assert_uint_eq(j.trap.frames[1].offset, 10);

        /* And the next call finds its own base again. */
        cross.code = CODE(0x65, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0, 0xc3);
        job_run(&j);
        ck_assert_uint_eq(j.results[0].i64, 23);
}
END_TEST

/* Thunks check the stack before the host's code runs. */
static uint64_t host_deep(uint64_t argument)
{
        volatile uint8_t room[FIBER_HOST_BYTES - 8192];

        memset((void *)room, 1, sizeof(room));
        return room[argument];
}

START_TEST(host_calls_need_room)
{
        struct record record = { { host_deep }, run_host_thunk, NULL, 0, 0 };
        struct job j = { .instance = &guests[0], .type = &type_II_I,
                         .args = { { .i64 = 0 }, { .i64 = (uintptr_t)&record } } };

        /* Recursion that calls the host at every level:
         * push rbp; mov rsp,rbp; push rdi; push rsi; mov rsi,r10; call *8(rsi); mov -16(rbp),rsi;
         * mov -8(rbp),rdi; call self; leave; ret */
        j.code = CODE(0x55, 0x48, 0x89, 0xe5, 0x57, 0x56, 0x49, 0x89, 0xf2, 0xff, 0x56, 0x08, 0x48,
                      0x8b, 0x75, 0xf0, 0x48, 0x8b, 0x7d, 0xf8, 0xe8, 0xe7, 0xff, 0xff, 0xff, 0xc9,
                      0xc3);
        job_run(&j);
        ck_assert_int_eq(j.r, -EFAULT);
        ck_assert_uint_eq(j.trap.trap, TRAP_STACK_EXHAUSTED);
        ck_assert_uint_eq(j.trap.frames[0].offset, 12);
        ck_assert_uint_eq(j.trap.frames[1].offset, 25);
}
END_TEST

static uint64_t host_suspends(uint64_t argument)
{
        for (unsigned i = 0; i < 3; i++)
                fiber_suspend();
        return argument + 1;
}

START_TEST(fibers_keep_their_instance)
{
        enum { N = 40 };
        struct record record = { { host_suspends }, run_host_thunk, NULL, 0, 0 };
        static struct job jobs[N];
        struct fiber *fibers[N];
        /* call out, then add gs:0 */
        void *code = CODE(0x55, 0x48, 0x89, 0xe5, 0x49, 0x89, 0xf2, 0xff, 0x56, 0x08, 0x65, 0x48,
                          0x03, 0x04, 0x25, 0, 0, 0, 0, 0x5d, 0xc3);

        for (unsigned i = 0; i < 2; i++)
                *(uint64_t *)guests[i].prefix.base = 1000 * (i + 1);
        for (unsigned i = 0; i < N; i++) {
                jobs[i] = (struct job) { .instance = &guests[i & 1], .code = code, .type = &type_II_I,
                                         .args = { { .i64 = i }, { .i64 = (uintptr_t)&record } } };
                ck_assert_int_eq(fiber_new(0, &fibers[i], NULL), 0);
                fiber_start(fibers[i], job_entry, &jobs[i]);
        }
        for (unsigned round = 0; round < 4; round++)
                for (unsigned i = 0; i < N; i++)
                        ck_assert_int_eq(fiber_resume(fibers[i]), round < 3);
        for (unsigned i = 0; i < N; i++) {
                ck_assert_int_eq(jobs[i].r, 0);
                ck_assert_uint_eq(jobs[i].results[0].i64, i + 1 + 1000 * ((i & 1) + 1));
                fiber_free(fibers[i]);
        }
}
END_TEST

/* Each thread has its own base, fiber and signal stack. */
static void *thread_runs(void *argument)
{
        struct job *j = argument;

        if (run_thread_init(NULL) < 0)
                abort();
        for (unsigned i = 0; i < 300; i++) {
                struct fiber *f;

                if (fiber_new(0, &f, NULL) < 0)
                        abort();
                fiber_start(f, job_entry, j);
                if (fiber_resume(f) || j->r != -EFAULT || j->trap.trap != TRAP_MEMORY_BOUNDS ||
                    j->trap.frames[0].instance != j->instance)
                        abort();
                fiber_free(f);
        }
        return NULL;
}

START_TEST(threads_trap_apart)
{
        static struct job jobs[2];
        void *code = CODE(0x55, 0x48, 0x89, 0xe5, 0x65, 0x8b, 0x07, 0x5d, 0xc3);
        pthread_t threads[2];

        for (unsigned i = 0; i < 2; i++) {
                jobs[i] = (struct job) { .instance = &guests[i], .code = code, .type = &type_ii_i,
                                         .args = { { .i32 = 70000 + i } } };
                ck_assert_int_eq(pthread_create(&threads[i], NULL, thread_runs, &jobs[i]), 0);
        }
        for (unsigned i = 0; i < 2; i++) {
                pthread_join(threads[i], NULL);
                ck_assert_uint_eq(jobs[i].trap.address, 70000 + i);
        }
}
END_TEST

static void *thread_resumes(void *argument)
{
        ck_assert(fiber_resume(argument));
        return NULL;
}

/* Suspended in a host call on one thread, resumed on others: the base goes with it. */
START_TEST(a_fiber_travels)
{
        struct record record = { { host_suspends }, run_host_thunk, NULL, 0, 0 };
        struct job j = { .instance = &guests[1], .type = &type_II_I,
                         .args = { { .i64 = 5 }, { .i64 = (uintptr_t)&record } } };
        struct fiber *f;
        pthread_t thread;

        j.code = CODE(0x55, 0x48, 0x89, 0xe5, 0x49, 0x89, 0xf2, 0xff, 0x56, 0x08, 0x65, 0x48, 0x03,
                      0x04, 0x25, 0, 0, 0, 0, 0x5d, 0xc3);
        *(uint64_t *)guests[1].prefix.base = 4000;
        ck_assert_int_eq(fiber_new(0, &f, NULL), 0);
        fiber_start(f, job_entry, &j);
        for (unsigned i = 0; i < 3; i++) {
                ck_assert_int_eq(pthread_create(&thread, NULL, thread_resumes, f), 0);
                pthread_join(thread, NULL);
        }
        ck_assert(!fiber_resume(f));
        ck_assert_int_eq(j.r, 0);
        ck_assert_uint_eq(j.results[0].i64, 4006);
        fiber_free(f);
}
END_TEST

/* What is not the guest's fault is never resumed. */
static uint64_t host_faults(uint64_t argument)
{
        return *(volatile uint64_t *)(uintptr_t)argument;
}

static void run_fault(const uint8_t *code, size_t size, uint64_t argument)
{
        struct job j = { .instance = &guests[0], .type = &type_II_I,
                         .args = { { .i64 = argument } } };

        j.code = code_add(code, size);
        job_run(&j);
}

START_TEST(a_fault_of_the_host_aborts)
{
        struct record record = { { host_faults }, run_host_thunk, NULL, 0, 0 };
        struct job j = { .instance = &guests[0], .type = &type_II_I, .code = CALL_OUT,
                         .args = { { .i64 = (uintptr_t)guests[0].prefix.base + 65536 },
                                   { .i64 = (uintptr_t)&record } } };

        job_run(&j);
}
END_TEST

START_TEST(a_fault_elsewhere_aborts)
{
        run_fault((const uint8_t[]) { 0x48, 0x8b, 0x07, 0xc3 }, 4, 4096); /* mov (rdi),rax */
}
END_TEST

START_TEST(no_address_at_all_aborts)
{
        run_fault((const uint8_t[]) { 0x48, 0x8b, 0x07, 0xc3 }, 4, UINT64_C(1) << 63);
}
END_TEST

START_TEST(an_unknown_trap_code_aborts)
{
        run_fault((const uint8_t[]) { 0x67, 0x0f, 0xb9, 0x40, 200 }, 5, 0);
}
END_TEST

START_TEST(ud2_aborts)
{
        run_fault((const uint8_t[]) { 0x0f, 0x0b }, 2, 0);
}
END_TEST

START_TEST(a_signal_that_was_sent_kills)
{
        raise(SIGSEGV);
}
END_TEST

START_TEST(the_arena_is_full)
{
        struct error err = { 0 };
        void *code = &err;

        ck_assert_int_eq(arena_add(arena, NULL, 2 << 20, &code, &err), -ENOSPC);
        ck_assert_int_eq(err.code, -ENOSPC);
        ck_assert_ptr_eq(code, &err);
}
END_TEST

START_TEST(code_is_asked_for_near_the_program)
{
        uintptr_t here = (uintptr_t)run_host_thunk, a = (uintptr_t)run_arena_place(1 << 20);
        uintptr_t b = (uintptr_t)run_arena_place(1 << 20);

        ck_assert_ptr_null(run_arena_place(SIZE_MAX / 2));
        if (here < UINT64_C(32) << 30)
                return; /* this program is not where it could be placed at random */
        ck_assert_uint_lt(a, here);
        ck_assert_uint_lt(here - a, UINT64_C(17) << 30);
        ck_assert_uint_eq(a % 4096, 0);
        ck_assert_uint_ne(a, b); /* once in 4 million runs they are equal */
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("trap");

        tcase_add_checked_fixture(tc, setup, NULL);
        tcase_add_loop_test(tc, guests_return_or_trap, 0, ELEMENTSOF(cases));
        tcase_add_test(tc, every_argument_arrives);
        tcase_add_test(tc, a_host_call_traps);
        tcase_add_test(tc, host_and_guest_recurse);
        tcase_add_test(tc, a_backtrace_crosses_host_calls);
        tcase_add_test(tc, a_cross_thunk_switches);
        tcase_add_test(tc, host_calls_need_room);
        tcase_add_test(tc, fibers_keep_their_instance);
        tcase_add_test(tc, threads_trap_apart);
        tcase_add_test(tc, a_fiber_travels);
        tcase_add_test_raise_signal(tc, a_fault_of_the_host_aborts, SIGSEGV);
        tcase_add_test_raise_signal(tc, a_fault_elsewhere_aborts, SIGSEGV);
        tcase_add_test_raise_signal(tc, no_address_at_all_aborts, SIGSEGV);
        tcase_add_test_raise_signal(tc, an_unknown_trap_code_aborts, SIGILL);
        tcase_add_test_raise_signal(tc, ud2_aborts, SIGILL);
        tcase_add_test_raise_signal(tc, a_signal_that_was_sent_kills, SIGSEGV);
        tcase_add_test(tc, the_arena_is_full);
        tcase_add_test(tc, code_is_asked_for_near_the_program);
        return unit_main("trap", &tc, 1);
}
