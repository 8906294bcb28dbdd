/* stamp.h - what is known about files without reading them again.
 *
 * To hash a module of 30 MB takes longer than to start it. A stamp beside the cache's entries says
 * that the file with this identity had that digest and key, and that the entry with that identity was whole.
 * It costs a hash when it is wrong about a file that changed, so a file counts only when nobody
 * else can write it, on a file system whose times are the kernel's own, and when it has been left
 * alone for a while: a change within the tick of a clock would not show.
 *
 * stamp_identity - of the file @fd. Returns false when it does not count. @settled: left alone for a
 *   while is asked for; the entries of the cache are only ever renamed into place.
 * stamp_find - key and entry that were noted for module @module. Returns 0 or -ENOENT.
 * stamp_store - note them. Failure is no loss. */
#pragma once

#include <stdbool.h>

#include "engine/artefact/key.h"

struct identity {
        uint64_t dev, ino, size;
        int64_t mtime_s, ctime_s;
        uint32_t mtime_ns, ctime_ns;
};

struct stamp {
        struct artefact_key key;
        struct module_digest digest;
        struct identity entry;
};

bool stamp_identity(int fd, bool settled, struct identity *ret);
int stamp_find(int cache, const struct identity *module, const struct artefact_choice *choice,
               struct stamp *ret);
void stamp_store(int cache, const struct identity *module, const struct artefact_choice *choice,
                 const struct stamp *stamp);
