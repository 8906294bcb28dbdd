/* test-landlock.c - what is asked of Landlock for each ABI that a kernel may have, and that what an older one leaves open
 * is refused all the same. The kernel's answer for its ABI is made up here; the rest is the kernel. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <unistd.h>

#include "policy/key.h"
#include "policy/policy.h"
#include "tests/unit/unit.h"

#define ABIS_MAX 12

static int pretended;
static uint64_t asked[3];
static size_t asked_bytes;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
        va_list args;
        long a[6];

        va_start(args, number);
        for (int i = 0; i < 6; i++)
                a[i] = va_arg(args, long);
        va_end(args);
        if (number == SYS_landlock_create_ruleset && pretended) {
                if (a[2] == 1)
                        return pretended;
                asked_bytes = (size_t)a[1];
                memset(asked, 0, sizeof(asked));
                memcpy(asked, (const void *)a[0], asked_bytes <= sizeof(asked) ? asked_bytes : sizeof(asked));
        }
        return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* By the kernel's documentation, not by our table: bytes of the structure, rights of files, TCP, scopes. */
static const struct {
        size_t bytes;
        uint64_t files, net, scopes;
} wanted[ABIS_MAX + 1] = {
        [1] = { 8, 0x1fff, 0, 0 },
        [2] = { 8, 0x3fff, 0, 0 },   /* REFER */
        [3] = { 8, 0x7fff, 0, 0 },   /* TRUNCATE */
        [4] = { 16, 0x7fff, 3, 0 },  /* TCP */
        [5] = { 16, 0xffff, 3, 0 },  /* IOCTL_DEV */
        [6] = { 24, 0xffff, 3, 3 },  /* scopes */
        [7] = { 24, 0xffff, 3, 3 },
        /* What later ones add is not asked for, so a kernel that has it takes the same. */
        [8] = { 24, 0xffff, 3, 3 },
        [ABIS_MAX] = { 24, 0xffff, 3, 3 },
};

static bool kernel_has(int abi)
{
        return policy_landlock_abi() >= (abi < 7 ? abi : 6);
}

static int outcome(long r)
{
        return r < 0 ? errno : 0;
}

/* By the wall itself, or by the filter that stands in for a later one and refuses every connection. */
static bool is_refused(int e)
{
        return e == EACCES || e == EPERM;
}

/* In the test's own process, which is over then: what is handled is exact, and what this ABI has no word for is refused. */
static void lock_as(int abi, int how)
{
        const uint16_t port = 9;
        struct policy_tree tree = { .fd = open("/usr", O_PATH | O_DIRECTORY | O_CLOEXEC), .verbs = VERB_READ };
        struct lockdown l = { 0 };
        struct error err = { 0 };
        int r;

        pretended = abi;
        r = how == 0   ? policy_landlock(&l, &err)
            : how == 1 ? policy_landlock_trees(&l, &tree, 1, true, &err)
            : how == 2 ? policy_landlock_trees(&l, &tree, 1, false, &err)
                       : policy_landlock_connect(&l, &port, 1, &err);
        ck_assert_msg(r == 0, "%s", err.text);
        ck_assert_uint_eq(l.missing, 0);
        pretended = 0;
}

START_TEST(what_is_asked_is_what_there_is)
{
        int abi = 1 + _i / 4, how = _i % 4;

        if (!wanted[abi].bytes || !kernel_has(abi))
                return;
        lock_as(abi, how);
        ck_assert_uint_eq(asked_bytes, wanted[abi].bytes);
        ck_assert_uint_eq(asked[0], wanted[abi].files);
        ck_assert_uint_eq(asked[1], wanted[abi].net);
        ck_assert_uint_eq(asked[2], how == 2 ? 0 : wanted[abi].scopes);
}
END_TEST

/* Each of these is a right of some later ABI: by Landlock, or by what stands in for it. */
START_TEST(a_gap_is_closed_otherwise)
{
        struct sockaddr_in tcp = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct sockaddr_un abstract = { .sun_family = AF_UNIX };
        char path[] = "/tmp/nacelle-landlock-XXXXXX", other[64];
        int abi = 1 + _i, file, local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1) +
                      (socklen_t)snprintf(abstract.sun_path + 1, 64, "nacelle-landlock-%d", getpid());
        pid_t parent = getpid(), pid;
        int status, pipes[2];

        if (!kernel_has(abi))
                return;
        file = mkstemp(path);
        ck_assert_int_ge(file, 0);
        snprintf(other, sizeof(other), "%s.other", path);
        ck_assert(bind(listener, (struct sockaddr *)&abstract, n) == 0 && listen(listener, 1) == 0 && pipe(pipes) == 0);
        pid = fork();
        if (pid == 0) {
                lock_as(abi, 0);
                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                _exit((outcome(truncate(path, 0)) != EACCES) |                                            /* 3 */
                      (outcome(link(path, other)) == 0) << 1 |                                             /* 2 */
                      (fd >= 0 && !is_refused(outcome(connect(fd, (struct sockaddr *)&tcp, sizeof(tcp))))) << 2 | /* 4 */
                      (outcome(open("/dev/null", O_RDWR)) != EACCES) << 3 |                                /* 5: no device to control */
                      (outcome(kill(parent, 0)) != EPERM) << 4 |                                           /* 6 */
                      (outcome(connect(local, (struct sockaddr *)&abstract, n)) != EPERM) << 5);           /* 6 */
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        unlink(path);
        unlink(other);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "ABI %d: %x", abi, status);
}
END_TEST

/* Without a wall there is nothing to see of it: each of the above works. */
START_TEST(the_attacks_bite)
{
        char path[] = "/tmp/nacelle-landlock-XXXXXX";
        int file = mkstemp(path);

        ck_assert_int_ge(file, 0);
        ck_assert_int_eq(outcome(truncate(path, 0)), 0);
        ck_assert_int_eq(outcome(kill(getppid(), 0)), 0);
        ck_assert_int_ne(outcome(open("/dev/null", O_RDWR)), EACCES);
        unlink(path);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("landlock");

        tcase_add_loop_test(tc, what_is_asked_is_what_there_is, 0, 4 * ABIS_MAX);
        tcase_add_loop_test(tc, a_gap_is_closed_otherwise, 0, 7);
        tcase_add_test(tc, the_attacks_bite);
        return unit_main("landlock", &tc, 1);
}
