/* double.h - a guest without an engine: a memory, an instance, and the supervisor's side, so that
 * the functions of the shim can be called as compiled code calls them.
 *
 * The memory ends at a page that faults; the ring is the real one; paths are answered in this
 * process, from real directories below a fresh temporary one. */
#pragma once

#include <setjmp.h>
#include <stdlib.h>

#include <check.h>

#include "engine/base/cleanup.h"
#include "shim/wasi/host.h"
#include "shim/wasi/types.h"
#include "shim/wasi/wasi.h"

#define GUEST_BYTES 131072u /* its memory */
#define NOWHERE     (GUEST_BYTES - 2) /* an address where nothing but two bytes fits */

/* Where the tests put things in the guest's memory. */
enum { AT_RET = 64, AT_RET2 = 96, AT_IOV = 128, AT_PATH = 1024, AT_PATH2 = 6000, AT_DATA = 16384,
       AT_OUT = 65536 };

enum { FD_DIR = 3, FD_READ_ONLY = 4, FD_LISTEN = 5 }; /* of the usual guest */

struct double_options {
        int stdio[3];
        bool no_stdio;
        unsigned files_max;
        uint64_t clock_resolution_ns;
        uint64_t random_max_bytes;
        uint64_t (*cpu_time_ns)(void *context);
        const char *const *args, *const *env;
        unsigned nargs, nenv;
        bool no_dirs;
        bool alone;
};

struct guest_double {
        uint8_t *memory;
        struct wasi *wasi;
        struct ring *ring;
        char directory[64]; /* on the host: granted as "/d"; its "ro" as "/ro", read-only */
        int listener;       /* ours to connect to: the port */
        uint16_t port;
        jmp_buf trap;       /* where trap_raise() goes */
        bool traps;         /* expected */
        enum trap trapped;
        char trap_text[64];
};

extern struct guest_double guest;

void double_start(const struct double_options *o); /* NULL: the usual guest */
void double_stop(void);                            /* takes everything down, removes the directory */
void double_setup(void);                           /* fixtures of check */
void double_teardown(void);

void double_set_memory(uint8_t *memory, uint64_t bytes); /* what the instance has */

/* Into and out of the guest's memory. */
void put_bytes(uint32_t at, const void *bytes, size_t n);
void put_u32(uint32_t at, uint32_t value);
uint32_t get_u32(uint32_t at);
uint64_t get_u64(uint32_t at);
void put_iov(unsigned index, uint32_t address, uint32_t bytes); /* of the array at AT_IOV */
uint32_t put_path(uint32_t at, const char *path);               /* returns its length */

/* Whole calls, with their arguments put where they belong. @ret_fd as of path_open. */
uint32_t do_open(uint32_t dir, uint32_t lookup, const char *path, uint32_t oflags, uint64_t rights,
                 uint64_t inheriting, uint32_t fdflags, uint32_t *ret_fd);
uint32_t do_write(uint32_t fd, const char *text);
uint32_t do_read(uint32_t fd, char *ret, uint32_t room, uint32_t *ret_bytes);
uint32_t do_stat(uint32_t dir, uint32_t lookup, const char *path, struct wasi_filestat *ret);
uint32_t do_path(uint32_t (*f)(uint32_t, uint32_t, uint32_t), uint32_t dir, const char *path);
uint32_t do_rename(uint32_t dir, const char *from, uint32_t dir2, const char *to);
uint32_t do_link(uint32_t dir, uint32_t lookup, const char *from, uint32_t dir2, const char *to);
uint32_t do_symlink(const char *content, uint32_t dir, const char *path);
uint32_t do_readlink(uint32_t dir, const char *path, char *ret, uint32_t room, uint32_t *ret_bytes);
void make_file(const char *name, const char *content); /* on the host, below the directory */
void make_directory(const char *name);

#define RIGHTS_RW \
        (RIGHT_FD_READ | RIGHT_FD_WRITE | RIGHT_FD_SEEK | RIGHT_FD_TELL | RIGHT_FD_FILESTAT_GET | \
         RIGHT_FD_FDSTAT_SET_FLAGS | RIGHT_FD_FILESTAT_SET_SIZE | RIGHT_FD_FILESTAT_SET_TIMES | \
         RIGHT_FD_SYNC | RIGHT_FD_DATASYNC | RIGHT_FD_ADVISE | RIGHT_FD_ALLOCATE | \
         RIGHT_POLL_FD_READWRITE)
#define RIGHTS_DIR (UINT64_C(0x7ffffff))

/* Reads as "NOENT", not as 44, when it fails. */
#define assert_errno(call, expected) \
        ck_assert_str_eq(wasi_errno_text(call), wasi_errno_text(expected))
#define assert_ok(call) assert_errno(call, WASI_SUCCESS)

int double_path_call(void *context, struct path_request *request, const char *path,
                     const char *path2, struct path_reply *reply, void *bytes, uint32_t size,
                     int *ret_fd);
void double_paths_open(const char *directory); /* handle 0: it; handle 1: its "ro", read-only */
void double_paths_close(void);
unsigned double_paths_handles(void);           /* open ones, without the granted */
extern bool double_paths_contained;            /* assert that what arrives does not climb */
extern bool double_paths_as_root;              /* the broker's rights are not the cell's */
uint64_t double_paths_escapes(void);           /* stopped by the kernel so far */

TCase *guest_case(void);
TCase *path_case(void);
TCase *state_case(void);
TCase *descriptors_case(void);
TCase *files_case(void);
TCase *files_alone_case(void); /* the same in a cell with one guest */
TCase *large_case(void);       /* calls that move much */
TCase *streams_case(void);
TCase *attributes_case(void);
TCase *names_case(void);
TCase *directories_case(void);
TCase *clocks_case(void);
TCase *coarse_case(void);
TCase *polls_case(void);
TCase *coarse_polls_case(void);
TCase *sockets_case(void);
TCase *hostile_case(void);
