#include "engine/compile/compile.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "engine/compile/fast/fast.h"
#include "engine/compile/idioms.h"
#include "engine/compile/peak/peak.h"

/* Programs that carry the optimising generator link it in; the others have only the fast one. */
#pragma weak peak_compile
#pragma weak peak_set_new
#pragma weak peak_set_find
#pragma weak peak_set_free

#define BATCH_BYTES  (64u << 10) /* of wasm: what a worker takes at a time */
#define JOBS_MAX     256u

/* Neighbouring functions that one worker compiles. The limits of a batch depend on the module
 * alone, so the bytes do not depend on who takes it. */
struct batch {
        uint32_t first, n;
        uint64_t wasm_bytes;
        struct fast_output out;
        int r;
        struct error err;
};

struct job {
        const struct fast_machine *machine;
        struct fast_shared shared;
        const struct compile_options *options;
        struct peak_set *hot;             /* optimised functions to put in, or NULL */
        struct batch *batches;
        uint32_t nbatches;
        uint32_t *code_bytes, *map_bytes; /* of each function */
        uint64_t bytes_all;
        atomic_uint next;
        atomic_ullong done, code_all;
        atomic_bool stop;
};

static uint64_t function_bytes(const struct module *m, uint32_t k)
{
        return m->functions[m->imported_functions + k].body.size;
}

static int batches_make(struct job *job, uint32_t nfunctions)
{
        const struct module *m = job->shared.module;
        uint32_t n = 0;
        uint64_t bytes = 0;

        for (uint32_t k = 0; k < nfunctions; k++)
                job->bytes_all += function_bytes(m, k);
        /* each batch but the last has reached the limit */
        job->batches = calloc(job->bytes_all / BATCH_BYTES + 1, sizeof(*job->batches));
        if (!job->batches)
                return -ENOMEM;
        for (uint32_t k = 0; k < nfunctions; k++) {
                struct batch *b = &job->batches[n];

                if (!b->n)
                        b->first = k;
                b->n++;
                bytes = b->wasm_bytes += function_bytes(m, k);
                if (bytes >= BATCH_BYTES)
                        n++;
        }
        job->nbatches = n + (nfunctions && job->batches[n].n ? 1 : 0);
        return 0;
}

static bool output_call(struct fast_output *out, uint32_t at, uint32_t function)
{
        if (out->ncalls == out->calls_room) {
                uint32_t room = out->calls_room ? 2 * out->calls_room : 64;
                struct fast_call *grown = realloc(out->calls, room * sizeof(*grown));

                if (!grown)
                        return false;
                out->calls = grown;
                out->calls_room = room;
        }
        out->calls[out->ncalls++] = (struct fast_call) { at, function };
        return true;
}

static void pad_code(const struct job *job, struct buffer *code)
{
        while (buffer_ok(code) && code->size % PEAK_ALIGN)
                buffer_u8(code, job->machine->padding[code->size % 4]);
}

/* An optimised function in place of the fast one. The padding before it belongs to its neighbour,
 * which batch_compile counts. */
static int place_piece(const struct peak_piece *piece, struct fast_output *out, struct error *err)
{
        size_t start = out->code.size;
        bool ok = true;

        buffer_append(&out->code, piece->code, piece->code_bytes);
        buffer_align(&out->code, 16);
        buffer_append(&out->map, piece->map.bytes, piece->map.size);
        for (size_t i = 0; i < piece->ncalls && ok; i++)
                ok = output_call(out, (uint32_t)(start + piece->calls[i].at), piece->calls[i].function);
        if (!ok || !buffer_ok(&out->code) || !buffer_ok(&out->map))
                return error_set(err, STAGE_COMPILE, -ENOMEM, ERROR_NOWHERE, "an optimised function");
        return 0;
}

