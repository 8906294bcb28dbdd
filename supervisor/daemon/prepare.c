/* prepare.c - from a unit's module to an artefact, in a child: the loop goes on while a compiler works.
 *
 * The child is forked, not another program: it opens the module with the daemon's rights, looks into the
 * cache, starts the compiler when it must, and sends one datagram. It holds nothing of the daemon's. */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <syslog.h>

#include "supervisor/broker/found.h"
#include "supervisor/broker/member.h"
#include "supervisor/broker/spawn.h"
#include "supervisor/broker/unit_run.h"
#include "supervisor/daemon/daemon.h"
#include "supervisor/daemon/improve.h"
#include "supervisor/daemon/sockets.h"
#include "supervisor/proto/descriptors.h"

struct prepared {
        int32_t code;    /* 0: an artefact's descriptor is along */
        uint32_t stage;
        uint64_t offset;
        char text[256];
        uint32_t compiled;
        struct signature_words signature; /* of the unit's own module; empty: it was not asked for */
        struct module_digest module;
        struct artefact_choice choice;
};

/* Units with so little memory lie close to each other: their code checks what it accesses. */
#define DENSE_MEMORY_MAX (UINT64_C(4) << 20)

struct prepare {
        struct service *service;
        struct loop_watch watch;
        struct process child;
        int sock;
};

/* @import: one of the unit's; NULL: its own module. */
static int make_artefact(const struct service *s, const struct unit_import *import, struct found *ret,
                         struct signature_words *ret_words, struct error *err)
{
        const struct unit *u = s->unit;
        const char *module = import ? import->module : u->module;
        struct run_options o = {
                .tier = u->tier == UNIT_TIER_PEAK ? TIER_PEAK : TIER_FAST,
                .auto_tier = u->tier == UNIT_TIER_AUTO,
                .cache = s->daemon->options.cache,
                .degraded = u->degraded || s->daemon->options.degraded,
                .wasi = true,
                .dense = u->limits.memory_max && u->limits.memory_max <= DENSE_MEMORY_MAX && !u->nimports,
        };
        _cleanup_close_ int file = open(module, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        struct module_pin pin;
        struct stat st;
        bool pinned = false;
        int r;

        if (file < 0 || fstat(file, &st) < 0)
                return error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "%s: %s", module, strerror(errno));
        if (!S_ISREG(st.st_mode))
                return error_set(err, STAGE_USAGE, -EACCES, ERROR_NOWHERE, "%s: no regular file", module);
        r = import ? member_pin(u, import, &pin, &pinned, err) : unit_pin(u, &pin, &pinned, err);
        if (r < 0)
                return r;
        pin.words = ret_words;
        o.pin = pinned ? &pin : NULL;
        r = artefact_find(&o, file, ret, err);
        return r < 0 ? error_prefix(err, "%s", module) : 0;
}

/* The artefacts of the unit's module, then of its imports, into @fds; @ret: what is known of the first one. */
static int make_artefacts(const struct service *s, struct found *ret, struct signature_words *ret_words, int *fds,
                          struct error *err)
{
        const struct unit *u = s->unit;
        int r = make_artefact(s, NULL, ret, ret_words, err);

        if (r < 0)
                return r;
        fds[0] = TAKE_FD(ret->fd);
        found_done(ret); /* the cache has it */
        for (unsigned i = 0; i < u->nimports; i++) {
                struct found f = { .fd = -EBADF, .cache = -EBADF };

                r = make_artefact(s, &u->imports[i], &f, NULL, err);
                if (r < 0)
                        return error_prefix(err, "%s: %s", u->imports[i].where, u->imports[i].name);
                fds[1 + i] = TAKE_FD(f.fd);
                found_done(&f);
        }
        return 0;
}

#define ARTEFACTS_MAX (1 + UNIT_IMPORTS_MAX)

static void send_result(int sock, int r, const int *fds, unsigned n, const struct found *f,
                        const struct signature_words *words, const struct error *err)
{
        struct prepared p = { .code = r < 0 ? r : 0, .stage = err->stage, .offset = err->offset,
                              .compiled = f->compiled, .signature = *words, .module = f->digest, .choice = f->choice };

        snprintf(p.text, sizeof(p.text), "%s", r < 0 ? err->text : "");
        (void)descriptors_send(sock, &p, sizeof(p), fds, r >= 0 ? n : 0, 0);
}

