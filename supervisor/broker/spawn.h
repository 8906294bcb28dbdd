/* spawn.h - the helper programs: found, started with nothing but what they are given, and awaited.
 *
 * program_find - path of helper @name: the directory of broker_programs(), this program's own
 *   (a build tree), the installed one. Never PATH, never the environment.
 * process_start - run @path with @argv, an empty environment, and descriptor i = fds[i] (-EBADF:
 *   /dev/null); nothing else is open in it. @cgroup: the directory of a control group for it, or -EBADF.
 * process_start_first - the same, as the first process of a namespace of process numbers. *@ret_first: it is; else the
 *   kernel does not let us (that is root's, or a user namespace's), and it is started as by process_start().
 * process_follow - @p goes on as @pid, another child of ours, and ends by itself: takes the end of it, and @p is
 *   the other. -ESRCH: that is none; -ETIME: it did not end.
 * process_wait - take the end of it, which it was sent before; fills @ret. -ETIMEDOUT: the kernel does not let it
 *   go within PROCESS_PATIENCE_MS, as it waits for a disk that does not answer. None of its instructions runs any more;
 *   it is reaped by a later call.
 * process_end_text - "exited with status 3", "killed by signal 11 (Segmentation fault)".  */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "engine/base/error.h"

#define SPAWN_FDS_MAX 8
#define PROCESS_PATIENCE_MS 2000

/* A helper is hostile and says nothing on our terminal; a sanitizer's report is for us. */
#ifdef NACELLE_SANITIZERS
#define HELPER_STDERR 2
#else
#define HELPER_STDERR (-EBADF)
#endif

struct process {
        pid_t pid;  /* 0: none */
        int pidfd;
};

struct process_end {
        int signal; /* 0: exited */
        int status;
};

_must_check_ int program_find(const char *name, char *path, size_t size, struct error *err);
_must_check_ int process_start(const char *path, char *const *argv, const int *fds, unsigned nfds,
                               int cgroup, struct process *ret, struct error *err);
_must_check_ int process_start_first(const char *path, char *const *argv, const int *fds, unsigned nfds,
                                     int cgroup, bool *ret_first, struct process *ret, struct error *err);
_must_check_ int process_follow(struct process *p, pid_t pid);
void process_kill(const struct process *p);
int process_wait(struct process *p, struct process_end *ret);
void process_done(struct process *p); /* kills and reaps what still runs */
char *process_end_text(const struct process_end *end, char *text, size_t size);
