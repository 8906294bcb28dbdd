/* posix.c - file operations through the C library, each told on a line. The same source runs as a
 * guest and as a native program: what they say must be the same.
 *
 *     posix DIRECTORY      an empty one */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *base;

static const char *p(const char *name)
{
        static char paths[4][512];
        static unsigned next;
        char *path = paths[next++ % 4];

        snprintf(path, sizeof(paths[0]), "%s/%s", base, name);
        return path;
}

static const char *errno_name(int e)
{
        static const struct {
                int e;
                const char *name;
        } names[] = {
                { EACCES, "EACCES" }, { EBADF, "EBADF" },   { EEXIST, "EEXIST" },
                { EINVAL, "EINVAL" }, { EISDIR, "EISDIR" }, { ELOOP, "ELOOP" },
                { ENAMETOOLONG, "ENAMETOOLONG" },           { ENOENT, "ENOENT" },
                { ENOTDIR, "ENOTDIR" },                     { ENOTEMPTY, "ENOTEMPTY" },
                { EPERM, "EPERM" },   { EROFS, "EROFS" },   { ESPIPE, "ESPIPE" },
                { EXDEV, "EXDEV" },   { EBUSY, "EBUSY" },
        };

        for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                if (names[i].e == e)
                        return names[i].name;
        return "another error";
}

static long long tell(const char *what, long long r)
{
        if (r < 0)
                printf("%s: %s\n", what, errno_name(errno));
        else
                printf("%s: %lld\n", what, r);
        return r;
}

/* Descriptor numbers are nobody's business: open or not. */
static int tell_open(const char *what, int fd)
{
        if (fd < 0)
                printf("%s: %s\n", what, errno_name(errno));
        else
                printf("%s: open\n", what);
        return fd;
}

static void put(const char *name, const char *text)
{
        int fd = open(p(name), O_WRONLY | O_CREAT | O_TRUNC, 0666);

        if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
                printf("cannot make %s: %s\n", name, errno_name(errno));
        close(fd);
}

static void tell_content(const char *what, int fd)
{
        char text[200];
        ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

        text[n < 0 ? 0 : n] = 0;
        printf("%s: \"%s\"\n", what, text);
}

static void opening(void)
{
        int fd;

        put("f", "0123456789");
        mkdir(p("dir"), 0777);
        symlink("f", p("link"));
        symlink("dir", p("dirlink"));
        symlink("nowhere", p("dangling"));
        symlink("loop", p("loop"));
        close(tell_open("open", open(p("f"), O_RDONLY)));
        tell_open("open what is not there", open(p("x"), O_RDONLY));
        tell_open("open in what is not there", open(p("x/y"), O_RDWR | O_CREAT, 0666));
        tell_open("open below a file", open(p("f/y"), O_RDONLY));
        tell_open("open with a slash behind", open(p("f/"), O_RDONLY));
        tell_open("open exclusively", open(p("f"), O_WRONLY | O_CREAT | O_EXCL, 0666));
        close(tell_open("open new exclusively", open(p("n"), O_WRONLY | O_CREAT | O_EXCL, 0666)));
        tell_open("open directory to write", open(p("dir"), O_RDWR));
        close(tell_open("open directory", open(p("dir"), O_RDONLY | O_DIRECTORY)));
        close(tell_open("open directory unasked", open(p("dir"), O_RDONLY)));
        tell_open("open file as directory", open(p("f"), O_RDONLY | O_DIRECTORY));
        close(tell_open("open link", open(p("link"), O_RDONLY)));
        tell_open("open link itself", open(p("link"), O_RDONLY | O_NOFOLLOW));
        tell_open("open dangling", open(p("dangling"), O_RDONLY));
        tell_open("open loop", open(p("loop"), O_RDONLY));
        close(tell_open("open by a winding way", open(p("dir/.././dir/../f"), O_RDONLY)));
        close(tell_open("create through a link", open(p("dangling"), O_WRONLY | O_CREAT, 0666)));
        tell("it is there", access(p("nowhere"), F_OK));

        fd = open(p("f"), O_RDONLY);
        tell("write to what is open to read", write(fd, "x", 1));
        close(fd);
        tell("read what is closed", read(fd, &fd, 1));
        tell("close what is closed", close(fd));
        fd = open(p("f"), O_WRONLY);
        {
                char c;

                tell("read what is open to write", read(fd, &c, 1));
        }
        close(fd);
}

