/* broker.c - the calls of broker.h, each one command to the cell. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/artefact/artefact.h"
#include "supervisor/broker/found.h"
#include "supervisor/broker/internal.h"
#include "supervisor/proto/guest_config.h"
#include "supervisor/broker/tier.h"
#include "supervisor/broker/imports.h"

int broker_new(const struct run_options *o, struct broker **ret, struct error *err)
{
        struct broker *b = calloc(1, sizeof(*b));

        if (!b)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "broker");
        b->options = *o;
        b->sock = b->audit = b->path_sock = -EBADF;
        b->patience_ns = CELL_PATIENCE_NS;
        b->workers = 1;
        /* Its processor time is counted only in cells that may take the thread away. */
        b->alone = !o->limits || (!o->limits->cpu_quota_ns && !o->limits->cpu_max_ns);
        b->cell = (struct process) { 0, -EBADF };
        b->arena.fd = -EBADF;
        b->group = CELL_GROUP_NONE;
        paths_init(&b->paths);
        *ret = b;
        return 0;
}

void broker_stop(struct broker *b)
{
        if (!b)
                return;
        process_done(&b->cell);
        cell_group_done(&b->group);
        closep(&b->sock);
        closep(&b->audit);
        closep(&b->path_sock);
        for (unsigned i = 0; i < b->nlisten; i++)
                close(b->listen[i]);
        code_arena_done(&b->arena);
        free(b->code);
        paths_done(&b->paths);
        imports_free(b->imports);
        free(b);
}

const char *broker_missing(const struct broker *b)
{
        return b->missing_text;
}

int broker_pid(const struct broker *b)
{
        return b->cell.pid;
}

int broker_start(const struct run_options *o, size_t arena_bytes, struct broker **ret,
                 struct error *err)
{
        _cleanup_(broker_stopp) struct broker *b = NULL;
        int r;

        r = broker_new(o, &b, err);
        if (r < 0)
                return r;
        r = grants_open(b, err);
        if (r < 0)
                return r;
        r = code_arena_new(arena_bytes, -EBADF, 0, 0, true, &b->arena, err);
        if (r < 0)
                return r;
        r = cell_start(b, err);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(b);
        return 0;
}

/* A command whose only good answer is DONE; anything else is an error. */
static int ask_plainly(struct broker *b, void *command, size_t size, const int *fds, unsigned nfds,
                       uint32_t *ret_number, struct error *err)
{
        struct answer answer;
        char text[256];
        int r;

        r = session_ask(b, command, size, fds, nfds, &answer, err);
        if (r < 0)
                return r;
        if (answer.lost) {
                session_bury(b, answer.timed_out ? "it did not answer" : NULL, text, sizeof(text));
                return error_set(err, STAGE_CELL, -EPIPE, ERROR_NOWHERE, "%s", text);
        }
        if (b->in.head.message == MESSAGE_FAILED)
                return answer_error(b, err);
        if (b->in.head.message != MESSAGE_DONE)
                return error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE, "%s in answer to %s",
                                 message_text(b->in.head.message),
                                 message_text(((struct message_head *)command)->message));
        if (ret_number)
                *ret_number = ((const struct done_message *)(const void *)&b->in)->number;
        return 0;
}

/* A command that runs guest code. */
static int ask_to_run(struct broker *b, void *command, size_t size, struct run_outcome *outcome,
                      struct error *err)
{
        struct answer answer;
        int r;

        r = session_ask(b, command, size, NULL, 0, &answer, err);
        if (r < 0)
                return r;
        if (!answer.lost && b->in.head.message == MESSAGE_FAILED)
                return answer_error(b, err);
        outcome_take(b, &answer, outcome);
        return 0;
}

int broker_map_artefact(int fd, bool whole, struct mapping *ret, struct slice *ret_code,
                        struct error *err)
{
        struct stat st;
        void *p;
        int r;

