/* main.c - nacelle-compiler: one module in, one artefact out, then the end.
 *
 * Hostile after the first byte of input: everything is locked before the module is looked at. The
 * descriptors come at fixed numbers (policy.h); the order is read before the lock, because it is
 * the broker's. */
#include "config.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/artefact/artefact.h"
#include "engine/artefact/snapshot.h"
#include "engine/base/clock.h"
#include "engine/compile/compile.h"
#include "engine/decode/decode.h"
#include "engine/validate/validate.h"
#include "policy/policy.h"
#include "supervisor/proto/compile_job.h"

#define PROGRESS_EVERY_MS 50

static void tell(const struct compile_status *status)
{
        /* Nobody listens any more: then nobody wants the artefact either. */
        if (write(FD_BROKER, status, sizeof(*status)) < 0)
                _exit(1);
}

static _noreturn_ void fail(const struct error *err)
{
        struct compile_status status = { .kind = COMPILE_FAILED, .code = err->code,
                                         .stage = err->stage, .offset = err->offset };

        _Static_assert(sizeof(status.text) >= sizeof(err->text), "an error fits a status");
        memcpy(status.text, err->text, sizeof(err->text));
        tell(&status);
        _exit(1);
}

/* Called from every thread of the compilation. */
static int progress(void *context, uint64_t bytes_done, uint64_t bytes_all)
{
        static _Atomic int64_t last_ms;
        int64_t now_ms = (int64_t)(monotonic_ns() / 1000000), before = atomic_load(&last_ms);

        if (now_ms - before >= PROGRESS_EVERY_MS &&
            atomic_compare_exchange_strong(&last_ms, &before, now_ms))
                tell(&(struct compile_status) { .kind = COMPILE_PROGRESS, .offset = bytes_done,
                                                .bytes_all = bytes_all });
        return 0;
}

static int read_order(struct compile_order *ret, struct error *err)
{
        struct compile_order order;

        if (read(FD_BROKER, &order, sizeof(order)) != sizeof(order) ||
            order.magic != COMPILE_JOB_MAGIC || order.jobs == 0 || order.tier > TIER_MIXED ||
            order.nhot > COMPILE_HOT_MAX || order.dense > 1 || order.deterministic > 1 || order.reserved ||
            (order.machine && order.machine != MACHINE_X86_64 && order.machine != MACHINE_AARCH64) ||
            order.snapshot_at % 8 || (order.snapshot_bytes && order.snapshot_at < order.input_bytes))
                return error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE, "bad order");
        *ret = order;
        return 0;
}

static uint64_t input_bytes(const struct compile_order *o)
{
        return o->snapshot_bytes ? o->snapshot_at + o->snapshot_bytes : o->input_bytes;
}

static int map_input(uint64_t size, const uint8_t **ret, struct error *err)
{
        void *p;

        if (size == 0) {
                *ret = (const uint8_t *)"";
                return 0;
        }
        p = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, FD_ARENA, 0);
        if (p == MAP_FAILED)
                return error_set(err, STAGE_COMPILE, -errno, ERROR_NOWHERE, "mapping the module: %m");
        *ret = p;
        return 0;
}

static int lock_down(struct lockdown *l, const struct compile_order *order, struct error *err)
{
        char layers[128];
        int r;

        r = policy_descriptors(l, FD_FIRST_FREE, err);
        if (r >= 0)
                r = policy_limits(l, ROLE_COMPILER, input_bytes(order), err);
        if (r >= 0)
                r = policy_credentials(l, false, 0, err);
        if (r >= 0)
                r = policy_memory(l, err);
        if (r >= 0)
                r = policy_landlock(l, err);
        if (r >= 0)
                r = policy_seccomp(l, ROLE_COMPILER, err);
        if (r >= 0 && l->missing && !order->degraded)
                return error_set(err, STAGE_POLICY, -EOPNOTSUPP, ERROR_NOWHERE,
                                 "this kernel lacks for the compiler: %s",
                                 layers_text(l->missing, layers, sizeof(layers)));
        return r;
}

