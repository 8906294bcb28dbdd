/* test-hostile.c - every function with every kind of bad number, in every place.
 *
 * A guest may pass anything. Whatever it is, the answer is an errno (or success, where the number
 * happens to mean something), nothing outside the memory is touched (it ends at a page that
 * faults), and nothing of the supervisor's is lost. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "shim/wasi/state.h"
#include "tests/wasi/double.h"

static const uint64_t bad[] = {
        0, 1, 2, 3, 4, 5, 7, 64, GUEST_BYTES - 1, GUEST_BYTES, GUEST_BYTES + 1, 0x7fffffff,
        0x80000000, 0xfffffffe, 0xffffffff, UINT64_C(0x7fffffffffffffff),
        UINT64_C(0x8000000000000000), UINT64_MAX,
};

static uint32_t call(const struct host_function *f, const uint64_t a[9])
{
        uint32_t (*code)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) =
                (uint32_t (*)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t))f->code;

        for (unsigned i = 0; i < 3; i++)
                host_spill(i)->i64 = a[6 + i];
        return code(a[0], a[1], a[2], a[3], a[4], a[5]);
}

static bool blocks_by_design(const struct host_function *f)
{
        return strcmp(f->name, "proc_exit") == 0 || /* does not come back */
               strcmp(f->name, "sock_accept") == 0; /* waits for somebody */
}

/* As compiled code passes it: 32 bits are zero-extended. */
static uint64_t argument(const struct host_function *f, unsigned i, uint64_t value)
{
        return f->params[i] == 'i' ? (uint32_t)value : value;
}

START_TEST(every_argument_of_every_function)
{
        const struct host_function *f = &wasi_functions[_i];
        unsigned n = strlen(f->params);

        if (blocks_by_design(f))
                return;
        for (unsigned place = 0; place < n; place++) {
                for (unsigned k = 0; k < ELEMENTSOF(bad); k++) {
                        uint64_t a[9] = { FD_DIR, 64, 64, 64, 64, 64, 64, 64, 64 };

                        for (unsigned i = 0; i < n; i++)
                                a[i] = argument(f, i, i == place ? bad[k] : a[i]);
                        ck_assert_uint_le(call(f, a), WASI_NOTCAPABLE);
                }
        }
}
END_TEST

/* Small and seeded: the same numbers in every run. */
static uint64_t next(uint64_t *state)
{
        *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return *state >> 11;
}

START_TEST(random_arguments)
{
        const struct host_function *f = &wasi_functions[_i];
        uint64_t state = _i + 1;

        if (blocks_by_design(f) || strcmp(f->name, "poll_oneoff") == 0)
                return;
        for (unsigned round = 0; round < 400; round++) {
                uint64_t a[9];

                for (uint32_t i = 0; i < 4096; i += 8) {
                        uint64_t r = next(&state);

                        if (next(&state) & 1)
                                r = bad[r % ELEMENTSOF(bad)];
                        put_bytes(i, &r, sizeof(r));
                }
                for (unsigned i = 0; i < 9; i++) {
                        a[i] = next(&state) & 1 ? next(&state) % 2048 : bad[next(&state) % ELEMENTSOF(bad)];
                        if (i < strlen(f->params))
                                a[i] = argument(f, i, a[i]);
                }
                ck_assert_uint_le(call(f, a), WASI_NOTCAPABLE);
        }
}
END_TEST

/* An iovec array and the data it names may overlap, and the answer may fall into either. */
START_TEST(overlap_is_the_guests_own_business)
{
        uint32_t fd;

        make_file("f", "0123456789abcdef");
        assert_ok(do_open(FD_DIR, 0, "f", 0, RIGHTS_RW, 0, 0, &fd));
        put_iov(0, AT_IOV, 8);      /* the array itself */
        put_iov(1, AT_IOV + 4, 8);
        assert_ok(wasi_fd_read(fd, AT_IOV, 2, AT_IOV + 2));
        ck_assert_uint_eq(get_u32(AT_IOV + 2), 16);
        ck_assert_mem_eq(guest.memory + AT_IOV, "01", 2);
}
END_TEST