        if (fstat(fd, &st) < 0 || st.st_size <= 0)
                return error_set(err, STAGE_ARTEFACT, -EBADMSG, 0, "empty");
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED)
                return error_set(err, STAGE_ARTEFACT, -errno, ERROR_NOWHERE, "mapping: %m");
        *ret = (struct mapping) { p, (size_t)st.st_size };
        r = artefact_find_code(p, ret->size, ret_code, err);
        if (r >= 0 && (ret_code->offset > ret->size || ret_code->size > ret->size - ret_code->offset))
                r = error_set(err, STAGE_ARTEFACT, -EBADMSG, ret_code->offset, "code outside of the file");
        /* Here and not in the cell: a damaged cache entry is made anew as long as files can be opened. */
        return r < 0 || whole ? r : artefact_sum_check(p, ret->size, err);
}

int broker_send_load(struct broker *b, int fd, uint64_t bytes, uint64_t code_at, uint32_t *ret_module,
                     struct error *err)
{
        struct load_message m = { .head.message = MESSAGE_LOAD, .bytes = bytes, .code_at = code_at };

        return ask_plainly(b, &m, sizeof(m), &fd, 1, ret_module, err);
}

/* Where the code of module @number lies, so that the place can be used again. A number that no honest cell
 * gives is not noted. */
static void note_code(struct broker *b, uint32_t number, uint64_t at, size_t bytes)
{
        struct loaded_code *code;

        if (number > b->ncode || (number < b->ncode && b->code[number].state != CODE_NONE))
                return;
        if (number == b->ncode) {
                code = reallocarray(b->code, b->ncode + 1, sizeof(*code));
                if (!code)
                        return;
                b->code = code;
                b->ncode++;
        }
        b->code[number] = (struct loaded_code) { at, bytes, CODE_LOADED };
}

bool broker_unload_begin(struct broker *b, uint32_t module)
{
        if (module >= b->ncode || b->code[module].state != CODE_LOADED)
                return false;
        b->code[module].state = CODE_LEAVING;
        return true;
}

int broker_unloaded(struct broker *b, uint32_t module, struct error *err)
{
        if (module >= b->ncode || b->code[module].state != CODE_LEAVING)
                return error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE, "the end of module %u", module);
        code_arena_retract(&b->arena, b->code[module].at, b->code[module].bytes);
        b->code[module].state = CODE_NONE;
        return 0;
}

int broker_load(struct broker *b, int artefact_fd, uint32_t *ret_module, struct error *err)
{
        _cleanup_(unmapp) struct mapping map = { 0 };
        struct slice code;
        uint64_t at;
        int r;

        r = broker_map_artefact(artefact_fd, false, &map, &code, err);
        if (r < 0)
                return r;
        r = code_arena_publish(&b->arena, (uint8_t *)map.bytes + code.offset, code.size, &at, err);
        if (r < 0)
                return r;
        r = broker_send_load(b, artefact_fd, map.size, at, ret_module, err);
        if (r < 0)
                code_arena_retract(&b->arena, at, code.size);
        else
                note_code(b, *ret_module, at, code.size);
        return r;
}

int broker_configure(struct broker *b, struct error *err)
{
        struct configure_message m = { .head.message = MESSAGE_CONFIGURE, .nlisten = b->nlisten };
        int fds[PROTO_FDS_MAX], r;
        _cleanup_close_ int config = -EBADF;
        size_t bytes = 0;

        r = grants_config(b, &config, &bytes, err);
        if (r < 0)
                return r;
        m.bytes = (uint32_t)bytes;
        fds[0] = config;
        memcpy(fds + 1, b->listen, b->nlisten * sizeof(int));
        return ask_plainly(b, &m, sizeof(m), fds, 1 + b->nlisten, NULL, err);
}

int broker_instantiate(struct broker *b, uint32_t module, uint32_t *ret_instance,
                       struct run_outcome *outcome, struct error *err)
{
        struct instantiate_message m = {
                .head.message = MESSAGE_INSTANTIATE,
                .module = module,
                .offers = (b->options.wasi ? OFFER_WASI : 0) |
                          (b->options.spectest ? OFFER_SPECTEST : 0) |
                          (b->options.preinit ? OFFER_PREINIT : 0),
        };
        int r = ask_to_run(b, &m, sizeof(m), outcome, err);

