#include <sys/mman.h>

#include "engine/instance/store.h"

uint8_t *slot_new(size_t below, uint64_t memory, uint64_t reserve, struct mapping *ret)
{
        size_t bytes = below + reserve;
        uint8_t *start = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                              -1, 0);

        if (start == MAP_FAILED)
                return NULL;
        if (below + memory && mprotect(start, below + memory, PROT_READ | PROT_WRITE) < 0) {
                munmap(start, bytes);
                return NULL;
        }
        *ret = (struct mapping) { start, bytes };
        return start + below;
}

void slot_free(struct mapping *map)
{
        if (map->start)
                munmap(map->start, map->bytes);
        *map = (struct mapping) { 0 };
}
