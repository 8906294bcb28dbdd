/* table.c - guests by the broker's number for them. Looked up for KILL only. */
#include "config.h"

#include <stdlib.h>

#include "supervisor/cell/nano.h"

#define CHAINS 16384u

static struct guest **chains;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct guest **chain_of(uint64_t number)
{
        return &chains[(number * UINT64_C(0x9e3779b97f4a7c15)) >> 50];
}

_Static_assert(CHAINS == 1u << (64 - 50), "as many chains as the hash has values");

static struct guest *find(uint64_t number)
{
        struct guest *g = chains ? *chain_of(number) : NULL;

        while (g && g->number != number)
                g = g->next;
        return g;
}

int table_add(struct guest *g)
{
        int r = 0;

        pthread_mutex_lock(&lock);
        if (!chains)
                chains = calloc(CHAINS, sizeof(struct guest *));
        if (!chains)
                r = -ENOMEM;
        else if (find(g->number))
                r = -EEXIST;
        if (r == 0) {
                g->next = *chain_of(g->number);
                *chain_of(g->number) = g;
        }
        pthread_mutex_unlock(&lock);
        return r;
}

void table_remove(struct guest *g)
{
        struct guest **p;

        pthread_mutex_lock(&lock);
        for (p = chain_of(g->number); *p && *p != g;)
                p = &(*p)->next;
        if (*p) /* a second guest of one number was never put in */
                *p = g->next;
        pthread_mutex_unlock(&lock);
}

/* Under the lock: whoever removes a guest from the table knows that no new post of it is under way. */
bool table_find_and_post(uint64_t number, unsigned what)
{
        struct guest *g;

        pthread_mutex_lock(&lock);
        g = find(number);
        if (g)
                worker_post(g, what);
        pthread_mutex_unlock(&lock);
        return g != NULL;
}
