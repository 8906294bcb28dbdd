/* connector.c - whoever makes the connections of keys, taken over by a name server's answer: attack code in the place of
 * getaddrinfo(), behind the real walls; then with one of them off. Drill H29. */
#include "config.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/policy.h"
#include "supervisor/broker/connect.h"
#include "supervisor/broker/connector.h"
#include "supervisor/proto/descriptors.h"
#include "tests/drills/attacks_helper.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

#define OFF(layer) LAYER_BIT(LAYER_##layer)

enum end { KILLED, REFUSED, THROUGH, TOLD };

static unsigned passed, failed, skipped;
static uint32_t off;
static long (*attack)(void);
static uint16_t key_port, other_port;

int __real_policy_descriptors(struct lockdown *l, int first, struct error *err);
int __wrap_policy_descriptors(struct lockdown *l, int first, struct error *err);
int __wrap_policy_descriptors(struct lockdown *l, int first, struct error *err)
{
        l->skip |= off;
        return __real_policy_descriptors(l, first, err);
}

static long result(long r)
{
        return r < 0 ? -errno : r;
}

static _noreturn_ void hand_over(const int *fds, unsigned n, size_t size)
{
        struct connected c = { 0 };

        (void)descriptors_send(FD_BROKER, &c, size, fds, n, 0);
        _exit(0);
}

/* In the child, in the place of the resolver. */
int __real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **ret);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **ret);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **ret)
{
        struct connected c = { .stage = STAGE_CELL };
        long r;

        if (!attack)
                return __real_getaddrinfo(host, port, hints, ret);
        r = attack();
        c.code = r < 0 ? (int32_t)r : -ENOTRECOVERABLE;
        snprintf(c.text, sizeof(c.text), "%s", r < 0 ? "refused" : "through");
        (void)descriptors_send(FD_BROKER, &c, sizeof(c), NULL, 0, 0);
        _exit(0);
}

static long multipath(void) { return result(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP)); }
static long alg_socket(void) { return result(socket(AF_ALG, SOCK_SEQPACKET, 0)); }

static int connected_to(const char *host, uint16_t port)
{
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        inet_pton(AF_INET, host, &to.sin_addr);
        return fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : fd;
}

static long connect_elsewhere(void) { return connected_to("127.0.0.1", other_port); }

static long serve_others(void)
{
        struct sockaddr_in at = { .sin_family = AF_INET };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        return result(bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ? -1 : listen(fd, 1));
}

static socklen_t abstract_name(struct sockaddr_un *at)
{
        *at = (struct sockaddr_un) { .sun_family = AF_UNIX };
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1) +
               (socklen_t)snprintf(at->sun_path + 1, sizeof(at->sun_path) - 1, "nacelle-connector-%d", helper_driver);
}

static long connect_abstract(void)
{
        struct sockaddr_un at;
        socklen_t n = abstract_name(&at);

        return result(connect(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), (struct sockaddr *)&at, n));
}

/* What the broker is handed. */
static long hand_over_other_address(void)
{
        int fd = connected_to("127.0.0.2", key_port);

        if (fd < 0)
                return fd;
        hand_over(&fd, 1, sizeof(struct connected));
}

static long hand_over_itself(void) { hand_over((const int[]) { FD_BROKER }, 1, sizeof(struct connected)); }
static long hand_over_null(void) { hand_over((const int[]) { 0 }, 1, sizeof(struct connected)); }
static long hand_over_two(void) { hand_over((const int[]) { 0, 0 }, 2, sizeof(struct connected)); }
static long hand_over_nothing(void) { hand_over(NULL, 0, sizeof(struct connected)); }
static long say_half(void) { hand_over(NULL, 0, sizeof(struct connected) / 2); }

static long hand_over_unconnected(void)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        hand_over(&fd, 1, sizeof(struct connected));
}

static long hand_over_datagrams(void)
{
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(key_port) };
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        (void)!connect(fd, (struct sockaddr *)&to, sizeof(to));
        hand_over(&fd, 1, sizeof(struct connected));
}

