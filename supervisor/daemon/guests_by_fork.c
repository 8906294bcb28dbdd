/* guests_by_fork.c - guests.h for cells of one guest each: a child of ours is the broker of each.
 *
 * It stands in until a cell holds many. What it cannot do (directories, a graceful stop) it refuses. */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "supervisor/broker/guests.h"
#include "supervisor/broker/internal.h"

enum { TOLD_STARTED = 1, TOLD_ENDED };

struct told {
        uint32_t kind;
        int32_t code;
        uint32_t stage;
        int32_t pid;
        struct run_outcome outcome;
};

struct child {
        uint64_t guest;
        struct process process;
        int sock, out[2]; /* what it says; stdout and stderr of the guest */
        bool ended, killed;
        struct child *next;
};

struct guest_cell {
        const struct guest_events *events;
        void *context;
        int epoll;
        int modules[4096];
        unsigned nmodules;
        struct child *children;
        unsigned n;
        struct guest_stats *stats;
        struct error err;
};

int cell_open(const struct cell_settings *s, const struct guest_events *events, void *context,
              struct guest_cell **ret, struct error *err)
{
        struct guest_cell *c = calloc(1, sizeof(*c));

        if (!c)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "cell");
        c->events = events;
        c->context = context;
        c->epoll = epoll_create1(EPOLL_CLOEXEC);
        *ret = c;
        return 0;
}

int cell_load(struct guest_cell *c, int artefact_fd, uint32_t *ret_module, struct error *err)
{
        if (c->nmodules == ELEMENTSOF(c->modules))
                return error_set(err, STAGE_BROKER, -ENOSPC, ERROR_NOWHERE, "modules");
        c->modules[c->nmodules] = fcntl(artefact_fd, F_DUPFD_CLOEXEC, 3);
        *ret_module = c->nmodules++;
        return 0;
}

int cell_stats(struct guest_cell *c, uint32_t slots, const volatile struct guest_stats **ret,
               struct error *err)
{
        c->stats = mmap(NULL, slots * sizeof(struct guest_stats), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (c->stats == MAP_FAILED)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "statistics");
        *ret = c->stats;
        return 0;
}

static int run(struct guest_cell *c, const struct guest_spec *spec, struct told *told, int sock,
               struct error *err)
{
        struct run_options o = {
                .args = spec->args, .nargs = spec->nargs, .env = spec->env, .nenv = spec->nenv,
                .memory_max_bytes = spec->limits.memory_max_bytes, .wasi = true,
        };
        const char *name = spec->invoke ? spec->invoke : "";
        struct {
                struct run_message head;
                char name[PROTO_NAME_MAX];
        } m;
        struct broker *b = NULL;
        struct answer answer;
        uint32_t module;
        int r = broker_start(&o, 64u << 20, &b, err);

        if (r < 0)
                return r;
        for (unsigned i = 0; i < spec->nlisten; i++)
                b->listen[b->nlisten++] = spec->listen[i];
        told->pid = b->cell.pid;
        r = broker_configure(b, err);
        if (r >= 0)
                r = broker_load(b, c->modules[spec->module], &module, err);
        if (r < 0)
                return r;
        told->kind = TOLD_STARTED;
        (void)!send(sock, told, sizeof(*told), MSG_NOSIGNAL);
        m.head = (struct run_message) { .head.message = MESSAGE_RUN, .module = module,
                                        .name_bytes = (uint32_t)strlen(name) };
        memcpy(m.name, name, strlen(name));
        r = session_ask(b, &m, sizeof(m.head) + strlen(name), NULL, 0, &answer, err);
        if (r < 0)
                return r;
        if (!answer.lost && b->in.head.message == MESSAGE_FAILED)
                return answer_error(b, err);
        outcome_take(b, &answer, &told->outcome);
        return 0;
}

_noreturn_ static void child(struct guest_cell *c, const struct guest_spec *spec, int sock, const int *out)
{
        static struct told told;
        struct error err = { 0 };
        sigset_t none;
        int r;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        for (int i = 0; i < 3; i++)
                if (spec->stdio[i] >= 0)
                        dup2(spec->stdio[i], i);
                else if (spec->stdio[i] == STREAM_LOG)
                        dup2(out[i - 1], i);
                else
                        dup2(open("/dev/null", O_RDWR | O_CLOEXEC), i);
        r = run(c, spec, &told, sock, &err);
        if (r < 0) {
                told.code = r;
                told.stage = err.stage;
                snprintf(told.outcome.text, sizeof(told.outcome.text), "%s", err.text);
        }
        told.kind = TOLD_ENDED;
        (void)!send(sock, &told, sizeof(told), MSG_NOSIGNAL);
        _exit(0);
}

