/* heat.c - which functions of the guest take the time, for the optimiser.
 *
 * A timer of the process's own CPU time interrupts what runs; the handler counts the function at
 * the pc. That costs the guest's code nothing, where counters in it would cost each call and each
 * turn of a loop. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>

#include "supervisor/cell/cell.h"

#define HEAT_TICK_US     4000  /* of CPU time between two samples */
#define HEAT_SAMPLES_MIN 25    /* less than 100 ms of guest code is not worth a compilation */
#define HEAT_SHARE       97    /* percent of the samples that the named functions cover */

/* Read by the signal handler: set once, before guest code runs. */
static struct {
        const uint8_t *code;
        const struct artefact *artefact;
        uint32_t *counts; /* of each defined function */
        uint32_t samples;
} heat;

void heat_sample(uint64_t pc)
{
        uint32_t k;

        if (!heat.counts || pc < (uint64_t)heat.code)
                return;
        k = artefact_function_at(heat.artefact, pc - (uint64_t)heat.code);
        if (k == UINT32_MAX)
                return;
        heat.counts[k]++;
        heat.samples++;
}

static void on_tick(int signal, siginfo_t *info, void *context)
{
        const ucontext_t *u = context;

        (void)signal;
        (void)info;
        heat_sample((uint64_t)u->uc_mcontext.gregs[REG_RIP]);
}

int heat_start(struct error *err)
{
        struct sigaction action = { .sa_sigaction = on_tick,
                                    .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };
        struct itimerval every = { { 0, HEAT_TICK_US }, { 0, HEAT_TICK_US } };

        sigfillset(&action.sa_mask);
        if (sigaction(SIGPROF, &action, NULL) < 0 || setitimer(ITIMER_PROF, &every, NULL) < 0)
                return error_set(err, STAGE_CELL, -errno, ERROR_NOWHERE, "profiling timer: %m");
        return 0;
}

void heat_watch(const struct artefact *artefact, const uint8_t *code)
{
        uint32_t *counts = heat.counts ? NULL : calloc((size_t)artefact->nfunctions + 1, sizeof(*counts));

        if (!counts)
                return;
        heat.artefact = artefact;
        heat.code = code;
        heat.counts = counts;
}

/* The hottest function that is not in @m yet, UINT32_MAX: none has a sample. */
static uint32_t take_hottest(uint32_t *counts)
{
        uint32_t best = UINT32_MAX;

        for (uint32_t k = 0; k < heat.artefact->nfunctions; k++)
                if (counts[k] && (best == UINT32_MAX || counts[k] > counts[best]))
                        best = k;
        return best;
}

static int by_index(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

int heat_report(struct cell *c)
{
        struct heat_message m = { .head = { MESSAGE_HEAT, c->id } };
        uint64_t covered = 0;
        uint32_t *counts = heat.counts, samples = heat.samples, k;

        heat.counts = NULL; /* once: the handler counts no more */
        if (!counts || samples < HEAT_SAMPLES_MIN)
                return 0;
        while (m.n < HEAT_FUNCTIONS_MAX && covered * 100 < (uint64_t)samples * HEAT_SHARE &&
               (k = take_hottest(counts)) != UINT32_MAX) {
                m.functions[m.n++] = heat.artefact->module->imported_functions + k;
                covered += counts[k];
                counts[k] = 0;
        }
        free(counts);
        qsort(m.functions, m.n, sizeof(m.functions[0]), by_index);
        m.samples = samples;
        return channel_send(c, &m, sizeof(m));
}
