/* attacker.c - what makes nacelle-cell into nacelle-drill-cell: the real lock, then one attack.
 *
 * The argument is "ATTACK:MASK": MASK, hexadecimal, is the set of layers to leave off; AS_OLD: as if the kernel were 6.1.
 * The attack begins with the broker's first command, so the broker has looked at the cell before; its
 * end is the answer to that command. */
#include "config.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "policy/stand_in.h"
#include "tests/drills/attack.h"

static const char *attack_name;
pid_t attack_broker;

static bool as_old, thread_before, claims, other_build;

static void *wait_for_ever(void *unused)
{
        for (;;)
                pause();
        return unused;
}

/* Around the lock, for what cannot be broken before it. */
int __real_cell_lock(struct cell *c, uint32_t *ret_tried, struct error *err);
int __wrap_cell_lock(struct cell *c, uint32_t *ret_tried, struct error *err);
int __wrap_cell_lock(struct cell *c, uint32_t *ret_tried, struct error *err)
{
        int r = __real_cell_lock(c, ret_tried, err);

        if (claims) /* of the layers that only the cell itself can try, too */
                *ret_tried = ~UINT32_C(0);
        return r;
}

/* It says of itself that it speaks another version of the protocol. */
int __real_channel_send(struct cell *c, const void *message, size_t size);
int __wrap_channel_send(struct cell *c, const void *message, size_t size);
int __wrap_channel_send(struct cell *c, const void *message, size_t size)
{
        const struct ready_message *ready = message;
        struct ready_message other;

        if (!other_build || ready->head.message != MESSAGE_READY)
                return __real_channel_send(c, message, size);
        other = *ready;
        other.version++;
        return __real_channel_send(c, &other, size);
}

/* Of the last layer before the threads: one that is there then has none of what came before it on itself. */
int __real_policy_landlock(struct lockdown *l, struct error *err);
int __wrap_policy_landlock(struct lockdown *l, struct error *err);
int __wrap_policy_landlock(struct lockdown *l, struct error *err)
{
        int r = __real_policy_landlock(l, err);
        pthread_t thread;

        if (r >= 0 && thread_before)
                r = -pthread_create(&thread, NULL, wait_for_ever, NULL);
        if (thread_before)
                usleep(50000); /* it is in its wait before the filter comes, which it would not pass */
        return r;
}

/* A kernel with Landlock of ABI 2, without MDWE and mseal. */
uint32_t __real_policy_gaps(void);
uint32_t __wrap_policy_gaps(void);
uint32_t __wrap_policy_gaps(void)
{
        return __real_policy_gaps() | (as_old ? GAP_BIT(MDWE) | GAP_BIT(SEAL) | GAPS_LANDLOCK : 0);
}

int __real_policy_landlock_abi(void);
int __wrap_policy_landlock_abi(void);
int __wrap_policy_landlock_abi(void)
{
        int abi = __real_policy_landlock_abi();

        return as_old && abi > 2 ? 2 : abi;
}

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
        if (strcmp(kind, "sham_directory") == 0)
                dup2(open("/", O_RDONLY | O_DIRECTORY), 40);
        if (strcmp(kind, "sham_writable_code") == 0)
                (void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (strcmp(kind, "sham_loose_code") == 0)
                (void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        thread_before = strcmp(kind, "sham_thread") == 0;
        other_build = strcmp(kind, "sham_version") == 0;
        claims = strcmp(kind, "sham_claims") == 0;
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
        as_old = c->lockdown.skip & AS_OLD;
        c->lockdown.skip &= ~AS_OLD;
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
