/* guests_send.c - guests as messages, and a queue for when the cell does not keep up; see guests.h. */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "supervisor/broker/guests_state.h"
#include "supervisor/proto/descriptors.h"

#define STACK_BYTES_USUAL (8u << 20) /* CELL_STACK_BYTES of the cell */

static int send_now(int sock, const void *message, size_t size, const int *fds, unsigned nfds)
{
        int r = descriptors_send(sock, message, size, fds, nfds, MSG_DONTWAIT);

        return r == -ETOOMANYREFS ? -EAGAIN : r; /* too many on their way count as a full socket */
}

static void close_all(const int *fds, unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                if (fds[i] >= 0)
                        close(fds[i]);
}

int guests_send(struct guest_cell *c, const void *message, size_t size, const int *fds, unsigned nfds)
{
        struct outgoing *o;
        int r = c->out ? -EAGAIN : send_now(c->b->sock, message, size, fds, nfds);

        if (r != -EAGAIN) {
                close_all(fds, nfds);
                return r == -ECONNRESET ? -EPIPE : r;
        }
        o = malloc(sizeof(*o) + size);
        if (!o) {
                close_all(fds, nfds);
                return -ENOMEM;
        }
        o->next = NULL;
        o->size = size;
        o->nfds = nfds;
        if (nfds)
                memcpy(o->fds, fds, nfds * sizeof(int));
        memcpy(o->bytes, message, size);
        *c->out_end = o;
        c->out_end = &o->next;
        return 0;
}

static void pop(struct guest_cell *c)
{
        struct outgoing *o = c->out;

        c->out = o->next;
        if (!c->out)
                c->out_end = &c->out;
        close_all(o->fds, o->nfds);
        free(o);
}

int guests_flush(struct guest_cell *c)
{
        while (c->out) {
                int r = send_now(c->b->sock, c->out->bytes, c->out->size, c->out->fds, c->out->nfds);

                if (r < 0)
                        return r == -EAGAIN ? 0 : r;
                pop(c);
        }
        return 0;
}

int guests_drain(struct guest_cell *c)
{
        int r = 0;

        while (c->out && r >= 0) {
                struct pollfd p = { .fd = c->b->sock, .events = POLLOUT };

                if (monotonic_ns() >= c->b->deadline_ns)
                        return -ETIME;
                (void)poll(&p, 1, 100);
                r = guests_flush(c);
        }
        return r;
}

void guests_drop(struct guest_cell *c)
{
        while (c->out)
                pop(c);
}

static void put_string(struct buffer *b, const char *s)
{
        buffer_append(b, s, strlen(s) + 1);
}

void guests_forget_config(struct guest_cell *c)
{
        if (c->config.size)
                close(c->config_fd);
        buffer_done(&c->config);
        c->config = (struct buffer) { 0 };
}

/* A descriptor of the file that the latest guest got. */
static int same_file(struct guest_cell *c, const struct buffer *config)
{
        if (config->size != c->config.size || memcmp(config->bytes, c->config.bytes, config->size) != 0)
                return -ENOENT;
        return fcntl(c->config_fd, F_DUPFD_CLOEXEC, 3);
}

static void keep_file(struct guest_cell *c, struct buffer *config, int fd)
{
        guests_forget_config(c);
        c->config_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (c->config_fd < 0)
                return;
        c->config = *config;
        *config = (struct buffer) { 0 };
}

/* The configuration in a file that nobody changes any more. */
static int config_file(struct guest_cell *c, const struct guest_spec *s, size_t *ret_bytes, struct error *err)
{
        _cleanup_(buffer_done) struct buffer out = { 0 };
        _cleanup_close_ int fd = -EBADF;
        struct config_head head = {
                .magic = CONFIG_MAGIC, .nargs = s->nargs, .nenv = s->nenv, .ndirs = s->ndirs,
                .clock_resolution_ns = s->clock_resolution_ns, .stack_bytes = s->stack_bytes,
                .limits = s->limits, .nconnected = s->nconnected, .grants = s->grants,
        };
        size_t strings;

        for (unsigned i = 0; i < 3; i++) {
                head.closed_stdio |= s->stdio[i] == STREAM_CLOSED ? UINT32_C(1) << i : 0;
                head.log_stdio |= s->stdio[i] == STREAM_LOG ? UINT32_C(1) << i : 0;
        }
        buffer_append(&out, &head, sizeof(head));
        for (unsigned i = 0; i < s->ndirs; i++)
                buffer_append(&out, &(struct config_dir) { s->dirs[i].handle, s->dirs[i].read_only },
                              sizeof(struct config_dir));
        strings = out.size;
        for (unsigned i = 0; i < s->nargs; i++)
                put_string(&out, s->args[i]);
        for (unsigned i = 0; i < s->nenv; i++)
                put_string(&out, s->env[i]);
        for (unsigned i = 0; i < s->ndirs; i++)
                put_string(&out, s->dirs[i].guest);
        if (!buffer_ok(&out))
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "configuration");
        ((struct config_head *)(void *)out.bytes)->string_bytes = out.size - strings;

        *ret_bytes = out.size;
        fd = same_file(c, &out);
        if (fd >= 0)
                return TAKE_FD(fd);
        fd = memfd_create("nacelle-config", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0 || write(fd, out.bytes, out.size) != (ssize_t)out.size ||
            fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "configuration: %m");
        keep_file(c, &out, fd);
        return TAKE_FD(fd);
}

