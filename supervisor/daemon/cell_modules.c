/* cell_modules.c - see cell_modules.h. */
#include "config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/daemon/cell_modules.h"
#include "supervisor/daemon/improve.h"

static struct module_entry *find_number(const struct cell_modules *m, uint32_t number)
{
        for (unsigned i = 0; i < m->n; i++)
                if (m->list[i].number == number)
                        return &m->list[i];
        return NULL;
}

static int find_or_load(struct cell_modules *m, struct guest_cell *cell, int artefact, struct module_entry **ret,
                        struct error *err)
{
        struct module_entry *list;
        uint32_t number = 0;
        struct stat st;
        int fd, r;

        if (fstat(artefact, &st) < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "artefact: %m");
        for (unsigned i = 0; i < m->n; i++)
                if (m->list[i].dev == st.st_dev && m->list[i].ino == st.st_ino) {
                        *ret = &m->list[i];
                        return 0;
                }
        list = reallocarray(m->list, m->n + 1, sizeof(*list));
        fd = fcntl(artefact, F_DUPFD_CLOEXEC, 3);
        if (list)
                m->list = list;
        if (!list || fd < 0) {
                closep(&fd);
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "artefact: out of memory");
        }
        r = cell_load(cell, artefact, &number, err);
        if (r < 0) {
                close(fd);
                return r;
        }
        *ret = &m->list[m->n++];
        **ret = (struct module_entry) { .dev = st.st_dev, .ino = st.st_ino, .fd = fd, .number = number };
        return 0;
}

int modules_use(struct cell_modules *m, struct guest_cell *cell, struct service *s, uint32_t *ret_number,
                enum tier *ret_tier, struct error *err)
{
        struct module_entry *e = NULL;
        int r = find_or_load(m, cell, service_code(s, ret_tier), &e, err);

        if (r < 0 && r != -ENOSPC && s->better >= 0) {
                improve_rejected(s, err->text);
                r = find_or_load(m, cell, service_code(s, ret_tier), &e, err);
        }
        if (r < 0)
                return r;
        e->work = improve_work(s);
        *ret_number = e->number;
        return 0;
}

int modules_use_artefact(struct cell_modules *m, struct guest_cell *cell, int artefact, uint32_t *ret_number,
                         struct error *err)
{
        struct module_entry *e = NULL;
        int r = find_or_load(m, cell, artefact, &e, err);

        if (r >= 0)
                *ret_number = e->number;
        return r;
}

void modules_enter(struct cell_modules *m, uint32_t number)
{
        struct module_entry *e = find_number(m, number);

        if (e)
                e->users++;
}

void modules_leave(struct cell_modules *m, struct guest_cell *cell, uint32_t number)
{
        struct module_entry *e = find_number(m, number);

        (void)cell;
        if (e && e->users)
                e->users--;
}

uint64_t modules_work(const struct cell_modules *m, uint32_t number)
{
        const struct module_entry *e = find_number(m, number);

        return e ? e->work : 0;
}

void modules_done(struct cell_modules *m)
{
        for (unsigned i = 0; i < m->n; i++)
                close(m->list[i].fd);
        free(m->list);
        *m = (struct cell_modules) { 0 };
}
