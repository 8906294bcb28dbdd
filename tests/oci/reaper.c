/* reaper.c - who awaits containers where there is no engine: reaper DIRECTORY COMMAND...
 *
 * Runs the command as the parent of every orphan below it, and writes of each that ends a file DIRECTORY/PID, "exit N" or
 * "signal N". Ends with the command, with its status; what is left then is killed. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void note(const char *directory, pid_t pid, int status)
{
        char path[4096], beside[4112];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%d", directory, (int)pid);
        snprintf(beside, sizeof(beside), "%s.new", path);
        f = fopen(beside, "we");
        if (!f)
                return;
        fprintf(f, "%s %d\n", WIFSIGNALED(status) ? "signal" : "exit",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        if (fclose(f) == 0)
                (void)rename(beside, path);
}

/* By the kernel's list of our children: no number that is not ours. */
static void kill_children(void)
{
        char path[64];
        FILE *f;
        int pid;

        snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
        f = fopen(path, "re");
        while (f && fscanf(f, "%d", &pid) == 1)
                kill(pid, SIGKILL);
        if (f)
                fclose(f);
        while (waitpid(-1, NULL, 0) > 0)
                ;
}

int main(int argc, char **argv)
{
        pid_t command, pid;
        int status;

        if (argc < 3 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
                return 99;
        command = fork();
        if (command == 0) {
                execvp(argv[2], argv + 2);
                _exit(127);
        }
        while ((pid = waitpid(-1, &status, 0)) != command) {
                if (pid > 0)
                        note(argv[1], pid, status);
                else if (errno != EINTR)
                        return 99;
        }
        kill_children();
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
