/* path_server.c - whoever opens files for the guests of a unit, taken over by a request: attack code in the place of
 * path_request_check(), behind the real walls; then with one of them off. Drill H30. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "policy/policy.h"
#include "policy/unit.h"
#include "supervisor/broker/paths.h"
#include "supervisor/daemon/path_server.h"
#include "tests/drills/attacks_helper.h"

#define OFF(layer) LAYER_BIT(LAYER_##layer)

enum end { KILLED, REFUSED, THROUGH };

static unsigned passed, failed, skipped;
static uint32_t off;
static long (*attack)(void);
static char tree[] = "/tmp/nacelle-paths-XXXXXX", sibling[64];
static volatile long *word; /* shared with the process: what became of the attack */

/* The first of its walls, which takes its lockdown from here. */
int __real_policy_limits(struct lockdown *l, enum role role, uint64_t input_bytes, struct error *err);
int __wrap_policy_limits(struct lockdown *l, enum role role, uint64_t input_bytes, struct error *err);
int __wrap_policy_limits(struct lockdown *l, enum role role, uint64_t input_bytes, struct error *err)
{
        l->skip |= off;
        return __real_policy_limits(l, role, input_bytes, err);
}

int __wrap_path_request_check(const struct paths *p, const void *message, size_t size,
                              struct checked_request *ret, struct error *err);
int __wrap_path_request_check(const struct paths *p, const void *message, size_t size,
                              struct checked_request *ret, struct error *err)
{
        *word = attack();
        return -EPROTO;
}

static long write_beneath(void)
{
        char path[96];
        int fd = -1;

        snprintf(path, sizeof(path), "%s/made", tree);
        fd = openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        return fd < 0 ? -errno : fd;
}

/* openat2() is in its table, and held by Landlock. */
static long open_sibling(void)
{
        struct open_how how = { .flags = O_RDONLY };
        long fd = syscall(SYS_openat2, AT_FDCWD, sibling, &how, sizeof(how));

        return fd < 0 ? -errno : fd;
}

static long remove_sibling(void)
{
        return unlinkat(AT_FDCWD, sibling, 0) < 0 ? -errno : 0;
}

static long own_directory(void)
{
        struct open_how how = { .flags = O_RDONLY | O_DIRECTORY };
        long fd = syscall(SYS_openat2, AT_FDCWD, tree, &how, sizeof(how));

        return fd < 0 ? -errno : fd;
}

static long packet_socket(void)
{
        return socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0) < 0 ? -errno : 0;
}

/* Of root's rights three are left: none makes it somebody else. */
static long other_capabilities(void)
{
        for (cap_value_t c = 0; prctl(PR_CAPBSET_READ, c) >= 0; c++)
                if (c != CAP_DAC_OVERRIDE && c != CAP_DAC_READ_SEARCH && c != CAP_FOWNER &&
                    (prctl(PR_CAPBSET_READ, c) == 1 || cap_get_bound(c) == 1))
                        return c;
        return -EPERM;
}

