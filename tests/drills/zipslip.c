/* zipslip.c - an archive whose members climb out, unpacked by a guest that trusts it.
 *
 * First as installed: the shim refuses the names. Then with a cell whose shim lets every path pass
 * (libwasi-nocheck.a): the names reach the broker, and the kernel's own walk beneath the granted
 * directory refuses them. Nothing may exist outside of it either way. */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/broker/broker.h"

#define MODULE BUILD_DIR "/examples/unzip.wasm"
#define MAKER  TOP_SRCDIR "/examples/evil-zip"

static char top[] = "/tmp/nacelle-zipslip-XXXXXX";
static char jail[64], archive[64];
static unsigned passed, failed, skipped;

/* Where the members want to go, seen from here; the jail is two directories down. */
static const char *const outside[] = { "escaped", "../escaped", "../../etc/x" };

static void check(bool good, const char *name, const char *why)
{
        printf("%s %s%s%s\n", good ? "pass" : "FAIL", name, good ? "" : ": ", good ? "" : why);
        if (good)
                passed++;
        else
                failed++;
}

static int finish(void)
{
        char command[128];

        snprintf(command, sizeof(command), "rm -rf %s", top);
        if (system(command) != 0)
                failed++;
        printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
        return failed ? EXIT_FAILURE : passed ? EXIT_SUCCESS : 77;
}

static bool make_archive(void)
{
        char command[512];

        snprintf(jail, sizeof(jail), "%s/a/jail", top);
        snprintf(archive, sizeof(archive), "%s/evil.zip", top);
        snprintf(command, sizeof(command),
                 "mkdir -p %s && python3 '%s' %s ../../etc/x ../escaped ../../escaped "
                 "%s/absolute >/dev/null 2>&1", jail, MAKER, archive, top);
        return access(MODULE, R_OK) == 0 && system(command) == 0;
}

struct shared {
        int result;
        struct error err;
        struct run_outcome outcome;
};

/* In a child: a broker locks itself for good. */
static struct shared *unpack(const char *cell)
{
        struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        const struct run_dir dirs[] = { { .host = top, .guest = "/in", .read_only = true },
                                        { .host = jail, .guest = "/out" } };
        const char *args[] = { "unzip", "/in/evil.zip", "/out" };
        const struct run_options o = { .dirs = dirs, .ndirs = 2, .args = args, .nargs = 3,
                                       .no_cache = true, .cell_program = cell };
        pid_t pid;

        if (s == MAP_FAILED)
                exit(99);
        s->result = -1;
        pid = fork();
        if (pid == 0) {
                int null = open("/dev/null", O_WRONLY);

                dup2(null, 1);
                dup2(null, 2);
                s->result = broker_run(&o, MODULE, &s->outcome, &s->err);
                _exit(0);
        }
        waitpid(pid, NULL, 0);
        return s;
}

static void drill(const char *name, const char *cell, bool reaches_kernel)
{
        struct shared *s = unpack(cell);
        char text[128], path[128];
        struct stat st;

        snprintf(text, sizeof(text), "%s: the guest ran", name);
        check(s->result == 0 && s->outcome.end <= RUN_EXITED, text,
              s->result < 0 ? s->err.text : s->outcome.text);
        snprintf(text, sizeof(text), "%s: an honest member is there", name);
        snprintf(path, sizeof(path), "%s/readme.txt", jail);
        check(stat(path, &st) == 0, text, "it is missing");
        unlink(path);
        for (size_t i = 0; i < ELEMENTSOF(outside); i++) {
                snprintf(path, sizeof(path), "%s/a/%s", top, outside[i]);
                snprintf(text, sizeof(text), "%s: nothing at %s", name, outside[i]);
                check(stat(path, &st) < 0, text, "it was written");
        }
        snprintf(path, sizeof(path), "%s/absolute", top);
        snprintf(text, sizeof(text), "%s: nothing at an absolute path", name);
        check(stat(path, &st) < 0, text, "it was written");
        snprintf(text, sizeof(text), "%s: %s", name,
                 reaches_kernel ? "the kernel refused" : "the shim refused before the kernel was asked");
        check((s->outcome.escapes > 0) == reaches_kernel, text, "it did not");
}

int main(void)
{
        broker_programs(BUILD_DIR);
        if (!mkdtemp(top))
                return 99;
        if (!make_archive()) {
                printf("skip zipslip: it needs examples/unzip.wasm and python3\n");
                skipped++;
                return finish();
        }
        drill("as installed", NULL, false);
        drill("without the shim's check", BUILD_DIR "/tests/drills/cell-no-check", true);
        return finish();
}
