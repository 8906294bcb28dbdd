/* An open-addressing hash map of integers: insert, find, remove. */
#include "kernel.h"

#define SLOTS 8192

static struct slot { uint32_t key, value; } slots[SLOTS];

static uint32_t hash(uint32_t key)
{
        key ^= key >> 16;
        key *= 0x7feb352du;
        key ^= key >> 15;
        return key & (SLOTS - 1);
}

static NOINLINE struct slot *find(uint32_t key)
{
        uint32_t at = hash(key);

        while (slots[at].key && slots[at].key != key)
                at = (at + 1) & (SLOTS - 1);
        return &slots[at];
}

KERNEL(hashmap)
{
        uint32_t random = 4711;
        uint64_t sum = 0;

        for (uint32_t round = 0; round < n; round++) {
                for (int i = 0; i < SLOTS; i++)
                        slots[i] = (struct slot) { 0, 0 };
                for (uint32_t i = 0; i < SLOTS / 2; i++) {
                        struct slot *s = find(next_random(&random) % 65535 + 1);

                        s->key = s->key ? s->key : random % 65535 + 1;
                        s->value += i;
                }
                for (uint32_t i = 1; i < SLOTS; i++)
                        sum += find(i * 8)->value;
        }
        return sum;
}
