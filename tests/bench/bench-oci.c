/* bench-oci.c - containers a second: bench-oci ROUNDS HELLO.wasm HELLO RUNTIME...
 *
 * In each round each runtime makes, starts, awaits and deletes one container, in turn, so that all have the same minute of
 * the machine. One whose name has "nacelle" in it runs the module, others the native program, which is to be static. All have
 * the same bundle otherwise: a network of their own, a control group, a root that is read-only. Prints medians of
 * milliseconds, and of how much longer than the first each took in the same round. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUNTIMES_MAX 8
#define ROUNDS_MAX   10000

enum step { CREATE, RUN, DELETE, TOTAL, _STEPS };

struct runtime {
        const char *program;
        char bundle[512], root[512];
        double *ms[_STEPS];
};

static char work[] = "/tmp/bench-oci.XXXXXX";

static void die(const char *what)
{
        perror(what);
        exit(1);
}

static double now_ms(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void copy(const char *from, const char *to)
{
        char bytes[65536];
        int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
        ssize_t n = 1;

        while (in >= 0 && out >= 0 && (n = read(in, bytes, sizeof(bytes))) > 0)
                if (write(out, bytes, (size_t)n) != n)
                        die(to);
        if (in < 0 || out < 0 || n < 0)
                die(from);
        close(in);
        close(out);
}

static void make_bundle(struct runtime *rt, unsigned number, const char *wasm, const char *native)
{
        const char *slash = strrchr(rt->program, '/');
        char path[1024];
        FILE *f;

        snprintf(rt->bundle, sizeof(rt->bundle), "%s/%u", work, number);
        snprintf(rt->root, sizeof(rt->root), "%s/%u-root", work, number);
        snprintf(path, sizeof(path), "%s/rootfs", rt->bundle);
        if (mkdir(rt->bundle, 0755) < 0 || mkdir(path, 0755) < 0)
                die(path);
        snprintf(path, sizeof(path), "%s/rootfs/proc", rt->bundle);
        mkdir(path, 0755);
        snprintf(path, sizeof(path), "%s/rootfs/dev", rt->bundle);
        mkdir(path, 0755);
        snprintf(path, sizeof(path), "%s/rootfs/hello", rt->bundle);
        copy(strstr(slash ? slash : rt->program, "nacelle") ? wasm : native, path);
        snprintf(path, sizeof(path), "%s/config.json", rt->bundle);
        f = fopen(path, "we");
        if (!f)
                die(path);
        fprintf(f, "{\"ociVersion\":\"1.0.2\",\"process\":{\"terminal\":false,\"user\":{\"uid\":0,\"gid\":0},"
                   "\"args\":[\"/hello\"],\"env\":[\"PATH=/\"],\"cwd\":\"/\",\"noNewPrivileges\":true},"
                   "\"root\":{\"path\":\"rootfs\",\"readonly\":true},"
                   "\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"}],"
                   "\"linux\":{\"cgroupsPath\":\"/bench-oci-%d-%u\",\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"mount\"},"
                   "{\"type\":\"ipc\"},{\"type\":\"uts\"},{\"type\":\"network\"}]}}\n", (int)getpid(), number);
        if (fclose(f) != 0)
                die(path);
}

/* The end of the command; of a container's process it is awaited by its number. */
static void await(pid_t pid, const char *what)
{
        int status;

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        die(what);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                fprintf(stderr, "%s: status %d\n", what, status);
                exit(1);
        }
}

static void command(const struct runtime *rt, const char *verb, const char *pid_file)
{
        pid_t pid = fork();

        if (pid == 0) {
                int null = open("/dev/null", O_RDWR | O_CLOEXEC);

                dup2(null, 0);
                dup2(null, 1);
                if (pid_file)
                        execl(rt->program, rt->program, "--root", rt->root, verb, "--bundle", rt->bundle, "--pid-file",
                              pid_file, "bench", (char *)NULL);
                else
                        execl(rt->program, rt->program, "--root", rt->root, verb, "bench", (char *)NULL);
                _exit(127);
        }
        await(pid, rt->program);
}

static void one(struct runtime *rt, unsigned round)
{
        char path[1024];
        double at[4];
        int pid = 0;
        FILE *f;

        snprintf(path, sizeof(path), "%s/pid", rt->bundle);
        at[0] = now_ms();
        command(rt, "create", path);
        at[1] = now_ms();
        f = fopen(path, "re");
        if (!f || fscanf(f, "%d", &pid) != 1)
                die(path);
        fclose(f);
        command(rt, "start", NULL);
        await(pid, "the container");
        at[2] = now_ms();
        command(rt, "delete", NULL);
        at[3] = now_ms();
        for (int s = CREATE; s <= DELETE; s++)
                rt->ms[s][round] = at[s + 1] - at[s];
        rt->ms[TOTAL][round] = at[3] - at[0];
}

static int compare(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return x < y ? -1 : x > y;
}

static double median(const double *values, unsigned n)
{
        double *sorted = malloc(n * sizeof(*sorted)), m;

        if (!sorted)
                die("malloc");
        memcpy(sorted, values, n * sizeof(*sorted));
        qsort(sorted, n, sizeof(*sorted), compare);
        m = sorted[n / 2];
        free(sorted);
        return m;
}

static void report(const struct runtime *rts, unsigned n, unsigned rounds)
{
        double *ratios = malloc(rounds * sizeof(*ratios));

        if (!ratios)
                die("malloc");
        printf("%-32s %8s %8s %8s %8s %12s %8s\n", "ms, medians", "create", "run", "delete", "total", "containers/s", "ratio");
        for (unsigned i = 0; i < n; i++) {
                double total = median(rts[i].ms[TOTAL], rounds);

                for (unsigned k = 0; k < rounds; k++)
                        ratios[k] = rts[i].ms[TOTAL][k] / rts[0].ms[TOTAL][k];
                printf("%-32.32s %8.2f %8.2f %8.2f %8.2f %12.1f %8.2f\n", rts[i].program, median(rts[i].ms[CREATE], rounds),
                       median(rts[i].ms[RUN], rounds), median(rts[i].ms[DELETE], rounds), total, 1e3 / total,
                       median(ratios, rounds));
        }
        free(ratios);
}

int main(int argc, char **argv)
{
        static struct runtime rts[RUNTIMES_MAX];
        unsigned rounds = argc > 4 ? (unsigned)atoi(argv[1]) : 0, n = argc > 4 ? (unsigned)(argc - 4) : 0;
        char command_line[64];

        if (rounds == 0 || rounds > ROUNDS_MAX || n > RUNTIMES_MAX) {
                fprintf(stderr, "usage: bench-oci ROUNDS HELLO.wasm HELLO RUNTIME...\n");
                return 2;
        }
        if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || !mkdtemp(work))
                die(work);
        for (unsigned i = 0; i < n; i++) {
                rts[i].program = argv[4 + i];
                make_bundle(&rts[i], i, argv[2], argv[3]);
                for (int s = 0; s < _STEPS; s++)
                        rts[i].ms[s] = calloc(rounds + 1, sizeof(double));
                one(&rts[i], 0); /* fills the caches */
        }
        for (unsigned round = 0; round < rounds; round++)
                for (unsigned i = 0; i < n; i++)
                        one(&rts[(i + round) % n], round);
        report(rts, n, rounds);
        snprintf(command_line, sizeof(command_line), "rm -r %s", work);
        return system(command_line) == 0 ? 0 : 1;
}
