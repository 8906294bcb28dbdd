/* journal.c - see journal.h. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>

#ifdef HAVE_SYSTEMD
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#endif

#include "policy/explain.h"
#include "supervisor/daemon/journal.h"

#define TEXT_MAX  8192
#define VALUE_MAX 512
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static enum { SINK_PLAIN, SINK_PREFIXED, SINK_JOURNAL } sink;

/* The service manager says which stream it reads: "device:inode". */
static bool stderr_is_the_managers(void)
{
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long dev, ino;
        struct stat st;

        return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
               fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void journal_open(void)
{
        if (!stderr_is_the_managers())
                return;
        sink = SINK_PREFIXED;
#ifdef HAVE_SYSTEMD
        if (access(JOURNAL_SOCKET, W_OK) == 0)
                sink = SINK_JOURNAL;
#endif
}

/* Bytes of the UTF-8 sequence at @s, 0 when it is none, or one that a terminal would obey. */
static size_t utf8_length(const unsigned char *s, size_t n)
{
        uint32_t c;
        size_t len;

        if (s[0] < 0x80)
                return s[0] >= 0x20 && s[0] != 0x7f;
        len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
        if (s[0] < 0xc2 || s[0] > 0xf4 || n < len)
                return 0;
        c = s[0] & (0x7fu >> len);
        for (size_t i = 1; i < len; i++) {
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (s[i] & 0x3fu);
        }
        if (c < 0xa0 || (len == 3 && c < 0x800) || (len == 4 && (c < 0x10000 || c > 0x10ffff)) ||
            (c >= 0xd800 && c <= 0xdfff))
                return 0;
        /* Marks that turn the direction of writing make a line lie about its order. */
        if ((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029)
                return 0;
        return len;
}

size_t journal_escape(const char *bytes, size_t n, char *text, size_t size)
{
        const unsigned char *s = (const unsigned char *)bytes;
        size_t at = 0;

        for (size_t i = 0; i < n;) {
                size_t len = utf8_length(s + i, n - i);

                if (at + 5 > size)
                        break;
                if (len && s[i] != '\\') {
                        memcpy(text + at, s + i, len);
                        at += len;
                        i += len;
                } else if (s[i] == '\t') {
                        text[at++] = ' ';
                        i++;
                } else {
                        at += (size_t)snprintf(text + at, size - at, "\\x%02x", s[i++]);
                }
        }
        text[at] = '\0';
        return at;
}

static uint64_t lost, lost_told;

/* A pipe with a free page takes PIPE_BUF bytes without waiting, a terminal and a file what they are given. */
static bool put_piece(const char *bytes, size_t n)
{
        struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

        return poll(&p, 1, 0) == 1 && p.revents & POLLOUT && write(STDERR_FILENO, bytes, n) == (ssize_t)n;
}

static void put_line(const char *line, size_t n)
{
        char told[80];

        if (lost > lost_told) {
                int k = snprintf(told, sizeof(told), "nacelled: %" PRIu64 " records lost: nobody read them\n",
                                 lost - lost_told);

                if (put_piece(told, (size_t)k))
                        lost_told = lost;
        }
        for (size_t at = 0; at < n; at += PIPE_BUF)
                if (!put_piece(line + at, n - at < PIPE_BUF ? n - at : PIPE_BUF)) {
                        lost++;
                        return;
                }
}

uint64_t journal_lost(void)
{
        return lost;
}

static void to_stderr(int priority, const struct journal_fields *fields, const char *text)
{
        const char *unit = fields ? fields->value[JOURNAL_UNIT] : NULL;
        const char *guest = fields ? fields->value[JOURNAL_GUEST] : NULL;
        char line[TEXT_MAX + 1024], prefix[8] = "";
        int n;

        if (sink == SINK_PREFIXED)
                snprintf(prefix, sizeof(prefix), "<%d>", priority & 7);
        n = snprintf(line, sizeof(line), "%s%s%s%s%s: %s\n", prefix, unit ? unit : "nacelled",
                     guest ? "[" : "", guest ? guest : "", guest ? "]" : "", text);
        if (n >= (int)sizeof(line))
                n = (int)sizeof(line) - 1;
        put_line(line, (size_t)n);
}

const char *journal_id(const char *event, const char *layer)
{
        static const struct {
                const char *event, *id;
        } rows[] = {
#define EVENT(name, id, subject, text) { name, id },
#include "supervisor/daemon/events.def"
        };

        if (!event)
                return NULL;
        if (strcmp(event, "denied") == 0)
                return layer ? denial_id(layer) : NULL;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (strcmp(rows[i].event, event) == 0)
                        return rows[i].id;
        return NULL;
}

#ifdef HAVE_SYSTEMD
static const char *const keys[_JOURNAL_FIELD_MAX] = {
#define FIELD(name, key, text) [JOURNAL_##name] = key,
#include "supervisor/daemon/journal_fields.def"
};

/* The library waits when the journal's queue is full: a socket of our own tells whether it is. */
static bool journal_has_room(void)
{
        static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
        static int fd = -EBADF;
        struct pollfd p = { .events = POLLOUT };

        if (fd < 0) {
                fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
                if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                        close(TAKE_FD(fd));
        }
        p.fd = fd;
        if (fd < 0 || poll(&p, 1, 0) < 0)
                return false;
        if (p.revents & (POLLERR | POLLHUP)) /* a new journal has a new socket */
                close(TAKE_FD(fd));
        return p.revents == POLLOUT;
}

static size_t put_value(enum journal_field field, const char *value, char *to, size_t size)
{
        size_t n;

        if (field != JOURNAL_OBJECT) /* which was escaped where it came in */
                return journal_escape(value, strlen(value), to, size);
        n = strnlen(value, size - 1);
        memcpy(to, value, n);
        to[n] = '\0';
        return n;
}

static bool to_journal(int priority, const struct journal_fields *fields, const char *text)
{
        char storage[2 + _JOURNAL_FIELD_MAX][VALUE_MAX], message[TEXT_MAX + 16];
        struct iovec iov[3 + _JOURNAL_FIELD_MAX];
        int n = 0;

        iov[n].iov_base = message;
        iov[n++].iov_len = (size_t)snprintf(message, sizeof(message), "MESSAGE=%s", text);
        iov[n].iov_base = storage[0];
        iov[n++].iov_len = (size_t)snprintf(storage[0], VALUE_MAX, "PRIORITY=%d", priority);
        iov[n].iov_base = (void *)(uintptr_t)"SYSLOG_IDENTIFIER=nacelled";
        iov[n++].iov_len = strlen("SYSLOG_IDENTIFIER=nacelled");
        for (unsigned i = 0; fields && i < _JOURNAL_FIELD_MAX; i++) {
                const char *value = fields->value[i];
                char *to = storage[2 + i];
                int head;

                if (i == JOURNAL_ID)
                        value = journal_id(fields->value[JOURNAL_EVENT], fields->value[JOURNAL_LAYER]);
                if (!value)
                        continue;
                head = snprintf(to, VALUE_MAX, "%s=", keys[i]);
                iov[n].iov_base = to;
                iov[n++].iov_len = (size_t)head + put_value(i, value, to + head, VALUE_MAX - (size_t)head);
        }
        return sd_journal_sendv(iov, n) >= 0;
}
#endif

void journal_write(int priority, const struct journal_fields *fields, const char *format, ...)
{
        char raw[TEXT_MAX / 4], text[TEXT_MAX];
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(raw, sizeof(raw), format, args);
        va_end(args);
        if (n < 0)
                return;
        if ((size_t)n >= sizeof(raw))
                n = (int)sizeof(raw) - 1;
        journal_escape(raw, (size_t)n, text, sizeof(text));
        journal_write_raw(priority, fields, text);
}

void journal_write_raw(int priority, const struct journal_fields *fields, const char *text)
{
#ifdef HAVE_SYSTEMD
        if (sink == SINK_JOURNAL && !journal_has_room()) {
                lost++;
                return;
        }
        if (sink == SINK_JOURNAL && to_journal(priority, fields, text))
                return;
#endif
        to_stderr(priority, fields, text);
}
