/* test-policy.c - every row of the tables, in children: allowed is allowed, and all else kills. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/capability.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/kernel.h"
#include "policy/key.h"
#include "policy/posture.h"
#include "tests/unit/unit.h"

#ifdef NACELLE_SANITIZERS
#define SANITIZED true /* its run-time makes calls, and opens files, of its own */
#else
#define SANITIZED false
#endif

#define NUMBERS_MAX 480 /* tried: beyond the last system call of Linux 6.18 */

enum { SURVIVED = 0, KILLED_BY_FILTER = SIGSYS };

/* How a child behind the filter of @role ends that makes this one call. */
static int try_call(enum role role, long number, const uint64_t args[6])
{
        pid_t pid = fork();
        int status;

        if (pid == 0) {
                struct lockdown l = { 0 };

                prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                if (policy_seccomp(&l, role, NULL) < 0 || l.missing)
                        _exit(99);
                syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
                syscall(SYS_exit_group, 0);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        if (WIFSIGNALED(status))
                return WTERMSIG(status);
        ck_assert_int_ne(WEXITSTATUS(status), 99);
        return SURVIVED;
}

static bool in_table(enum role role, long number)
{
        unsigned n;
        const struct syscall_rule *rules = policy_syscalls(role, &n);

        for (unsigned i = 0; i < n; i++)
                if (rules[i].number == number)
                        return true;
        return false;
}

/* Probes in user code trap through these; the kernel exempts them from every filter (since 6.14) and
 * refuses them from elsewhere. */
static bool is_exempt(long number)
{
        return number == 335 || number == 336;
}

START_TEST(every_other_call_kills)
{
        const uint64_t none[6] = { 0 };

        for (long number = 0; number < NUMBERS_MAX; number++)
                if (!in_table(_i, number) && !is_exempt(number))
                        ck_assert_msg(try_call(_i, number, none) == KILLED_BY_FILTER,
                                      "system call %ld", number);
}
END_TEST

/* Arguments that the row wants; with @break_it >= 0 that one is wrong. */
static void fill(const struct syscall_rule *rule, int break_it, uint64_t args[6])
{
        memset(args, 0, 6 * sizeof(*args));
        if (rule->number == SYS_ppoll)
                args[2] = 1; /* no time that could be read: it does not wait */
        for (int i = 0; i < SYSCALL_ARGS; i++) {
                const struct arg_rule *a = &rule->args[i];
                bool wrong = i == break_it;

                if (a->test == ARG_EQUALS)
                        args[a->index] = wrong ? a->value + 1000 : a->value;
                else if (a->test == ARG_WITH)
                        args[a->index] = wrong ? 0 : a->value;
                else if (a->test == ARG_WITHOUT)
                        args[a->index] = wrong ? a->value : 0;
        }
}

START_TEST(every_row_is_needed_as_it_stands)
{
        unsigned n;
        const struct syscall_rule *rules = policy_syscalls(_i, &n);

        for (unsigned i = 0; i < n; i++) {
                uint64_t args[6];

                ck_assert_ptr_nonnull(rules[i].reason);
                ck_assert(rules[i].reason[0] && rules[i].drill[0]);
                fill(&rules[i], -1, args);
                ck_assert_msg(try_call(_i, rules[i].number, args) != KILLED_BY_FILTER, "%s is killed",
                              rules[i].name);
                for (int k = 0; k < SYSCALL_ARGS; k++) {
                        if (rules[i].args[k].test == ARG_ANY)
                                continue;
                        fill(&rules[i], k, args);
                        ck_assert_msg(try_call(_i, rules[i].number, args) == KILLED_BY_FILTER,
                                      "%s with a wrong argument %d lives", rules[i].name, k);
                }
        }
}
END_TEST

START_TEST(names_of_calls)
{
        char text[32];

        ck_assert_str_eq(policy_syscall_name(SYS_openat, text, sizeof(text)), "openat");
        ck_assert_str_eq(policy_syscall_name(99999, text, sizeof(text)), "system call 99999");
        ck_assert_str_eq(layers_text(LAYER_BIT(LAYER_RING) | LAYER_BIT(LAYER_SECCOMP), text,
                                     sizeof(text)),
                         "ring, seccomp");
        ck_assert_str_eq(layers_text(0, text, sizeof(text)), "");
        layers_text(~UINT32_C(0), text, 12); /* cut, not overrun */
        ck_assert_uint_lt(strlen(text), 12);
}
END_TEST

/* In a fork of check's own; what is switched on here ends with the test. */
START_TEST(landlock_denies_everything)
{
        struct lockdown l = { 0 };
        struct error err = { 0 };

        if (policy_landlock_abi() == 0)
                return;
        ck_assert_int_eq(policy_landlock(&l, &err), 0);
        ck_assert_uint_eq(l.missing, 0);
        ck_assert_int_lt(open("/etc/passwd", O_RDONLY), 0);
        ck_assert_int_eq(errno, EACCES);
        ck_assert_int_lt(open("/", O_RDONLY | O_DIRECTORY), 0);
        ck_assert_int_eq(errno, EACCES);
        ck_assert_int_lt(kill(getppid(), 0), 0);
        ck_assert_int_eq(errno, EPERM);
}
END_TEST

START_TEST(landlock_leaves_the_granted_trees)
{
        char top[] = "/tmp/nacelle-policy-XXXXXX", path[64];
        struct policy_tree trees[2];
        struct lockdown l = { 0 };
        struct error err = { 0 };

        if (policy_landlock_abi() == 0)
                return;
        ck_assert_ptr_nonnull(mkdtemp(top));
        for (int i = 0; i < 2; i++) {
                snprintf(path, sizeof(path), "%s/%d", top, i);
                ck_assert_int_eq(mkdir(path, 0755), 0);
                trees[i] = (struct policy_tree) { .fd = open(path, O_PATH | O_DIRECTORY),
                                                  .verbs = i == 1 ? VERB_READ : key_kind_verbs(KEY_DIRECTORY) };
                ck_assert_int_eq(mknodat(trees[i].fd, "old", S_IFREG | 0644, 0), 0);
        }
        ck_assert_int_eq(policy_landlock_trees(&l, trees, 2, true, &err), 0);

        ck_assert_int_ge(openat(trees[0].fd, "new", O_CREAT | O_WRONLY, 0644), 0);
        ck_assert_int_ge(openat(trees[1].fd, "old", O_RDONLY), 0);
        ck_assert_int_lt(openat(trees[1].fd, "old", O_WRONLY), 0);
        ck_assert_int_eq(errno, EACCES);
        ck_assert_int_lt(openat(trees[1].fd, "new", O_CREAT | O_WRONLY, 0644), 0);
        ck_assert_int_eq(errno, EACCES);
        ck_assert_int_lt(open("/etc/passwd", O_RDONLY), 0);
        ck_assert_int_eq(errno, EACCES);
        if (policy_landlock_abi() >= 6)
                ck_assert(kill(getppid(), 0) < 0 && errno == EPERM);
        unlinkat(trees[0].fd, "new", 0);
        unlinkat(trees[0].fd, "old", 0);
}
END_TEST

START_TEST(a_skipped_layer_stays_off)
{
        struct lockdown l = { .skip = ~UINT32_C(0) };

        ck_assert_int_eq(policy_landlock(&l, NULL), 0);
        ck_assert_int_eq(policy_memory(&l, NULL), 0);
        ck_assert_int_eq(policy_seccomp(&l, ROLE_CELL, NULL), 0);
        ck_assert_int_eq(policy_limits(&l, ROLE_CELL, 0, NULL), 0);
        ck_assert_int_eq(policy_descriptors(&l, 3, NULL), 0);
        ck_assert_int_ge(open("/etc/passwd", O_RDONLY), 0);
        ck_assert_uint_eq(l.missing, 0);
}
END_TEST

START_TEST(credentials_are_gone)
{
        bool root = geteuid() == 0;
        struct lockdown l = { 0 };
        struct error err = { 0 };
        struct posture p;

        ck_assert_int_eq(policy_credentials(&l, !root, getppid(), &err), 0);
        ck_assert_int_eq(prctl(PR_GET_DUMPABLE), root ? 0 : 1);
        ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
        ck_assert_int_eq(posture_read(getpid(), -1, &p, &err), 0);
        if (root) {
                ck_assert_uint_eq(p.uid, POLICY_NOBODY);
                ck_assert_uint_eq(p.cap_bnd, 0);
                ck_assert_int_lt(setuid(0), 0);
        }
        ck_assert_uint_eq(p.cap_eff | p.cap_prm | p.cap_inh | p.cap_amb, 0);
        ck_assert(p.no_new_privs);
}
END_TEST

START_TEST(a_dead_parent_is_noticed)
{
        struct lockdown l = { 0 };
        struct error err = { 0 };

        ck_assert_int_eq(policy_credentials(&l, true, getpid(), &err), -ESRCH);
        ck_assert_int_eq(err.stage, STAGE_POLICY);
}
END_TEST

START_TEST(sealed_memory_stays)
{
        void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        struct lockdown l = { 0 };
        struct error err = { 0 };

        ck_assert_int_eq(policy_seal(&l, p, 4096, &err), 0);
        ck_assert_int_eq(policy_memory(&l, &err), 0); /* without mseal the wall comes here */
        if (l.missing)
                return;
        ck_assert_int_lt(munmap(p, 4096), 0);
        ck_assert_int_lt(mprotect(p, 4096, PROT_READ | PROT_WRITE), 0);
}
END_TEST

START_TEST(descriptors_and_limits)
{
        struct lockdown l = { 0 };
        struct error err = { 0 };
        struct rlimit limit;
        int fd = open("/dev/null", O_RDONLY);

        ck_assert_int_eq(policy_limits(&l, ROLE_COMPILER, 1000, &err), 0);
        ck_assert_int_eq(getrlimit(RLIMIT_CORE, &limit), 0);
        ck_assert_uint_eq(limit.rlim_cur, 0);
        ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
        ck_assert_uint_le(limit.rlim_max, 128u << 20);
        ck_assert_int_eq(getrlimit(RLIMIT_CPU, &limit), 0);
        ck_assert_uint_le(limit.rlim_max, POLICY_COMPILE_S + POLICY_COMPILE_MIB_S);
        ck_assert_int_eq(policy_descriptors(&l, fd, &err), 0);
        ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
}
END_TEST

/* That a page is there is told, and in which frame it lies is not, whoever asks; and nobody has lost a right for it. */
START_TEST(pages_are_told_of_without_their_frames)
{
        int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = policy_pagemap(proc, 200);
        uint64_t entry = 0, frame = (UINT64_C(1) << 55) - 1;
        cap_t before = cap_get_proc(), after;
        volatile char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        ck_assert_int_ge(proc, 0);
        ck_assert_int_eq(policy_pagemap(-EBADF, 201), -EBADF);
        ck_assert_int_eq(fcntl(201, F_GETFD), -1);
        after = cap_get_proc();
        ck_assert_int_eq(cap_compare(before, after), 0);
        if (fd == 200) { /* Linux 6.7 */
                ck_assert_int_eq(fcntl(200, F_GETFD), FD_CLOEXEC);
                *page = 1;
                ck_assert_int_eq(pread(fd, &entry, 8, (off_t)((uintptr_t)page / 4096 * 8)), 8);
                ck_assert_uint_eq(entry >> 63, 1);
                ck_assert_uint_eq(entry & frame, 0);
                close(fd);
        } else {
                ck_assert_int_lt(fd, 0);
                ck_assert_int_eq(fcntl(200, F_GETFD), -1);
        }
        cap_free(before);
        cap_free(after);
        close(proc);
}
END_TEST

START_TEST(probes_answer)
{
        struct kernel_row rows[_KERNEL_MAX];

        kernel_probe(rows);
        for (int i = 0; i < _KERNEL_MAX; i++)
                ck_assert(rows[i].text && rows[i].without && rows[i].since && rows[i].detail[0]);
        ck_assert(rows[KERNEL_OPENAT2].present);
}
END_TEST

int main(void)
{
        TCase *filters = tcase_create("filters"), *layers = tcase_create("layers");

        if (!SANITIZED) {
                tcase_add_loop_test(filters, every_other_call_kills, 0, _ROLE_MAX);
                tcase_add_loop_test(filters, every_row_is_needed_as_it_stands, 0, _ROLE_MAX);
                tcase_add_test(layers, descriptors_and_limits);
                tcase_add_test(layers, credentials_are_gone);
                tcase_add_test(layers, landlock_denies_everything);
                tcase_add_test(layers, landlock_leaves_the_granted_trees);
        }
        tcase_set_timeout(filters, 60);
        tcase_add_test(filters, names_of_calls);
        tcase_add_test(layers, a_skipped_layer_stays_off);
        tcase_add_test(layers, a_dead_parent_is_noticed);
        tcase_add_test(layers, sealed_memory_stays);
        tcase_add_test(layers, pages_are_told_of_without_their_frames);
        tcase_add_test(layers, probes_answer);
        return unit_main("policy", (TCase *[]) { filters, layers }, 2);
}
