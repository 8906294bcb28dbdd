#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/proto/descriptors.h"

union control {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int) * DESCRIPTORS_MAX)];
};

int descriptors_send(int sock, const void *bytes, size_t size, const int *fds, unsigned n, int flags)
{
        union control control;
        struct iovec iov = { (void *)bytes, size };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

        if (n > DESCRIPTORS_MAX)
                return -E2BIG;
        if (n) {
                memset(&control, 0, sizeof(control));
                msg.msg_control = &control;
                msg.msg_controllen = CMSG_SPACE(sizeof(int) * n);
                control.head = (struct cmsghdr) { .cmsg_len = CMSG_LEN(sizeof(int) * n), .cmsg_level = SOL_SOCKET,
                                                  .cmsg_type = SCM_RIGHTS };
                memcpy(CMSG_DATA(&control.head), fds, sizeof(int) * n);
        }
        for (;;) {
                if (sendmsg(sock, &msg, MSG_NOSIGNAL | flags) >= 0)
                        return 0;
                if (errno != EINTR)
                        return -errno;
        }
}

ssize_t descriptors_receive(int sock, void *bytes, size_t size, int *fds, unsigned most, unsigned *ret_n, int flags)
{
        union control control;
        int came[DESCRIPTORS_MAX + 1]; /* the room for control is rounded up */
        struct iovec iov = { bytes, size };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
                              .msg_controllen = sizeof(control.bytes) };
        const struct cmsghdr *h;
        unsigned n = 0;
        ssize_t got;

        *ret_n = 0;
        do
                got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | flags);
        while (got < 0 && errno == EINTR);
        if (got < 0)
                return -errno;
        h = CMSG_FIRSTHDR(&msg);
        if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS) {
                n = (unsigned)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
                memcpy(came, CMSG_DATA(h), n * sizeof(int));
        }
        if (n > most || msg.msg_flags & MSG_CTRUNC) {
                while (n)
                        close(came[--n]);
                return -EPROTO;
        }
        memcpy(fds, came, n * sizeof(int));
        *ret_n = n;
        return got;
}
