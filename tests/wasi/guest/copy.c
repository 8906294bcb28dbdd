/* copy.c - standard input to standard output; what they are goes to standard error.
 *
 *     copy [BYTES-AT-ONCE] */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *kind(int fd)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return errno == EBADF ? "closed" : "unknown";
        return isatty(fd) ? "terminal" : S_ISREG(st.st_mode) ? "file" : "other";
}

int main(int argc, char **argv)
{
        size_t room = argc > 1 ? strtoul(argv[1], NULL, 10) : 65536;
        char *bytes = malloc(room);
        ssize_t n;

        fprintf(stderr, "%s %s %s\n", kind(0), kind(1), kind(2));
        while ((n = read(0, bytes, room)) > 0) {
                for (ssize_t done = 0; done < n;) {
                        ssize_t w = write(1, bytes + done, n - done);

                        if (w < 0)
                                return errno == EPIPE ? 3 : 4;
                        done += w;
                }
        }
        return n < 0 ? 5 : 0;
}
