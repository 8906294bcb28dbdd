/* hang.c - a disk that never completes: mounts a file system of FUSE at a directory and answers everything but what
 * concerns the files' content. hang DIRECTORY: "read" and "wait" open and never read, "open" never opens, "fine" does both.
 * Runs until it is killed, which breaks the connection and lets everybody go. Drill O11. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOT = 1, READ, WAIT, OPEN, FINE };

static const char *const names[] = { [READ] = "read", [WAIT] = "wait", [OPEN] = "open", [FINE] = "fine" };

static uint8_t in[1 << 18];
static int dev;

static void reply(const struct fuse_in_header *to, int error, const void *body, size_t n)
{
        uint8_t out[sizeof(struct fuse_out_header) + 512];
        struct fuse_out_header head = { .len = (uint32_t)(sizeof(head) + n), .error = error, .unique = to->unique };

        memcpy(out, &head, sizeof(head));
        if (n)
                memcpy(out + sizeof(head), body, n);
        (void)!write(dev, out, sizeof(head) + n);
}

static struct fuse_attr attr_of(uint64_t node)
{
        return (struct fuse_attr) {
                .ino = node, .mode = node == ROOT ? S_IFDIR | 0755 : S_IFREG | 0644, .nlink = 1,
                .size = node == ROOT ? 0 : 4096, .blksize = 4096,
        };
}

static void look_up(const struct fuse_in_header *head, const char *name)
{
        struct fuse_entry_out entry = { .entry_valid = 1, .attr_valid = 1 };

        for (uint64_t node = READ; node <= FINE; node++)
                if (strcmp(names[node], name) == 0) {
                        entry.nodeid = node;
                        entry.attr = attr_of(node);
                        reply(head, 0, &entry, sizeof(entry));
                        return;
                }
        reply(head, -ENOENT, NULL, 0);
}

static void answer(const struct fuse_in_header *head, const void *body)
{
        const struct fuse_init_in *init = body;
        struct fuse_init_out version = { .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
                                         .max_readahead = init->max_readahead, .max_background = 64,
                                         .max_write = 4096, .time_gran = 1,
                                         .flags = init->flags & FUSE_ASYNC_READ };
        struct fuse_attr_out attributes = { .attr_valid = 1, .attr = attr_of(head->nodeid) };
        struct fuse_open_out opened = { .fh = head->nodeid };
        struct fuse_statfs_out space = { .st = { .bsize = 4096, .frsize = 4096, .namelen = 255 } };

        switch (head->opcode) {
        case FUSE_INIT:
                reply(head, 0, &version, sizeof(version));
                break;
        case FUSE_LOOKUP:
                look_up(head, body);
                break;
        case FUSE_GETATTR:
                reply(head, 0, &attributes, sizeof(attributes));
                break;
        case FUSE_OPEN:
                if (head->nodeid != OPEN)
                        reply(head, 0, &opened, sizeof(opened));
                break;
        case FUSE_READ:
                if (head->nodeid == FINE)
                        reply(head, 0, "content\n", 8);
                break;
        case FUSE_OPENDIR:
                reply(head, 0, &opened, sizeof(opened));
                break;
        case FUSE_STATFS:
                reply(head, 0, &space, sizeof(space));
                break;
        case FUSE_RELEASE:
        case FUSE_RELEASEDIR:
        case FUSE_FLUSH:
        case FUSE_ACCESS:
                reply(head, 0, NULL, 0);
                break;
        case FUSE_FORGET:
        case FUSE_BATCH_FORGET:
        case FUSE_INTERRUPT: /* not even that */
                break;
        default:
                reply(head, -ENOSYS, NULL, 0);
        }
}

int main(int argc, char **argv)
{
        char options[128];

        if (argc != 2)
                return 64;
        dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
        if (dev < 0)
                return 77;
        snprintf(options, sizeof(options), "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other", dev);
        if (mount("hang", argv[1], "fuse.hang", MS_NOSUID | MS_NODEV, options) < 0)
                return 77;
        for (;;) {
                ssize_t n = read(dev, in, sizeof(in));

                if (n < 0 && (errno == EINTR || errno == ENOENT))
                        continue;
                if (n < (ssize_t)sizeof(struct fuse_in_header))
                        return 0;
                in[n < (ssize_t)sizeof(in) ? n : (ssize_t)sizeof(in) - 1] = '\0';
                answer((const struct fuse_in_header *)in, in + sizeof(struct fuse_in_header));
        }
}
