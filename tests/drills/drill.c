/* drill.c - runs every row of drills.def: starts nacelle-drill-cell through the broker's own interface and
 * compares what becomes of it with what the row says. An attack that seccomp ends, and that no row tries
 * without it, is tried without it as well: that it comes back then shows that it was seccomp.
 *
 * drill [ATTACK]     a line for each try
 * drill --old ...    the same in cells that see none of the walls that are newer than Linux 6.1
 * drill --table      a line for each attack: id, the layer that stops it, whether it bites without, and
 *                    who told of it
 *
 * Without BUILD_DIR this is nacelle-drill, the program behind `nacelle drill [ID|ATTACK]...`: no layer is ever
 * left off, so that it is safe on a host that is in use. */
#include "config.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "policy/kernel.h"
#include "supervisor/broker/broker.h"
#include "supervisor/broker/spawn.h"
#include "tests/drills/attack.h"

enum end { KILLED, SIGNAL, REFUSED, THROUGH, PROTOCOL };

#define OFF(layer) LAYER_BIT(LAYER_##layer)

static const struct drill {
        const char *id, *attack;
        uint32_t off;
        enum end end;
        const char *detail;
} drills[] = {
#define DRILL(id, attack, off, end, detail) { id, #attack, off, end, detail },
#include "tests/drills/drills.def"
};

static unsigned passed, failed, skipped;
static bool table, no_namespaces;
static uint32_t as_old; /* AS_OLD or 0: told to each cell */

#ifdef BUILD_DIR
static const bool live = false;

static bool find_program(char *path, size_t size)
{
        broker_programs(BUILD_DIR);
        snprintf(path, size, "%s/nacelle-drill-cell", BUILD_DIR);
        return true;
}
#else
static const bool live = true;

static bool find_program(char *path, size_t size)
{
        struct error err = { 0 };

        if (program_find("nacelle-drill-cell", path, size, &err) == 0)
                return true;
        error_print(stderr, "nacelle", &err);
        return false;
}
#endif

/* What is known about one attack, over all of its rows. */
static struct summary {
        const struct drill *first;
        bool stopped, tried_off, bites, logged;
        char then[48]; /* what happens without the layer */
} summaries[ELEMENTSOF(drills)];
static unsigned nsummaries;

static struct summary *summary_of(const struct drill *d)
{
        for (unsigned i = 0; i < nsummaries; i++)
                if (strcmp(summaries[i].first->attack, d->attack) == 0)
                        return &summaries[i];
        summaries[nsummaries].first = d;
        return &summaries[nsummaries++];
}
static char directory[] = "/tmp/nacelle-drill-XXXXXX", readonly_directory[64];

static void report(const struct drill *d, bool good, const char *text)
{
        char layers[128] = "";

        layers_text(d->off, layers, sizeof(layers));
        if (!table || !good)
                printf("%s %s %s%s%s: %s\n", good ? "pass" : "FAIL", d->id, d->attack,
                       d->off ? " without " : "", layers, text);
        if (good)
                passed++;
        else
                failed++;
}

/* A directory with a way out, and one that is granted read-only. */
static void make_directories(void)
{
        char path[128];

        if (!mkdtemp(directory))
                exit(99);
        snprintf(path, sizeof(path), "%s/inside", directory);
        mkdir(path, 0755);
        snprintf(path, sizeof(path), "%s/link", directory);
        if (symlink("/etc/passwd", path) < 0)
                exit(99);
        snprintf(readonly_directory, sizeof(readonly_directory), "%s/inside", directory);
        snprintf(path, sizeof(path), "%s/inside/file", directory);
        close(open(path, O_CREAT | O_WRONLY, 0644));
}

static void remove_directories(void)
{
        char path[128];

        for (const char *const *name = (const char *const[]) { "link", "inside/file", NULL }; *name; name++) {
                snprintf(path, sizeof(path), "%s/%s", directory, *name);
                unlink(path);
        }
        rmdir(readonly_directory);
        rmdir(directory);
}

static void listen_abstract(void)
{
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int n = snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1, "nacelle-drill-%d", getpid());

        if (bind(fd, (struct sockaddr *)&at,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) < 0 ||
            listen(fd, 16) < 0)
                exit(99);
}

static const char *errno_name(int code)
{
        const char *name = strerrorname_np(-code);

        return name ? name : "?";
}

