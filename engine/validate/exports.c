/* No name is exported twice. Sorted and compared: names are the guest's, and no hash of them is
 * without its worst case. */
#include "engine/validate/checker.h"

static int name_order(const void *a, const void *b)
{
        const struct export *x = *(const struct export *const *)a;
        const struct export *y = *(const struct export *const *)b;

        if (x->name.size != y->name.size)
                return x->name.size < y->name.size ? -1 : 1;
        return memcmp(x->name.bytes, y->name.bytes, x->name.size);
}

static int full_order(const void *a, const void *b)
{
        const struct export *x = *(const struct export *const *)a;
        const struct export *y = *(const struct export *const *)b;
        int order = name_order(a, b);

        return order ? order : x < y ? -1 : x > y;
}

int check_exports(struct checker *k)
{
        const struct module *m = k->m;
        _cleanup_free_ const struct export **sorted = NULL;
        const struct export *first = NULL;

        if (m->nexports < 2)
                return 0;
        sorted = calloc(m->nexports, sizeof(*sorted));
        if (!sorted)
                return checker_error(k, -ENOMEM, ERROR_NOWHERE, "out of memory");
        for (uint32_t i = 0; i < m->nexports; i++)
                sorted[i] = &m->exports[i];
        qsort(sorted, m->nexports, sizeof(*sorted), full_order);
        for (uint32_t i = 1; i < m->nexports; i++)
                if (name_order(&sorted[i - 1], &sorted[i]) == 0 && (!first || sorted[i] < first))
                        first = sorted[i];
        if (!first)
                return 0;
        return checker_error(k, -EBADMSG, first->offset, "duplicate export name \"%.*s\"",
                             (int)(first->name.size < 100 ? first->name.size : 100),
                             first->name.bytes);
}
