/* types.h - the words of wasi_snapshot_preview1: constants, and the structs as they lie in the
 * guest's memory (little endian, as the host is). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wasi_errno {
#define WASI_ERRNO(name, value, linux_errno) WASI_##name = value,
#include "shim/wasi/errno.def"
};

enum wasi_rights {
#define RIGHT(name, bit, applies, mutates) RIGHT_##name = 1u << bit,
#include "shim/wasi/rights.def"
};

enum { WASI_CLOCK_REALTIME, WASI_CLOCK_MONOTONIC, WASI_CLOCK_PROCESS_CPU, WASI_CLOCK_THREAD_CPU };

enum wasi_filetype {
        WASI_FILETYPE_UNKNOWN,
        WASI_FILETYPE_BLOCK_DEVICE,
        WASI_FILETYPE_CHARACTER_DEVICE,
        WASI_FILETYPE_DIRECTORY,
        WASI_FILETYPE_REGULAR_FILE,
        WASI_FILETYPE_SOCKET_DGRAM,
        WASI_FILETYPE_SOCKET_STREAM,
        WASI_FILETYPE_SYMBOLIC_LINK,
};

enum { /* fdflags */
        WASI_FD_APPEND   = 1 << 0,
        WASI_FD_DSYNC    = 1 << 1,
        WASI_FD_NONBLOCK = 1 << 2,
        WASI_FD_RSYNC    = 1 << 3,
        WASI_FD_SYNC     = 1 << 4,
        WASI_FD_FLAGS    = (1 << 5) - 1,
};

enum { WASI_OPEN_CREATE = 1, WASI_OPEN_DIRECTORY = 2, WASI_OPEN_EXCLUSIVE = 4,
       WASI_OPEN_TRUNCATE = 8, WASI_OPEN_FLAGS = 15 };
enum { WASI_LOOKUP_FOLLOW = 1 };
enum { WASI_TIMES_ATIME = 1, WASI_TIMES_ATIME_NOW = 2, WASI_TIMES_MTIME = 4,
       WASI_TIMES_MTIME_NOW = 8, WASI_TIMES_FLAGS = 15 };
enum { WASI_WHENCE_SET, WASI_WHENCE_CUR, WASI_WHENCE_END, _WASI_WHENCE_MAX };
enum { WASI_EVENT_CLOCK, WASI_EVENT_FD_READ, WASI_EVENT_FD_WRITE };
enum { WASI_EVENT_HANGUP = 1 };
enum { WASI_SUBCLOCK_ABSOLUTE = 1 };
enum { WASI_RECV_PEEK = 1, WASI_RECV_WAITALL = 2 };
enum { WASI_RECV_DATA_TRUNCATED = 1 };
enum { WASI_SHUT_RD = 1, WASI_SHUT_WR = 2 };

struct wasi_iovec {
        uint32_t address, bytes;
};

struct wasi_fdstat {
        uint8_t filetype, pad0;
        uint16_t flags;
        uint32_t pad1;
        uint64_t rights, inheriting;
};

struct wasi_filestat {
        uint64_t dev, ino;
        uint8_t filetype, pad[7];
        uint64_t nlink, size, atime, mtime, ctime;
};

struct wasi_dirent {
        uint64_t next, ino;
        uint32_t name_bytes;
        uint8_t filetype, pad[3];
};

struct wasi_prestat {
        uint8_t tag, pad[3];
        uint32_t name_bytes;
};

struct wasi_subscription {
        uint64_t userdata;
        uint8_t type, pad0[7];
        union {
                struct {
                        uint32_t clock, pad1;
                        uint64_t timeout, precision;
                        uint16_t flags, pad2[3];
                };
                uint32_t fd;
        };
};

struct wasi_event {
        uint64_t userdata;
        uint16_t error;
        uint8_t type, pad0[5];
        uint64_t bytes;
        uint16_t flags, pad1[3];
};

_Static_assert(sizeof(struct wasi_fdstat) == 24, "fdstat");
_Static_assert(sizeof(struct wasi_filestat) == 64, "filestat");
_Static_assert(offsetof(struct wasi_filestat, nlink) == 24, "filestat");
_Static_assert(sizeof(struct wasi_dirent) == 24, "dirent");
_Static_assert(sizeof(struct wasi_prestat) == 8, "prestat");
_Static_assert(sizeof(struct wasi_subscription) == 48, "subscription");
_Static_assert(offsetof(struct wasi_subscription, timeout) == 24, "subscription");
_Static_assert(offsetof(struct wasi_subscription, flags) == 40, "subscription");
_Static_assert(sizeof(struct wasi_event) == 32, "event");
_Static_assert(offsetof(struct wasi_event, bytes) == 16, "event");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "structs are copied as they are");

/* @r: 0 or more, or negative errno of Linux. */
enum wasi_errno wasi_errno_of(int r);
const char *wasi_errno_text(enum wasi_errno e); /* "NOENT"; "?" for what is no error */

/* Rights that apply to a kind of descriptor, by the letters of rights.def. */
uint64_t wasi_rights_of(char kind);
uint64_t wasi_rights_mutating(void);
