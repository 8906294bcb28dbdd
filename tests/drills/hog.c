/* hog.c - native code that takes what it can get, in a group as the broker makes them for cells and without one.
 * Run as root by tests/drills/hogs, in a hierarchy that has the controllers.
 *
 * hog DIRECTORY    DIRECTORY: the root of the hierarchy; prints "pass" and "FAIL" lines */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/broker/cgroup.h"
#include "supervisor/broker/spawn.h"

#define MEMORY_MIB 400 /* beyond what a cell with one guest of 64 MiB needs */
#define PROCESSES  200 /* beyond what a cell of one thread has */

static unsigned failed;

static void tell(const char *name, bool good, const char *what)
{
        printf("%s H26 %s: %s\n", good ? "pass" : "FAIL", name, what);
        failed += !good;
}

static uint64_t now_ms(clockid_t clock)
{
        struct timespec t;

        clock_gettime(clock, &t);
        return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The attacks: the exit status says how far they came. */
static int hog_memory(void)
{
        const size_t bytes = (size_t)MEMORY_MIB << 20;
        void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

        return p == MAP_FAILED;
}

static int hog_processes(bool stay)
{
        pid_t pids[PROCESSES];
        int n = 0;

        while (n < PROCESSES && (pids[n] = fork()) >= 0) {
                if (pids[n++] == 0) {
                        pause();
                        _exit(0);
                }
        }
        for (int i = 0; i < n && !stay; i++) {
                kill(pids[i], SIGKILL);
                waitpid(pids[i], NULL, 0);
        }
        return n;
}

static int hog_time(void)
{
        uint64_t end = now_ms(CLOCK_MONOTONIC) + 1000;

        while (now_ms(CLOCK_MONOTONIC) < end)
                ;
        return (int)(now_ms(CLOCK_PROCESS_CPUTIME_ID) / 10); /* percent of that second */
}

static struct process_end run(const char *attack, struct cell_group *group)
{
        char *argv[] = { (char *)"hog", (char *)attack, NULL };
        struct process_end end = { .signal = -1 };
        struct process p = { 0 };
        struct error err = { 0 };
        char self[4096];
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

        self[n < 0 ? 0 : n] = '\0';
        if (process_start(self, argv, (int[]) { 1, 1, 2 }, 3, group->dir, &p, &err) < 0) {
                tell(attack, false, err.text);
                return end;
        }
        (void)process_wait(&p, &end);
        return end;
}

static struct cell_group group_of_one(uint64_t cpu_us)
{
        const struct cgroup_use guest = { .memory_bytes = 64u << 20, .stack_bytes = 8u << 20, .cpu_us = cpu_us };
        struct cell_group g = CELL_GROUP_NONE;
        struct error err = { 0 };

        if (cell_group_new(1, &g, &err) < 0)
                tell("group", false, err.text);
        cell_group_add(&g, &guest);
        return g;
}

static void attack(void)
{
        struct cell_group none = CELL_GROUP_NONE, g = group_of_one(0);
        struct process_end end = run("memory", &g);

        tell("memory", end.signal == SIGKILL && cell_group_oom(&g), "the kernel ends it within its group");
        cell_group_done(&g);
        end = run("memory", &none);
        tell("memory without a group", end.signal == 0 && end.status == 0, "it takes what it wants");

        g = group_of_one(0);
        end = run("processes", &g);
        tell("processes", end.signal == 0 && end.status > 0 && end.status < PROCESSES, "fork fails in time");
        cell_group_done(&g); /* ends those that it left */
        tell("processes that are left", g.dir < 0 && access("cells/cell-2", F_OK) < 0, "end with their group");
        end = run("brief", &none);
        tell("processes without a group", end.status == PROCESSES, "as many as it wants");

        g = group_of_one(10000);
        end = run("time", &g);
        tell("time", end.signal == 0 && end.status <= 75, "no more than the quotas and what the cell needs");
        cell_group_done(&g);
        end = run("time", &none);
        tell("time without a group", end.status > 85, "all there is");
}

/* A subtree as a service manager hands it over. */
static bool prepare(const char *root)
{
        int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), f;
        const char *const on = "+memory +pids +cpu";
        bool good;

        if (fd < 0 || fchdir(fd) < 0)
                return false;
        f = open("cgroup.subtree_control", O_WRONLY | O_CLOEXEC);
        good = write(f, on, strlen(on)) > 0 && mkdir("hog", 0755) == 0 && chdir("hog") == 0 &&
               setxattr(".", "trusted.delegate", "1", 1, 0) == 0;
        close(f);
        f = open("cgroup.procs", O_WRONLY | O_CLOEXEC);
        good = good && write(f, "0", 1) == 1;
        close(f);
        close(fd);
        return good;
}

int main(int argc, char **argv)
{
        const char *what = argc > 1 ? argv[1] : "";

        if (strcmp(what, "memory") == 0)
                return hog_memory();
        if (strcmp(what, "processes") == 0)
                return hog_processes(true);
        if (strcmp(what, "brief") == 0)
                return hog_processes(false);
        if (strcmp(what, "time") == 0)
                return hog_time();
        setvbuf(stdout, NULL, _IOLBF, 0);
        if (!prepare(what)) {
                tell("groups", false, strerror(errno));
                return 1;
        }
        cgroups_open();
        tell("groups", cgroups_missing()[0] == '\0', cgroups_missing()[0] ? cgroups_missing() : "all controllers");
        attack();
        cgroups_close();
        tell("nothing is left", access("cells", F_OK) < 0 && access("supervisor", F_OK) < 0, "groups are removed");
        return failed > 0;
}