START_TEST(without_a_memory)
{
        uint64_t bytes;
        struct instance *i = instance_current();
        uint8_t *memory = instance_memory(i, &bytes);

        /* A module need not have a memory; every address is then outside. */
        double_set_memory(NULL, 0);
        assert_errno(wasi_args_sizes_get(0, 0), WASI_FAULT);
        assert_errno(wasi_fd_read(0, 0, 1, 0), WASI_FAULT);
        assert_errno(wasi_random_get(0, 1), WASI_FAULT);
        assert_ok(wasi_random_get(0, 0));
        assert_errno(wasi_path_unlink_file(FD_DIR, 0, 1), WASI_FAULT);
        assert_ok(wasi_sched_yield());
        double_set_memory(memory, bytes);
}
END_TEST

/* Another thread of the guest rewrites the memory while a call reads it. Whatever is checked must
 * be what is used. */
static atomic_bool stop;
static const struct wasi_iovec honest = { AT_OUT, 16 }, wild = { GUEST_BYTES - 8, 0xfffffff0 };

static void *rewrite(void *unused)
{
        uint64_t a, b, *iov = (uint64_t *)(guest.memory + AT_IOV);
        uint64_t *subscription = (uint64_t *)(guest.memory + AT_DATA + 8);
        volatile char *path = (char *)guest.memory + AT_PATH;

        memcpy(&a, &honest, 8);
        memcpy(&b, &wild, 8);
        for (unsigned i = 0; !atomic_load_explicit(&stop, memory_order_relaxed); i++) {
                __atomic_store_n(iov, i & 1 ? a : b, __ATOMIC_RELAXED);
                __atomic_store_n(subscription, i & 1 ? 0 : 77, __ATOMIC_RELAXED);
                path[0] = path[1] = i & 1 ? 'f' : '.'; /* "ff" or ".." */
                if (i % 3 == 0)
                        path[0] = '/';
                path[2] = i & 2 ? '/' : 0;
        }
        return NULL;
}

START_TEST(memory_that_changes_under_the_call)
{
        uint64_t counts[WASI_NOTCAPABLE + 1] = { 0 };
        uint32_t fd, e;
        pthread_t t;

        make_file("big", "0123456789abcdef0123456789abcdef");
        assert_ok(do_open(FD_DIR, 0, "big", 0, RIGHTS_RW, 0, 0, &fd));
        put_iov(0, AT_OUT, 16);
        put_path(AT_PATH, "ff/x");
        double_paths_contained = true;
        atomic_store(&stop, false);
        ck_assert_int_eq(pthread_create(&t, NULL, rewrite, NULL), 0);
        /* On a busy machine the other thread may not run for a while: wait for it to be seen. */
        for (unsigned i = 0; i < 4000 || (counts[WASI_SUCCESS] == 0 && i < 4000000); i++) {
                e = wasi_fd_pread(fd, AT_IOV, 1, 0, AT_RET);
                ck_assert(e == WASI_SUCCESS || e == WASI_FAULT);
                counts[e]++;
                e = wasi_path_unlink_file(FD_DIR, AT_PATH, 4);
                ck_assert_uint_ne(e, WASI_SUCCESS);
                counts[e]++;
                e = wasi_poll_oneoff(AT_DATA, AT_DATA + 4096, 1, AT_RET);
                ck_assert(e == WASI_SUCCESS || e == WASI_INVAL);
        }
        atomic_store(&stop, true);
        pthread_join(t, NULL);
        ck_assert_uint_gt(counts[WASI_SUCCESS], 0);
}
END_TEST

/* Nothing of the process stays open behind a guest, whatever it did. */
static unsigned open_before;

static unsigned count_open(void)
{
        unsigned n = 0;

        for (int fd = 0; fd < 1024; fd++)
                n += fcntl(fd, F_GETFD) >= 0;
        return n;
}

static void setup(void)
{
        open_before = count_open();
        double_setup();
}

static void teardown(void)
{
        double_teardown();
        ck_assert_uint_eq(count_open(), open_before);
}

TCase *hostile_case(void)
{
        TCase *tc = tcase_create("hostile numbers");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, memory_that_changes_under_the_call);
        tcase_add_loop_test(tc, every_argument_of_every_function, 0, 46);
        tcase_add_loop_test(tc, random_arguments, 0, 46);
        tcase_add_test(tc, overlap_is_the_guests_own_business);
        tcase_add_test(tc, without_a_memory);
        return tc;
}
