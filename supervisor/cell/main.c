/* main.c - nacelle-cell: locks itself down, says so, and serves the broker until it is gone.
 *
 * Started by the broker alone, with its socket at FD_BROKER and the code arena at FD_ARENA. */
#include "config.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/cell/nano.h"

/* Before the lock, and when it fails: the socket by the C library. */
static _noreturn_ void fail(const struct error *err)
{
        struct failed_message m = { .head.message = MESSAGE_FAILED, .code = err->code,
                                    .stage = err->stage, .offset = err->offset };

        memcpy(m.text, err->text, sizeof(m.text));
        _exit(write(FD_BROKER, &m, sizeof(m)) == sizeof(m) ? CELL_EXIT_TOLD : CELL_EXIT_MUTE);
}

static void start(void *argument)
{
        struct cell *c = argument;
        struct ready_message ready = { .head.message = MESSAGE_READY, .version = PROTO_VERSION,
                                       .missing = c->lockdown.missing, .tried = c->tried,
                                       .threads = ring_kind(c->ring) == RING_THREADS };

        if (channel_send(c, &ready, sizeof(ready)) >= 0) {
                cell_attack(c);
                control_main(c);
        }
}

int main(int argc, char **argv)
{
        static struct cell cell;
        struct cell *c = &cell;
        struct error err = { 0 };

        /* A guest whose reader went away gets an errno; the signal would end all of its neighbours. */
        signal(SIGPIPE, SIG_IGN);
        cell_argument(c, argc > 1 ? argv[1] : NULL);
        if (fiber_new(CELL_STACK_BYTES, &c->control, &err) < 0 || cell_lock(c, &c->tried, &err) < 0)
                fail(&err);
        fiber_start(c->control, start, c);
        if (!fiber_resume(c->control))
                _exit(0);
        worker_main(&c->workers[0]);
}
