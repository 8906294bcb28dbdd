#include "engine/compile/peak/peak.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/compile/fast/fast.h"
#include "engine/compile/peak/object.h"
#include "engine/compile/peak/target.h"

/* Wasm bytes of a partition: enough to share the cost of a context and a pass run, small enough
 * that memory stays bounded and the work spreads over the threads. */
#define PARTITION_BYTES 32768u

struct partition {
        uint32_t first, n; /* functions, as indices in the module */
        struct object object;
};

struct work {
        const struct fast_machine *machine; /* calls and padding are the same for both generators */
        const struct checked_module *c;
        const struct compile_options *o;
        const struct layout *layout;
        struct partition *partitions;
        uint32_t npartitions;
        atomic_uint next;
        atomic_bool stop;
        _Atomic uint64_t bytes_done;
        uint64_t bytes_all;
        pthread_mutex_t lock;
        int result; /* under the lock: of the first partition that failed */
        uint32_t failed;
        struct error error;
};

const char *peak_version(void)
{
        static char text[32];
        unsigned major, minor, patch;

        LLVMGetVersion(&major, &minor, &patch);
        snprintf(text, sizeof(text), "LLVM %u.%u.%u", major, minor, patch);
        return text;
}

/* Each of the functions named in a partition of its own. */
static int make_single_partitions(struct work *w, const uint32_t *functions, uint32_t n)
{
        w->partitions = calloc((size_t)n + 1, sizeof(*w->partitions));
        if (!w->partitions)
                return -ENOMEM;
        for (uint32_t i = 0; i < n; i++) {
                w->partitions[i] = (struct partition) { .first = functions[i], .n = 1 };
                w->bytes_all += w->c->module->functions[functions[i]].body.size;
        }
        w->npartitions = n;
        return 0;
}

static int make_partitions(struct work *w)
{
        const struct module *m = w->c->module;
        uint32_t n = 0, function = m->imported_functions;

        w->partitions = calloc(m->nfunctions - function + 1, sizeof(*w->partitions));
        if (!w->partitions)
                return -ENOMEM;
        while (function < m->nfunctions) {
                struct partition *p = &w->partitions[n++];
                uint64_t bytes = 0;

                p->first = function;
                while (function < m->nfunctions && bytes < PARTITION_BYTES)
                        bytes += m->functions[function++].body.size;
                p->n = function - p->first;
                w->bytes_all += bytes;
        }
        w->npartitions = n;
        return 0;
}

static int lower_partition(struct work *w, struct partition *p, LLVMTargetMachineRef machine,
                           LLVMContextRef context, struct error *err)
{
        struct lowering l;
        LLVMMemoryBufferRef object = NULL;
        int r = lowering_init(&l, w->c, w->layout, w->machine->machine, context);

        l.dense = w->o->dense;
        l.deterministic = w->o->deterministic;

        /* Declared in order first: LLVM emits functions in the order of their declarations. */
        for (uint32_t i = 0; i < p->n && r == 0; i++)
                (void)lower_function(&l, p->first + i);
        for (uint32_t i = 0; i < p->n && r == 0; i++)
                r = lower_body(&l, p->first + i);
        if (r == 0) {
                LLVMDIBuilderFinalize(l.di);
                r = target_emit(&l, machine, &object, err);
        } else {
                error_set(err, STAGE_COMPILE, r, ERROR_NOWHERE, "out of memory");
        }
        lowering_done(&l);
        if (r == 0)
                r = object_read((const uint8_t *)LLVMGetBufferStart(object), LLVMGetBufferSize(object),
                                p->first, p->n, &p->object, err);
        if (object)
                LLVMDisposeMemoryBuffer(object);
        return r;
}

static void fail(struct work *w, uint32_t partition, int r, const struct error *err)
{
        pthread_mutex_lock(&w->lock);
        if (!w->result || partition < w->failed) {
                w->result = r;
                w->failed = partition;
                w->error = *err;
        }
        pthread_mutex_unlock(&w->lock);
        atomic_store(&w->stop, true);
}

static int one_partition(struct work *w, uint32_t index, LLVMTargetMachineRef machine)
{
        struct partition *p = &w->partitions[index];
        LLVMContextRef context = LLVMContextCreate();
        struct error err = { 0 };
        int r = lower_partition(w, p, machine, context, &err);

        LLVMContextDispose(context);
        if (r < 0) {
                fail(w, index, r, &err);
                return r;
        }
        for (uint32_t i = 0; i < p->n; i++)
                w->bytes_done += w->c->module->functions[p->first + i].body.size;
        if (w->o->progress && w->o->progress(w->o->context, w->bytes_done, w->bytes_all)) {
                error_set(&err, STAGE_COMPILE, -ECANCELED, ERROR_NOWHERE, "stopped");
                fail(w, index, -ECANCELED, &err);
                return -ECANCELED;
        }
        return 0;
}