static const struct drill {
        const char *name;
        long (*attack)(void);
        uint32_t off;
        enum end end;
        int code;         /* REFUSED: the errno. TOLD: that of the broker */
        int abi;          /* of Landlock that it takes */
        const char *text; /* TOLD: part of it */
} drills[] = {
        { "read_passwd",    read_passwd,       0,                            REFUSED, EACCES, 1, NULL },
        { "read_passwd",    read_passwd,       OFF(LANDLOCK),                THROUGH, 0, 0, NULL },
        { "read_itself",    read_itself,       0,                            REFUSED, EACCES, 1, NULL },
        { "list_root",      list_root,         0,                            REFUSED, EACCES, 1, NULL },
        { "list_root",      list_root,         OFF(LANDLOCK),                THROUGH, 0, 0, NULL },
        { "write_file",     write_file,        0,                            KILLED,  0, 0, NULL },
        { "write_file",     write_file,        OFF(SECCOMP),                 REFUSED, EACCES, 1, NULL },
        { "write_file",     write_file,        OFF(SECCOMP) | OFF(LANDLOCK), THROUGH, 0, 0, NULL },
        { "run_program",    run_program,       0,                            KILLED,  0, 0, NULL },
        { "run_program",    run_program,       OFF(SECCOMP),                 REFUSED, EACCES, 1, NULL },
        { "another_process", another_process,  0,                            KILLED,  0, 0, NULL },
        { "another_process", another_process,  OFF(SECCOMP),                 THROUGH, 0, 0, NULL },
        { "signal_driver",  signal_driver,     0,                            KILLED,  0, 0, NULL },
        { "signal_driver",  signal_driver,     OFF(SECCOMP),                 REFUSED, EPERM, 6, NULL },
        { "read_driver",    read_driver,       0,                            KILLED,  0, 0, NULL },
        { "read_driver",    read_driver,       OFF(SECCOMP),                 REFUSED, EPERM, 1, NULL },
        { "new_code",       new_code,          0,                            KILLED,  0, 0, NULL },
        { "new_code",       new_code,          OFF(SECCOMP),                 REFUSED, EACCES, 0, NULL },
        { "new_code",       new_code,          OFF(SECCOMP) | OFF(MDWE),     THROUGH, 0, 0, NULL },
        { "new_ring",       new_ring,          0,                            KILLED,  0, 0, NULL },
        { "raw_socket",     raw_socket,        0,                            KILLED,  0, 0, NULL },
        { "raw_socket",     raw_socket,        OFF(SECCOMP),                 REFUSED, EPERM, 0, NULL },
        { "multipath",      multipath,         0,                            KILLED,  0, 0, NULL },
        { "alg_socket",     alg_socket,        0,                            KILLED,  0, 0, NULL },
        { "serve_others",   serve_others,      0,                            KILLED,  0, 0, NULL },
        { "serve_others",   serve_others,      OFF(SECCOMP),                 REFUSED, EACCES, 4, NULL },
        { "serve_others",   serve_others,      OFF(SECCOMP) | OFF(LANDLOCK), THROUGH, 0, 0, NULL },
        { "connect_elsewhere", connect_elsewhere, 0,                         REFUSED, EACCES, 4, NULL },
        { "connect_elsewhere", connect_elsewhere, OFF(LANDLOCK),             THROUGH, 0, 0, NULL },
        { "connect_abstract", connect_abstract, 0,                           REFUSED, EPERM, 6, NULL },
        { "connect_abstract", connect_abstract, OFF(LANDLOCK),               THROUGH, 0, 0, NULL },
        /* Here the broker is the only wall: an address is in memory, where no filter looks. */
        { "other_address",  hand_over_other_address, 0, TOLD, EACCES, 0, "127.0.0.2 port" },
        { "a socket that is none of TCP", hand_over_itself, 0, TOLD, ENOTCONN, 0, "is no connection" },
        { "no socket",      hand_over_null,        0, TOLD, ENOTCONN, 0, "is no connection" },
        { "unconnected",    hand_over_unconnected, 0, TOLD, ENOTCONN, 0, "is no connection" },
        { "datagrams",      hand_over_datagrams,   0, TOLD, ENOTCONN, 0, "is no connection" },
        { "two for one",    hand_over_two,         0, TOLD, EPIPE, 0, "without a word" },
        { "nothing",        hand_over_nothing,     0, TOLD, EPIPE, 0, "without a word" },
        { "half a message", say_half,              0, TOLD, EPIPE, 0, "without a word" },
        { "an honest one",  NULL,                  0, TOLD, 0, 0, "" },
};

