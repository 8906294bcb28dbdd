/* drill.c - runs every row of drills.def: starts cell-attacker through the broker's own interface and
 * compares what becomes of it with what the row says. */
#include "config.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "policy/policy.h"
#include "supervisor/broker/broker.h"

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

static unsigned passed, failed;
static char directory[] = "/tmp/nacelle-drill-XXXXXX", readonly_directory[64];

static void report(const struct drill *d, bool good, const char *text)
{
        char layers[128] = "";

        layers_text(d->off, layers, sizeof(layers));
        printf("%s %s %s%s%s: %s\n", good ? "pass" : "FAIL", d->id, d->attack, d->off ? " without " : "",
               layers, text);
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
                       strcmp(errno_name(err->code), d->detail) == 0;
        }
        return false;
}

static void run(const struct drill *d, const char *program)
{
        struct run_dir dirs[] = { { .host = directory, .guest = "/d" },
                                  { .host = readonly_directory, .guest = "/r", .read_only = true } };
        _cleanup_(broker_stopp) struct broker *b = NULL;
        struct error err = { 0 };
        char argument[96], text[400];
        struct run_options o = {
                .dirs = dirs, .ndirs = 2, .closed_stdio = true, .degraded = d->off != 0,
                .cell_program = program, .cell_argument = argument, .no_cache = true,
        };

        snprintf(argument, sizeof(argument), "%s:%x", d->attack, d->off);
        if (broker_start(&o, 4096, &b, &err) < 0) {
                snprintf(text, sizeof(text), "the cell did not start: %s", err.text);
                report(d, false, text);
                return;
        }
        if (broker_configure(b, &err) == 0) {
                report(d, false, "the cell answered as if nothing had been");
                return;
        }
        snprintf(text, sizeof(text), "%s%s%s", err.text, err.code != -EPIPE ? ", " : "",
                 err.code != -EPIPE ? errno_name(err.code) : "");
        report(d, as_expected(d, &err), text);
}

int main(int argc, char **argv)
{
        char program[4096];

        snprintf(program, sizeof(program), "%s/tests/drills/cell-attacker", BUILD_DIR);
        broker_programs(BUILD_DIR);
        make_directories();
        listen_abstract();
        for (size_t i = 0; i < ELEMENTSOF(drills); i++)
                if (argc < 2 || strcmp(argv[1], drills[i].attack) == 0)
                        run(&drills[i], program);
        remove_directories();
        printf("%u passed, %u failed, 0 skipped\n", passed, failed);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
