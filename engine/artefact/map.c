#include "engine/artefact/artefact.h"

/* The next uleb of at most 64 bits; false at the end. */
static bool next(const uint8_t **p, const uint8_t *end, uint64_t *ret)
{
        uint64_t value = 0;

        for (unsigned shift = 0; shift < 64 && *p < end; shift += 7) {
                uint8_t byte = *(*p)++;

                value |= (uint64_t)(byte & 0x7f) << shift;
                if (!(byte & 0x80)) {
                        *ret = value;
                        return true;
                }
        }
        return false;
}

bool artefact_map_pc(const struct artefact *a, uint32_t k, uint32_t pc, bool call,
                     uint64_t *ret_offset)
{
        const uint8_t *maps = a->bytes + a->maps.offset, *p, *end;
        uint64_t at = 0, offset, pc_delta, zigzag;
        uint64_t last = (uint64_t)pc + !call; /* a line begins one byte late, see compile.h */
        bool found = false;

        if (k >= a->nfunctions)
                return false;
        p = maps + a->map_offsets[k];
        end = maps + a->map_offsets[k + 1];
        offset = a->bodies[k];
        while (next(&p, end, &pc_delta) && next(&p, end, &zigzag)) {
                at += pc_delta;
                offset += (zigzag >> 1) ^ -(zigzag & 1);
                if (at > last)
                        break;
                *ret_offset = offset;
                found = true;
                /* A call's return address may be the address of an instruction that traps: the
                 * call comes first. */
                if (call && at == pc)
                        break;
        }
        return found;
}

uint32_t artefact_function_at(const struct artefact *a, uint64_t pc)
{
        uint32_t low = 0, high = a->nfunctions;

        if (!a->nfunctions || pc < a->offsets[0] || pc >= a->offsets[a->nfunctions])
                return UINT32_MAX;
        while (high - low > 1) { /* offsets[low] <= pc < offsets[high] */
                uint32_t middle = low + (high - low) / 2;

                if (a->offsets[middle] <= pc)
                        low = middle;
                else
                        high = middle;
        }
        return low;
}
