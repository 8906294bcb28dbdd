/* unzip.c - unpacks a zip archive, stored or deflated, below a directory.
 *
 *     nacelle run --dir out:/out --dir in:/in:ro unzip.wasm /in/archive.zip /out
 *
 * It has the ZipSlip hole, on purpose: a member's name is put behind the directory and used as it
 * is, so that "../../etc/x" would be written outside of it. That is the bug this example shows to
 * be harmless: the guest holds no key to anything outside of /out. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inflate.h"

#define MEMBER_MAX (256u << 20) /* bytes, unpacked: what this example is willing to hold */

struct archive {
        uint8_t *bytes;
        size_t size;
};

struct member {
        char name[4096];
        unsigned method;
        uint32_t crc, packed, unpacked, header; /* header: offset of the local one */
};

static unsigned get16(const uint8_t *p)
{
        return p[0] | (unsigned)p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
        return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static uint32_t crc32(const uint8_t *bytes, size_t n)
{
        uint32_t crc = UINT32_MAX;

        for (size_t i = 0; i < n; i++) {
                crc ^= bytes[i];
                for (int bit = 0; bit < 8; bit++)
                        crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
        }
        return ~crc;
}

static bool archive_read(const char *path, struct archive *ret)
{
        struct stat st;
        size_t got = 0;
        int fd = open(path, O_RDONLY);

        if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < 0) {
                fprintf(stderr, "unzip: %s: %s\n", path, strerror(errno));
                return false;
        }
        ret->size = (size_t)st.st_size;
        ret->bytes = malloc(ret->size + 1);
        while (ret->bytes && got < ret->size) {
                ssize_t n = read(fd, ret->bytes + got, ret->size - got);

                if (n <= 0)
                        break;
                got += (size_t)n;
        }
        close(fd);
        if (ret->bytes && got == ret->size)
                return true;
        fprintf(stderr, "unzip: %s: cannot be read whole\n", path);
        return false;
}

/* The end record (section 4.3.16 of the format) is last, behind it only a comment. */
static const uint8_t *find_end(const struct archive *a)
{
        for (size_t back = 22; back <= a->size && back <= 22 + 65535; back++) {
                const uint8_t *p = a->bytes + a->size - back;

                if (get32(p) == 0x06054b50)
                        return p;
        }
        return NULL;
}

/* Reads the entry of the central directory at *@at and moves behind it. */
static bool next_member(const struct archive *a, size_t *at, struct member *ret)
{
        const uint8_t *p = a->bytes + *at;
        size_t name, all;

        if (*at > a->size || a->size - *at < 46 || get32(p) != 0x02014b50)
                return false;
        name = get16(p + 28);
        all = 46 + name + get16(p + 30) + get16(p + 32);
        if (a->size - *at < all || name >= sizeof(ret->name))
                return false;
        ret->method = get16(p + 10);
        ret->crc = get32(p + 16);
        ret->packed = get32(p + 20);
        ret->unpacked = get32(p + 24);
        ret->header = get32(p + 42);
        memcpy(ret->name, p + 46, name);
        ret->name[name] = 0;
        *at += all;
        return true;
}

/* New memory with the member's content, or NULL. */
static uint8_t *unpack(const struct archive *a, const struct member *m)
{
        const uint8_t *p = a->bytes + m->header;
        size_t skip;
        uint8_t *out;
        long n = -1;

        if (m->header > a->size || a->size - m->header < 30 || get32(p) != 0x04034b50)
                return NULL;
        skip = 30 + (size_t)get16(p + 26) + get16(p + 28);
        if (a->size - m->header < skip || a->size - m->header - skip < m->packed ||
            m->unpacked > MEMBER_MAX)
                return NULL;
        out = malloc((size_t)m->unpacked + 1);
        if (!out)
                return NULL;
        if (m->method == 8) {
                n = inflate(p + skip, m->packed, out, m->unpacked);
        } else if (m->method == 0 && m->packed == m->unpacked) {
                memcpy(out, p + skip, m->unpacked);
                n = (long)m->unpacked;
        }
        if (n == (long)m->unpacked && crc32(out, m->unpacked) == m->crc)
                return out;
        free(out);
        return NULL;
}

/* Makes the directories on the way to @path, as far as they are not there. */
static void make_parents(char *path)
{
        for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = 0;
                mkdir(path, 0777);
                *slash = '/';
        }
}

static bool write_file(const char *path, const uint8_t *bytes, size_t n)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

        if (fd < 0)
                return false;
        while (n) {
                ssize_t done = write(fd, bytes, n);

                if (done < 0) {
                        close(fd);
                        return false;
                }
                bytes += done;
                n -= (size_t)done;
        }
        return close(fd) == 0;
}

static bool extract(const struct archive *a, const struct member *m, const char *directory)
{
        char path[8192];
        uint8_t *bytes;
        bool good;

        snprintf(path, sizeof(path), "%s/%s", directory, m->name); /* the hole */
        make_parents(path);
        if (path[strlen(path) - 1] == '/')
                return true;
        bytes = unpack(a, m);
        if (!bytes) {
                fprintf(stderr, "unzip: %s: damaged, or packed in a way that is not known here\n", m->name);
                return false;
        }
        good = write_file(path, bytes, m->unpacked);
        free(bytes);
        if (good)
                printf("%10lu %s\n", (unsigned long)m->unpacked, m->name);
        else
                fprintf(stderr, "unzip: %s: %s\n", m->name, strerror(errno));
        return good;
}

int main(int argc, char **argv)
{
        struct archive a;
        struct member m;
        const uint8_t *end;
        unsigned n;
        size_t at;
        int status = 0;

        if (argc != 3) {
                fputs("usage: unzip ARCHIVE DIRECTORY\n", stderr);
                return 2;
        }
        if (!archive_read(argv[1], &a))
                return 1;
        end = find_end(&a);
        if (!end) {
                fprintf(stderr, "unzip: %s: not a zip archive\n", argv[1]);
                return 1;
        }
        n = get16(end + 10);
        at = get32(end + 16);
        for (unsigned i = 0; i < n; i++) {
                if (!next_member(&a, &at, &m)) {
                        fprintf(stderr, "unzip: %s: the list of members is damaged\n", argv[1]);
                        return 1;
                }
                if (!extract(&a, &m, argv[2]))
                        status = 1;
        }
        free(a.bytes);
        return status;
}
