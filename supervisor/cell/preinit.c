/* preinit.c - a start-up that is done once, for every instance to come. */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "supervisor/cell/cell.h"

static void no_random(void)
{
        trap_raise(TRAP_HOST, "random bytes would be the same in every instance");
}

static void no_time(void)
{
        trap_raise(TRAP_HOST, "the time would be the same in every instance");
}

static void no_key(void)
{
        trap_raise(TRAP_HOST, "pre-initialisation has no key for that");
}

static void no_exit(void)
{
        trap_raise(TRAP_HOST, "it ends itself");
}

/* Functions of WASI that are not as at other times. The rest answers as to a guest without keys: no
 * arguments, no environment, no descriptors. */
static const struct {
        const char *name;
        void (*code)(void);
} changed[] = {
        { "random_get", no_random },  { "clock_time_get", no_time }, { "proc_exit", no_exit },
        { "poll_oneoff", no_key },    { "path_open", no_key },       { "fd_read", no_key },
        { "sock_accept", no_key },    { "sock_recv", no_key },       { "sock_send", no_key },
        { "proc_raise", no_key },
};

int preinit_find(const struct import *import, struct extern_value *ret)
{
        static struct host_function functions[ELEMENTSOF(changed)];

        if (import->kind != EXTERN_FUNC || !name_is(&import->module, "wasi_snapshot_preview1"))
                return -ENOENT;
        for (size_t k = 0; k < ELEMENTSOF(changed); k++) {
                if (!name_is(&import->name, changed[k].name))
                        continue;
                for (unsigned i = 0; i < wasi_functions_n; i++)
                        if (strcmp(wasi_functions[i].name, changed[k].name) == 0) {
                                functions[k] = wasi_functions[i];
                                functions[k].code = (void *)(uintptr_t)changed[k].code;
                                *ret = (struct extern_value) { .kind = EXTERN_FUNC, .host = &functions[k] };
                                return 0;
                        }
        }
        return -ENOENT;
}

static int write_all(int fd, const struct buffer *b)
{
        for (size_t at = 0; at < b->size;) {
                ssize_t n = write(fd, b->bytes + at, b->size - at);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                at += (size_t)n;
        }
        return 0;
}

int preinit_snapshot(struct cell *c, const struct snapshot_message *m, int fd, struct error *err)
{
        _cleanup_(buffer_done) struct buffer b = { 0 };
        struct instance *instance;
        int r;

        if (fd < 0)
                return error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE, "no file for a snapshot");
        r = cell_find_instance(c, m->instance, &instance, err);
        if (r >= 0)
                r = instance_snapshot(instance, &b, err);
        if (r < 0)
                return r;
        r = write_all(fd, &b);
        return r < 0 ? error_set(err, STAGE_CELL, r, ERROR_NOWHERE, "writing the snapshot: %s", strerror(-r)) : 0;
}
