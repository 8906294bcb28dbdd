/* path.h - requests for paths: cell to broker, and the answer.
 *
 * One datagram each (SOCK_SEQPACKET), native byte order, fixed head, then the bytes. The broker reads
 * a request once, checks it whole (path_request_check), and only then acts. A malformed request
 * is not answered: it costs the cell its life, because no honest cell sends one.
 *
 * Directory handles are small numbers in the broker's table for this cell: 0 .. n-1 are the
 * granted directories in the order of the command line; further ones come from OPEN. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum path_op {
#define PATH_OP(name, verbs, paths, text) PATH_##name,
#include "supervisor/proto/path_ops.def"
        _PATH_OP_MAX,
};

#define PATH_BYTES_MAX   4096u   /* each path, without a terminator */
#define PATH_NAME_MAX    255u
#define PATH_REPLY_MAX   32768u  /* bytes after the head of an answer */
#define PATH_HANDLES_MAX 1024u   /* directory handles of one cell */

enum { /* path_request.flags */
        PATH_FOLLOW     = 1 << 0,  /* final symbolic link (STAT, SET_TIMES, LINK, OPEN) */
        PATH_DIRECTORY  = 1 << 1,  /* OPEN: only a directory will do */
        PATH_CREATE     = 1 << 2,
        PATH_EXCLUSIVE  = 1 << 3,
        PATH_TRUNCATE   = 1 << 4,
        PATH_READ       = 1 << 5,  /* OPEN: access wanted */
        PATH_WRITE      = 1 << 6,
        PATH_APPEND     = 1 << 7,
        PATH_SYNC       = 1 << 8,
        PATH_DSYNC      = 1 << 9,
        PATH_NONBLOCK   = 1 << 10,
        PATH_ATIME      = 1 << 11, /* SET_TIMES: set from request */
        PATH_ATIME_NOW  = 1 << 12,
        PATH_MTIME      = 1 << 13,
        PATH_MTIME_NOW  = 1 << 14,
};

struct path_request {
        uint32_t message;      /* enum message of proto.h: MESSAGE_PATH */
        uint32_t id;           /* chosen by the cell, comes back in the answer */
        uint32_t op;           /* enum path_op */
        uint32_t flags;
        uint32_t dir, dir2;    /* handles */
        uint32_t path_bytes, path2_bytes; /* the bytes follow, one behind the other */
        uint64_t cookie;       /* READ_DIR */
        int64_t atime_s, mtime_s;
        uint32_t atime_ns, mtime_ns;
        uint32_t length;       /* READ_DIR, READLINK: bytes wanted, <= PATH_REPLY_MAX */
        uint32_t reserved;     /* 0 */
};

struct path_stat {
        uint64_t dev, ino, nlink, size;
        int64_t atime_s, mtime_s, ctime_s;
        uint32_t atime_ns, mtime_ns, ctime_ns;
        uint32_t mode;         /* S_IFMT bits and permissions */
};

struct path_reply {
        uint32_t message;      /* MESSAGE_PATH_REPLY */
        uint32_t id;
        int32_t result;        /* >= 0, or negative errno */
        uint32_t handle;       /* OPEN of a directory: its handle; UINT32_MAX: a descriptor came along */
        struct path_stat stat; /* OPEN, STAT, STAT_DIR */
        uint32_t bytes;        /* that follow: link content, or struct path_entry records */
        uint32_t at_end;       /* READ_DIR: no entry behind these */
};

struct path_entry {            /* READ_DIR; the name follows, records are not aligned */
        uint64_t cookie;       /* of the entry behind this one */
        uint64_t ino;
        uint32_t name_bytes;
        uint32_t mode;         /* S_IFMT bits; 0 unknown */
};
