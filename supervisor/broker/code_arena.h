/* code_arena.h - the memory file that machine code lives in: written here, executed in the cell.
 *
 * code_arena_new - @bytes of room, rounded up to pages; the first @fill_bytes come from @fill_fd at
 *   @fill_at when fill_fd >= 0. Without a view (@keep_view false) nobody can write it any more
 *   after this; with one, only this process can.
 * code_arena_of_file - the code where it lies in an artefact, without a copy: @fd (duplicated) is a sealed
 *   memory file or an entry of the cache, which nobody writes in place, and which no grant lets a guest write.
 *   -EACCES where the file system forbids to execute: then copy.
 * code_arena_publish - copy @size bytes in, page-aligned, where there is room. Returns 0 or -ENOSPC.
 * code_arena_retract - what was published at @at will not be executed any more: room for other code.
 * code_arena_share - a read-only descriptor for the cell. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

struct code_arena {
        int fd;
        uint64_t at; /* in the file; page-aligned */
        uint8_t *view; /* NULL: none kept */
        size_t bytes, used;
        struct code_gap *gaps; /* below used, by their place, none next to another */
        unsigned ngaps;
        uint64_t inode;
};

struct code_gap {
        size_t at, bytes;
};

_must_check_ int code_arena_new(size_t bytes, int fill_fd, uint64_t fill_at, size_t fill_bytes,
                                bool keep_view, struct code_arena *ret, struct error *err);
_must_check_ int code_arena_of_file(int fd, uint64_t at, size_t bytes, struct code_arena *ret,
                                    struct error *err);
_must_check_ int code_arena_publish(struct code_arena *a, const void *bytes, size_t size,
                                    uint64_t *ret_at, struct error *err);
void code_arena_retract(struct code_arena *a, uint64_t at, size_t size);
_must_check_ int code_arena_share(const struct code_arena *a, struct error *err);
void code_arena_done(struct code_arena *a);

/* A sealed copy of file @fd, from its start: what is checked is what is used. */
_must_check_ int memfd_copy(int fd, uint64_t bytes, const char *name, struct error *err);