static void *worker(void *argument)
{
        struct work *w = argument;
        struct error err = { 0 };
        LLVMTargetMachineRef machine = target_new(w->machine->machine, w->o->cpu, &err);
        uint32_t index;

        if (!machine) {
                fail(w, 0, err.code, &err);
                return NULL;
        }
        while (!atomic_load(&w->stop) && (index = atomic_fetch_add(&w->next, 1)) < w->npartitions)
                if (one_partition(w, index, machine) < 0)
                        break;
        LLVMDisposeTargetMachine(machine);
        return NULL;
}

static void run_workers(struct work *w)
{
        pthread_t threads[64];
        unsigned n = 0, wanted = w->o->jobs < 1 ? 1 : w->o->jobs > 64 ? 64 : w->o->jobs;

        /* Fewer threads than asked for is slower, not wrong. */
        while (n + 1 < wanted && pthread_create(&threads[n], NULL, worker, w) == 0)
                n++;
        worker(w);
        while (n > 0)
                pthread_join(threads[--n], NULL);
}

/* ---- one image out of the partitions ---------------------------------------------------------- */

static int lay_out(struct work *w, struct compiled_module *out, uint32_t *bases)
{
        uint64_t at = 0;
        uint32_t k = 0;

        for (uint32_t i = 0; i < w->npartitions; i++) {
                struct object *o = &w->partitions[i].object;

                bases[i] = (uint32_t)at;
                for (uint32_t f = 0; f < o->n; f++)
                        out->offsets[k++] = (uint32_t)(at + o->offsets[f]);
                at = (at + o->code.size + 63) & ~UINT64_C(63);
                if (at > w->machine->code_max)
                        return -E2BIG;
        }
        out->offsets[k] = (uint32_t)at;
        out->code_bytes = (size_t)at;
        out->code = malloc(at ? at : 1);
        return out->code ? 0 : -ENOMEM;
}

static int link_partitions(struct work *w, struct compiled_module *out)
{
        uint32_t imported = w->c->module->imported_functions;
        _cleanup_free_ uint32_t *bases = calloc((size_t)w->npartitions + 1, sizeof(*bases));
        int r = bases ? lay_out(w, out, bases) : -ENOMEM;

        if (r < 0)
                return r;
        for (size_t i = 0; i < out->code_bytes; i++)
                out->code[i] = w->machine->padding[i % 4];
        for (uint32_t i = 0; i < w->npartitions; i++) {
                struct object *o = &w->partitions[i].object;
                uint8_t *code = out->code + bases[i];

                memcpy(code, o->code.bytes, o->code.size);
                for (size_t k = 0; k < o->nfixups; k++) {
                        const struct object_fixup *f = &o->fixups[k];
                        int64_t from = (int64_t)bases[i] + f->at;

                        if (f->function < imported || f->function - imported >= out->nfunctions)
                                return -EBADMSG;
                        w->machine->call_patch(code + f->at, out->offsets[f->function - imported] - from);
                }
        }
        return 0;
}

/* Rows of the line table to the map of function @f of @o, beginning at row *@row. A row is stored
 * one byte late: a return address finds the row of the call before it, and the look-up for a trap
 * adds the byte (artefact_map_pc). */
static void write_map(const struct object *o, uint32_t f, size_t *row, struct buffer *map)
{
        uint32_t start = o->offsets[f], pc = 0;
        uint64_t end = f + 1 < o->n ? o->offsets[f + 1] : UINT64_MAX;
        int64_t offset = 0;

        while (*row < o->nrows && o->rows[*row].at < start)
                ++*row;
        for (; *row < o->nrows && o->rows[*row].at < end; ++*row) {
                int64_t delta = (int64_t)o->rows[*row].line - 1 - offset;
                uint32_t at = o->rows[*row].at - start + 1;

                buffer_uleb(map, at - pc);
                buffer_uleb(map, (uint64_t)delta << 1 ^ (uint64_t)(delta >> 63));
                pc = at;
                offset += delta;
        }
}

static void write_maps(struct work *w, struct compiled_module *out)
{
        uint32_t k = 0;

        for (uint32_t i = 0; i < w->npartitions; i++) {
                const struct object *o = &w->partitions[i].object;
                size_t row = 0;

                for (uint32_t f = 0; f < o->n; f++) {
                        out->map_offsets[k++] = (uint32_t)out->maps.size;
                        write_map(o, f, &row, &out->maps);
                }
        }
        out->map_offsets[k] = (uint32_t)out->maps.size;
}

static int assemble(struct work *w, struct compiled_module *out)
{
        uint32_t n = w->c->module->nfunctions - w->c->module->imported_functions;
        int r;

        out->machine = w->machine->machine;
        out->cpu_used = out->machine == MACHINE_X86_64 ? w->o->cpu : 0;
        out->layout = *w->layout;
        out->nfunctions = n;
        out->offsets = calloc((size_t)n + 1, sizeof(*out->offsets));
        out->map_offsets = calloc((size_t)n + 1, sizeof(*out->map_offsets));
        if (!out->offsets || !out->map_offsets)
                return -ENOMEM;
        r = link_partitions(w, out);
        if (r < 0)
                return r;
        write_maps(w, out);
        return buffer_ok(&out->maps) ? 0 : -ENOMEM;
}

