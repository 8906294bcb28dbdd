/* audit.h - which system call cost a process its life.
 *
 * The exit status says only SIGSYS. The kernel logs the number; whoever may read the kernel's log
 * learns the name. The dead process itself is never asked: its words are the attacker's.
 *
 * audit_open - the end of the kernel's log as of now, -EBADF when we may not read it.
 * audit_find - name of the call for which @pid was killed since then, into @text.
 *   Returns 0 or -ENOENT. Waits a few milliseconds: the log is written by a thread of its own. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

int audit_open(void);
int audit_find(int fd, pid_t pid, char *text, size_t size);
