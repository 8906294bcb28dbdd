/* test-stand-in.c - what the filters that stand in for newer walls refuse, and what they let pass. Each test is a
 * process of its own: a filter stays. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "policy/posture.h"
#include "policy/stand_in.h"
#include "tests/unit/unit.h"

#define PAGE UINT64_C(4096)

static void stand_in(uint32_t gaps, const void *sealed, size_t bytes)
{
        struct error err = { 0 };

        ck_assert_int_eq(policy_stand_in(gaps, sealed, bytes, &err), 0);
        ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
}

static int outcome(long r)
{
        return r < 0 ? errno : 0;
}

START_TEST(nothing_becomes_executable)
{
        void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

        stand_in(GAP_BIT(MDWE), NULL, 0);
        ck_assert_int_eq(outcome((long)mmap(NULL, PAGE, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)), EACCES);
        ck_assert_int_eq(outcome(mprotect(p, PAGE, PROT_READ | PROT_EXEC)), EACCES);
        ck_assert_int_eq(outcome(syscall(SYS_pkey_mprotect, p, PAGE, PROT_EXEC, -1)), EACCES);
        ck_assert_int_eq(outcome(syscall(SYS_personality, 0x0400000)), EACCES);
        ck_assert_int_eq(outcome(mprotect(p, PAGE, PROT_READ)), 0);
        /* As with the wall: a file that nobody can write, mapped for execution at once. */
        ck_assert_int_eq(outcome((long)mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0)), 0);
}
END_TEST

/* The sealed pages are 3 and 4 of 8; @from and @n pages are asked for. */
static const struct {
        unsigned from, n;
        bool passes;
} spans[] = {
        { 0, 1, true },  { 0, 3, true },  { 2, 1, true },  { 5, 1, true },  { 5, 3, true },  { 3, 1, false },
        { 4, 1, false }, { 3, 2, false }, { 2, 2, false }, { 4, 2, false }, { 0, 4, false }, { 0, 8, false },
};

/* In the low half of an address' upper word, and across the border of two of them. */
static const uint64_t places[] = { UINT64_C(0x123400000000), UINT64_C(0x123500000000) - 4 * PAGE };

static void *eight_pages(uint64_t at)
{
        void *p = mmap((void *)(uintptr_t)at, 8 * PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

        ck_assert_uint_eq((uintptr_t)p, at);
        return p;
}

START_TEST(sealed_pages_stay)
{
        uint8_t *p = eight_pages(places[(size_t)_i / ELEMENTSOF(spans)]), *at;
        size_t i = (size_t)_i % ELEMENTSOF(spans), bytes = spans[i].n * PAGE;
        int want = spans[i].passes ? 0 : EPERM;

        stand_in(GAP_BIT(SEAL), p + 3 * PAGE, 2 * PAGE);
        at = p + spans[i].from * PAGE;
        ck_assert_int_eq(outcome(mprotect(at, bytes, PROT_READ)), want);
        ck_assert_int_eq(outcome(mprotect(at, bytes - 1, PROT_READ)), want); /* it rounds up */
        ck_assert_int_eq(outcome((long)mmap(at, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)), want);
        ck_assert_int_eq(outcome(munmap(at, bytes)), want);
        /* A hint replaces nothing. */
        ck_assert_int_eq(outcome((long)mmap(p + 3 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)), 0);
        /* To the end of the numbers, and around it: the kernel's own refusal, or ours. */
        ck_assert_int_ne(outcome(munmap(at, (size_t)-4096)), 0);
        ck_assert_int_ne(outcome(munmap(at, 0 - (size_t)(uintptr_t)at + 8 * PAGE)), 0);
        ck_assert_int_eq(outcome((long)syscall(SYS_mremap, p, PAGE, PAGE, MREMAP_MAYMOVE)), EPERM);
        p[3 * PAGE] = 1;
        p[4 * PAGE] = 1;
}
END_TEST

START_TEST(what_landlock_lacks_is_refused)
{
        const struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "\0nobody" };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        stand_in(GAPS_LANDLOCK, NULL, 0);
        ck_assert_int_eq(outcome(socket(AF_INET, SOCK_STREAM, 0)), EACCES);
        ck_assert_int_eq(outcome(socket(AF_INET6, SOCK_STREAM, 0)), EACCES);
        ck_assert_int_eq(outcome(connect(fd, (const struct sockaddr *)&at, sizeof(at))), EPERM);
        ck_assert_int_eq(outcome(kill(getppid(), 0)), EPERM);
        ck_assert_int_eq(outcome(syscall(SYS_tgkill, getpid(), getpid(), 0)), EPERM);
        ck_assert_int_eq(outcome(truncate("/nowhere/at/all", 0)), EACCES);
        ck_assert_int_eq(outcome(socket(AF_UNIX, SOCK_STREAM, 0)), 0);
}
END_TEST

START_TEST(no_gap_no_filter)
{
        struct error err = { 0 };
        int before = posture_own_filters();

        ck_assert_int_eq(policy_stand_in(0, NULL, 0, &err), 0);
        ck_assert_int_eq(posture_own_filters(), before);
        ck_assert_int_eq(policy_stand_in(GAP_BIT(TCP) | GAP_BIT(SEAL), &err, sizeof(err), &err), 0);
        if (before >= 0)
                ck_assert_int_eq(posture_own_filters(), before + 2);
        /* With every layer said to be missing, its table is what is left. */
        ck_assert_uint_eq(policy_filters(~UINT32_C(0)), 1);
        ck_assert_uint_ge(policy_filters(0), 1);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("filters");

        tcase_add_test(tc, nothing_becomes_executable);
        tcase_add_loop_test(tc, sealed_pages_stay, 0, (int)(ELEMENTSOF(spans) * ELEMENTSOF(places)));
        tcase_add_test(tc, what_landlock_lacks_is_refused);
        tcase_add_test(tc, no_gap_no_filter);
        return unit_main("stand-in", &tc, 1);
}