int cell_spawn(struct guest_cell *c, const struct guest_spec *spec, struct error *err)
{
        struct child *k = calloc(1, sizeof(*k));
        struct epoll_event e = { .events = EPOLLIN, .data.ptr = k };
        int sock[2], out[2][2];

        if (!k || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) < 0 ||
            pipe2(out[0], O_CLOEXEC) < 0 || pipe2(out[1], O_CLOEXEC) < 0)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "child");
        k->process.pid = fork();
        if (k->process.pid == 0)
                child(c, spec, sock[1], (int[]) { out[0][1], out[1][1] });
        k->process.pidfd = (int)syscall(SYS_pidfd_open, k->process.pid, 0);
        k->guest = spec->guest;
        k->sock = sock[0];
        k->next = c->children;
        c->children = k;
        c->n++;
        for (int i = 0; i < 2; i++) {
                k->out[i] = out[i][0];
                close(out[i][1]);
                fcntl(k->out[i], F_SETFL, O_NONBLOCK);
                epoll_ctl(c->epoll, EPOLL_CTL_ADD, k->out[i], &e);
        }
        close(sock[1]);
        epoll_ctl(c->epoll, EPOLL_CTL_ADD, k->sock, &e);
        for (int i = 0; i < 3; i++)
                if (spec->stdio[i] >= 0)
                        close(spec->stdio[i]);
        for (unsigned i = 0; i < spec->nlisten; i++)
                close(spec->listen[i]);
        return 0;
}

int cell_kill(struct guest_cell *c, uint64_t guest, uint32_t how)
{
        for (struct child *k = c->children; k; k = k->next)
                if (k->guest == guest) {
                        k->killed = true;
                        process_kill(&k->process);
                }
        return 0;
}

static void drain(struct guest_cell *c, struct child *k)
{
        char bytes[16384];

        for (unsigned i = 0; i < 2; i++)
                for (ssize_t n; k->out[i] >= 0 && (n = read(k->out[i], bytes, sizeof(bytes))) > 0;)
                        c->events->log(c->context, k->guest, i + 1, bytes, (size_t)n, 0);
}

static void finish(struct guest_cell *c, struct child *k, const struct told *told)
{
        struct guest_ended end = { .end = GUEST_LOST, .code = -EPIPE, .text = "" };

        drain(c, k);
        if (told && told->code < 0) {
                end.end = GUEST_FAILED;
                end.code = told->code;
                end.stage = told->stage;
                end.text = told->outcome.text;
        } else if (told) {
                end.text = told->outcome.text;
                end.status = (uint32_t)told->outcome.status;
                end.trap = told->outcome.trap;
                end.end = told->outcome.end == RUN_RETURNED ? GUEST_RETURNED
                          : told->outcome.end == RUN_EXITED ? GUEST_EXITED
                          : told->outcome.end == RUN_TRAPPED ? GUEST_TRAPPED : GUEST_LOST;
        } else if (k->killed) {
                end.end = GUEST_KILLED;
        }
        c->events->ended(c->context, k->guest, &end);
        if (end.end == GUEST_LOST)
                c->events->lost(c->context, end.text);
        for (struct child **at = &c->children; *at; at = &(*at)->next)
                if (*at == k) {
                        *at = k->next;
                        break;
                }
        c->n--;
        process_done(&k->process);
        close(k->sock);
        close(k->out[0]);
        close(k->out[1]);
        free(k);
}

int cell_dispatch(struct guest_cell *c, unsigned most)
{
        static struct told told;
        struct epoll_event e;

        while (epoll_wait(c->epoll, &e, 1, 0) == 1) {
                struct child *k = e.data.ptr;
                ssize_t n;

                drain(c, k);
                n = recv(k->sock, &told, sizeof(told), MSG_DONTWAIT);
                if (n == (ssize_t)sizeof(told) && told.kind == TOLD_STARTED)
                        c->events->started(c->context, k->guest, 0);
                else if (n == (ssize_t)sizeof(told))
                        finish(c, k, &told);
                else if (n == 0)
                        finish(c, k, NULL);
                else
                        break;
        }
        return 0;
}

void cell_close(struct guest_cell *c)
{
        if (!c)
                return;
        while (c->children)
                finish(c, c->children, NULL);
        close(c->epoll);
        free(c);
}

int cell_fd(const struct guest_cell *c)
{
        return c->epoll;
}

short cell_fd_events(const struct guest_cell *c)
{
        return POLLIN;
}

bool cell_pending(const struct guest_cell *c)
{
        return false;
}

unsigned cell_guests(const struct guest_cell *c)
{
        return c->n;
}

int cell_pid(const struct guest_cell *c)
{
        return getpid();
}

int cell_pidfd(const struct guest_cell *c)
{
        return -EBADF;
}

const char *cell_missing(const struct guest_cell *c)
{
        return "";
}
