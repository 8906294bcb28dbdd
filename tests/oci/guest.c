/* guest.c - what containers of the tests run: guest DO [OPERAND]... */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static int fail(const char *what)
{
        printf("%s: %s\n", what, strerror(errno));
        return 1;
}

static int cat(const char *path)
{
        char bytes[4096];
        ssize_t n;
        int fd = path ? open(path, O_RDONLY) : 0;

        if (fd < 0)
                return fail(path);
        while ((n = read(fd, bytes, sizeof(bytes))) > 0)
                if (write(1, bytes, (size_t)n) != n)
                        return fail("standard output");
        return n < 0 ? fail(path ? path : "standard input") : 0;
}

static int put(const char *path, const char *text)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

        if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
                return fail(path);
        return close(fd);
}

static int list(const char *path)
{
        DIR *d = opendir(path);

        if (!d)
                return fail(path);
        for (struct dirent *e; (e = readdir(d));)
                puts(e->d_name);
        return closedir(d);
}

static int sockets(void)
{
        struct stat st;
        int n = 0;

        for (int fd = 3; fd < 64; fd++)
                n += fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
        printf("%d sockets\n", n);
        return 0;
}

static int dig(unsigned depth)
{
        volatile int here = (int)depth;

        if (depth == 0)
                __builtin_trap();
        return dig(depth - 1) + here;
}

static int grow(size_t mib)
{
        for (size_t i = 0; i < mib; i++) {
                char *volatile p = malloc(1u << 20);

                if (!p) {
                        printf("no memory after %zu MiB\n", i);
                        return 3;
                }
                memset(p, 1, 1u << 20);
        }
        puts("all had");
        return 0;
}

int main(int argc, char **argv)
{
        const char *does = argc > 1 ? argv[1] : "", *operand = argc > 2 ? argv[2] : NULL;

        if (strcmp(does, "args") == 0)
                for (int i = 0; i < argc; i++)
                        printf("[%s]\n", argv[i]);
        else if (strcmp(does, "env") == 0)
                for (char **e = environ; *e; e++)
                        printf("%s\n", *e);
        else if (strcmp(does, "cwd") == 0)
                printf("%s\n", getcwd(NULL, 0));
        else if (strcmp(does, "cat") == 0)
                return cat(operand);
        else if (strcmp(does, "put") == 0 && argc > 3)
                return put(operand, argv[3]);
        else if (strcmp(does, "ls") == 0 && operand)
                return list(operand);
        else if (strcmp(does, "sockets") == 0)
                return sockets();
        else if (strcmp(does, "grow") == 0 && operand)
                return grow((size_t)atoi(operand));
        else if (strcmp(does, "exit") == 0 && operand)
                return atoi(operand);
        else if (strcmp(does, "trap") == 0)
                return dig(3);
        else if (strcmp(does, "tty") == 0)
                printf("terminal %d %d\n", isatty(0), isatty(1));
        else if (strcmp(does, "sleep") == 0 && operand) {
                puts("sleeping");
                fflush(stdout);
                sleep((unsigned)atoi(operand));
        } else if (strcmp(does, "spin") == 0)
                for (volatile unsigned n = 0;; n++)
                        ;
        else
                return 2;
        return 0;
}