static void reading_and_writing(void)
{
        int fd = open(p("rw"), O_RDWR | O_CREAT, 0666);
        char a[8] = { 0 }, b[8] = { 0 };
        struct iovec v[2] = { { a, 4 }, { b, 7 } };
        struct stat st;

        tell("write", write(fd, "abcdefghij", 10));
        tell("seek back", lseek(fd, -4, SEEK_END));
        tell("read", read(fd, a, 7));
        printf("read says %s\n", a);
        tell("read at the end", read(fd, a, 7));
        tell("seek before the start", lseek(fd, -1, SEEK_SET));
        tell("seek nowhere", lseek(fd, 0, 99));
        tell("seek far", lseek(fd, 5000000000LL, SEEK_SET));
        tell("pwrite", pwrite(fd, "XY", 2, 3));
        tell("pread", pread(fd, a, 4, 2));
        printf("pread says %.4s\n", a);
        tell("position", lseek(fd, 0, SEEK_CUR));
        lseek(fd, 0, SEEK_SET);
        tell("readv", readv(fd, v, 2));
        printf("readv says %.4s %s\n", a, b);
        tell("writev", writev(fd, v, 2));
        tell_content("content", fd);
        tell("ftruncate to less", ftruncate(fd, 5));
        tell("ftruncate to more", ftruncate(fd, 12));
        tell("ftruncate to nonsense", ftruncate(fd, -1));
        fstat(fd, &st);
        tell("size", st.st_size);
        tell("allocate", posix_fallocate(fd, 0, 100));
        fstat(fd, &st);
        tell("size", st.st_size);
        tell("advise", posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
        tell("fsync", fsync(fd));
        tell("fdatasync", fdatasync(fd));
        tell("is no terminal", isatty(fd));
        close(fd);

        fd = open(p("rw"), O_RDWR | O_TRUNC | O_APPEND);
        write(fd, "abc", 3);
        lseek(fd, 0, SEEK_SET);
        write(fd, "def", 3);
        tell("position after append", lseek(fd, 0, SEEK_CUR));
        tell("pwrite to append", pwrite(fd, "gh", 2, 0));
        tell("position after that", lseek(fd, 0, SEEK_CUR));
        tell_content("appended", fd);
        tell("append is set", (fcntl(fd, F_GETFL) & O_APPEND) != 0);
        tell("take it off", fcntl(fd, F_SETFL, 0));
        lseek(fd, 0, SEEK_SET);
        write(fd, "Z", 1);
        tell_content("not appended", fd);
        close(fd);
}

static void names(void)
{
        char text[32] = { 0 };
        struct stat st, st2;

        put("a", "AAA");
        put("b", "B");
        mkdir(p("d1"), 0777);
        mkdir(p("d2"), 0777);
        put("d2/in", "");
        tell("mkdir there", mkdir(p("d1"), 0777));
        tell("mkdir with slash", mkdir(p("d3/"), 0777));
        tell("mkdir in nothing", mkdir(p("x/y"), 0777));
        tell("mkdir over a file", mkdir(p("a"), 0777));
        tell("rmdir full", rmdir(p("d2")));
        tell("rmdir file", rmdir(p("a")));
        tell("rmdir nothing", rmdir(p("x")));
        tell("rmdir with slash", rmdir(p("d3/")));
        tell("unlink directory", unlink(p("d1")));
        tell("unlink nothing", unlink(p("x")));
        tell("unlink with slash", unlink(p("a/")));
        tell("rename over a file", rename(p("a"), p("b")));
        stat(p("b"), &st);
        tell("its size", st.st_size);
        tell("rename nothing", rename(p("a"), p("b")));
        tell("rename file over directory", rename(p("b"), p("d1")));
        tell("rename directory over file", rename(p("d1"), p("b")));
        tell("rename over a full directory", rename(p("d1"), p("d2")));
        tell("rename over an empty directory", rename(p("d2"), p("d1")));
        tell("rename into itself", rename(p("d1"), p("d1/x")));
        tell("link", link(p("b"), p("hard")));
        stat(p("b"), &st);
        stat(p("hard"), &st2);
        tell("same file", st.st_ino == st2.st_ino && st.st_nlink == 2);
        tell("link over", link(p("b"), p("hard")));
        tell("link directory", link(p("d1"), p("hard2")));
        tell("symlink", symlink("some/where", p("soft")));
        tell("symlink over", symlink("else", p("soft")));
        tell("readlink", readlink(p("soft"), text, sizeof(text)));
        printf("readlink says %s\n", text);
        tell("readlink, short", readlink(p("soft"), text, 4));
        tell("readlink of a file", readlink(p("b"), text, 4));
        tell("lstat", lstat(p("soft"), &st));
        tell("it is a link", S_ISLNK(st.st_mode));
        tell("its length", st.st_size);
        tell("stat", stat(p("soft"), &st));
        tell("stat with slash", stat(p("b/"), &st));
        tell("stat directory with slash", stat(p("d1/"), &st));
        tell("it is a directory", S_ISDIR(st.st_mode));
        tell("remove", remove(p("d1/in")));
        tell("remove directory", remove(p("d1")));
        {
                char name[300];

                memset(name, 'n', sizeof(name) - 1);
                name[sizeof(name) - 1] = 0;
                tell("a name too long", mkdir(p(name), 0777));
        }
}

static void times(void)
{
        struct timespec t[2] = { { 1000000001, 5 }, { 1000000002, 123456789 } };
        struct stat st;
        int fd;

        put("t", "");
        tell("utimensat", utimensat(AT_FDCWD, p("t"), t, 0));
        stat(p("t"), &st);
        tell("atime", st.st_atim.tv_sec);
        tell("mtime ns", st.st_mtim.tv_nsec);
        fd = open(p("t"), O_RDWR);
        t[0].tv_nsec = UTIME_OMIT;
        t[1] = (struct timespec) { 77, 0 };
        tell("futimens", futimens(fd, t));
        fstat(fd, &st);
        tell("atime", st.st_atim.tv_sec);
        tell("mtime", st.st_mtim.tv_sec);
        close(fd);
        tell("utimensat of nothing", utimensat(AT_FDCWD, p("x"), t, 0));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static void directories(void)
{
        struct dirent **list, *entry;
        unsigned count = 0, again = 0;
        char name[64];
        DIR *d;
        int n;

        mkdir(p("many"), 0777);
        for (int i = 0; i < 300; i++) {
                snprintf(name, sizeof(name), "many/entry-number-%d", i);
                put(name, "");
        }
        mkdir(p("many/sub"), 0777);
        symlink("x", p("many/sym"));
        n = scandir(p("many"), &list, NULL, by_name);
        tell("entries", n);
        for (int i = 0; i < n; i++)
                if (i < 5 || i > n - 4)
                        printf("%s %d\n", list[i]->d_name,
                               list[i]->d_type == DT_REG ? 1 : list[i]->d_type == DT_DIR ? 2
                               : list[i]->d_type == DT_LNK ? 3 : 0);
        d = opendir(p("many"));
        while ((entry = readdir(d)))
                count++;
        rewinddir(d);
        while ((entry = readdir(d))) {
                again++;
                snprintf(name, sizeof(name), "many/%s", entry->d_name);
                if (entry->d_type == DT_REG)
                        unlink(p(name)); /* while reading */
        }
        printf("read %u, and again %u\n", count, again);
        closedir(d);
        n = scandir(p("many"), &list, NULL, by_name);
        tell("left", n);
        tell("opendir of a file", opendir(p("f")) ? 0 : -1);
        tell("opendir of nothing", opendir(p("x")) ? 0 : -1);
}

static void streams(void)
{
        char line[64];
        FILE *f = fopen(p("s"), "w+");

        for (int i = 0; i < 1000; i++)
                fprintf(f, "line %d\n", i);
        tell("ftell", ftell(f));
        fseek(f, -9, SEEK_END);
        fgets(line, sizeof(line), f);
        printf("last: %s", line);
        rewind(f);
        fgets(line, sizeof(line), f);
        printf("first: %s", line);
        fclose(f);
        tell("fopen x", fopen(p("s"), "wx") ? 0 : -1);
        tell("fopen r of nothing", fopen(p("x"), "r") ? 0 : -1);
        f = fopen(p("s"), "a");
        fputs("appended\n", f);
        fclose(f);
        f = fopen(p("s"), "r");
        for (int n = 0; fgets(line, sizeof(line), f); n++)
                if (n == 1000)
                        printf("added: %s", line);
        tell("at the end", feof(f) != 0);
        fclose(f);
}

static void polling(void)
{
        struct pollfd fds[2] = { { open(p("f"), O_RDWR), POLLIN | POLLOUT, 0 }, { -1, POLLIN, 0 } };

        tell("poll a file", poll(fds, 1, 1000));
        tell("it is readable and writable", fds[0].revents == (POLLIN | POLLOUT));
        tell("poll nothing", poll(fds, 0, 10));
        close(fds[0].fd);
}

int main(int argc, char **argv)
{
        base = argc > 1 ? argv[1] : ".";
        setvbuf(stdout, NULL, _IOLBF, 0);
        opening();
        reading_and_writing();
        names();
        times();
        directories();
        streams();
        polling();
        return 0;
}
