#include <string.h>

#include "engine/artefact/format.h"

/* A module that names a byte here and a byte 3 GiB on would make an image of 3 GiB: what is mostly
 * holes is written when the instance is made. */
#define IMAGE_SLACK_BYTES (UINT64_C(1) << 20)
#define IMAGE_MAX_BYTES   (UINT64_C(1) << 30)

/* Where the segment lies, when that is known now and inside the memory's first size: such a
 * segment cannot trap. */
static bool segment_at(const struct module *m, const struct data_segment *d, uint64_t *ret)
{
        const struct const_op *op = d->at.ops;
        const struct memtype *type = &m->memories[0].type;
        uint64_t at, bytes = memtype_bytes(type, type->size.min);

        if (d->memory != 0 || m->imported_memories != 0 || d->at.nops != 1)
                return false;
        if (op->op == OP_I32_CONST)
                at = (uint32_t)op->value[0];
        else if (op->op == OP_I64_CONST)
                at = op->value[0];
        else
                return false;
        if (d->bytes.size > bytes || at > bytes - d->bytes.size)
                return false;
        *ret = at;
        return true;
}

/* How many segments from the first on can be folded, and the pages that they span. */
static uint32_t image_span(const struct module *m, uint64_t *ret_low, uint64_t *ret_high)
{
        uint64_t low = UINT64_MAX, high = 0, filled = 0;
        uint32_t i;

        for (i = 0; i < m->ndatas; i++) {
                const struct data_segment *d = &m->datas[i];
                uint64_t at, l, h;

                if (d->mode != SEGMENT_ACTIVE)
                        continue;
                if (!segment_at(m, d, &at))
                        break;
                if (!d->bytes.size)
                        continue;
                l = at & ~(uint64_t)(ARTEFACT_PAGE - 1);
                h = (at + d->bytes.size + ARTEFACT_PAGE - 1) & ~(uint64_t)(ARTEFACT_PAGE - 1);
                l = l < low ? l : low;
                h = h > high ? h : high;
                filled += d->bytes.size;
                if (h - l > 4 * filled + IMAGE_SLACK_BYTES || h - l > IMAGE_MAX_BYTES)
                        break;
                low = l;
                high = h;
        }
        *ret_low = high ? low : 0;
        *ret_high = high;
        return i;
}

void image_build(const struct module *m, struct image *ret)
{
        uint64_t low, high;
        uint8_t *p;

        *ret = (struct image) { 0 };
        if (!m->nmemories)
                return;
        ret->folded = image_span(m, &low, &high);
        ret->at = low;
        p = buffer_reserve(&ret->bytes, high - low);
        if (!p || high == low)
                return;
        memset(p, 0, high - low);
        ret->bytes.size = high - low;
        for (uint32_t i = 0; i < ret->folded; i++) {
                const struct data_segment *d = &m->datas[i];
                uint64_t at;

                if (d->mode == SEGMENT_ACTIVE && segment_at(m, d, &at) && d->bytes.size)
                        memcpy(p + (at - low), m->bytes + d->bytes.offset, d->bytes.size);
        }
}
