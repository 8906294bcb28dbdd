/* restore.c - the memory and the stack of a slot as they were before its guest.
 *
 * Writing a page costs some 40 ns, a system call 200 and more, and a page that the kernel took back
 * costs 2 us when the next guest touches it. So what is small is written, without asking which
 * pages of it are dirty; above that the kernel is asked (PAGEMAP_SCAN) and the pages that it names
 * are written; and what is beyond the figure to keep is given back. */
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "engine/instance/slot.h"

/* include/uapi/linux/fs.h, Linux 6.7 */
struct scan_region {
        uint64_t start, end, categories;
};

struct scan_request {
        uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
        uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define SCAN_REQUEST  _IOWR('f', 16, struct scan_request)
#define SCAN_FILE     (UINT64_C(1) << 2)
#define SCAN_PRESENT  (UINT64_C(1) << 3)
#define SCAN_SWAPPED  (UINT64_C(1) << 4)
#define SCAN_ZERO     (UINT64_C(1) << 5)

#define REGIONS       64u
#define KEEP_TIMES    16u /* of keep_bytes, when dirty_bytes is not given */
#define TRIM_EVERY    32u /* resets without a system call, between two that look at the stack */

/* [@from, @to) of the memory of @t at @base, as it is at first. */
static void write_back(const struct template *t, uint8_t *base, uint64_t from, uint64_t to)
{
        uint64_t low = t->image_at, high = t->image_at + t->image_bytes;

        low = low < from ? from : low > to ? to : low;
        high = high < low ? low : high > to ? to : high;
        if (from < to) /* a module without memory has nothing at @base either */
                memset(base + from, 0, low - from);
        if (low < high)
                memcpy(base + low, t->image + (low - t->image_at), high - low);
        if (high < to)
                memset(base + high, 0, to - high);
}

int slot_image(const struct template *t, uint8_t *base)
{
        if (!t->image_bytes)
                return 0;
        if (!t->image_mapped) {
                memcpy(base + t->image_at, t->image, t->image_bytes);
                return 0;
        }
        return mmap(base + t->image_at, t->image_bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_FIXED, t->fd, (off_t)t->a->image.offset) == MAP_FAILED ? -errno : 0;
}

/* Give pages back: they are zero then, or the file's again. */
static void give_back(uint8_t *at, size_t bytes)
{
        if (bytes && madvise(at, bytes, MADV_DONTNEED) < 0)
                abort();
}

/* [@from, @to) as at first, the pages given back. */
static void drop(const struct template *t, uint8_t *base, uint64_t from, uint64_t to)
{
        uint64_t low = t->image_at > from ? t->image_at : from;
        uint64_t high = t->image_at + t->image_bytes < to ? t->image_at + t->image_bytes : to;

        give_back(base + from, to - from);
        if (!t->image_mapped && low < high)
                memcpy(base + low, t->image + (low - t->image_at), high - low);
}

static long scan(const struct slots *s, uint8_t *from, uint8_t *to, struct scan_region *regions,
                 uint8_t **ret_end)
{
        struct scan_request request = {
                .size = sizeof(request),
                .start = (uintptr_t)from, .end = (uintptr_t)to,
                .vec = (uintptr_t)regions, .vec_len = REGIONS,
                /* Neither a clean page of the image nor the one page of zeros. A page in swap is
                 * dirty all the same. */
                .category_inverted = SCAN_FILE | SCAN_ZERO,
                .category_mask = SCAN_FILE | SCAN_ZERO,
                .category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
                .return_mask = SCAN_PRESENT,
        };
        long n = ioctl(s->o.pagemap, SCAN_REQUEST, &request);

        *ret_end = (uint8_t *)(uintptr_t)request.walk_end;
        return n;
}

/* The pages of memory that the guest wrote, by the kernel's word; false when it has none. */
static bool restore_scanned(struct slot *slot, uint64_t bytes)
{
        const struct template *t = slot->template;
        const struct slots *s = t->slots;
        uint8_t *base = slot->base, *from = base, *to = base + bytes;
        uint64_t budget = s->o.dirty_bytes ? s->o.dirty_bytes : s->o.keep_bytes * KEEP_TIMES;
        struct scan_region regions[REGIONS];

        while (from < to) {
                long n = scan(s, from, to, regions, &from);

                if (n < 0 || (n == 0 && from < to))
                        return false;
                for (long k = 0; k < n; k++) {
                        uint64_t low = regions[k].start - (uintptr_t)base;
                        uint64_t high = regions[k].end - (uintptr_t)base;

                        /* One call for all of the rest, instead of one for each piece. */
                        if (high - low > budget) {
                                drop(t, base, low, bytes);
                                return true;
                        }
                        budget -= high - low;
                        write_back(t, base, low, high);
                }
        }
        return true;
}

/* Without the kernel's word: the first part is written, the rest given back. */
static void restore_blindly(struct slot *slot, uint64_t bytes)
{
        const struct template *t = slot->template;
        uint64_t keep = t->slots->o.keep_bytes < bytes ? t->slots->o.keep_bytes : bytes;

        if (t->image_mapped)
                keep = 0; /* writing would make private copies of clean pages */
        write_back(t, slot->base, 0, keep);
        if (keep < bytes)
                drop(t, slot->base, keep, bytes);
}

/* What the memory grew by is out of reach again, and zero. */
static void shrink(const struct slot *slot, uint64_t first, uint64_t end, bool is_zero)
{
        if (is_zero && mprotect(slot->base + first, end - first, PROT_NONE) == 0)
                return;
        if (mmap(slot->base + first, end - first, PROT_NONE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
                abort();
}

void slot_restore(struct slot *slot, uint64_t bytes)
{
        const struct template *t = slot->template;
        const struct slots *s = t->slots;
        uint64_t first = slot_page_up(t->memory_bytes), end = slot_page_up(bytes);
        bool grown = end > first && !s->dense, all = true;
        uint8_t *kept = slot_stack_kept(slot), *stack = slots_stack(s, slot->base);

        fiber_scrub(slot->fiber, (size_t)(slot_stack_high(slot) - kept));
        /* A deep stack is not kept for ever; to look each time would cost a system call. */
        if (slot->uses % TRIM_EVERY == 0)
                give_back(stack, (size_t)(kept - stack));
        if (end <= s->o.keep_bytes && !t->image_mapped) {
                write_back(t, slot->base, 0, end);
        } else if (s->o.pagemap < 0 || !restore_scanned(slot, end)) {
                all = !grown;
                restore_blindly(slot, all ? end : first);
        }
        if (grown)
                shrink(slot, first, end, all);
}
