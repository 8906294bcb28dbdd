/* guest.c - what the guest was given, its run, and what came of it. */
#include "config.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/cell/cell.h"

int config_map(int fd, uint32_t bytes, struct config_view *ret, void **ret_map, struct error *err)
{
        struct stat st;
        void *p;
        int r;

        if (fd < 0 || bytes == 0 || fstat(fd, &st) < 0 || st.st_size != bytes) {
                if (fd >= 0)
                        close(fd);
                return error_set(err, STAGE_PROTOCOL, -EINVAL, ERROR_NOWHERE, "configuration's file");
        }
        /* A copy: a mapping for each of 30,000 guests would be more than the kernel grants. */
        p = malloc(bytes);
        r = !p ? -ENOMEM : lseek(fd, 0, SEEK_SET) < 0 ? -errno : read(fd, p, bytes) != (ssize_t)bytes ? -EIO : 0;
        close(fd);
        if (r < 0)
                error_set(err, STAGE_PROTOCOL, r, ERROR_NOWHERE, "configuration: %s", strerror(-r));
        else
                r = config_read(p, bytes, ret, err);
        if (r < 0)
                free(p);
        else
                *ret_map = p;
        return r;
}

int config_dirs(const struct config_view *v, struct wasi_grant_dir **ret, struct error *err)
{
        const struct config_head *head = v->head;
        struct wasi_grant_dir *dirs = calloc(head->ndirs + 1, sizeof(*dirs));

        if (!dirs)
                return error_set(err, STAGE_CELL, -ENOMEM, ERROR_NOWHERE, "configuration");
        for (uint32_t i = 0; i < head->ndirs; i++)
                dirs[i] = (struct wasi_grant_dir) {
                        .guest_path = v->strings[head->nargs + head->nenv + i],
                        .handle = v->dirs[i].handle,
                        .read_only = v->dirs[i].read_only,
                };
        *ret = dirs;
        return 0;
}

int guest_configure(struct cell *c, const struct configure_message *m, struct received *with,
                    struct error *err)
{
        void *map;
        int r;

        if (c->config.head || c->store)
                return error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE, "configured too late");
        if (with->nfds != 1 + m->nlisten)
                return error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE, "descriptors are missing");
        r = config_map(TAKE_FD(with->fds[0]), m->bytes, &c->config, &map, err);
        if (r >= 0)
                r = config_dirs(&c->config, &c->dirs, err);
        if (r < 0)
                return r;
        c->listen = calloc(m->nlisten + 1, sizeof(*c->listen));
        if (!c->listen)
                return error_set(err, STAGE_CELL, -ENOMEM, ERROR_NOWHERE, "configuration");
        memcpy(c->listen, with->fds + 1, m->nlisten * sizeof(*c->listen));
        c->nlisten = m->nlisten;
        with->nfds = 0; /* kept */
        return 0;
}

int guest_wasi(struct cell *c, struct error *err)
{
        static const struct config_head none = { .closed_stdio = 7 };
        const struct config_head *head = c->config.head ? c->config.head : &none;
        struct wasi_config config = {
                .ring = c->ring, .alone = true, .path_call = channel_path_call, .context = c,
                .nargs = head->nargs, .nenv = head->nenv, .ndirs = head->ndirs,
                .nlisten = c->nlisten,
                .args = c->config.strings, .dirs = c->dirs, .listen = c->listen,
                .files_max = head->limits.files_max,
                .clock_resolution_ns = head->clock_resolution_ns,
        };

        if (c->wasi)
                return 0;
        if (c->config.strings)
                config.env = c->config.strings + head->nargs;
        for (int i = 0; i < 3; i++)
                config.stdio[i] = head->closed_stdio & UINT32_C(1) << i ? -EBADF : i;
        return wasi_new(&config, &c->wasi, err);
}

/* An argument of --invoke as the parameter's type has it. */
static int parse_value(const char *text, valtype type, union value *ret)
{
        char *end = NULL;

        *ret = (union value) { 0 };
        errno = 0;
        switch (valtype_kind(type)) {
        case VAL_I32: {
                long long n = strtoll(text, &end, 0);

                if (n < INT32_MIN || n > (long long)UINT32_MAX)
                        return -ERANGE;
                ret->i32 = (uint32_t)n;
                break;
        }
        case VAL_I64:
                ret->i64 = text[0] == '-' ? (uint64_t)strtoll(text, &end, 0) : strtoull(text, &end, 0);
                break;
        case VAL_F32:
                ret->f32 = strtof(text, &end);
                errno = 0; /* too large is infinite, too small is zero */
                break;
        case VAL_F64:
                ret->f64 = strtod(text, &end);
                errno = 0;
                break;
        default:
                return -EOPNOTSUPP;
        }
        return errno ? -errno : end == text || *end ? -EINVAL : 0;
}

static int parse_args(const char *const *texts, uint32_t given, const struct functype *type,
                      union value *args, struct error *err)
{
        char text[64];