/* Room for the code of a batch at once, so that it is not copied as it grows. */
static int batch_compile(struct job *job, struct fast_unit *unit, struct batch *b)
{
        struct fast_output *out = &b->out;
        int r;

        (void)buffer_reserve(&out->code, 3 * b->wasm_bytes + 4096);
        (void)buffer_reserve(&out->map, b->wasm_bytes / 2 + 4096);
        for (uint32_t k = b->first; k < b->first + b->n; k++) {
                const struct peak_piece *piece = job->hot ? peak_set_find(job->hot, k) : NULL;
                size_t code = out->code.size, map = out->map.size;

                if (piece && k > b->first) {
                        pad_code(job, &out->code);
                        job->code_bytes[k - 1] += (uint32_t)(out->code.size - code);
                        code = out->code.size;
                }
                r = piece ? place_piece(piece, out, &b->err) : job->machine->function(unit, k, out, &b->err);
                if (r < 0)
                        return error_prefix(&b->err, "function %u",
                                            job->shared.module->imported_functions + k);
                code = out->code.size - code;
                if (atomic_fetch_add(&job->code_all, code) + code > job->machine->code_max)
                        return error_set(&b->err, STAGE_COMPILE, -E2BIG, ERROR_NOWHERE,
                                         "the code is larger than %u bytes", job->machine->code_max);
                job->code_bytes[k] = (uint32_t)code;
                job->map_bytes[k] = (uint32_t)(out->map.size - map);
        }
        if (job->hot && b->n) { /* the next batch may begin with an optimised function */
                size_t code = out->code.size;

                pad_code(job, &out->code);
                job->code_bytes[b->first + b->n - 1] += (uint32_t)(out->code.size - code);
                if (!buffer_ok(&out->code))
                        return error_set(&b->err, STAGE_COMPILE, -ENOMEM, ERROR_NOWHERE, "padding");
        }
        return 0;
}

static void *worker(void *argument)
{
        struct job *job = argument;
        const struct compile_options *o = job->options;
        struct fast_unit *unit = job->machine->unit_new(&job->shared);

        for (;;) {
                uint32_t i = atomic_fetch_add(&job->next, 1);
                struct batch *b;
                uint64_t done;

                if (i >= job->nbatches || atomic_load(&job->stop))
                        break;
                b = &job->batches[i];
                b->r = unit ? batch_compile(job, unit, b)
                            : error_set(&b->err, STAGE_COMPILE, -ENOMEM, ERROR_NOWHERE,
                                        "a worker's state");
                /* Batches are taken in order: all before this one will be finished, so the first
                 * error in order is among those that are kept. */
                if (b->r < 0)
                        atomic_store(&job->stop, true);
                done = atomic_fetch_add(&job->done, b->wasm_bytes) + b->wasm_bytes;
                if (o->progress && o->progress(o->context, done, job->bytes_all) != 0) {
                        if (b->r == 0)
                                b->r = error_set(&b->err, STAGE_COMPILE, -ECANCELED, ERROR_NOWHERE,
                                                 "stopped");
                        atomic_store(&job->stop, true);
                }
        }
        job->machine->unit_free(unit);
        return NULL;
}

/* The caller's thread is one of the workers; threads that cannot be had are done without. */
static void job_run(struct job *job)
{
        unsigned n = job->options->jobs > JOBS_MAX ? JOBS_MAX : job->options->jobs, started = 0;
        pthread_t threads[JOBS_MAX];

        if (n > job->nbatches)
                n = job->nbatches;
        while (started + 1 < n && pthread_create(&threads[started], NULL, worker, job) == 0)
                started++;
        worker(job);
        while (started > 0)
                pthread_join(threads[--started], NULL);
}

static int job_error(const struct job *job, struct error *err)
{
        for (uint32_t i = 0; i < job->nbatches; i++)
                if (job->batches[i].r < 0) {
                        if (err)
                                *err = job->batches[i].err;
                        return job->batches[i].r;
                }
        return 0;
}

/* Place of every function in the whole. */
static int offsets_sum(const uint32_t *bytes, uint32_t n, uint32_t max, uint32_t *ret)
{
        uint64_t at = 0;

        for (uint32_t k = 0; k <= n; k++) {
                ret[k] = (uint32_t)at;
                if (k < n)
                        at += bytes[k];
                if (at > max)
                        return -E2BIG;
        }
        return 0;
}

/* The code of @b to its place, the calls in it to theirs. */
static void batch_place(const struct job *job, const struct batch *b, struct compiled_module *c)
{
        uint8_t *code = c->code + c->offsets[b->first];
        const struct fast_output *out = &b->out;

        memcpy(code, out->code.bytes, out->code.size);
        for (uint32_t i = 0; i < out->ncalls; i++) {
                const struct fast_call *call = &out->calls[i];
                int64_t from = (int64_t)c->offsets[b->first] + call->at;

                job->machine->call_patch(code + call->at, c->offsets[call->function] - from);
        }
}

