#include "config.h"

#include "supervisor/cli/script_child.h"

#include <string.h>
#include <sys/socket.h>

#include "engine/base/limits.h"
#include "supervisor/cli/cli.h"
#include "supervisor/cli/locked.h"

#define NAME_MAX_BYTES (1u << 20)
#define TEXT_MAX_BYTES (1u << 16) /* of one message */

/* Questions, each a struct question and then its name, its values and its bytes. */
enum ask { ASK_LOAD, ASK_INSTANTIATE, ASK_ENROLL, ASK_INVOKE, ASK_GET, ASK_PRINT, ASK_END, _ASK_MAX };

/* What may be behind a question's head; more of it breaks the protocol. */
static const struct {
        bool has_name, has_values, is_answered;
} asks[_ASK_MAX] = {
        [ASK_LOAD]        = { .is_answered = true },
        [ASK_INSTANTIATE] = { .is_answered = true },
        [ASK_ENROLL]      = { .has_name = true, .is_answered = true },
        [ASK_INVOKE]      = { .has_name = true, .has_values = true, .is_answered = true },
        [ASK_GET]         = { .has_name = true, .is_answered = true },
};

struct question {
        uint32_t kind, number;
        uint32_t name_bytes, nvalues;
        uint64_t bytes;
        uint64_t passed, failed, skipped; /* of ASK_END */
        struct error err;                 /* of ASK_END */
};

struct answer { /* then its values */
        int32_t code;
        uint32_t number, nvalues;
        struct script_stop stop;
        struct error err;
};

struct wire {
        uint32_t kind, heap;
        uint64_t any;
        uint64_t bits[2];
};

static struct wire to_wire(const struct script_value *v)
{
        return (struct wire) { v->kind, v->heap, v->any, { v->bits[0], v->bits[1] } };
}

/* A kind out of range is none that a host knows. */
static struct script_value from_wire(const struct wire *w)
{
        return (struct script_value) {
                .kind = w->kind < SCRIPT_EITHER ? (enum script_value_kind)w->kind : SCRIPT_EITHER,
                .heap = w->heap,
                .any = w->any != 0,
                .bits = { w->bits[0], w->bits[1] },
        };
}

static bool put(int fd, const void *bytes, size_t n)
{
        for (const char *p = bytes; n;) {
                ssize_t done = write(fd, p, n);

                if (done <= 0)
                        return false;
                p += done;
                n -= (size_t)done;
        }
        return true;
}

/* Without SIGPIPE, which the child's table has no use for. */
static bool put_answer(int fd, const void *bytes, size_t n)
{
        for (const char *p = bytes; n;) {
                ssize_t done = send(fd, p, n, MSG_NOSIGNAL);

                if (done <= 0)
                        return false;
                p += done;
                n -= (size_t)done;
        }
        return true;
}

static bool get(int fd, void *bytes, size_t n)
{
        for (char *p = bytes; n;) {
                ssize_t done = read(fd, p, n);

                if (done <= 0)
                        return false;
                p += done;
                n -= (size_t)done;
        }
        return true;
}

/* The child's side: a host whose functions ask. Without an answer there is nothing left to do. */

static void ask(int fd, const struct question *q, const struct script_name *name,
                const struct script_value *values, const void *bytes)
{
        bool good = put(fd, q, sizeof(*q)) && put(fd, name ? name->bytes : NULL, q->name_bytes);

        for (uint32_t i = 0; good && i < q->nvalues; i++) {
                struct wire w = to_wire(&values[i]);

                good = put(fd, &w, sizeof(w));
        }
        if (!good || !put(fd, bytes, q->bytes))
                _exit(STATUS_INTERNAL);
}

static int answered(int fd, struct answer *a, struct script_value *ret, struct script_stop *stop,
                    struct error *err)
{
        if (!get(fd, a, sizeof(*a)) || a->nvalues > SCRIPT_RESULTS_MAX)
                _exit(STATUS_INTERNAL);
        for (uint32_t i = 0; i < a->nvalues; i++) {
                struct wire w;

                if (!get(fd, &w, sizeof(w)))
                        _exit(STATUS_INTERNAL);
                ret[i] = from_wire(&w);
        }
        if (stop)
                *stop = a->stop;
        if (a->code < 0)
                *err = a->err;
        return a->code;
}