/* The name of the call is known when the kernel's log can be read and did not drop it. */
static bool killed_as(const struct drill *d, const char *text)
{
        const char *call = strstr(text, "it called ");

        if (!strstr(text, "killed by seccomp"))
                return false;
        return !call || !d->detail[0] || strcmp(call + strlen("it called "), d->detail) == 0;
}

static bool as_expected(const struct drill *d, const struct error *err)
{
        char signal_text[32];

        switch (d->end) {
        case KILLED:
                return killed_as(d, err->text);
        case SIGNAL:
                snprintf(signal_text, sizeof(signal_text), "killed by signal %s ", d->detail);
                return strstr(err->text, signal_text);
        case PROTOCOL:
                return err->stage == STAGE_PROTOCOL && strstr(err->text, d->detail);
        case THROUGH:
                return strcmp(err->text, "through") == 0;
        case REFUSED:
                return strcmp(err->text, "refused") == 0 &&
                       strstr(d->detail, errno_name(err->code));
        }
        return false;
}

static const char *layer_of(const struct drill *d)
{
        switch (d->end) {
        case KILLED:
                return "seccomp";
        case PROTOCOL:
                return "broker";
        case SIGNAL:
                return strcmp(d->id, "H18") == 0 ? "broker" : "sealed code";
        default:
                break;
        }
        if (strcmp(d->id, "H19") == 0 || strcmp(d->id, "STORY") == 0)
                return "broker";
        if (strncmp(d->attack, "ring_", 5) == 0)
                return d->off & OFF(NAMESPACES) ? "landlock" : "ring";
        if (strcmp(d->id, "H13") == 0)
                return "sealed code";
        return strcmp(d->detail, "EPERM") == 0 && strncmp(d->attack, "abstract", 8) != 0 ? "capabilities" : "landlock";
}

/* The end of one try, into what is known of its attack. */
static void note(const struct drill *d, bool good, const struct error *err)
{
        struct summary *s = summary_of(d);

        if (s->first == d) {
                s->stopped = good;
                /* A refusal is told to whoever asked; an end is told by the broker, with its cause. */
                s->logged = d->end == KILLED || d->end == PROTOCOL || d->end == SIGNAL;
                return;
        }
        s->tried_off = true;
        if (good && !s->bites) {
                s->bites = true;
                snprintf(s->then, sizeof(s->then), "%s", d->end == THROUGH ? "works" : errno_name(err->code));
        }
}

static bool is_first(const struct drill *d)
{
        return d == drills || strcmp(d[-1].attack, d->attack) != 0;
}

static bool has_more(const struct drill *d)
{
        return d + 1 < drills + ELEMENTSOF(drills) && strcmp(d[1].attack, d->attack) == 0;
}

static bool attack(const struct drill *d, uint32_t off, const char *program, struct error *err)
{
        struct run_dir dirs[] = { { .host = directory, .guest = "/d" },
                                  { .host = readonly_directory, .guest = "/r", .read_only = true } };
        _cleanup_(broker_stopp) struct broker *b = NULL;
        char argument[96];
        struct run_options o = {
                .dirs = dirs, .ndirs = 2, .closed_stdio = true, .degraded = off != 0,
                .cell_program = program, .cell_argument = argument, .no_cache = true,
        };

        snprintf(argument, sizeof(argument), "%s:%x", d->attack, off | as_old);
        if (broker_start(&o, 4096, &b, err) < 0) {
                error_prefix(err, "the cell did not start");
                return false;
        }
        if (broker_configure(b, err) == 0) {
                error_set(err, STAGE_CELL, -ENOTRECOVERABLE, ERROR_NOWHERE, "the cell answered as if nothing had been");
                return false;
        }
        return true;
}

static void run(const struct drill *d, const char *program)
{
        struct error err = { 0 };
        char text[400];
        bool good;

        if (no_namespaces && (strcmp(d->detail, "ENOENT") == 0 || strcmp(d->detail, "ESRCH") == 0)) {
                skipped++;
                printf("skip %s %s: this host lets no cell have namespaces\n", d->id, d->attack);
                return;
        }
        good = attack(d, d->off, program, &err) && as_expected(d, &err);
        snprintf(text, sizeof(text), "%s%s%s", err.text, err.code != -EPIPE ? ", " : "",
                 err.code != -EPIPE ? errno_name(err.code) : "");
        report(d, good, text);
        note(d, good, &err);
}

