/* channel.c - messages through the ring. Any worker sends; the control fiber alone receives, and while it
 * serves a command, the answer to a path request of that is the next message. Guests have a socket
 * each for their paths. */
#include "config.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/cell/nano.h"

static int32_t ring_message(int fd, enum ring_op_code code, struct msghdr *msg)
{
        struct ring_op op = { .code = code, .fd = fd, .address = msg,
                              .flags = code == RING_RECVMSG ? MSG_CMSG_CLOEXEC : MSG_NOSIGNAL };

        return ring_do(worker_self()->ring, &op);
}

static int send_parts(int fd, struct iovec *parts, unsigned n)
{
        struct msghdr msg = { .msg_iov = parts, .msg_iovlen = n };
        int32_t r = ring_message(fd, RING_SENDMSG, &msg);

        return r < 0 ? r : 0;
}

int channel_try(const void *message, size_t size)
{
        struct ring_op op = { .code = RING_SEND, .fd = FD_BROKER, .address = (void *)message,
                              .length = (uint32_t)size, .flags = MSG_NOSIGNAL };
        int32_t r = ring_now(&op, false);

        return r < 0 ? r : 0;
}

int channel_send(struct cell *c, const void *message, size_t size)
{
        int r = channel_try(message, size);

        (void)c;
        return r != -EAGAIN ? r : send_parts(FD_BROKER, &(struct iovec) { (void *)message, size }, 1);
}

union control {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int) * PROTO_FDS_MAX)];
};

static unsigned take_fds(struct msghdr *msg, int *fds)
{
        struct cmsghdr *h = CMSG_FIRSTHDR(msg);
        unsigned n;

        if (!h || h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
                return 0;
        n = (unsigned)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(h), n * sizeof(int));
        return n;
}

int channel_receive(struct cell *c, struct received *ret)
{
        union control control;
        struct iovec iov = { &c->in, sizeof(c->in) };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
                              .msg_controllen = sizeof(control) };
        int32_t n = ring_message(FD_BROKER, RING_RECVMSG, &msg);

        if (n <= 0)
                return n < 0 ? n : -EPIPE;
        ret->size = (size_t)n;
        ret->nfds = take_fds(&msg, ret->fds);
        return 0;
}

/* The answer goes straight to where the caller wants it: the head, and behind it the bytes. A request that
 * was given up has left its answer in the socket: that is passed over, cut as it may be, for this caller's room is not
 * its. */
static int receive_path_reply(int fd, uint32_t id, struct path_reply *reply, void *bytes, uint32_t size,
                              int *ret_fd)
{
        for (;;) {
                union control control;
                struct iovec parts[2] = { { reply, sizeof(*reply) }, { bytes, size } };
                struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2, .msg_control = &control,
                                      .msg_controllen = CMSG_SPACE(sizeof(int)) };
                int fds[PROTO_FDS_MAX];
                int32_t n = ring_message(fd, RING_RECVMSG, &msg);

                if (n <= 0)
                        return n < 0 ? n : -EPIPE;
                *ret_fd = take_fds(&msg, fds) ? fds[0] : -EBADF;
                if ((size_t)n < sizeof(*reply) || reply->message != MESSAGE_PATH_REPLY)
                        return -EPROTO;
                if (reply->id == id)
                        return (size_t)n == sizeof(*reply) + reply->bytes ? 0 : -EPROTO;
                closep(ret_fd);
                *ret_fd = -EBADF;
        }
}

static int path_call(int fd, uint32_t id, struct path_request *request, const char *path, const char *path2,
                     struct path_reply *reply, void *bytes, uint32_t size, int *ret_fd)
{
        struct iovec parts[3] = { { request, sizeof(*request) },
                                  { (void *)path, request->path_bytes },
                                  { (void *)path2, request->path2_bytes } };
        int r;

        request->message = MESSAGE_PATH;
        request->id = id;
        request->reserved = 0;
        if (size > PATH_REPLY_MAX)
                size = PATH_REPLY_MAX;
        r = send_parts(fd, parts, 3);
        return r < 0 ? r : receive_path_reply(fd, id, reply, bytes, size, ret_fd);
}

int channel_path_call(void *context, struct path_request *request, const char *path,
                      const char *path2, struct path_reply *reply, void *bytes, uint32_t size,
                      int *ret_fd)
{
        struct cell *c = context;

        return path_call(FD_BROKER, ++c->path_id, request, path, path2, reply, bytes, size, ret_fd);
}

int guest_path_call(void *context, struct path_request *request, const char *path, const char *path2,
                    struct path_reply *reply, void *bytes, uint32_t size, int *ret_fd)
{
        struct guest *g = context;

        return path_call(g->path_fd, ++g->path_id, request, path, path2, reply, bytes, size, ret_fd);
}

int reply_done(struct cell *c, uint32_t number, const struct wire_value *values, unsigned n)
{
        struct done_message m = { .head = { MESSAGE_DONE, c->id }, .number = number, .nvalues = n };
        struct iovec parts[2] = { { &m, sizeof(m) }, { (void *)values, n * sizeof(*values) } };

        return send_parts(FD_BROKER, parts, n ? 2 : 1);
}

int reply_error(struct cell *c, const struct error *err)
{
        struct failed_message m = { .head = { MESSAGE_FAILED, c->id }, .code = err->code,
                                    .stage = err->stage, .offset = err->offset };

        _Static_assert(sizeof(m.text) == sizeof(err->text), "an error fits the message");
        memcpy(m.text, err->text, sizeof(m.text));
        return channel_send(c, &m, sizeof(m));
}

static void name_frame(const struct module *m, uint32_t function, char *name, size_t size)
{
        const struct name *found = NULL;

        if (m->function_names && function < m->nfunctions && m->function_names[function].size)
                found = &m->function_names[function];
        for (uint32_t i = 0; !found && i < m->nexports; i++)
                if (m->exports[i].kind == EXTERN_FUNC && m->exports[i].index == function)
                        found = &m->exports[i].name;
        if (found) {
                size_t n = found->size < size - 1 ? found->size : size - 1;

                memcpy(name, found->bytes, n);
                name[n] = '\0';
        }
}

void frame_fill(const struct trap_frame *f, uint32_t instance, struct wire_frame *ret)
{
        *ret = (struct wire_frame) { .function = f->function, .offset = f->offset, .instance = instance };
        if (f->instance && f->function != UINT32_MAX)
                name_frame(instance_module(f->instance), f->function, ret->name, sizeof(ret->name));
}

int reply_trap(struct cell *c, const struct trap_info *trap)
{
        struct trapped_message m = { .head = { MESSAGE_TRAPPED, c->id }, .trap = trap->trap,
                                     .nframes_all = trap->nframes_all };

        m.nframes = trap->nframes < PROTO_FRAMES_MAX ? trap->nframes : PROTO_FRAMES_MAX;
        _Static_assert(sizeof(m.text) >= sizeof(trap->text), "a text fits the message");
        memcpy(m.text, trap->text, sizeof(trap->text));
        for (uint32_t i = 0; i < m.nframes; i++) {
                const struct trap_frame *f = &trap->frames[i];

                frame_fill(f, f->instance ? cell_instance_number(c, f->instance) : UINT32_MAX, &m.frames[i]);
        }
        return channel_send(c, &m, sizeof(m));
}

int reply_exit(struct cell *c, uint32_t status)
{
        struct exited_message m = { .head = { MESSAGE_EXITED, c->id }, .status = status };

        return channel_send(c, &m, sizeof(m));
}