static int spec_check(const struct guest_spec *s, struct error *err)
{
        if (s->guest == 0)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "guest 0");
        if (s->limits.cpu_weight > CPU_WEIGHT_MAX)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "a CPU weight of %u",
                                 s->limits.cpu_weight);
        if (s->nlisten > PROTO_LISTEN_MAX)
                return error_set(err, STAGE_USAGE, -E2BIG, ERROR_NOWHERE, "%u listening sockets", s->nlisten);
        if (s->invoke && strlen(s->invoke) > PROTO_NAME_MAX)
                return error_set(err, STAGE_USAGE, -E2BIG, ERROR_NOWHERE, "a name of %zu bytes",
                                 strlen(s->invoke));
        return 0;
}

static void close_spec(const struct guest_spec *s)
{
        close_all(&s->path_fd, 1);
        close_all(s->stdio, 3);
        close_all(s->listen, s->nlisten);
}

static void close_group(const struct guest_spec *s)
{
        for (unsigned i = 0; i < s->nmembers; i++)
                close_spec(&s->members[i]);
        close_spec(s);
}

static int group_check(const struct guest_spec *s, struct error *err)
{
        int r = spec_check(s, err);

        if (r >= 0 && s->nmembers > PROTO_MEMBERS_MAX)
                r = error_set(err, STAGE_USAGE, -E2BIG, ERROR_NOWHERE, "a group of %u", s->nmembers);
        for (unsigned i = 0; i < s->nmembers && r >= 0; i++) {
                struct guest_spec member = s->members[i];

                member.guest = s->guest;
                r = !member.invoke || member.sees >> i ? error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                                                                  "member %u: its name, or its order", i)
                                                       : spec_check(&member, err);
        }
        return r;
}

struct config_at {
        int fd;
        size_t bytes;
};

/* Of the members, then of the guest. */
static int configure(struct guest_cell *c, const struct guest_spec *s, struct config_at *ret, struct error *err)
{
        for (unsigned i = 0; i <= s->nmembers; i++) {
                int r = config_file(c, i < s->nmembers ? &s->members[i] : s, &ret[i].bytes, err);

                if (r < 0) {
                        while (i)
                                close(ret[--i].fd);
                        return r;
                }
                ret[i].fd = r;
        }
        return 0;
}

/* Takes the descriptors, whatever comes of it. */
static int send_one(struct guest_cell *c, const struct guest_spec *s, uint64_t guest, uint32_t message,
                    const struct config_at *config, struct error *err)
{
        struct {
                struct spawn_message head;
                char name[PROTO_NAME_MAX];
        } m = { .head = { .head.message = message, .guest = guest, .module = s->module, .unit = s->unit,
                          .slot = s->slot, .nlisten = s->nlisten, .sees = s->sees, .nmembers = s->nmembers } };
        int fds[PROTO_FDS_MAX], r;
        unsigned n = 0;

        fds[n++] = config->fd;
        m.head.config_bytes = (uint32_t)config->bytes;
        m.head.flags = (c->b->alone ? SPAWN_ALONE : 0) | (s->quiet ? SPAWN_QUIET : 0) |
                       (s->deny ? SPAWN_DENY : 0);
        if (s->path_fd >= 0) {
                m.head.flags |= SPAWN_PATHS;
                fds[n++] = s->path_fd;
        }
        for (unsigned i = 0; i < 3; i++)
                if (s->stdio[i] >= 0) {
                        m.head.stdio |= UINT32_C(1) << i;
                        fds[n++] = s->stdio[i];
                }
        for (unsigned i = 0; i < s->nlisten; i++)
                fds[n++] = s->listen[i];
        if (s->invoke) {
                m.head.name_bytes = (uint32_t)strlen(s->invoke);
                memcpy(m.name, s->invoke, m.head.name_bytes);
        }
        r = guests_send(c, &m, sizeof(m.head) + m.head.name_bytes, fds, n);
        /* A cell that died is told of by the next dispatch, and with it its guests. */
        if (r < 0 && r != -EPIPE)
                return error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "sending to the cell: %s", strerror(-r));
        return 0;
}

