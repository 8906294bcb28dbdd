/* queue.c - a heap of guests; see nano.h. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "supervisor/cell/nano.h"

int queue_room(struct queue *q, uint32_t n)
{
        struct queue_entry *more;
        uint32_t room = q->room ? q->room : 64;

        if (n <= q->room)
                return 0;
        while (room < n)
                room *= 2;
        more = calloc(room, sizeof(*more));
        if (!more)
                return -ENOMEM;
        if (q->n)
                memcpy(more, q->entries, q->n * sizeof(*more));
        free(q->entries);
        q->entries = more;
        q->room = room;
        return 0;
}

static bool before(const struct queue_entry *a, const struct queue_entry *b)
{
        return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void rise(struct queue *q, uint32_t at)
{
        struct queue_entry e = q->entries[at];

        while (at && before(&e, &q->entries[(at - 1) / 2])) {
                q->entries[at] = q->entries[(at - 1) / 2];
                at = (at - 1) / 2;
        }
        q->entries[at] = e;
}

static void sink(struct queue *q, uint32_t at)
{
        struct queue_entry e = q->entries[at];

        for (;;) {
                uint32_t child = 2 * at + 1;

                if (child >= q->n)
                        break;
                if (child + 1 < q->n && before(&q->entries[child + 1], &q->entries[child]))
                        child++;
                if (!before(&q->entries[child], &e))
                        break;
                q->entries[at] = q->entries[child];
                at = child;
        }
        q->entries[at] = e;
}

void queue_put(struct queue *q, uint64_t key, struct guest *g)
{
        q->entries[q->n] = (struct queue_entry) { key, q->order++, g };
        rise(q, q->n++);
}

static void drop(struct queue *q, uint32_t at)
{
        if (at == --q->n)
                return;
        q->entries[at] = q->entries[q->n];
        sink(q, at);
        rise(q, at);
}

struct guest *queue_take(struct queue *q)
{
        struct guest *g;

        if (!q->n)
                return NULL;
        g = q->entries[0].guest;
        drop(q, 0);
        return g;
}
