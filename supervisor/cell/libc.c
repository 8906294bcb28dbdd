/* libc.c - functions of the C library that the cell replaces, because the library's own make system
 * calls that are not in the table.
 *
 * fstat: the library asks newfstatat() with an empty path. A filter cannot read paths, so that call
 * would open stat() of everything, which Landlock does not cover.
 * abort, raise: the library sends itself a signal, and sending signals is not in the table. An undefined
 * instruction outside of the arena ends the process as surely, and the broker sees SIGILL. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef NACELLE_SANITIZERS
__attribute__((visibility("default"))) int fstat(int fd, struct stat *st)
{
        return (int)syscall(SYS_fstat, fd, st);
}

__attribute__((visibility("default"), noreturn)) void abort(void)
{
        __builtin_trap();
}

__attribute__((visibility("default"))) int raise(int number)
{
        abort();
}
#endif
