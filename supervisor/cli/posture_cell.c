/* posture_cell.c - nacelle posture PID or UNIT: what a running cell looks like from outside. */
#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "policy/score.h"
#include "supervisor/cli/posture_cell.h"
#include "supervisor/cli/remote.h"

/* A cell of several threads has a ring for each: any number is as expected, of threads and of rings. */
static void expected_of(const struct posture *p, struct posture_expected *ret)
{
        *ret = (struct posture_expected) {
                .fds = UINT64_MAX, .own = POSTURE_FDS_MAX, .ring_fd = p->rings ? FD_RING : -EBADF, .root = geteuid() == 0,
                .threads = p->threads, .rings = p->threads, .network = p->threads > 1,
        };
        /* The code lies in one file, of whatever number. */
        for (unsigned i = 0; i < p->nmaps && i < POSTURE_MAPS_MAX; i++)
                if (p->maps[i].shared)
                        ret->arena_inode = p->maps[i].inode;
}

static int print_posture(pid_t pid)
{
        struct posture_expected expected;
        struct score_row rows[_SCORE_MAX];
        struct posture p;
        struct error err = { 0 };
        char text[1024];
        double exposure;
        unsigned wrong;

        if (posture_read(pid, FD_RING, &p, &err) < 0) {
                if (err.code == -EACCES || err.code == -EPERM)
                        error_prefix(&err, "only root can look at a locked process");
                return cli_fail(&err);
        }
        expected_of(&p, &expected);
        wrong = posture_check(&p, &expected, text, sizeof(text));
        exposure = score_read(&p, rows);

        printf("Process %d, seen from outside:\n", (int)pid);
        for (unsigned i = 0; i < _SCORE_MAX; i++) {
                printf("  %-3s %-13s %s", rows[i].good ? "yes" : "NO", layer_text(rows[i].layer), rows[i].text);
                if (!rows[i].good)
                        printf(" (+%.1f)", rows[i].exposure);
                putchar('\n');
        }
        printf("  Landlock and mdwe are not seen from outside; a cell tries both before its first guest.\n");
        printf("Open: %u descriptors, %u threads, %u rings, %u executable mappings.\n", p.nfds, p.threads, p.rings,
               p.nmaps);
        printf("Control group: %s\n", p.cgroup[0] ? p.cgroup : "none of version 2");
        printf("Exposure: %.1f of 10, %s\n", exposure, score_word(exposure));
        if (!wrong) {
                puts("This is how a cell is expected to look.");
                return 0;
        }
        printf("A cell is expected to look otherwise:\n");
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
                printf("  %s\n", line);
        return 1;
}

struct cells {
        pid_t pids[64];
        unsigned n;
        struct json_object *imports; /* of the first that has any */
};

static int take_cell(void *context, struct json_object *o)
{
        struct cells *cells = context;
        pid_t pid = (pid_t)field_int(o, "cell");
        struct json_object *imports;

        if (!cells->imports && json_object_object_get_ex(o, "imports", &imports))
                cells->imports = json_object_get(imports);
        for (unsigned i = 0; i < cells->n; i++)
                if (cells->pids[i] == pid)
                        return 0;
        if (pid > 0 && cells->n < ELEMENTSOF(cells->pids))
                cells->pids[cells->n++] = pid;
        return 0;
}

/* They share the walls of the cell; what is between them is WebAssembly. */
static void print_imports(struct json_object *list)
{
        for (size_t i = 0; list && i < json_object_array_length(list); i++) {
                struct json_object *o = json_object_array_get_idx(list, i);
                char memory[FORMAT_MAX];

                printf("Import %s: a nanoprocess of its own in the same cell, %s of memory, refused %" PRId64 " times.\n",
                       field_text(o, "name"), format_bytes((uint64_t)field_int(o, "memory"), memory),
                       field_int(o, "denials"));
        }
        json_object_put(list);
}

static int print_unit(const char *unit, const char *control)
{
        struct remote remote = { .control = control };
        struct cells cells = { .n = 0 };
        struct error err = { 0 };
        int status;

        if (client_open(control, &remote.client, &err) < 0) {
                fprintf(stderr, "nacelle: %s\n", err.text);
                return STATUS_UNAVAILABLE;
        }
        status = remote_each(&remote, "ListGuests", object_of("unit", unit), "guests", take_cell, &cells);
        remote_done(&remote);
        if (status) {
                json_object_put(cells.imports);
                return status;
        }
        if (!cells.n)
                printf("%s: no nanoprocess of it runs\n", unit);
        for (unsigned i = 0; i < cells.n; i++) {
                int one = print_posture(cells.pids[i]);

                status = status ? status : one;
        }
        print_imports(cells.imports);
        return status;
}

int posture_cell(const char *what, const char *control)
{
        char *end;
        long pid = strtol(what, &end, 10);

        if (*what && !*end && pid > 0 && pid <= INT32_MAX)
                return print_posture((pid_t)pid);
        return print_unit(what, control);
}