static int write_all(const struct buffer *b, struct error *err)
{
        for (size_t at = 0; at < b->size;) {
                ssize_t n = write(FD_OUTPUT, b->bytes + at, b->size - at);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return error_set(err, STAGE_COMPILE, n < 0 ? -errno : -EIO, ERROR_NOWHERE,
                                         "writing the artefact: %m");
                at += (size_t)n;
        }
        return 0;
}

static int check(const uint8_t *bytes, size_t size, const struct compile_order *order, struct module **ret,
                 struct checked_module **ret_checked, struct error *err)
{
        uint64_t features = FEATURES_DEFAULT ^ order->features_changed;
        int r = module_decode(bytes, size, &limits_default, features, 0, ret, err);

        return r < 0 ? r : module_validate(*ret, &limits_default, features, order->jobs, ret_checked, err);
}

/* The module that begins with the state in the snapshot takes the place of the one that it was taken of. */
static int begin_with(const uint8_t *bytes, const struct compile_order *order, struct module **m,
                      struct checked_module **checked, int64_t *ret_moved, struct error *err)
{
        struct name done = { order->done, (uint32_t)strnlen(order->done, sizeof(order->done) - 1) };
        struct buffer b = { 0 };
        int r = snapshot_module(*m, bytes + order->snapshot_at, order->snapshot_bytes, done, &b, ret_moved, err);

        return r < 0 ? r : check(b.bytes, b.size, order, m, checked, err);
}

static int compile(const uint8_t *bytes, const struct compile_order *order, uint64_t *ret_size,
                   struct error *err)
{
        struct compile_options options = { .tier = (enum tier)order->tier, .jobs = order->jobs,
                                           .machine = (enum machine)order->machine,
                                           .cpu = order->cpu, .hot = order->hot, .nhot = order->nhot,
                                           .dense = order->dense,
                                           .deterministic = order->deterministic,
                                           .progress = progress };
        struct compiled_module *code = NULL;
        struct checked_module *checked = NULL;
        struct module *module = NULL;
        struct buffer out = { 0 };
        struct artefact_key key;
        int64_t moved = 0;
        int r;

        /* The process ends with the job: what it allocates is freed by that. */
        r = check(bytes, order->input_bytes, order, &module, &checked, err);
        if (r < 0 || order->mode == COMPILE_MODE_CHECK)
                return r;
        if (order->snapshot_bytes) {
                r = begin_with(bytes, order, &module, &checked, &moved, err);
                if (r < 0)
                        return r;
        }
        r = module_compile(checked, &options, &code, err);
        if (r < 0)
                return r;
        /* Messages speak of places in the file that the user has. */
        for (uint32_t i = module->imported_functions; moved && i < module->nfunctions; i++)
                module->functions[i].body.offset -= (size_t)moved;
        memcpy(key.bytes, order->key, sizeof(key.bytes));
        r = artefact_write(checked, code, &key, &out, err);
        if (r < 0)
                return r;
        *ret_size = out.size;
        return write_all(&out, err);
}

int main(void)
{
        struct lockdown lockdown = { 0 };
        struct error err = { 0 };
        struct compile_order order = { 0 };
        const uint8_t *bytes = NULL;
        uint64_t size = 0;

#ifdef NACELLE_SANITIZERS
        /* A sanitizer maps shadow memory without end and opens /proc: these cannot be on with it. */
        lockdown.skip = LAYER_BIT(LAYER_LIMITS) | LAYER_BIT(LAYER_SECCOMP) |
                        LAYER_BIT(LAYER_LANDLOCK) | LAYER_BIT(LAYER_MDWE);
#endif
        if (read_order(&order, &err) < 0 || map_input(input_bytes(&order), &bytes, &err) < 0 ||
            lock_down(&lockdown, &order, &err) < 0 ||
            compile(bytes, &order, &size, &err) < 0)
                fail(&err);
        tell(&(struct compile_status) { .kind = COMPILE_DONE, .offset = size });
        _exit(0);
}
