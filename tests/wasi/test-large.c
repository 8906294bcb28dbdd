/* test-large.c - calls that move many MiB: others of the thread have their turns meanwhile, and the outcome is
 * that of one call. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/wasi/state.h"
#include "tests/wasi/double.h"

#define MIB       (UINT32_C(1) << 20)
#define ALL       (8 * MIB)
#define AT_LARGE  MIB /* in a memory of its own */
#define MEMORY    (AT_LARGE + ALL)

static uint8_t *memory;
static uint32_t file;

static void fill(uint8_t *p, uint32_t bytes)
{
        for (uint32_t k = 0; k < bytes / 4; k++)
                memcpy(p + 4 * k, &k, 4);
}

static void setup(void)
{
        double_start(&(struct double_options) { .no_stdio = true });
        memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(memory, MAP_FAILED);
        make_file("f", "");
        assert_ok(do_open(FD_DIR, 0, "f", 0, RIGHTS_RW, 0, 0, &file));
        double_set_memory(memory, MEMORY);
}

static void teardown(void)
{
        double_set_memory(guest.memory, GUEST_BYTES);
        munmap(memory, MEMORY);
        double_teardown();
}

/* An array of iovecs in the large memory; returns how many. */
static uint32_t put_pieces(uint32_t bytes, uint32_t each)
{
        uint32_t n = 0;

        for (uint32_t at = 0; at < bytes; at += each, n++) {
                struct wasi_iovec v = { AT_LARGE + at, bytes - at < each ? bytes - at : each };

                memcpy(memory + AT_IOV + n * sizeof(v), &v, sizeof(v));
        }
        return n;
}

enum how { READ, PREAD, WRITE, PWRITE };

struct large {
        enum how how;
        uint32_t fd, n;
        uint64_t offset;
        uint32_t result, bytes;
};

static void moves(void *argument)
{
        struct large *l = argument;
        uint32_t none = 0xdeadbeef;

        memcpy(memory + AT_RET, &none, 4);
        l->result = l->how == READ    ? wasi_fd_read(l->fd, AT_IOV, l->n, AT_RET)
                    : l->how == PREAD ? wasi_fd_pread(l->fd, AT_IOV, l->n, l->offset, AT_RET)
                    : l->how == WRITE ? wasi_fd_write(l->fd, AT_IOV, l->n, AT_RET)
                                      : wasi_fd_pwrite(l->fd, AT_IOV, l->n, l->offset, AT_RET);
        memcpy(&l->bytes, memory + AT_RET, 4);
}

/* Somebody else who always wants the thread: how often it was given to him. */
static unsigned turns_of_others(struct large *l)
{
        struct error err = { 0 };
        unsigned turns = 0;
        struct fiber *f;

        ck_assert_int_eq(fiber_new(FIBER_STACK_BYTES, &f, &err), 0);
        ring_set_others(guest.ring, true);
        fiber_start(f, moves, l);
        for (; fiber_resume(f); turns++)
                while (ring_next_ready(guest.ring) != f)
                        ck_assert_int_ge(ring_poll(guest.ring, true), 0);
        ring_set_others(guest.ring, false);
        fiber_free(f);
        return turns;
}

static const struct {
        const char *name;
        enum how how;
        uint32_t bytes, each;
        uint64_t offset;
        unsigned least; /* turns */
} rows[] = {
        { "read",                  READ,   ALL,         ALL,       0,       7 },
        { "read, scattered",       READ,   ALL,         65536,     0,       7 },
        { "read, uneven",          READ,   ALL,         MIB + 12,  0,       7 },
        { "read, from an offset",  PREAD,  5 * MIB + 4, ALL,       2 * MIB, 5 },
        { "read, behind the end",  PREAD,  ALL,         3 * MIB,   5 * MIB, 2 },
        { "read, one piece",       READ,   MIB,         MIB,       0,       0 },
        { "write",                 WRITE,  ALL,         ALL,       0,       7 },
        { "write, gathered",       WRITE,  ALL,         100000,    0,       7 },
        { "write, at an offset",   PWRITE, 3 * MIB + 8, 2 * MIB,   4 * MIB, 3 },
};

