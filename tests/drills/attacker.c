/* attacker.c - what makes nacelle-cell into nacelle-drill-cell: the real lock, then one attack.
 *
 * The argument is "ATTACK:MASK": MASK, hexadecimal, is the set of layers to leave off.
 * The attack begins with the broker's first command, so the broker has looked at the cell before; its
 * end is the answer to that command. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/drills/attack.h"

static const char *attack_name;
pid_t attack_broker;

/* A cell that is not locked down as it says, before the lock: what the broker must see by itself. */
static bool lie(struct cell *c, const char *kind)
{
        static const struct {
                const char *kind;
                unsigned setup;
                bool personality;
        } rings[] = { { "sham_ring", 0, false }, { "sham_ring_thread", 2 /* SQPOLL */, false },
                      { "sham_personality", 0, true } };
        uint32_t params[30] = { 0 };

        if (strncmp(kind, "sham_", 5) != 0)
                return false;
        c->lockdown.missing = 0;
        if (strcmp(kind, "sham_descriptor") == 0)
                dup2(FD_BROKER, 40);
        for (size_t i = 0; i < ELEMENTSOF(rings); i++) {
                int fd;

                if (strcmp(kind, rings[i].kind) != 0)
                        continue;
                params[2] = rings[i].setup;
                fd = (int)syscall(SYS_io_uring_setup, 4, params);
                dup2(fd, 40);
                close(fd);
                if (rings[i].personality)
                        syscall(SYS_io_uring_register, 40, 9 /* personality */, NULL, 0);
        }
        attack_name = "lie"; /* nothing is left to do when it was believed */
        return true;
}

void cell_argument(struct cell *c, const char *argument)
{
        const char *mask = argument ? strrchr(argument, ':') : NULL;

        attack_broker = getppid();
        if (!argument || !mask)
                _exit(64);
        attack_name = strndup(argument, (size_t)(mask - argument));
        c->lockdown.skip = (uint32_t)strtoul(mask + 1, NULL, 16);
        c->lockdown.missing = c->lockdown.skip; /* the broker must not hold it against us */
        (void)lie(c, attack_name);
}

static const struct attack *find(const char *name)
{
        static const struct attack *const tables[] = { attacks_calls, attacks_ring, attacks_code,
                                                       attacks_broker };

        for (size_t t = 0; t < ELEMENTSOF(tables); t++)
                for (const struct attack *a = tables[t]; a->name; a++)
                        if (strcmp(a->name, name) == 0)
                                return a;
        return NULL;
}

static long run(struct cell *c)
{
        const struct attack *a = find(attack_name);

        return a ? a->run(c) : attack_row(c, attack_name);
}

void cell_attack(struct cell *c)
{
        struct received r = { 0 };
        struct error err = { 0 };
        long got;

        if (channel_receive(c, &r) < 0)
                _exit(65);
        for (unsigned i = 0; i < r.nfds; i++)
                close(r.fds[i]);
        c->id = c->in.head.id;
        got = run(c);
        if (got >= 0)
                error_set(&err, STAGE_CELL, -ENOTRECOVERABLE, ERROR_NOWHERE, "through");
        else
                error_set(&err, STAGE_CELL, (int)got, ERROR_NOWHERE, "refused");
        reply_error(c, &err);
        _exit(0);
}