static int far_load(void *host, const uint8_t *bytes, size_t size, uint32_t *ret_module,
                    struct error *err)
{
        struct question q = { .kind = ASK_LOAD, .bytes = size };
        struct answer a;
        int r;

        ask(*(int *)host, &q, NULL, NULL, bytes);
        r = answered(*(int *)host, &a, NULL, NULL, err);
        if (r >= 0)
                *ret_module = a.number;
        return r;
}

static int far_instantiate(void *host, uint32_t module, uint32_t *ret_instance,
                           struct script_stop *stop, struct error *err)
{
        struct question q = { .kind = ASK_INSTANTIATE, .number = module };
        struct answer a;
        int r;

        ask(*(int *)host, &q, NULL, NULL, NULL);
        r = answered(*(int *)host, &a, NULL, stop, err);
        if (r >= 0)
                *ret_instance = a.number;
        return r;
}

static int far_enroll(void *host, const struct script_name *name, uint32_t instance,
                      struct error *err)
{
        struct question q = { .kind = ASK_ENROLL, .number = instance,
                              .name_bytes = (uint32_t)name->size };
        struct answer a;

        ask(*(int *)host, &q, name, NULL, NULL);
        return answered(*(int *)host, &a, NULL, NULL, err);
}

static int far_invoke(void *host, uint32_t instance, const struct script_name *name,
                      const struct script_value *args, uint32_t nargs, struct script_value *ret,
                      uint32_t *ret_n, struct script_stop *stop, struct error *err)
{
        struct question q = { .kind = ASK_INVOKE, .number = instance, .nvalues = nargs,
                              .name_bytes = (uint32_t)name->size };
        struct answer a;
        int r;

        ask(*(int *)host, &q, name, args, NULL);
        r = answered(*(int *)host, &a, ret, stop, err);
        if (r >= 0)
                *ret_n = a.nvalues;
        return r;
}

static int far_get(void *host, uint32_t instance, const struct script_name *name,
                   struct script_value *ret, struct error *err)
{
        struct question q = { .kind = ASK_GET, .number = instance,
                              .name_bytes = (uint32_t)name->size };
        struct script_value values[SCRIPT_RESULTS_MAX];
        struct answer a;
        int r;

        ask(*(int *)host, &q, name, NULL, NULL);
        r = answered(*(int *)host, &a, values, NULL, err);
        if (r >= 0)
                *ret = values[0];
        return r;
}

static const struct script_host far_host = {
        .load = far_load,
        .instantiate = far_instantiate,
        .enroll = far_enroll,
        .invoke = far_invoke,
        .get = far_get,
};

static ssize_t say(void *cookie, const char *text, size_t size)
{
        size_t n = size < TEXT_MAX_BYTES ? size : TEXT_MAX_BYTES;
        struct question q = { .kind = ASK_PRINT, .bytes = n };

        ask(*(int *)cookie, &q, NULL, NULL, text);
        return (ssize_t)n;
}

static void read_script(void *context, int channel, const uint8_t *bytes, size_t size,
                        struct error *err)
{
        const struct script_run *total = context;
        struct question end = { .kind = ASK_END };
        FILE *out = fopencookie(&channel, "w", (cookie_io_functions_t) { .write = say });
        struct script_run run = { .table = &far_host, .host = &channel, .file = total->file, .out = out,
                                  .skips = total->skips, .nskips = total->nskips };

        if (!out)
                _exit(STATUS_INTERNAL);
        if (err->code >= 0)
                (void)!script_run(&run, (const char *)bytes, size, err);
        fclose(out);
        end.passed = run.passed;
        end.failed = run.failed;
        end.skipped = run.skipped;
        end.err = *err;
        ask(channel, &end, NULL, NULL, NULL);
}

/* Our side: everything that comes is checked before it is used. */

struct serve {
        const struct script_host *host;
        void *context;
        int fd;
        FILE *out;
        struct buffer payload;
};

static int broken(struct error *err)
{
        return error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE,
                         "whoever reads the script broke the protocol");
}