static int job_place(struct job *job, struct compiled_module *c)
{
        int r;

        r = offsets_sum(job->code_bytes, c->nfunctions, job->machine->code_max, c->offsets);
        if (r == 0)
                r = offsets_sum(job->map_bytes, c->nfunctions, INT32_MAX, c->map_offsets);
        if (r < 0)
                return r;
        c->code_bytes = c->offsets[c->nfunctions];
        c->code = malloc(c->code_bytes + 1);
        if (!c->code || !buffer_reserve(&c->maps, c->map_offsets[c->nfunctions] + 1))
                return -ENOMEM;
        for (uint32_t i = 0; i < job->nbatches; i++) {
                struct batch *b = &job->batches[i];

                if (b->out.code.size)
                        batch_place(job, b, c);
                buffer_append(&c->maps, b->out.map.bytes, b->out.map.size);
                c->cpu_used |= b->out.cpu_used;
                fast_output_done(&b->out);
        }
        return 0;
}

void compiled_module_free(struct compiled_module *c)
{
        if (!c)
                return;
        free(c->code);
        free(c->offsets);
        free(c->map_offsets);
        buffer_done(&c->maps);
        free(c);
}

static void job_done(struct job *job)
{
        for (uint32_t i = 0; i < job->nbatches; i++)
                fast_output_done(&job->batches[i].out);
        free(job->batches);
        if (job->hot)
                peak_set_free(job->hot);
        free(job->code_bytes);
        free(job->map_bytes);
        object_layouts_done(&job->shared.objects);
}

/* LLVM takes up to 2 GB and minutes for a MiB of body, more than in proportion to its branches: with
 * exceptions each call is one. No compiler writes such bodies: the largest of Yosys has 228 KB. What is larger stays
 * fast code, whatever the tier. */
#define PEAK_BODY_MAX (384u << 10)
#define PEAK_BODY_MAX_EXCEPTIONS (128u << 10)
/* Locals times bytes: for each local LLVM looks at the blocks between its uses. */
#define PEAK_LOCALS_MAX          (768u << 20)

static bool is_too_large(const struct checked_module *c, uint32_t f)
{
        const struct module *m = c->module;
        uint64_t bytes = m->functions[f].body.size, locals = c->facts[f - m->imported_functions].nlocals;

        return locals * bytes > PEAK_LOCALS_MAX ||
               bytes > (checked_catches(c) ? PEAK_BODY_MAX_EXCEPTIONS : PEAK_BODY_MAX);
}

static bool has_too_large(const struct checked_module *c)
{
        const struct module *m = c->module;

        for (uint32_t f = m->imported_functions; f < m->nfunctions; f++)
                if (is_too_large(c, f))
                        return true;
        return false;
}

/* Those of the options' functions that are to be optimised, or with TIER_PEAK of all. NULL when there is no
 * memory. */
static uint32_t *hot_list(const struct compile_options *o, const struct checked_module *c, uint32_t *ret_n)
{
        const struct module *m = c->module;
        uint32_t first = m->imported_functions;
        uint32_t n = o->tier == TIER_PEAK ? m->nfunctions - first : o->nhot, *list = calloc(n + 1u, sizeof(*list));

        *ret_n = 0;
        for (uint32_t i = 0; list && i < n; i++) {
                uint32_t f = o->tier == TIER_PEAK ? first + i : o->hot[i];

                if (!is_too_large(c, f))
                        list[(*ret_n)++] = f;
        }
        return list;
}

/* The functions that the options name, through the optimising generator. */
static int hot_compile(struct job *job, struct compiled_module *c, struct error *err)
{
        const struct compile_options *o = job->options;
        const struct module *m = job->shared.module;

        _cleanup_free_ uint32_t *list = NULL;
        uint32_t n;

        for (uint32_t i = 0; i < o->nhot && o->tier == TIER_MIXED; i++)
                if (o->hot[i] < m->imported_functions || o->hot[i] >= m->nfunctions ||
                    (i && o->hot[i] <= o->hot[i - 1]))
                        return error_set(err, STAGE_COMPILE, -EINVAL, ERROR_NOWHERE,
                                         "function %u cannot be optimised here", o->hot[i]);
        list = hot_list(o, job->shared.checked, &n);
        if (!list)
                return error_set(err, STAGE_COMPILE, -ENOMEM, ERROR_NOWHERE, "a list of functions");
        if (!n)
                return 0;
        c->cpu_used |= o->cpu;
        return peak_set_new(job->shared.checked, &c->layout, o, list, n, &job->hot, err);
}

