/* Shortest paths on a grid with a binary heap. */
#include "kernel.h"

#define S 64
#define N (S * S)

static uint32_t distance[N], position_cost[N];
static uint64_t queue[8 * N];
static uint32_t queued;

static void push(uint64_t entry)
{
        uint32_t i = queued++;

        while (i && queue[(i - 1) / 2] > entry) {
                queue[i] = queue[(i - 1) / 2];
                i = (i - 1) / 2;
        }
        queue[i] = entry;
}

static uint64_t pop(void)
{
        uint64_t top = queue[0], last = queue[--queued];
        uint32_t i = 0;

        for (;;) {
                uint32_t child = 2 * i + 1;

                if (child >= queued)
                        break;
                if (child + 1 < queued && queue[child + 1] < queue[child])
                        child++;
                if (queue[child] >= last)
                        break;
                queue[i] = queue[child];
                i = child;
        }
        queue[i] = last;
        return top;
}

static void relax(uint32_t to, uint64_t from_distance)
{
        uint64_t d = from_distance + position_cost[to];

        if (d < distance[to]) {
                distance[to] = (uint32_t)d;
                push(d << 32 | to);
        }
}

KERNEL(dijkstra)
{
        uint32_t random = 99;
        uint64_t sum = 0;

        for (uint32_t round = 0; round < n; round++) {
                for (int i = 0; i < N; i++) {
                        position_cost[i] = next_random(&random) % 9 + 1;
                        distance[i] = UINT32_MAX;
                }
                distance[0] = 0;
                queued = 0;
                push(0);
                while (queued) {
                        uint64_t e = pop();
                        uint32_t at = (uint32_t)e, x = at % S, y = at / S;

                        if (e >> 32 != distance[at])
                                continue;
                        if (x > 0)
                                relax(at - 1, e >> 32);
                        if (x < S - 1)
                                relax(at + 1, e >> 32);
                        if (y > 0)
                                relax(at - S, e >> 32);
                        if (y < S - 1)
                                relax(at + S, e >> 32);
                }
                sum = mix(sum, distance[N - 1]);
        }
        return sum;
}
