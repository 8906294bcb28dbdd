/* clock.c - the clock on the wall as a file says: preloaded, it adds the seconds in the file NACELLE_TEST_CLOCK to
 * CLOCK_REALTIME and time(). Drill O09. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long long offset(void)
{
        const char *path = getenv("NACELLE_TEST_CLOCK");
        char text[32] = "";
        int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

        if (fd >= 0) {
                (void)!read(fd, text, sizeof(text) - 1);
                close(fd);
        }
        return atoll(text);
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
        long r = syscall(SYS_clock_gettime, clock, ret);

        if (r == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
                ret->tv_sec += offset();
        return (int)r;
}

time_t time(time_t *ret)
{
        struct timespec t;

        clock_gettime(CLOCK_REALTIME, &t);
        if (ret)
                *ret = t.tv_sec;
        return t.tv_sec;
}