static int fast_run(struct job *job, struct compiled_module *c, struct error *err)
{
        size_t n = c->nfunctions;
        int r;

        job->code_bytes = calloc(n + 1, sizeof(uint32_t));
        job->map_bytes = calloc(n + 1, sizeof(uint32_t));
        c->offsets = calloc(n + 1, sizeof(uint32_t));
        c->map_offsets = calloc(n + 1, sizeof(uint32_t));
        if (!job->code_bytes || !job->map_bytes || !c->offsets || !c->map_offsets ||
            batches_make(job, c->nfunctions) < 0)
                return error_set(err, STAGE_COMPILE, -ENOMEM, ERROR_NOWHERE, "%u functions",
                                 c->nfunctions);
        job_run(job);
        r = job_error(job, err);
        if (r < 0)
                return r;
        r = job_place(job, c);
        if (r == -E2BIG)
                return error_set(err, STAGE_COMPILE, r, ERROR_NOWHERE,
                                 "the code is larger than %u bytes", job->machine->code_max);
        if (r < 0)
                return error_set(err, STAGE_COMPILE, r, ERROR_NOWHERE, "%zu bytes of code",
                                 c->code_bytes);
        return 0;
}

static int fast_compile(const struct fast_machine *machine, const struct checked_module *checked,
                        const struct compile_options *o, struct compiled_module **ret,
                        struct error *err)
{
        const struct module *m = checked->module;
        _cleanup_(compiled_module_freep) struct compiled_module *c = calloc(1, sizeof(*c));
        struct job job = { .options = o, .machine = machine };
        int r;

        if (!c)
                return error_set(err, STAGE_COMPILE, -ENOMEM, ERROR_NOWHERE, "a module");
        c->machine = machine->machine;
        c->cpu_used = machine->cpu;
        c->nfunctions = m->nfunctions - m->imported_functions;
        c->catches = checked_catches(checked);
        r = layout_compute(m, &c->layout, err);
        if (r < 0)
                return r;
        job.shared = (struct fast_shared) {
                .checked = checked,
                .module = m,
                .layout = &c->layout,
                .cpu = o->cpu,
                .vectors = checked->features_used &
                           (1u << FEATURE_SIMD | 1u << FEATURE_RELAXED_SIMD),
                .owns_memory = m->imported_memories == 0,
                .catches = checked_catches(checked),
                .dense = o->dense,
                .deterministic = o->deterministic,
                .multiply = UINT32_MAX,
        };
        for (uint32_t f = m->imported_functions; f < m->nfunctions; f++)
                if (idiom_find(m, f, &job.shared.multiply_low_first) == IDIOM_MUL128) {
                        job.shared.multiply = f;
                        break;
                }
        if (object_layouts_new(m, &job.shared.objects) < 0)
                return error_set(err, STAGE_COMPILE, -ENOMEM, ERROR_NOWHERE, "%u types", m->ntypes);
        r = o->tier != TIER_FAST ? hot_compile(&job, c, err) : 0;
        if (r == 0)
                r = fast_run(&job, c, err);
        job_done(&job);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

int module_compile(const struct checked_module *c, const struct compile_options *o,
                   struct compiled_module **ret, struct error *err)
{
        const struct fast_machine *machine = fast_machine_find(o->machine ? o->machine : MACHINE_HOST);
        int r;

        if (!machine)
                return error_set(err, STAGE_COMPILE, -EOPNOTSUPP, ERROR_NOWHERE,
                                 "code for machine %d is not made", o->machine);
        if ((o->cpu & machine->cpu) != machine->cpu)
                return error_set(err, STAGE_COMPILE, -EOPNOTSUPP, ERROR_NOWHERE,
                                 "code for processors below x86-64-v2 is not made");
        if (o->tier != TIER_FAST && !peak_compile)
                return error_set(err, STAGE_COMPILE, -EOPNOTSUPP, ERROR_NOWHERE,
                                 "this build has no optimising generator");
        if (o->tier == TIER_PEAK && !has_too_large(c))
                r = peak_compile(c, o, ret, err);
        else
                r = fast_compile(machine, c, o, ret, err);
        if (r == 0)
                (*ret)->dense = o->dense;
        return r;
}
