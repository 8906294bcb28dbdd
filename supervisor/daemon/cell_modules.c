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

        if (r < 0 && r != -ENOSPC && r != -E2BIG && !cell_is_gone(cell) && s->better >= 0) {
                improve_rejected(s, err->text);
                r = find_or_load(m, cell, service_code(s, ret_tier), &e, err);
        }
        if (r < 0)
                return r;
        e->work = improve_work(s);
        e->old = false;
        *ret_number = e->number;
        return 0;
}

int modules_use_artefact(struct cell_modules *m, struct guest_cell *cell, int artefact, uint32_t *ret_number,
                         struct error *err)
{
        struct module_entry *e = NULL;
        int r = find_or_load(m, cell, artefact, &e, err);

        if (r < 0)
                return r;
        e->old = false;
        *ret_number = e->number;
        return 0;
}

void modules_enter(struct cell_modules *m, uint32_t number)
{
        struct module_entry *e = find_number(m, number);

        if (e)
                e->users++;
}

static void unload(struct cell_modules *m, struct guest_cell *cell, struct module_entry *e)
{
        (void)cell_unload(cell, e->number); /* a dead cell has nothing to give up */
        close(e->fd);
        *e = m->list[--m->n];
}

void modules_leave(struct cell_modules *m, struct guest_cell *cell, uint32_t number)
{
        struct module_entry *e = find_number(m, number);

        if (e && e->users && --e->users == 0 && e->old)
                unload(m, cell, e);
}

struct file {
        dev_t dev;
        ino_t ino;
};

static void add_file(struct file *files, unsigned *n, int fd)
{
        struct stat st;

        if (fd >= 0 && fstat(fd, &st) == 0)
                files[(*n)++] = (struct file) { st.st_dev, st.st_ino };
}

/* What guests are started with. */
static struct file *wanted_files(const struct daemon *d, unsigned *ret_n)
{
        struct file *files;
        unsigned room = 1;

        for (unsigned i = 0; i < d->nservices; i++)
                room += 1 + d->services[i]->nimport_artefacts;
        files = calloc(room, sizeof(*files));
        for (unsigned i = 0; i < d->nservices && files; i++) {
                const struct service *s = d->services[i];
                enum tier tier;

                add_file(files, ret_n, service_code(s, &tier));
                for (unsigned k = 0; k < s->nimport_artefacts; k++)
                        add_file(files, ret_n, s->import_artefacts[k]);
        }
        return files;
}

static bool is_wanted(const struct module_entry *e, const struct file *files, unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                if (files[i].dev == e->dev && files[i].ino == e->ino)
                        return true;
        return false;
}

void modules_sweep(struct cell_modules *m, struct guest_cell *cell, const struct daemon *d)
{
        unsigned n = 0;
        _cleanup_free_ struct file *files = wanted_files(d, &n);

        for (unsigned i = m->n; files && i--;) {
                m->list[i].old = !is_wanted(&m->list[i], files, n);
                if (m->list[i].old && !m->list[i].users)
                        unload(m, cell, &m->list[i]);
        }
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