static uint16_t listener(const char *host, uint16_t port)
{
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
        socklen_t size = sizeof(at);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        inet_pton(AF_INET, host, &at.sin_addr);
        if (bind(fd, (struct sockaddr *)&at, size) < 0 || listen(fd, 64) < 0 ||
            getsockname(fd, (struct sockaddr *)&at, &size) < 0)
                exit(99);
        return ntohs(at.sin_port);
}

static void listen_abstract(void)
{
        struct sockaddr_un at;
        socklen_t n = abstract_name(&at);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (bind(fd, (struct sockaddr *)&at, n) < 0 || listen(fd, 16) < 0)
                exit(99);
}

static unsigned descriptors(void)
{
        unsigned n = 0;

        for (int fd = 0; fd < 256; fd++)
                n += fcntl(fd, F_GETFD) >= 0;
        return n;
}

/* What the broker makes of it; *@ret_signal: what the child died of. */
static int try_one(const struct key *key, int *ret_signal, struct error *err)
{
        struct connecting_child c;
        siginfo_t info = { 0 };
        unsigned at;
        int fd = -EBADF, r = connect_start(&key, 1, &c, err);

        if (r < 0)
                return r;
        if (waitid(P_PIDFD, (id_t)c.child.pidfd, &info, WEXITED | WNOWAIT) < 0)
                exit(99);
        *ret_signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
        r = connect_read(&c, &fd, &at, err);
        connect_end(&c);
        if (r >= 0)
                close(fd);
        return r;
}

static bool as_expected(const struct drill *d, int r, int signal, const struct error *err)
{
        switch (d->end) {
        case KILLED:
                return signal == SIGSYS && strstr(err->text, "killed by seccomp");
        case REFUSED:
                return strcmp(err->text, "refused") == 0 && r == -d->code;
        case THROUGH:
                return strcmp(err->text, "through") == 0;
        default:
                return r == -d->code && signal == 0 && strstr(err->text, d->text);
        }
}

static void run(const struct drill *d, const struct key *key)
{
        unsigned before = descriptors();
        struct error err = { 0 };
        char layers[64];
        int signal = 0, r;
        bool good;

        layers_text(d->off, layers, sizeof(layers));
        if (policy_landlock_abi() < d->abi) {
                skipped++;
                printf("skip H29 %s: Landlock of ABI %d\n", d->name, policy_landlock_abi());
                return;
        }
        attack = d->attack;
        off = d->off;
        r = try_one(key, &signal, &err);
        good = as_expected(d, r, signal, &err) && descriptors() == before;
        printf("%s H29 %s%s%s: %s, %s, signal %d\n", good ? "pass" : "FAIL", d->name, d->off ? " without " : "", layers,
               err.text, strerrorname_np(r < 0 ? -r : 0), signal);
        if (good)
                passed++;
        else
                failed++;
}

int main(void)
{
        const struct network here = { .address = { 127, 0, 0, 1 }, .bits = 32 };
        struct key key = { .name = "there", .kind = KEY_CONNECT, .verbs = VERB_CONNECT, .host = "localhost",
                           .networks = &here, .nnetworks = 1 };

        helper_driver = getpid();
        key.port = key.port_last = key_port = listener("127.0.0.1", 0);
        (void)listener("127.0.0.2", key_port);
        other_port = listener("127.0.0.1", 0);
        listen_abstract();
        for (size_t i = 0; i < ELEMENTSOF(drills); i++)
                run(&drills[i], &key);
        printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
