/* kernel.c - one probe a row of kernel.def: does it, and not whether a version promises it. */
#include "config.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/membarrier.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/cgroup.h"
#include "policy/kernel.h"

#ifndef SYS_mseal
#define SYS_mseal 462
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif
#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE (1 << 1)
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

/* From linux/io_uring.h, which only supervisor/ring includes: what a probe needs of it. */
#define RING_SETUP_R_DISABLED      (1u << 6)
#define RING_SETUP_SINGLE_ISSUER   (1u << 12)
#define RING_SETUP_DEFER_TASKRUN   (1u << 13)
#define RING_REGISTER_RESTRICTIONS 11u

struct ring_params {
        uint32_t sq_entries, cq_entries, flags, rest[27];
};

struct ring_restriction {
        uint16_t opcode;
        uint8_t op, reserved;
        uint32_t reserved2[3];
};

_printf_(3, 4) static bool say(struct kernel_row *row, bool present, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vsnprintf(row->detail, sizeof(row->detail), format, args);
        va_end(args);
        return present;
}

static bool said(struct kernel_row *row, bool present)
{
        return present ? say(row, true, "works") : say(row, false, "%m");
}

/* Runs @f in a child; its errno (0: works) is the exit status. */
static bool in_child(struct kernel_row *row, int (*f)(void))
{
        pid_t pid = fork();
        int status;

        if (pid < 0)
                return said(row, false);
        if (pid == 0)
                _exit(f() & 0xff);
        if (waitpid(pid, &status, 0) < 0)
                return said(row, false);
        if (WIFSIGNALED(status))
                return say(row, false, "the probe died of signal %d", WTERMSIG(status));
        errno = WEXITSTATUS(status);
        return said(row, WEXITSTATUS(status) == 0);
}

static int child_no_new_privs(void)
{
        return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? errno : 0;
}

static int child_mdwe(void)
{
        void *p;

        if (prctl(PR_SET_MDWE, 1, 0, 0, 0) < 0)
                return errno;
        p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return p == MAP_FAILED ? 0 : ENOTSUP;
}

static int child_namespaces(void)
{
        struct lockdown l = { 0 };

        errno = EPERM;
        return policy_namespaces(&l, false, false, NULL) < 0 || l.missing ? errno : 0;
}

/* A child of the child breaks a filter and must die of SIGSYS. */
static int child_seccomp(void)
{
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = { ELEMENTSOF(code), code };
        pid_t pid = fork();
        int status;

        if (pid < 0)
                return errno;
        if (pid == 0) {
                if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
                    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
                        _exit(errno);
                syscall(SYS_getppid);
                _exit(ENOTSUP);
        }
        if (waitpid(pid, &status, 0) < 0)
                return errno;
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
                return 0;
        return WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : ENOTSUP;
}

static bool probe_SECCOMP(struct kernel_row *row)
{
        return in_child(row, child_seccomp);
}

static bool probe_NAMESPACES(struct kernel_row *row)
{
        return in_child(row, child_namespaces);
}

static bool probe_CGROUP(struct kernel_row *row)
{
        _cleanup_close_ int fd = cgroup_own(row->detail, sizeof(row->detail));

        return fd < 0 ? false : say(row, true, "works");
}

static bool probe_NO_NEW_PRIVS(struct kernel_row *row)
{
        return in_child(row, child_no_new_privs);
}

static bool probe_MDWE(struct kernel_row *row)
{
        return in_child(row, child_mdwe);
}

static bool landlock_at_least(struct kernel_row *row, int want)
{
        int abi = policy_landlock_abi();

        return abi ? say(row, abi >= want, "ABI %d", abi) : said(row, false);
}

static bool probe_LANDLOCK(struct kernel_row *row)
{
        return landlock_at_least(row, 1);
}

static bool probe_LANDLOCK_TRUNCATE(struct kernel_row *row)
{
        return landlock_at_least(row, 3);
}

static bool probe_LANDLOCK_NET(struct kernel_row *row)
{
        return landlock_at_least(row, 4);
}

static bool probe_LANDLOCK_SCOPE(struct kernel_row *row)
{
        return landlock_at_least(row, 6);
}

static int child_mseal(void)
{
        void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED || syscall(SYS_mseal, p, 4096UL, 0UL) < 0)
                return errno;
        return munmap(p, 4096) < 0 ? 0 : ENOTSUP;
}