/* Not in the table: what was killed by seccomp comes back when seccomp is off, with whatever the kernel says. */
static void run_without_seccomp(const struct drill *d, const char *program)
{
        const struct drill off = { d->id, d->attack, OFF(SECCOMP), REFUSED, "anything" };
        struct summary *s = summary_of(d);
        struct error err = { 0 };
        bool back = attack(&off, off.off, program, &err) &&
                    (strcmp(err.text, "through") == 0 || strcmp(err.text, "refused") == 0);
        /* What was sent went to the broker, which ended it or hung up. */
        bool broker = !back && !strstr(err.text, "seccomp") && !strstr(err.text, "did not start");
        bool good = back || broker;
        char text[400];

        snprintf(text, sizeof(text), "%s, %s", err.text, errno_name(err.code));
        report(&off, good, text);
        s->tried_off = true;
        s->bites = good;
        snprintf(s->then, sizeof(s->then), "%s", broker                               ? "broker ends it"
                                                 : strcmp(err.text, "through") == 0 ? "works"
                                                                                     : errno_name(err.code));
}

/* Attacks of another architecture's calls never come back: there is no way to look at their result. */
static bool needs_off(const struct drill *d)
{
        return d->end == KILLED && d->off == 0 && d->detail[0] && is_first(d) && !has_more(d);
}

static const char *why_alone(const struct summary *s)
{
        static const struct {
                const char *id, *why;
        } rows[] = {
#define ALONE(id, why) { id, why },
#include "tests/drills/alone.def"
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (strcmp(rows[i].id, s->first->id) == 0)
                        return rows[i].why;
        return NULL;
}

static void print_table(void)
{
        unsigned stopped = 0, bites = 0, logged = 0, ids = 0, alone = 0;

        printf("%-5s %-20s %-13s %-8s %-22s %s\n", "id", "attack", "layer", "stopped", "without the layer", "logged by");
        for (unsigned i = 0; i < nsummaries; i++) {
                const struct summary *s = &summaries[i];
                const char *why = why_alone(s);
                char then[96];

                snprintf(then, sizeof(then), "%s", live ? "-" : why ? why : "NOT TRIED, without a reason");
                alone += !s->tried_off;
                failed += !s->tried_off && !live && !why;
                if (s->tried_off)
                        snprintf(then, sizeof(then), "%s, %s", s->bites ? "bites" : "DOES NOT BITE", s->then);
                printf("%-5s %-20s %-13s %-8s %-22s %s\n", s->first->id, s->first->attack, layer_of(s->first),
                       s->stopped ? "yes" : "NO", then, s->logged ? "broker" : "-");
                stopped += s->stopped;
                bites += s->bites;
                logged += s->logged;
                ids += i == 0 || strcmp(s[-1].first->id, s->first->id) != 0;
        }
        printf("%u attacks of %u drills: %u stopped, ", nsummaries, ids, stopped);
        if (!live)
                printf("%u bite or meet the next layer without theirs, %u have no other for the reason named, ", bites, alone);
        printf("%u logged; ", logged);
}

/* Whether the words name this drill, by id or attack; none name all. */
static bool is_wanted(const struct drill *d, int nwords, char **words)
{
        for (int i = 0; i < nwords; i++)
                if (strcmp(words[i], d->attack) == 0 || strcmp(words[i], d->id) == 0)
                        return true;
        return nwords == 0;
}

int main(int argc, char **argv)
{
        struct kernel_row kernel[_KERNEL_MAX];
        bool asked = argc > 1 && strcmp(argv[1], "--table") == 0, any = false;
        bool old = !live && argc > 1 && strcmp(argv[1], "--old") == 0;
        int first = asked || old ? 2 : 1;
        char program[4096];

        table = asked || live;
        as_old = old ? AS_OLD : 0;
        if (!find_program(program, sizeof(program)))
                return STATUS_INTERNAL;
        kernel_probe(kernel);
        no_namespaces = !kernel[KERNEL_NAMESPACES].present;
        make_directories();
        listen_abstract();
        for (size_t i = 0; i < ELEMENTSOF(drills); i++) {
                if ((live && drills[i].off) || !is_wanted(&drills[i], argc - first, argv + first))
                        continue;
                any = true;
                run(&drills[i], program);
                if (!live && needs_off(&drills[i]))
                        run_without_seccomp(&drills[i], program);
        }
        remove_directories();
        if (!any) {
                fprintf(stderr, "nacelle: there is no drill of that name\n");
                return STATUS_USAGE;
        }
        if (table)
                print_table();
        printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
