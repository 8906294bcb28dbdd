/* heat.c - which functions of a module take the time, for the optimiser.
 *
 * What interrupts the guests anyway, the ticks of a worker, counts the function at the pc; in a cell of one
 * guest, which has no ticks, a timer of the process's own CPU time does. That costs the guest's code nothing,
 * where counters in it would cost each call and each turn of a loop. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>

#include "supervisor/cell/cell.h"

#define HEAT_TICK_MS  4    /* of CPU time between two samples of a cell of one guest */
#define HEAT_FIRST_MS 100  /* less than this of guest code is not worth a compilation */
#define HEAT_AGAIN    4    /* told of again when it took this many times as long */
#define HEAT_LAST_MS  (UINT32_C(1) << 31)
#define HEAT_SHARE    97   /* percent of the samples that the named functions cover */

/* Written by the control fiber, read by signal handlers of all threads: a module's pages are entered when
 * all else of it is there. */
static struct {
        struct cell *cell;
        const uint8_t *arena;
        uint16_t *modules;      /* by page of the arena: number + 1; 0: nobody's */
        uint64_t npages;
} heat;

/* Number + 1 of a module to tell of, found by this thread, which tells of it before it gives the module up. */
static _Thread_local volatile uint32_t due __attribute__((tls_model("initial-exec")));

void heat_sample(uint64_t pc, uint32_t ms)
{
        uint64_t page = (pc - (uint64_t)heat.arena) >> 12;
        struct cell_module *m;
        uint32_t k, all, number;

        number = page < heat.npages ? __atomic_load_n(&heat.modules[page], __ATOMIC_RELAXED) : 0;
        m = number ? heat.cell->modules[number - 1] : NULL;
        if (!m)
                return;
        k = artefact_function_at(m->artefact, pc - (uint64_t)m->code);
        if (k == UINT32_MAX || m->heat_ms >= HEAT_LAST_MS)
                return;
        __atomic_fetch_add(&m->heat[k], ms, __ATOMIC_RELAXED);
        all = __atomic_add_fetch(&m->heat_ms, ms, __ATOMIC_RELAXED);
        if (all >= m->heat_told_at)
                due = number;
}

bool heat_due(void)
{
        return due != 0;
}

static void on_tick(int signal, siginfo_t *info, void *context)
{
        const ucontext_t *u = context;

        (void)signal;
        (void)info;
        heat_sample((uint64_t)u->uc_mcontext.gregs[REG_RIP], HEAT_TICK_MS);
}

static int start_timer(struct error *err)
{
        struct sigaction action = { .sa_sigaction = on_tick,
                                    .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };
        struct itimerval every = { { 0, HEAT_TICK_MS * 1000 }, { 0, HEAT_TICK_MS * 1000 } };

        sigfillset(&action.sa_mask);
        if (sigaction(SIGPROF, &action, NULL) < 0 || setitimer(ITIMER_PROF, &every, NULL) < 0)
                return error_set(err, STAGE_CELL, -errno, ERROR_NOWHERE, "profiling timer: %m");
        return 0;
}

int heat_start(struct cell *c, struct error *err)
{
        uint64_t npages = (c->arena_bytes + 4095) >> 12;

        heat.modules = calloc(npages + 1, sizeof(*heat.modules));
        if (!heat.modules)
                return error_set(err, STAGE_CELL, -ENOMEM, ERROR_NOWHERE, "map of the code");
        heat.cell = c;
        heat.arena = c->arena;
        heat.npages = npages;
        return c->alone ? start_timer(err) : 0;
}

static void set_pages(const struct cell_module *m, uint16_t value)
{
        uint64_t at = (uint64_t)(m->code - heat.arena) >> 12, n = (m->artefact->code.size + 4095) >> 12;

        for (uint64_t i = at; i < at + n && i < heat.npages; i++)
                heat.modules[i] = value;
}

void heat_watch(struct cell_module *m, uint32_t number)
{
        /* One that cannot be watched stays as it is. */
        m->heat = heat.modules && number < UINT16_MAX ? calloc((size_t)m->artefact->nfunctions + 1, sizeof(*m->heat))
                                                      : NULL;
        if (!m->heat)
                return;
        m->heat_told_at = HEAT_FIRST_MS;
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        set_pages(m, (uint16_t)(number + 1));
}

void heat_forget(const struct cell_module *m)
{
        if (m->heat)
                set_pages(m, 0);
}

struct hot {
        uint32_t function, ms;
};

static int hottest_first(const void *a, const void *b)
{
        uint32_t x = ((const struct hot *)a)->ms, y = ((const struct hot *)b)->ms;

        return (y > x) - (y < x);
}

static int by_index(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

/* All functions with a sample; the counts may grow meanwhile. */
static struct hot *list_hot(const struct cell_module *m, uint32_t *ret_n)
{
        uint32_t n = 0, room = 0;
        struct hot *list;

        for (uint32_t k = 0; k < m->artefact->nfunctions; k++)
                room += m->heat[k] != 0;
        list = calloc(room + 1, sizeof(*list));
        for (uint32_t k = 0; k < m->artefact->nfunctions && list && n < room; k++)
                if (m->heat[k])
                        list[n++] = (struct hot) { k, m->heat[k] };
        *ret_n = n;
        return list;
}

/* The few that take nearly all of the time, in the order of their indices. */
static int report(struct cell *c, uint32_t number, bool wait)
{
        struct cell_module *m = c->modules[number];
        uint32_t samples = m->heat_ms, n = 0;
        struct heat_message message = { .head = { MESSAGE_HEAT, c->alone ? c->id : 0 }, .module = number,
                                        .samples = samples };
        _cleanup_free_ struct hot *list = list_hot(m, &n);
        uint64_t covered = 0;

        m->heat_told_at = samples < HEAT_LAST_MS / HEAT_AGAIN ? samples * HEAT_AGAIN : UINT32_MAX;
        if (!list || !n)
                return 0;
        qsort(list, n, sizeof(*list), hottest_first);
        for (uint32_t i = 0; i < n && message.n < HEAT_FUNCTIONS_MAX && covered * 100 < (uint64_t)samples * HEAT_SHARE;
             i++) {
                message.functions[message.n++] = m->artefact->module->imported_functions + list[i].function;
                covered += list[i].ms;
        }
        qsort(message.functions, message.n, sizeof(message.functions[0]), by_index);
        return wait ? channel_send(c, &message, sizeof(message)) : channel_try(&message, sizeof(message));
}

int heat_report(struct cell *c)
{
        for (uint32_t i = 0; i < c->nmodules; i++) {
                const struct cell_module *m = c->modules[i];
                int r = m && m->heat && m->heat_ms >= m->heat_told_at ? report(c, i, true) : 0;

                if (r < 0)
                        return r;
        }
        return 0;
}

void heat_tell(struct cell *c)
{
        uint32_t number = due;

        due = 0;
        /* A broker that does not keep up hears of it when there is more to tell. */
        if (number)
                (void)report(c, number - 1, false);
}