static bool probe_MSEAL(struct kernel_row *row)
{
        return in_child(row, child_mseal);
}

/* With the seal on, the old writable view works and no new one can be made. */
static bool probe_MEMFD_SEALS(struct kernel_row *row)
{
        _cleanup_close_ int fd = memfd_create("probe", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        void *p;

        if (fd < 0 || ftruncate(fd, 4096) < 0 ||
            fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) < 0)
                return said(row, false);
        p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED)
                return say(row, true, "works");
        munmap(p, 4096);
        return say(row, false, "the seal does not hold");
}

static int ring_setup(unsigned flags)
{
        struct ring_params params = { .flags = flags };

        return (int)syscall(SYS_io_uring_setup, 4, &params);
}

static bool probe_IO_URING(struct kernel_row *row)
{
        _cleanup_close_ int fd = ring_setup(0);

        if (fd < 0 && errno == EPERM)
                return say(row, false, "kernel.io_uring_disabled, or a filter above us");
        return said(row, fd >= 0);
}

static bool probe_RING_LOCK(struct kernel_row *row)
{
        _cleanup_close_ int fd = ring_setup(RING_SETUP_R_DISABLED);
        struct ring_restriction r = { .opcode = 1, .op = 0 }; /* one operation may be submitted */

        if (fd < 0)
                return say(row, true, "there is no ring to restrict");
        return said(row, syscall(SYS_io_uring_register, fd, RING_REGISTER_RESTRICTIONS, &r, 1) == 0);
}

static bool probe_RING_DEFER(struct kernel_row *row)
{
        _cleanup_close_ int fd = ring_setup(RING_SETUP_SINGLE_ISSUER | RING_SETUP_DEFER_TASKRUN);

        return said(row, fd >= 0);
}

static bool probe_OPENAT2(struct kernel_row *row)
{
        _cleanup_close_ int dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct open_how how = { .flags = O_PATH | O_CLOEXEC,
                                .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
        _cleanup_close_ int fd = (int)syscall(SYS_openat2, dir, "..", &how, sizeof(how));

        if (fd >= 0)
                return say(row, false, "RESOLVE_BENEATH does not hold");
        return said(row, errno == EXDEV);
}

static bool probe_PIDFD(struct kernel_row *row)
{
        _cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

        return said(row, fd >= 0);
}

static bool probe_MEMBARRIER(struct kernel_row *row)
{
        long r = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

        if (r < 0)
                return said(row, false);
        return say(row, r & MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, "commands 0x%lx", (long)r);
}

static bool probe_GUARD(struct kernel_row *row)
{
        void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        bool works;

        if (p == MAP_FAILED)
                return said(row, false);
        works = said(row, madvise(p, 4096, MADV_GUARD_INSTALL) == 0);
        munmap(p, 4096);
        return works;
}

static bool probe_FSGSBASE(struct kernel_row *row)
{
        bool on = getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE;

        return say(row, on, "%s", on ? "works" : "not announced by the kernel");
}

static bool probe_CLOSE_RANGE(struct kernel_row *row)
{
        return said(row, syscall(SYS_close_range, ~0u, ~0u, 0) == 0);
}

static bool probe_MAP_COUNT(struct kernel_row *row)
{
        FILE *f = fopen("/proc/sys/vm/max_map_count", "re");
        unsigned long n = 0;

        if (f) {
                if (fscanf(f, "%lu", &n) != 1)
                        n = 0;
                fclose(f);
        }
        return say(row, n >= 65530, "%lu mappings a process", n);
}

void kernel_probe(struct kernel_row ret[static _KERNEL_MAX])
{
        static const struct {
                const char *text, *since, *without;
                enum kernel_need need;
                bool (*probe)(struct kernel_row *);
        } rows[] = {
#define KERNEL(name, since, need, without, text) { text, since, without, NEED_##need, probe_##name },
#include "policy/kernel.def"
        };

        for (unsigned i = 0; i < _KERNEL_MAX; i++) {
                ret[i] = (struct kernel_row) { .text = rows[i].text, .since = rows[i].since,
                                               .without = rows[i].without, .need = rows[i].need };
                ret[i].present = rows[i].probe(&ret[i]);
        }
}
