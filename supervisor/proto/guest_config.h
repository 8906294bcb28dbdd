/* guest_config.h - what a guest is given: written by the broker into a sealed memfd, read by the cell.
 *
 * The head, then struct config_dir records, then the strings, each terminated: arguments, environment,
 * guest paths of the directories, in that order. */
#pragma once

#include <stdint.h>

#include "engine/base/buffer.h"
#include "engine/base/error.h"

#define CONFIG_MAGIC UINT32_C(0x6e436647)

struct config_head {
        uint32_t magic;
        uint32_t nargs, nenv, ndirs;
        uint64_t memory_max_bytes;
        uint64_t clock_resolution_ns;
        uint32_t files_max;
        uint32_t closed_stdio; /* bit k: descriptor k is not the guest's */
        uint64_t string_bytes;
};

struct config_dir {
        uint32_t handle; /* path.h */
        uint32_t read_only;
};

/* The strings of a configuration, found and counted: pointers into its bytes. */
struct config_view {
        const struct config_head *head;
        const struct config_dir *dirs;
        const char **strings; /* [nargs + nenv + ndirs], the caller's to free */
};

/* guest_config_read - check @size bytes at @bytes (borrowed by the view). -EBADMSG, -E2BIG, -ENOMEM. */
_must_check_ int config_read(const uint8_t *bytes, size_t size, struct config_view *ret,
                             struct error *err);
