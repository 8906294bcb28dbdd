/* copy.c - cp of one file, by read and write. The same source is the guest and its native twin.
 *
 *   copy FROM TO [BYTES OF THE BUFFER] */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES (256u << 10)

static int fail(const char *what)
{
        perror(what);
        return 1;
}

int main(int argc, char **argv)
{
        size_t size = argc > 3 ? strtoul(argv[3], NULL, 0) : BUFFER_BYTES;
        char *buffer = malloc(size);
        int from, to;
        ssize_t n;

        if (argc < 3 || !buffer)
                return fail("usage: copy FROM TO [BYTES]");
        from = open(argv[1], O_RDONLY);
        if (from < 0)
                return fail(argv[1]);
        to = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644);
        if (to < 0)
                return fail(argv[2]);
        while ((n = read(from, buffer, size)) > 0)
                for (ssize_t done = 0, w; done < n; done += w) {
                        w = write(to, buffer + done, (size_t)(n - done));
                        if (w < 0)
                                return fail(argv[2]);
                }
        if (n < 0)
                return fail(argv[1]);
        return close(to) < 0 ? fail(argv[2]) : 0;
}
