#include "config.h"

#include "supervisor/cli/script_host.h"

#include <string.h>
#include <sys/mman.h>

#define ARENA_BYTES (64u << 20) /* code of all modules of a script: the official ones need 2 MiB */
#define ARGS_MAX    64u

struct script_cell {
        struct run_options options;
        struct broker *broker;
        struct run_outcome outcome;
};

int script_cell_new(const struct run_options *options, struct script_cell **ret, struct error *err)
{
        _cleanup_(script_cell_freep) struct script_cell *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "out of memory");
        c->options = *options;
        c->options.spectest = true;
        r = broker_start(&c->options, ARENA_BYTES, &c->broker, err);
        if (r < 0)
                return r;
        r = broker_configure(c->broker, err);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

void script_cell_free(struct script_cell *c)
{
        if (!c)
                return;
        broker_stop(c->broker);
        free(c);
}

static int cell_load(void *host, const uint8_t *bytes, size_t size, uint32_t *ret_module,
                     struct error *err)
{
        _cleanup_close_ int fd = memfd_create("nacelle-script", MFD_CLOEXEC), artefact = -EBADF;
        struct script_cell *c = host;
        int r;

        for (size_t at = 0; fd >= 0 && at < size;) {
                ssize_t n = write(fd, bytes + at, size - at);

                if (n <= 0)
                        return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "copying: %m");
                at += (size_t)n;
        }
        if (fd < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "memfd: %m");
        r = broker_artefact(&c->options, fd, &artefact, err);
        return r < 0 ? r : broker_load(c->broker, artefact, ret_module, err);
}

/* What a call or an instantiation came to: 0, or -EFAULT with @stop filled. */
static int ended(const struct script_cell *c, struct script_stop *stop, struct error *err)
{
        const struct run_outcome *o = &c->outcome;

        switch (o->end) {
        case RUN_RETURNED:
                return 0;
        case RUN_TRAPPED:
                stop->trapped = true;
                snprintf(stop->text, sizeof(stop->text), "%s", trap_text(o->trap));
                return error_set(err, STAGE_RUN, -EFAULT, ERROR_NOWHERE, "%s", trap_text(o->trap));
        default:
                return error_set(err, STAGE_RUN, -EPIPE, ERROR_NOWHERE, "%s", o->text);
        }
}

static int cell_instantiate(void *host, uint32_t module, uint32_t *ret_instance,
                            struct script_stop *stop, struct error *err)
{
        struct script_cell *c = host;
        int r = broker_instantiate(c->broker, module, ret_instance, &c->outcome, err);

        return r < 0 ? r : ended(c, stop, err);
}

static int cell_enroll(void *host, const struct script_name *name, uint32_t instance,
                       struct error *err)
{
        struct script_cell *c = host;

        return broker_register(c->broker, instance, name->bytes, name->size, err);
}

/* The host's value n travels as n + 1: 0 is the null reference. */
static bool to_value(const struct script_value *from, struct run_value *to)
{
        *to = (struct run_value) { 0 };
        memcpy(to->value.bits, from->bits, sizeof(to->value.bits));
        switch (from->kind) {
        case SCRIPT_I32:
                to->type = VAL_I32;
                return true;
        case SCRIPT_I64:
                to->type = VAL_I64;
                return true;
        case SCRIPT_F32:
                to->type = VAL_F32;
                return true;
        case SCRIPT_F64:
                to->type = VAL_F64;
                return true;
        case SCRIPT_V128:
                to->type = VAL_V128;
                return true;
        case SCRIPT_REF_NULL:
                to->type = VAL_REF_NULL(from->heap);
                to->value.bits[0] = 0;
                return true;
        case SCRIPT_REF_EXTERN:
                to->type = VAL_EXTERNREF;
                to->value.bits[0] = from->bits[0] + 1;
                return true;
        case SCRIPT_REF_HOST: /* to be converted */
                to->type = VAL_REF_TO(HEAP_ANY);
                to->value.bits[0] = from->bits[0] + 1;
                return true;
        default:
                return false;
        }
}

/* The cell says what a reference is, not what it was seen through (wire_of()). */
static void from_reference(const struct run_value *from, struct script_value *to)
{
        static const struct { uint32_t heap; enum script_value_kind kind; } kinds[] = {
                { HEAP_EXTERN, SCRIPT_REF_EXTERN }, { HEAP_ANY, SCRIPT_REF_HOST },
                { HEAP_I31, SCRIPT_REF_I31 },       { HEAP_STRUCT, SCRIPT_REF_STRUCT },
                { HEAP_ARRAY, SCRIPT_REF_ARRAY },   { HEAP_EXN, SCRIPT_REF_EXN },
        };

        to->heap = valtype_heap(from->type);
        to->kind = from->value.ref ? SCRIPT_REF_FUNC : SCRIPT_REF_NULL;
        for (size_t i = 0; i < ELEMENTSOF(kinds) && from->value.ref; i++)
                if (kinds[i].heap == to->heap)
                        to->kind = kinds[i].kind;
        if (to->kind == SCRIPT_REF_EXTERN || to->kind == SCRIPT_REF_HOST)
                to->bits[0]--;
}

static void from_value(const struct run_value *from, struct script_value *to)
{
        *to = (struct script_value) { 0 };
        memcpy(to->bits, from->value.bits, sizeof(to->bits));
        switch (valtype_kind(from->type)) {
        case VAL_I32:
                to->kind = SCRIPT_I32;
                to->bits[0] &= UINT32_MAX;
                break;
        case VAL_I64:
                to->kind = SCRIPT_I64;
                break;
        case VAL_F32:
                to->kind = SCRIPT_F32;
                to->bits[0] &= UINT32_MAX;
                break;
        case VAL_F64:
                to->kind = SCRIPT_F64;
                break;
        case VAL_V128:
                to->kind = SCRIPT_V128;
                break;
        default:
                from_reference(from, to);
        }
}

static int cell_invoke(void *host, uint32_t instance, const struct script_name *name,
                       const struct script_value *args, uint32_t nargs, struct script_value *ret,
                       uint32_t *ret_n, struct script_stop *stop, struct error *err)
{
        struct script_cell *c = host;
        struct run_value values[ARGS_MAX];
        int r;

        if (nargs > ARGS_MAX)
                return error_set(err, STAGE_RUN, -E2BIG, ERROR_NOWHERE, "%u arguments", nargs);
        for (uint32_t i = 0; i < nargs; i++)
                if (!to_value(&args[i], &values[i]))
                        return error_set(err, STAGE_RUN, -EINVAL, ERROR_NOWHERE,
                                         "argument %u is of a kind that cannot be handed over", i);
        r = broker_call(c->broker, instance, name->bytes, name->size, values, nargs, &c->outcome, err);
        if (r >= 0)
                r = ended(c, stop, err);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < c->outcome.nresults; i++)
                from_value(&c->outcome.results[i], &ret[i]);
        *ret_n = c->outcome.nresults;
        return 0;
}

static int cell_get(void *host, uint32_t instance, const struct script_name *name,
                    struct script_value *ret, struct error *err)
{
        struct script_cell *c = host;
        struct run_value value;
        int r = broker_global(c->broker, instance, name->bytes, name->size, &value, err);

        if (r >= 0)
                from_value(&value, ret);
        return r;
}

const struct script_host script_cell_host = {
        .load = cell_load,
        .instantiate = cell_instantiate,
        .enroll = cell_enroll,
        .invoke = cell_invoke,
        .get = cell_get,
};