START_TEST(others_have_their_turns)
{
        bool writes = rows[_i].how >= WRITE;
        uint32_t there = ALL - (uint32_t)rows[_i].offset, want = rows[_i].bytes, at = (uint32_t)rows[_i].offset;
        struct large l = { rows[_i].how, file, put_pieces(want, rows[_i].each), rows[_i].offset, 0, 0 };
        uint8_t *host = malloc(ALL);
        char path[128];
        struct stat st;
        int fd;

        ck_assert_ptr_nonnull(host);
        snprintf(path, sizeof(path), "%s/f", guest.directory);
        fd = open(path, O_RDWR | O_CLOEXEC);
        fill(host, ALL);
        if (writes)
                fill(memory + AT_LARGE, want);
        else
                ck_assert_int_eq(write(fd, host, ALL), ALL);
        ck_assert_uint_ge(turns_of_others(&l), rows[_i].least);
        assert_ok(l.result);
        if (!writes && want > there)
                want = there;
        ck_assert_uint_eq(l.bytes, want);
        if (writes) {
                ck_assert_int_eq(fstat(fd, &st), 0);
                ck_assert_int_eq(st.st_size, at + want);
                ck_assert_int_eq(pread(fd, host, want, at), want);
                at = 0;
                fill(memory + AT_LARGE, want);
        }
        ck_assert(!memcmp(memory + AT_LARGE, host + at, want));
        memset(host, 0, ALL);
        ck_assert(!memcmp(memory + AT_LARGE + want, host, rows[_i].bytes - want));
        assert_ok(wasi_fd_tell(file, AT_RET)); /* in the large memory */
        memcpy(&l.offset, memory + AT_RET, 8);
        ck_assert_uint_eq(l.offset, rows[_i].how == READ || rows[_i].how == WRITE ? want : 0);
        close(fd);
        free(host);
}
END_TEST

static void restart(int in, int out)
{
        double_set_memory(guest.memory, GUEST_BYTES);
        double_teardown();
        double_start(&(struct double_options) { .stdio = { in, out, -EBADF } });
        double_set_memory(memory, MEMORY);
}

/* What was written before there was no room counts; only when nothing was is it an error. */
START_TEST(a_full_file_cuts_a_write)
{
        struct large l = { WRITE, 1, put_pieces(ALL, ALL), 0, 0, 0 };
        int full = memfd_create("full", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        ck_assert_int_eq(ftruncate(full, 3 * MIB + 4096), 0);
        ck_assert_int_eq(fcntl(full, F_ADD_SEALS, F_SEAL_GROW), 0);
        restart(-EBADF, full);
        moves(&l);
        assert_ok(l.result);
        ck_assert_uint_eq(l.bytes, 3 * MIB + 4096);
        moves(&l);
        assert_errno(l.result, WASI_PERM);
        ck_assert_uint_eq(l.bytes, 0xdeadbeef);
}
END_TEST

/* A stream gives a piece at a time, and takes all. */
START_TEST(streams_in_pieces)
{
        struct large in = { READ, 0, put_pieces(ALL, ALL), 0, 0, 0 };
        struct large out = { WRITE, 1, put_pieces(ALL, ALL), 0, 0, 0 };

        restart(open("/dev/zero", O_RDONLY | O_CLOEXEC), open("/dev/null", O_WRONLY | O_CLOEXEC));
        memset(memory + AT_LARGE, 0x55, ALL);
        moves(&in);
        assert_ok(in.result);
        ck_assert_uint_eq(in.bytes, MIB);
        ck_assert_uint_eq(memory[AT_LARGE + MIB - 1], 0);
        ck_assert_uint_eq(memory[AT_LARGE + MIB], 0x55);
        ck_assert_uint_ge(turns_of_others(&out), 7);
        assert_ok(out.result);
        ck_assert_uint_eq(out.bytes, ALL);
}
END_TEST

static uint32_t random_result;

static void wants_random(void *unused)
{
        random_result = wasi_random_get(AT_LARGE, ALL);
}

START_TEST(random_bytes_in_pieces)
{
        struct error err = { 0 };
        unsigned turns = 0;
        struct fiber *f;

        ck_assert_int_eq(fiber_new(FIBER_STACK_BYTES, &f, &err), 0);
        ring_set_others(guest.ring, true);
        fiber_start(f, wants_random, NULL);
        for (; fiber_resume(f); turns++)
                ck_assert_ptr_eq(ring_next_ready(guest.ring), f);
        ring_set_others(guest.ring, false);
        fiber_free(f);
        assert_ok(random_result);
        ck_assert_uint_ge(turns, 7);
        ck_assert(memcmp(memory + AT_LARGE, memory + AT_LARGE + ALL - 64, 64) != 0);
}
END_TEST

TCase *large_case(void)
{
        TCase *tc = tcase_create("large calls");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_loop_test(tc, others_have_their_turns, 0, ELEMENTSOF(rows));
        tcase_add_test(tc, a_full_file_cuts_a_write);
        tcase_add_test(tc, streams_in_pieces);
        tcase_add_test(tc, random_bytes_in_pieces);
        return tc;
}