static const struct drill {
        const char *name;
        long (*attack)(void);
        uint32_t off;
        enum end end;
        int code, abi;
        bool root;
} drills[] = {
        { "own_directory",  own_directory,  0,                            THROUGH, 0, 0, false },
        { "open_sibling",   open_sibling,   0,                            REFUSED, EACCES, 1, false },
        { "open_sibling",   open_sibling,   OFF(LANDLOCK),                THROUGH, 0, 0, false },
        { "remove_sibling", remove_sibling, 0,                            REFUSED, EACCES, 1, false },
        { "read_passwd",    read_passwd,    0,                            KILLED,  0, 0, false },
        { "read_passwd",    read_passwd,    OFF(SECCOMP),                 REFUSED, EACCES, 1, false },
        { "read_passwd",    read_passwd,    OFF(SECCOMP) | OFF(LANDLOCK), THROUGH, 0, 0, false },
        { "list_root",      list_root,      OFF(SECCOMP),                 REFUSED, EACCES, 1, false },
        { "read_itself",    read_itself,    OFF(SECCOMP),                 REFUSED, EACCES, 1, false },
        { "write_file",     write_file,     0,                            KILLED,  0, 0, false },
        { "write_file",     write_file,     OFF(SECCOMP),                 REFUSED, EACCES, 1, false },
        { "write_beneath",  write_beneath,  OFF(SECCOMP),                 THROUGH, 0, 0, false },
        { "run_program",    run_program,    0,                            KILLED,  0, 0, false },
        { "run_program",    run_program,    OFF(SECCOMP),                 REFUSED, EACCES, 1, false },
        { "another_process", another_process, 0,                          KILLED,  0, 0, false },
        { "another_process", another_process, OFF(SECCOMP),               THROUGH, 0, 0, false },
        { "signal_driver",  signal_driver,  0,                            KILLED,  0, 0, false },
        { "signal_driver",  signal_driver,  OFF(SECCOMP),                 REFUSED, EPERM, 1, false },
        { "read_driver",    read_driver,    0,                            KILLED,  0, 0, false },
        { "read_driver",    read_driver,    OFF(SECCOMP),                 REFUSED, EPERM, 1, false },
        { "new_code",       new_code,       0,                            KILLED,  0, 0, false },
        { "new_code",       new_code,       OFF(SECCOMP),                 REFUSED, EACCES, 0, false },
        { "new_code",       new_code,       OFF(SECCOMP) | OFF(MDWE),     THROUGH, 0, 0, false },
        { "new_ring",       new_ring,       0,                            KILLED,  0, 0, false },
        { "tcp_socket",     tcp_socket,     0,                            KILLED,  0, 0, false },
        { "packet_socket",  packet_socket,  OFF(SECCOMP),                 REFUSED, EPERM, 0, false },
        { "become_nobody",  become_nobody,  0,                            KILLED,  0, 0, false },
        { "become_nobody",  become_nobody,  OFF(SECCOMP),                 REFUSED, EPERM, 0, true },
        { "become_nobody",  become_nobody,  OFF(SECCOMP) | OFF(CAPABILITIES), THROUGH, 0, 0, true },
        { "other_capabilities", other_capabilities, OFF(SECCOMP),         REFUSED, EPERM, 0, true },
};

static void run(const struct drill *d, const struct unit *u)
{
        struct path_server *p = NULL;
        struct pollfd wait = { .fd = -EBADF, .events = POLLIN };
        struct error err = { 0 };
        char layers[64];
        long got;
        bool good;

        layers_text(d->off, layers, sizeof(layers));
        if (policy_landlock_abi() < d->abi || (d->root && geteuid() != 0)) {
                skipped++;
                printf("skip H30 %s: %s\n", d->name, d->root ? "root alone has these" : "Landlock is too old");
                return;
        }
        attack = d->attack;
        off = d->off;
        *word = -ENOTRECOVERABLE; /* as long as it has not come back */
        if (path_server_start(u, tree, &p, &err) < 0 || path_server_guest(p, 0, &wait.fd, &err) < 0 ||
            send(wait.fd, "x", 1, MSG_NOSIGNAL) != 1) {
                printf("FAIL H30 %s: %s\n", d->name, err.text);
                failed++;
                path_server_free(p);
                return;
        }
        poll(&wait, 1, 5000); /* it hangs up, one way or the other */
        close(wait.fd);
        got = *word;
        path_server_free(p);
        good = d->end == KILLED ? got == -ENOTRECOVERABLE : d->end == REFUSED ? got == -d->code : got >= 0;
        printf("%s H30 %s%s%s: %s\n", good ? "pass" : "FAIL", d->name, d->off ? " without " : "", layers,
               got >= 0 ? "through" : got == -ENOTRECOVERABLE ? "killed" : strerrorname_np((int)-got));
        if (good)
                passed++;
        else
                failed++;
}

int main(void)
{
        _cleanup_(unit_freep) struct unit *u = NULL;
        struct unit_text text = { .path = "drill" };
        struct error err = { 0 };
        char bytes[256], path[64];

        helper_driver = getpid();
        word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (word == MAP_FAILED || !mkdtemp(tree))
                return 99;
        snprintf(sibling, sizeof(sibling), "%s.sibling", tree);
        close(open(sibling, O_CREAT | O_WRONLY, 0600));
        text.bytes = bytes;
        text.size = (size_t)snprintf(bytes, sizeof(bytes),
                                     "[Nanoprocess]\nModule=/m.wasm\n[Key d]\nDirectory=%s\nAccess=read-write\n", tree);
        if (unit_parse("drill", &text, 1, NULL, &u, &err) < 0) {
                printf("FAIL the unit: %s\n", err.text);
                return 1;
        }
        for (size_t i = 0; i < ELEMENTSOF(drills); i++)
                run(&drills[i], u);
        snprintf(path, sizeof(path), "%s/made", tree);
        unlink(path);
        unlink(sibling);
        rmdir(tree);
        printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
