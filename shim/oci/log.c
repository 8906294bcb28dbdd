/* log.c - see log.h. */
#include "config.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "shim/oci/log.h"

static struct {
        int fd;
        bool json;
} file = { .fd = -EBADF };

int oci_log_open(const char *path, bool json, struct error *err)
{
        file.json = json;
        if (!path || !path[0])
                return 0;
        file.fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644);
        return file.fd < 0 ? error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "--log %.150s: %m", path) : 0;
}

int oci_log_fd(void)
{
        return file.fd;
}

/* A string of JSON without its quotes; the same does for the text form. */
static void escape(const char *text, char *to, size_t size)
{
        size_t at = 0;

        for (; *text && at + 7 < size; text++) {
                unsigned char c = (unsigned char)*text;

                if (c == '"' || c == '\\') {
                        to[at++] = '\\';
                        to[at++] = (char)c;
                } else if (c < 0x20 || c == 0x7f) {
                        at += (size_t)snprintf(to + at, size - at, "\\u%04x", c);
                } else {
                        to[at++] = (char)c;
                }
        }
        to[at] = '\0';
}

void oci_log(const char *level, const char *format, ...)
{
        char text[1024], escaped[4096], line[5120], when[32];
        time_t now = time(NULL);
        struct tm tm;
        va_list args;
        int n;

        if (file.fd < 0)
                return;
        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        escape(text, escaped, sizeof(escaped));
        gmtime_r(&now, &tm);
        strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
        n = snprintf(line, sizeof(line),
                     file.json ? "{\"level\":\"%s\",\"msg\":\"%s\",\"time\":\"%s\"}\n"
                               : "level=%s msg=\"%s\" time=\"%s\"\n",
                     level, escaped, when);
        /* One write, so that lines of two processes do not mix. A full disk is no reason to fail. */
        (void)!write(file.fd, line, (size_t)n);
}
