/* walk.c - lists a tree: kind, size and path, in order of name; the totals at the end.
 *
 *     nacelle run --dir .:/src:ro walk.wasm /src
 *
 * Symbolic links are shown and not followed. What cannot be read is said on stderr, and the walk
 * goes on; the exit status is then 1. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct stack { /* directories still to be listed */
        char **paths;
        size_t n, room;
};

static struct {
        unsigned long files, directories, links, others;
        unsigned long long bytes;
        bool failed;
} totals;

static void complain(const char *path)
{
        fprintf(stderr, "walk: %s: %s\n", path, strerror(errno));
        totals.failed = true;
}

static void *must(void *p)
{
        if (!p) {
                fputs("walk: out of memory\n", stderr);
                exit(1);
        }
        return p;
}

static void push(struct stack *s, char *path)
{
        if (s->n == s->room) {
                s->room = s->room ? 2 * s->room : 64;
                s->paths = must(realloc(s->paths, s->room * sizeof(*s->paths)));
        }
        s->paths[s->n++] = path;
}

static char *join(const char *directory, const char *name)
{
        size_t n = strlen(directory);
        char *path = must(malloc(n + strlen(name) + 2));

        sprintf(path, "%s%s%s", directory, n && directory[n - 1] == '/' ? "" : "/", name);
        return path;
}

/* Shows @path; true when it is a directory to be listed. */
static bool show(const char *path)
{
        struct stat st;

        if (lstat(path, &st) < 0) {
                complain(path);
                return false;
        }
        if (S_ISDIR(st.st_mode)) {
                totals.directories++;
                printf("d %12s %s\n", "-", path);
                return true;
        }
        if (S_ISREG(st.st_mode)) {
                totals.files++;
                totals.bytes += (unsigned long long)st.st_size;
                printf("f %12lld %s\n", (long long)st.st_size, path);
        } else if (S_ISLNK(st.st_mode)) {
                totals.links++;
                printf("l %12s %s\n", "-", path);
        } else {
                totals.others++;
                printf("o %12s %s\n", "-", path);
        }
        return false;
}

static int by_name(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *directory, struct stack *left)
{
        struct stack entries = { 0 };
        struct dirent *entry;
        DIR *d = opendir(directory);

        if (!d) {
                complain(directory);
                return;
        }
        while (errno = 0, entry = readdir(d)) {
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        push(&entries, join(directory, entry->d_name));
        }
        if (errno)
                complain(directory);
        closedir(d);
        if (entries.n)
                qsort(entries.paths, entries.n, sizeof(*entries.paths), by_name);
        for (size_t i = 0; i < entries.n; i++) {
                if (show(entries.paths[i]))
                        push(left, entries.paths[i]);
                else
                        free(entries.paths[i]);
        }
        free(entries.paths);
}

int main(int argc, char **argv)
{
        struct stack left = { 0 };

        for (int i = 1; i < argc || i == 1; i++) {
                const char *root = argc > 1 ? argv[i] : ".";

                if (show(root))
                        push(&left, must(strdup(root)));
        }
        while (left.n) {
                char *directory = left.paths[--left.n];

                list(directory, &left);
                free(directory);
        }
        free(left.paths);
        printf("%lu files of %llu bytes, %lu directories, %lu links, %lu others\n", totals.files,
               totals.bytes, totals.directories, totals.links, totals.others);
        return totals.failed;
}
