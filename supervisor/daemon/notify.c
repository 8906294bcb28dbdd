/* notify.c - the notification protocol through libsystemd, and without it by a socket of our own. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "supervisor/daemon/notify.h"

#define DESCRIPTORS_MAX   1024
#define FIRST_DESCRIPTOR  3
#define STORE_NAME_MAX    255

static struct {
        char *socket;       /* NULL: no manager */
        uint64_t watchdog_ns;
        int n;              /* descriptors from FIRST_DESCRIPTOR on */
        char *names;        /* separated by colons, or NULL */
} manager;

static unsigned long long number(const char *name)
{
        const char *text = getenv(name);
        char *end;
        unsigned long long n;

        if (!text || *text < '0' || *text > '9')
                return 0;
        n = strtoull(text, &end, 10);
        return *end ? 0 : n;
}

void notify_open(void)
{
        const char *text = getenv("NOTIFY_SOCKET");
        bool for_us = number("LISTEN_PID") == (unsigned long long)getpid();

        if (text && (text[0] == '/' || text[0] == '@'))
                manager.socket = strdup(text);
        if (getenv("WATCHDOG_USEC") &&
            (!getenv("WATCHDOG_PID") || number("WATCHDOG_PID") == (unsigned long long)getpid()))
                manager.watchdog_ns = number("WATCHDOG_USEC") * 1000;
        if (for_us && number("LISTEN_FDS") <= DESCRIPTORS_MAX)
                manager.n = (int)number("LISTEN_FDS");
        text = getenv("LISTEN_FDNAMES");
        if (manager.n && text)
                manager.names = strdup(text);
        for (int i = 0; i < manager.n; i++)
                fcntl(FIRST_DESCRIPTOR + i, F_SETFD, FD_CLOEXEC);
        unsetenv("LISTEN_PID");
        unsetenv("LISTEN_FDS");
        unsetenv("LISTEN_FDNAMES");
        unsetenv("WATCHDOG_USEC");
        unsetenv("WATCHDOG_PID");
#ifndef HAVE_SYSTEMD
        unsetenv("NOTIFY_SOCKET");
#endif
}

uint64_t notify_watchdog_ns(void)
{
        return manager.watchdog_ns;
}

#ifdef HAVE_SYSTEMD
static void send_state(const char *text, int fd)
{
        (void)sd_pid_notify_with_fds(0, 0, text, fd >= 0 ? &fd : NULL, fd >= 0);
}
#else
static void send_state(const char *text, int fd)
{
        union {
                struct cmsghdr head;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control = { 0 };
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        struct iovec iov = { (void *)(uintptr_t)text, strlen(text) };
        struct msghdr msg = { .msg_name = &address, .msg_iov = &iov, .msg_iovlen = 1 };
        size_t n = strlen(manager.socket);
        _cleanup_close_ int sock = -EBADF;

        if (n >= sizeof(address.sun_path))
                return;
        memcpy(address.sun_path, manager.socket, n);
        if (address.sun_path[0] == '@')
                address.sun_path[0] = '\0';
        msg.msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
        if (fd >= 0) {
                msg.msg_control = &control;
                msg.msg_controllen = sizeof(control.bytes);
                control.head = (struct cmsghdr) { .cmsg_len = CMSG_LEN(sizeof(int)),
                                                  .cmsg_level = SOL_SOCKET,
                                                  .cmsg_type = SCM_RIGHTS };
                memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
        }
        sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (sock >= 0)
                (void)!sendmsg(sock, &msg, MSG_NOSIGNAL);
}
#endif

void notify(const char *format, ...)
{
        char text[1024];
        va_list args;

        if (!manager.socket)
                return;
        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        send_state(text, -EBADF);
}

void notify_store(int fd, const char *name)
{
        char text[STORE_NAME_MAX + 64];

        if (!manager.socket || strlen(name) > STORE_NAME_MAX || strchr(name, ':'))
                return;
        /* It is a listening socket, for which POLLHUP means nothing: the manager must not poll it. */
        snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
        send_state(text, fd);
}

void notify_forget(const char *name)
{
        notify("FDSTOREREMOVE=1\nFDNAME=%s", name);
}

void notify_descriptors(void (*take)(void *context, int fd, const char *name), void *context)
{
        const char *at = manager.names;

        for (int i = 0; i < manager.n; i++) {
                char name[STORE_NAME_MAX + 1] = "";

                if (at) {
                        size_t n = strcspn(at, ":");

                        snprintf(name, sizeof(name), "%.*s", (int)n, at);
                        at = at[n] ? at + n + 1 : NULL;
                }
                take(context, FIRST_DESCRIPTOR + i, name);
        }
        manager.n = 0;
}