static bool is_sound(const struct question *q)
{
        if (q->kind >= _ASK_MAX || q->name_bytes > NAME_MAX_BYTES || q->nvalues > SCRIPT_RESULTS_MAX)
                return false;
        if ((q->name_bytes && !asks[q->kind].has_name) || (q->nvalues && !asks[q->kind].has_values))
                return false;
        if (q->kind == ASK_LOAD)
                return q->bytes <= limits_default.module_bytes;
        return q->kind == ASK_PRINT ? q->bytes <= TEXT_MAX_BYTES : !q->bytes;
}

static int act(struct serve *s, const struct question *q, const struct script_name *name,
               const struct script_value *values, struct script_value *ret, struct answer *a)
{
        switch ((enum ask)q->kind) {
        case ASK_LOAD:
                return s->host->load(s->context, s->payload.bytes, s->payload.size, &a->number, &a->err);
        case ASK_INSTANTIATE:
                return s->host->instantiate(s->context, q->number, &a->number, &a->stop, &a->err);
        case ASK_ENROLL:
                return s->host->enroll(s->context, name, q->number, &a->err);
        case ASK_INVOKE:
                return s->host->invoke(s->context, q->number, name, values, q->nvalues, ret, &a->nvalues,
                                       &a->stop, &a->err);
        default:
                a->nvalues = 1;
                return s->host->get(s->context, q->number, name, ret, &a->err);
        }
}

static bool answer(struct serve *s, const struct question *q)
{
        static struct script_value values[SCRIPT_RESULTS_MAX], results[SCRIPT_RESULTS_MAX];
        const struct wire *wires = (const struct wire *)s->payload.bytes;
        struct script_name name = { (const char *)(wires + q->nvalues), q->name_bytes };
        struct answer a = { 0 };
        bool good;

        for (uint32_t i = 0; i < q->nvalues; i++)
                values[i] = from_wire(&wires[i]);
        a.code = act(s, q, &name, values, results, &a);
        if (a.code < 0)
                a.nvalues = 0;
        good = put_answer(s->fd, &a, sizeof(a));
        for (uint32_t i = 0; good && i < a.nvalues; i++) {
                struct wire w = to_wire(&results[i]);

                good = put_answer(s->fd, &w, sizeof(w));
        }
        return good;
}

/* The values come before the name in the payload: their alignment is that of the buffer. */
static bool take_payload(struct serve *s, const struct question *q)
{
        size_t values = q->nvalues * sizeof(struct wire), n = values + q->name_bytes + q->bytes;
        uint8_t *place;

        s->payload.size = 0;
        place = buffer_reserve(&s->payload, n + 1);
        if (!place || !get(s->fd, place + values, q->name_bytes) || !get(s->fd, place, values) ||
            !get(s->fd, place + values + q->name_bytes, q->bytes))
                return false;
        s->payload.size = n;
        return true;
}

static int serve(struct serve *s, struct script_run *total, struct error *err)
{
        for (;;) {
                struct question q;

                if (!get(s->fd, &q, sizeof(q)) || !is_sound(&q) || !take_payload(s, &q))
                        return broken(err);
                if (q.kind == ASK_END) {
                        total->passed += q.passed;
                        total->failed += q.failed;
                        total->skipped += q.skipped;
                        if (q.err.code >= 0)
                                return 0;
                        q.err.text[sizeof(q.err.text) - 1] = '\0';
                        return error_set(err, q.err.stage < _STAGE_MAX ? q.err.stage : STAGE_TEXT,
                                         q.err.code, q.err.offset, "%s", q.err.text);
                }
                if (q.kind == ASK_PRINT)
                        locked_print(s->out, &s->payload);
                else if (!answer(s, &q))
                        return broken(err);
        }
}

int script_locked(const char *path, const struct script_host *host, void *context,
                  struct script_run *total, struct error *err)
{
        struct serve s = { .host = host, .context = context, .out = total->out };
        struct locked_child child;
        struct error end = { 0 };
        int r;

        r = locked_start(path, ROLE_READER, read_script, total, &child, err);
        if (r < 0)
                return r;
        s.fd = child.fd;
        r = serve(&s, total, err);
        buffer_done(&s.payload);
        /* How it died says more than that it stopped talking. */
        if (locked_end(&child, path, &end) < 0 && (r >= 0 || r == -EPROTO)) {
                *err = end;
                return end.code;
        }
        return r < 0 ? error_prefix(err, "%s", path) : 0;
}
