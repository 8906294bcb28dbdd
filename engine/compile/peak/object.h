/* object.h - what LLVM emits for a partition: a relocatable ELF object, laid out as one blob.
 *
 * object_read - read @size bytes at @bytes (our own LLVM's output, but read with bounds all the
 *   same). Code and constants are placed one behind the other; references inside the blob are
 *   resolved; calls of functions elsewhere are left in .fixups. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "engine/base/buffer.h"
#include "engine/base/error.h"

struct object_fixup {
        uint32_t at;       /* in the blob: where a call names its target, see fast_machine.call_patch */
        uint32_t function; /* index in the module */
};

struct object_row {        /* of the line table */
        uint32_t at;       /* in the blob */
        uint32_t line;
};

struct object {
        struct buffer code;
        struct object_fixup *fixups;
        size_t nfixups;
        struct object_row *rows; /* ascending */
        size_t nrows;
        uint32_t first;          /* functions first .. first + n - 1 ... */
        uint32_t n;
        uint32_t *offsets;       /* ... begin here, [n] */
};

_must_check_ int object_read(const uint8_t *bytes, size_t size, uint32_t first, uint32_t n,
                             struct object *ret, struct error *err);
void object_done(struct object *o);
