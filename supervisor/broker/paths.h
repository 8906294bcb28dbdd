/* paths.h - the broker's side of path.h: the directories that a cell may name, and what is done there.
 *
 * paths_grant - add directory @fd (taken over on success) as the next handle; @read_only: VERB_READ
 *   alone. paths_grant_verbs - with the verbs of a key (policy/key.h). @only: NULL, or the one name in
 *   the directory that there is for the guest, a regular file; borrowed.
 *   -EACCES for the file systems that are windows to other processes (proc, sys, ...).
 * paths_protect - from here on operations leave alone what @protection (protect.h) holds; borrowed, NULL: nothing.
 * path_request_check - read @size bytes at @message once and check them whole. Touches no file.
 *   Returns 0 with @ret filled, or -EPROTO: no honest cell sends this.
 * paths_do - carry out what was checked. @reply's head is filled but for message and id, its bytes
 *   go to @bytes (PATH_REPLY_MAX); @ret_fd: descriptor to send along, the caller's, or -EBADF.
 *   What a guest asks for and may not have is an answer with an errno, not an error. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "engine/base/error.h"
#include "supervisor/broker/protect.h"
#include "supervisor/proto/path.h"

struct path_handle {
        int fd;            /* -EBADF: free */
        bool granted;
        uint32_t verbs;    /* VERB_... */
        const char *only;  /* NULL: every name */
};

struct paths {
        struct path_handle handles[PATH_HANDLES_MAX];
        unsigned used;     /* handles below this have been used at some time */
        const struct protection *protection; /* NULL: nothing */
        uint64_t escapes;  /* requests that the kernel stopped at the edge of a grant */
};

struct checked_path {
        char parent[PATH_BYTES_MAX + 1]; /* directory part, "." when there is none */
        char name[PATH_BYTES_MAX + 2];   /* last component; a trailing '/' is kept */
        char whole[PATH_BYTES_MAX + 1];
};

struct checked_request {
        struct path_request head;
        const struct path_handle *dir, *dir2;
        bool replaces;     /* RENAME: may take the place of a file that is there */
        int refused;       /* 0, or the negative errno that is the answer */
        struct checked_path path, path2;
};

void paths_init(struct paths *p);
void paths_done(struct paths *p);
_must_check_ int paths_grant(struct paths *p, int fd, bool read_only, struct error *err);
_must_check_ int paths_grant_verbs(struct paths *p, int fd, uint32_t verbs, const char *only,
                                   struct error *err);
void paths_protect(struct paths *p, const struct protection *protection);

_must_check_ int path_request_check(const struct paths *p, const void *message, size_t size,
                                    struct checked_request *ret, struct error *err);
void paths_do(struct paths *p, const struct checked_request *request, struct path_reply *reply,
              uint8_t *bytes, int *ret_fd);