static void partitions_free(struct partition *partitions, uint32_t n)
{
        for (uint32_t i = 0; i < n; i++)
                object_done(&partitions[i].object);
        free(partitions);
}

int peak_compile(const struct checked_module *c, const struct compile_options *o,
                 struct compiled_module **ret, struct error *err)
{
        _cleanup_(compiled_module_freep) struct compiled_module *out = calloc(1, sizeof(*out));
        struct layout layout;
        struct work w = { .c = c, .o = o, .layout = &layout, .lock = PTHREAD_MUTEX_INITIALIZER,
                          .machine = fast_machine_find(o->machine ? o->machine : MACHINE_HOST) };
        int r = layout_compute(c->module, &layout, err);

        if (r < 0)
                return r;
        r = out ? make_partitions(&w) : -ENOMEM;
        if (r == 0) {
                run_workers(&w);
                r = w.result;
                if (r < 0 && err)
                        *err = w.error;
        }
        if (r == 0) {
                r = assemble(&w, out);
                if (r < 0)
                        error_set(err, STAGE_COMPILE, r, ERROR_NOWHERE, "laying the code out");
        } else if (!w.result) {
                error_set(err, STAGE_COMPILE, r, ERROR_NOWHERE, "out of memory");
        }
        partitions_free(w.partitions, w.npartitions);
        if (r < 0)
                return r;
        out->catches = checked_catches(c);
        *ret = TAKE_PTR(out);
        return 0;
}

/* ---- single functions ------------------------------------------------------------------------- */

struct peak_set {
        struct partition *partitions;
        struct peak_piece *pieces; /* [n], ascending */
        uint32_t n;
};

static int piece_make(struct work *w, const struct partition *part, struct peak_piece *piece)
{
        const struct object *o = &part->object;
        uint32_t imported = w->c->module->imported_functions;
        uint32_t nfunctions = w->c->module->nfunctions;
        size_t row = 0;

        *piece = (struct peak_piece) {
                .k = part->first - imported,
                .code = o->code.bytes,
                .code_bytes = o->code.size,
                .calls = calloc(o->nfixups + 1, sizeof(*piece->calls)),
        };
        if (!piece->calls)
                return -ENOMEM;
        if (o->offsets[0] != 0)
                return -EBADMSG;
        for (size_t i = 0; i < o->nfixups; i++) {
                const struct object_fixup *f = &o->fixups[i];

                if (f->function < imported || f->function >= nfunctions)
                        return -EBADMSG;
                piece->calls[piece->ncalls++] = (struct peak_call) { f->at, f->function - imported };
        }
        write_map(o, 0, &row, &piece->map);
        return buffer_ok(&piece->map) ? 0 : -ENOMEM;
}

int peak_set_new(const struct checked_module *c, const struct layout *layout,
                 const struct compile_options *o, const uint32_t *functions, uint32_t n,
                 struct peak_set **ret, struct error *err)
{
        struct peak_set *set = calloc(1, sizeof(*set));
        struct work w = { .c = c, .o = o, .layout = layout, .lock = PTHREAD_MUTEX_INITIALIZER,
                          .machine = fast_machine_find(o->machine ? o->machine : MACHINE_HOST) };
        int r = set ? make_single_partitions(&w, functions, n) : -ENOMEM;

        if (r == 0) {
                run_workers(&w);
                r = w.result;
                if (r < 0 && err)
                        *err = w.error;
        }
        if (r == 0) {
                set->pieces = calloc((size_t)n + 1, sizeof(*set->pieces));
                r = set->pieces ? 0 : -ENOMEM;
                for (; r == 0 && set->n < n; set->n++)
                        r = piece_make(&w, &w.partitions[set->n], &set->pieces[set->n]);
        }
        if (r < 0 && !w.result)
                error_set(err, STAGE_COMPILE, r, ERROR_NOWHERE, "%u functions through LLVM", n);
        if (!set || r < 0) {
                partitions_free(w.partitions, w.npartitions);
                peak_set_free(set);
                return r;
        }
        set->partitions = w.partitions;
        *ret = set;
        return 0;
}

const struct peak_piece *peak_set_find(const struct peak_set *set, uint32_t k)
{
        uint32_t low = 0, high = set->n;

        while (low < high) {
                uint32_t middle = low + (high - low) / 2;

                if (set->pieces[middle].k < k)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < set->n && set->pieces[low].k == k ? &set->pieces[low] : NULL;
}

void peak_set_free(struct peak_set *set)
{
        if (!set)
                return;
        for (uint32_t i = 0; i < set->n; i++) {
                buffer_done(&set->pieces[i].map);
                free(set->pieces[i].calls);
        }
        if (set->partitions)
                partitions_free(set->partitions, set->n);
        free(set->pieces);
        free(set);
}
