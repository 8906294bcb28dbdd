/* snapshot_parts.h - what the files share that make a module of a snapshot; see snapshot.h.
 *
 * snapshot_read - the snapshot into @w, checked against its module. -EBADMSG.
 * snapshot_runs - what is in tables and memories, in pieces that become segments. False: no memory.
 * snapshot_elements - the section of element segments. snapshot_data - what is in that of data segments. */
#pragma once

#include "engine/artefact/snapshot.h"

enum { /* section ids of the binary format (5.5.2), in their order in a file */
        ID_CUSTOM = 0, ID_TYPE = 1, ID_IMPORT = 2, ID_FUNCTION = 3, ID_TABLE = 4, ID_MEMORY = 5, ID_TAG = 13,
        ID_GLOBAL = 6, ID_EXPORT = 7, ID_ELEMENT = 9, ID_DATA_COUNT = 12, ID_CODE = 10, ID_DATA = 11,
        ID_MAX = 14,
};

struct run { /* of bytes of a memory, or of elements of a table */
        uint64_t from, to;
        uint32_t of;
};

struct runs {
        struct run *all;
        size_t n, room;
};

struct writer {
        const struct module *m;
        const uint8_t *at, *end;    /* of what is left of the snapshot */
        const uint8_t *globals, *dropped;
        const uint32_t **tables;
        uint64_t *lengths;
        const uint8_t **memories;
        uint64_t *pages, *bytes;
        struct name done;
        struct slice sections[ID_MAX]; /* of the file: the content */
        struct buffer *out;
        struct error *err;
};

int snapshot_broken(struct writer *w, const char *what); /* -EBADMSG */
_must_check_ int snapshot_read(struct writer *w);

_must_check_ bool snapshot_runs(struct writer *w, struct runs *elements, struct runs *data);
void snapshot_elements(struct writer *w, const struct runs *runs);
void snapshot_data(struct writer *w, const struct runs *runs, struct buffer *ret);

/* snapshot_bytes.c: pieces of the binary format. */
void append_section(struct writer *w, uint8_t id, const struct buffer *body);
void append_valtype(struct buffer *b, valtype t);
void append_ref(struct buffer *b, valtype t, uint64_t number); /* function index + 1, or 0 for null */