_noreturn_ static void child(const struct service *s, int sock, pid_t parent)
{
        struct found found = { .fd = -EBADF, .cache = -EBADF };
        struct signature_words words = { 0 };
        struct error err = { 0 };
        int fds[ARTEFACTS_MAX], r;
        sigset_t none;

        /* Compiling goes on for nobody when the daemon is gone. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent || dup2(sock, 3) < 0)
                _exit(1);
        syscall(SYS_close_range, 4, ~0u, 0);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        r = make_artefacts(s, &found, &words, fds, &err);
        send_result(3, r, fds, 1 + s->unit->nimports, &found, &words, &err);
        _exit(0);
}

/* @ret_n: descriptors that came along, into @fds. */
static int receive(int sock, struct prepared *ret, int *fds, unsigned *ret_n)
{
        ssize_t n = descriptors_receive(sock, ret, sizeof(*ret), fds, ARTEFACTS_MAX, ret_n, MSG_DONTWAIT);

        return n < 0 ? (int)n : n == (ssize_t)sizeof(*ret) ? 0 : -EPIPE;
}

static int keep_imports(struct service *s, const int *fds, unsigned n, struct error *err)
{
        s->import_artefacts = calloc(n + 1, sizeof(*s->import_artefacts));
        s->past_imports = calloc(n + 1, sizeof(*s->past_imports));
        if (!s->import_artefacts || !s->past_imports)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "imports: out of memory");
        memcpy(s->import_artefacts, fds, n * sizeof(*fds));
        s->nimport_artefacts = n;
        return 0;
}

/* What a person wrote there was signed as well. */
static void tell_signature(struct service *s, struct signature_words *words)
{
        words->key[sizeof(words->key) - 1] = words->comment[sizeof(words->comment) - 1] = '\0';
        if (words->key[0])
                service_log(s, LOG_INFO, "signed", "its module is signed with key %s%s: %s", words->key,
                            words->hashed ? "" : ", in the older way", words->comment);
}

static void result_ready(void *context, uint32_t events)
{
        struct prepare *p = context;
        struct service *s = p->service;
        struct prepared result = { 0 };
        int fds[ARTEFACTS_MAX];
        unsigned n = 0;
        struct artefact_key name; /* of the module: a digest as well */
        struct error err = { 0 };
        struct stat st;
        int r = receive(p->sock, &result, fds, &n);

        if (r == -EAGAIN)
                return;
        prepare_free(TAKE_PTR(s->prepare));
        result.text[sizeof(result.text) - 1] = '\0';
        if (r < 0)
                service_event(s, ON_NOT_PREPARED, "%s", "whoever prepared it ended without a word");
        else if (result.code < 0 && result.offset != ERROR_NOWHERE)
                service_event(s, ON_NOT_PREPARED, "%s (at byte %" PRIu64 ")", result.text, result.offset);
        else if (result.code < 0 || n != 1 + s->unit->nimports || fstat(fds[0], &st) < 0)
                service_event(s, ON_NOT_PREPARED, "%s", result.text);
        else if (sockets_claim(s, &err) < 0 || keep_imports(s, fds + 1, n - 1, &err) < 0)
                service_event(s, ON_NOT_PREPARED, "%s", err.text);
        else {
                s->artefact = fds[0];
                n = 0;
                s->artefact_bytes = (uint64_t)st.st_size;
                s->compiled = result.compiled;
                s->module = result.module;
                s->choice = result.choice;
                memcpy(name.bytes, result.module.bytes, sizeof(name.bytes));
                artefact_key_text(&name, s->module_digest);
                tell_signature(s, &result.signature);
                improve_join(s);
                service_event(s, ON_PREPARED, "%s", "");
        }
        for (unsigned i = 0; i < n; i++)
                close(fds[i]);
}

int prepare_start(struct service *s, struct error *err)
{
        struct prepare *p = calloc(1, sizeof(*p));
        _cleanup_close_ int theirs = -EBADF;
        pid_t self = getpid();
        int pair[2], r;

        if (!p || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
                free(p);
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "socket pair: %m");
        }
        *p = (struct prepare) { s, { -EBADF, result_ready, p }, { 0, -EBADF }, pair[0] };
        s->prepare = p;
        theirs = pair[1];
        p->child.pid = fork();
        if (p->child.pid == 0)
                child(s, theirs, self);
        r = p->child.pid < 0 ? -errno : 0;
        if (r == 0) {
                p->child.pidfd = (int)syscall(SYS_pidfd_open, p->child.pid, 0);
                r = p->child.pidfd < 0 ? -errno : 0;
        }
        if (r < 0)
                error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "a child to prepare it: %s", strerror(-r));
        else
                r = loop_watch(s->daemon->loop, &p->watch, p->sock, EPOLLIN, err);
        if (r < 0)
                prepare_free(TAKE_PTR(s->prepare));
        return r;
}

void prepare_free(struct prepare *p)
{
        if (!p)
                return;
        loop_unwatch(p->service->daemon->loop, &p->watch);
        process_done(&p->child);
        closep(&p->sock);
        free(p);
}