        if (given != type->nparams)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                                 "the function takes %" PRIu32 " arguments, %" PRIu32 " are given",
                                 type->nparams, given);
        for (uint32_t i = 0; i < given; i++) {
                int r = parse_value(texts[i], type->params[i], &args[i]);

                if (r < 0)
                        return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                                         "argument %" PRIu32 " is no %s", i + 1,
                                         functype_text(&(struct functype) { 1, 0, &type->params[i], NULL },
                                                       text, sizeof(text)));
        }
        return 0;
}

struct wire_value wire_of(const struct instance *i, valtype type, const union value *v)
{
        struct wire_value w = { .type = type, .bits = { v->bits[0], v->bits[1] } };
        uint32_t heap;

        if (!valtype_is_ref(type))
                return w;
        w.bits[0] = 1;
        w.bits[1] = 0;
        heap = instance_reference(i, type, v->ref, &w.bits[0]);
        if (heap == HEAP_NONE)
                w.bits[0] = 0;
        if (heap == HEAP_NONE && valtype_is_indexed(type))
                w.type = VAL_REF_NULL(module_heap_top(instance_module(i), valtype_heap(type)) == TOP_FUNC
                                              ? HEAP_FUNC : HEAP_ANY);
        else if (heap == HEAP_EXTERN && heap_top_of(valtype_heap(type)) == TOP_ANY)
                w.type = VAL_REF_TO(HEAP_ANY);
        else if (heap != HEAP_NONE)
                w.type = VAL_REF_TO(heap);
        return w;
}

static int reply_values(struct cell *c, const struct extern_value *f, const struct functype *type,
                        const union value *results)
{
        _cleanup_free_ struct wire_value *values = calloc(type->nresults + 1, sizeof(*values));
        struct error err;

        if (!values) {
                error_set(&err, STAGE_CELL, -ENOMEM, ERROR_NOWHERE, "results");
                return reply_error(c, &err);
        }
        for (uint32_t i = 0; i < type->nresults; i++)
                values[i] = wire_of(f->instance, type->results[i], &results[i]);
        return reply_done(c, 0, values, type->nresults);
}

static int reply_stop(struct cell *c, const struct trap_info *trap)
{
        uint32_t status;

        if (c->wasi && wasi_exited(c->wasi, &status))
                return reply_exit(c, status);
        return reply_trap(c, trap);
}

int guest_call_reply(struct cell *c, const struct extern_value *f, const union value *args)
{
        const struct functype *type = extern_function_type(f);
        _cleanup_free_ union value *results = calloc(type->nresults + 1, sizeof(*results));
        struct trap_info trap = { 0 };
        struct error err;
        int r;

        if (!results) {
                error_set(&err, STAGE_CELL, -ENOMEM, ERROR_NOWHERE, "results");
                return reply_error(c, &err);
        }
        r = extern_call(f, args, results, &trap);
        if (heat_report(c) < 0)
                return -EPIPE;
        if (r == -EFAULT)
                return reply_stop(c, &trap);
        if (r < 0) {
                error_set(&err, STAGE_RUN, r, ERROR_NOWHERE, "the call failed: %s", strerror(-r));
                return reply_error(c, &err);
        }
        return reply_values(c, f, type, results);
}

int guest_instantiate_reply(struct cell *c, int r, uint32_t number, const struct trap_info *trap,
                            const struct error *err)
{
        if (r == -EFAULT)
                return reply_stop(c, trap);
        return r < 0 ? reply_error(c, err) : reply_done(c, number, NULL, 0);
}

static int find_function(const struct instance *i, const char *name, size_t n,
                         struct extern_value *ret, struct error *err)
{
        if (instance_export(i, name, n, ret) == 0 && ret->kind == EXTERN_FUNC)
                return 0;
        return error_set(err, STAGE_LINK, -ENOENT, ERROR_NOWHERE, "the module exports no function %.*s",
                         n < 80 ? (int)n : 80, name);
}

int entry_find(const struct instance *i, const char *name, size_t n, bool invoked,
               const char *const *texts, uint32_t ntexts, struct extern_value *ret,
               union value **ret_args, struct error *err)
{
        _cleanup_free_ union value *args = NULL;
        const struct functype *type;
        int r;

        r = find_function(i, name, n, ret, err);
        if (r < 0)
                return r;
        type = extern_function_type(ret);
        args = calloc(type->nparams + 1, sizeof(*args));
        if (!args)
                return error_set(err, STAGE_CELL, -ENOMEM, ERROR_NOWHERE, "arguments");
        if (invoked)
                r = parse_args(texts, ntexts, type, args, err);
        else if (type->nparams)
                r = error_set(err, STAGE_LINK, -EINVAL, ERROR_NOWHERE, "_start takes arguments");
        if (r >= 0)
                *ret_args = TAKE_PTR(args);
        return r;
}