        if (r >= 0 && outcome->end == RUN_RETURNED)
                *ret_instance = ((const struct done_message *)(const void *)&b->in)->number;
        return r;
}

static int name_too_long(size_t name_bytes, struct error *err)
{
        if (name_bytes <= PROTO_NAME_MAX)
                return 0;
        return error_set(err, STAGE_USAGE, -ENAMETOOLONG, ERROR_NOWHERE, "a name of %zu bytes",
                         name_bytes);
}

int broker_register(struct broker *b, uint32_t instance, const char *name, size_t name_bytes,
                    struct error *err)
{
        struct {
                struct register_message head;
                char name[PROTO_NAME_MAX];
        } m;

        if (name_too_long(name_bytes, err) < 0)
                return err ? err->code : -ENAMETOOLONG;
        m.head = (struct register_message) { .head.message = MESSAGE_REGISTER, .instance = instance,
                                             .name_bytes = (uint32_t)name_bytes };
        memcpy(m.name, name, name_bytes);
        return ask_plainly(b, &m, sizeof(m.head) + name_bytes, NULL, 0, NULL, err);
}

union call_buffer {
        struct call_message head;
        uint8_t bytes[sizeof(struct call_message) + PROTO_NAME_MAX +
                      PROTO_VALUES_MAX * sizeof(struct wire_value)];
};

static int build_call(union call_buffer *m, uint32_t message, uint32_t instance, const char *name,
                      size_t name_bytes, const struct run_value *args, unsigned nargs,
                      size_t *ret_size, struct error *err)
{
        struct wire_value *values;

        if (name_too_long(name_bytes, err) < 0)
                return -ENAMETOOLONG;
        if (nargs > PROTO_VALUES_MAX)
                return error_set(err, STAGE_USAGE, -E2BIG, ERROR_NOWHERE, "%u arguments", nargs);
        m->head = (struct call_message) { .head.message = message, .instance = instance,
                                          .name_bytes = (uint32_t)name_bytes, .nvalues = nargs };
        memset(m->bytes + sizeof(m->head), 0, call_values_at((uint32_t)name_bytes) - sizeof(m->head));
        memcpy(m->bytes + sizeof(m->head), name, name_bytes);
        values = (void *)(m->bytes + call_values_at((uint32_t)name_bytes));
        for (unsigned i = 0; i < nargs; i++) {
                values[i] = (struct wire_value) { .type = args[i].type };
                memcpy(values[i].bits, args[i].value.bits, sizeof(values[i].bits));
        }
        *ret_size = call_values_at((uint32_t)name_bytes) + nargs * sizeof(*values);
        return 0;
}

int broker_call(struct broker *b, uint32_t instance, const char *name, size_t name_bytes,
                const struct run_value *args, unsigned nargs, struct run_outcome *outcome,
                struct error *err)
{
        union call_buffer m;
        size_t size;
        int r;

        r = build_call(&m, MESSAGE_CALL, instance, name, name_bytes, args, nargs, &size, err);
        return r < 0 ? r : ask_to_run(b, &m, size, outcome, err);
}

int broker_global(struct broker *b, uint32_t instance, const char *name, size_t name_bytes,
                  struct run_value *ret, struct error *err)
{
        const struct done_message *done = (const void *)&b->in;
        union call_buffer m;
        size_t size;
        int r;

        r = build_call(&m, MESSAGE_GLOBAL, instance, name, name_bytes, NULL, 0, &size, err);
        if (r < 0)
                return r;
        r = ask_plainly(b, &m, size, NULL, 0, NULL, err);
        if (r < 0)
                return r;
        if (done->nvalues != 1)
                return error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE, "a global has one value");
        ret->type = ((const struct wire_value *)(done + 1))->type;
        memcpy(ret->value.bits, ((const struct wire_value *)(done + 1))->bits, sizeof(ret->value.bits));
        return 0;
}
