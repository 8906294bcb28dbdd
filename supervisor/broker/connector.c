/* connector.c - resolves the names of keys and connects to what they are, behind walls of its own.
 *
 * What name servers answer is read by the C library and by modules of the host. The modules are mapped first, then
 * the walls go up in the order of layers.def, then the first question is asked. */
#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policy/policy.h"
#include "supervisor/broker/connect.h"
#include "supervisor/broker/connector.h"
#include "supervisor/proto/descriptors.h"

#define WAIT_MS 10000

static void freeaddrinfop(struct addrinfo **list)
{
        if (*list)
                freeaddrinfo(*list);
}

static int resolve(const struct key *key, struct addrinfo **ret, struct error *err)
{
        const struct network *net = key->nnetworks == 1 ? &key->networks[0] : NULL;
        struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
        char host[INET6_ADDRSTRLEN], port[8];
        int r;

        if (key->port != key->port_last || (!key->host && (!net || net->bits != (net->v6 ? 128 : 32))))
                return error_set(err, STAGE_POLICY, -EOPNOTSUPP, ERROR_NOWHERE,
                                 "%s: a connection that is made beforehand goes to one host and one port", key->name);
        if (!key->host && !inet_ntop(net->v6 ? AF_INET6 : AF_INET, net->address, host, sizeof(host)))
                return error_set(err, STAGE_POLICY, -EINVAL, ERROR_NOWHERE, "%s: its address", key->name);
        if (!key->host)
                hints.ai_flags |= AI_NUMERICHOST;
        snprintf(port, sizeof(port), "%u", key->port);
        r = getaddrinfo(key->host ? key->host : host, port, &hints, ret);
        if (r != 0)
                return error_set(err, STAGE_BROKER, -EHOSTUNREACH, ERROR_NOWHERE, "%s: %s: %s", key->name,
                                 key->host ? key->host : host, gai_strerror(r));
        return 0;
}

/* Bounded in time; the socket blocks no more afterwards than one that was accepted. */
static int connect_to(const struct addrinfo *a)
{
        _cleanup_close_ int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct pollfd wait = { .fd = fd, .events = POLLOUT };
        socklen_t size = sizeof(int);
        int e = 0;

        if (fd < 0)
                return -errno;
        if (connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
                if (errno != EINPROGRESS)
                        return -errno;
                if (poll(&wait, 1, WAIT_MS) != 1)
                        return -ETIMEDOUT;
                if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &size) < 0 || e)
                        return e ? -e : -errno;
        }
        if (fcntl(fd, F_SETFL, 0) < 0)
                return -errno;
        return TAKE_FD(fd);
}

static int connect_one(const struct key *key, struct error *err)
{
        _cleanup_(freeaddrinfop) struct addrinfo *list = NULL;
        char why[128] = "no address";
        int r, last = -EACCES;

        r = resolve(key, &list, err);
        if (r < 0)
                return r;
        for (const struct addrinfo *a = list; a; a = a->ai_next) {
                if (!key_allows_address(key, a->ai_addr, why, sizeof(why)))
                        continue;
                last = connect_to(a);
                if (last >= 0)
                        return last;
        }
        if (last == -EACCES)
                return error_set(err, STAGE_POLICY, last, ERROR_NOWHERE, "%s: %s", key->name, why);
        return error_set(err, STAGE_BROKER, last, ERROR_NOWHERE, "%s: connecting: %s", key->name, strerror(-last));
}

static bool is_served(const char *module)
{
        static const char *const modules[] = {
#define RESOLVER_MODULE(name, why) name,
#include "policy/resolver.def"
        };

        for (size_t i = 0; i < ELEMENTSOF(modules); i++)
                if (strcmp(modules[i], module) == 0)
                        return true;
        return false;
}

/* The words of the line "hosts:" of nsswitch.conf. What has been mapped under its name is not looked for again, so
 * none needs to become executable later. */
static void map_modules(char *line)
{
        char *word, *state = NULL, name[64];

        while (isspace((unsigned char)*line))
                line++;
        if (strncmp(line, "hosts:", 6) != 0)
                return;
        for (word = strtok_r(line + 6, " \t\n", &state); word; word = strtok_r(NULL, " \t\n", &state)) {
                if (*word == '#')
                        return;
                if (!is_served(word))
                        continue;
                snprintf(name, sizeof(name), "libnss_%s.so.2", word);
                (void)dlopen(name, RTLD_NOW);
        }
}

static void map_resolver(void)
{
        FILE *f = fopen("/etc/nsswitch.conf", "re");
        char line[1024];

        while (f && fgets(line, sizeof(line), f))
                map_modules(line);
        if (f)
                fclose(f);
}

static bool has_name(const struct key *const *keys, unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                if (keys[i]->host)
                        return true;
        return false;
}

static int lock(const struct key *const *keys, unsigned n, pid_t parent, struct error *err)
{
        uint16_t ports[CONNECT_KEYS_MAX];
        struct lockdown l = { 0 };
        int r;

#ifdef NACELLE_SANITIZERS
        l.skip = LAYER_BIT(LAYER_LIMITS) | LAYER_BIT(LAYER_SECCOMP) | LAYER_BIT(LAYER_LANDLOCK) | LAYER_BIT(LAYER_MDWE);
#endif
        for (unsigned i = 0; i < n; i++)
                ports[i] = keys[i]->port;
        r = policy_descriptors(&l, FD_BROKER + 1, err);
        if (r >= 0)
                r = policy_limits(&l, ROLE_CONNECTOR, 0, err);
        if (r >= 0)
                r = policy_credentials(&l, false, parent, err);
        if (r >= 0)
                r = policy_memory(&l, err);
        if (r >= 0)
                r = policy_landlock_connect(&l, ports, n, err);
        if (r >= 0)
                r = policy_seccomp(&l, ROLE_CONNECTOR, err);
        /* Whether the others may be missing is said by the cell that the connections are for. */
        if (r >= 0 && l.missing & LAYER_BIT(LAYER_SECCOMP))
                r = error_set(err, STAGE_POLICY, -EOPNOTSUPP, ERROR_NOWHERE,
                              "this kernel cannot lock up whoever makes connections");
        return r;
}

/* Nothing of ours is open in it: no terminal either. */
static bool own_descriptors(int sock)
{
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (null < 0 || dup2(sock, FD_BROKER) < 0)
                return false;
        for (int i = 0; i < 3; i++)
                if (dup2(null, i) < 0)
                        return false;
        return true;
}

void connector_run(const struct key *const *keys, unsigned n, int sock, pid_t parent)
{
        struct connected c = { 0 };
        struct error err = { 0 };
        int fds[CONNECT_KEYS_MAX], r;
        sigset_t none;

        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        if (!own_descriptors(sock))
                _exit(1);
        if (has_name(keys, n))
                map_resolver();
        r = lock(keys, n, parent, &err);
        for (; c.at < n && r >= 0; c.at++) {
                r = connect_one(keys[c.at], &err);
                if (r < 0)
                        break;
                fds[c.at] = r;
        }
        c.code = r < 0 ? r : 0;
        c.stage = err.stage;
        snprintf(c.text, sizeof(c.text), "%s", r < 0 ? err.text : "");
        (void)descriptors_send(FD_BROKER, &c, sizeof(c), fds, r >= 0 ? n : 0, 0);
        _exit(0);
}