/* Of all of the group: a limit that one of them has not is none. */
static struct cgroup_use use_of(const struct guest_spec *s)
{
        struct cgroup_use use = {
                .memory_bytes = s->limits.memory_max_bytes, .host_memory_bytes = s->limits.host_memory_max_bytes,
                .stack_bytes = s->stack_bytes ? s->stack_bytes : STACK_BYTES_USUAL,
                .cpu_us = s->limits.cpu_quota_ns / 1000,
        };

        for (unsigned i = 0; i < s->nmembers; i++) {
                const struct guest_limits *l = &s->members[i].limits;

                use.memory_bytes = use.memory_bytes && l->memory_max_bytes ? use.memory_bytes + l->memory_max_bytes : 0;
                use.host_memory_bytes = use.host_memory_bytes && l->host_memory_max_bytes
                                                ? use.host_memory_bytes + l->host_memory_max_bytes
                                                : 0;
        }
        return use;
}

int cell_spawn(struct guest_cell *c, const struct guest_spec *s, struct error *err)
{
        const struct cgroup_use use = use_of(s);
        struct config_at configs[PROTO_MEMBERS_MAX + 1];
        int r = group_check(s, err);

        if (r >= 0 && c->dead)
                r = error_set(err, STAGE_CELL, -EPIPE, ERROR_NOWHERE, "the cell is gone");
        if (r >= 0) {
                r = live_add(c, s->guest, s->nmembers, &use);
                if (r < 0)
                        error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "guest %llu", (unsigned long long)s->guest);
        }
        if (r >= 0) {
                r = configure(c, s, configs, err);
                if (r < 0)
                        (void)live_remove(c, s->guest);
        }
        if (r < 0) {
                close_group(s);
                return r;
        }
        for (unsigned i = 0; i < s->nmembers; i++) {
                int sent = send_one(c, &s->members[i], s->guest, MESSAGE_MEMBER, &configs[i], err);

                r = r < 0 ? r : sent;
        }
        /* If one of them found no memory to wait in, this one tells the cell so by its count. */
        if (r >= 0)
                r = send_one(c, s, s->guest, MESSAGE_SPAWN, &configs[s->nmembers], err);
        else
                (void)!send_one(c, s, s->guest, MESSAGE_SPAWN, &configs[s->nmembers], NULL);
        if (r < 0)
                (void)live_remove(c, s->guest);
        return r;
}

int cell_kill(struct guest_cell *c, uint64_t guest, uint32_t how)
{
        struct kill_message m = { .head.message = MESSAGE_KILL, .guest = guest, .how = how };
        int r = c->dead ? -EPIPE : guests_send(c, &m, sizeof(m), NULL, 0);

        return r == -EPIPE ? 0 : r;
}

int cell_stats(struct guest_cell *c, uint32_t slots, const volatile struct guest_stats **ret,
               struct error *err)
{
        struct stats_message m = { .head.message = MESSAGE_STATS, .slots = slots };
        size_t bytes = (size_t)slots * sizeof(struct guest_stats);
        _cleanup_close_ int fd = memfd_create("nacelle-stats", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        int give, r;
        void *p;

        if (c->stats)
                return error_set(err, STAGE_USAGE, -EALREADY, ERROR_NOWHERE, "statistics are there");
        /* The cell cannot make the file shorter: a reader behind its end would die of SIGBUS. */
        if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0 ||
            fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "statistics: %m");
        p = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "statistics: %m");
        c->stats = p;
        c->nstats = slots;
        give = TAKE_FD(fd);
        r = guests_send(c, &m, sizeof(m), &give, 1);
        if (r < 0 && r != -EPIPE)
                return error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "statistics: %s", strerror(-r));
        *ret = p;
        return 0;
}
