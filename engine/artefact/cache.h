/* cache.h - content-addressed directory of artefacts.
 *
 * cache_open - open or make the directory @path (mode 0700). Refused: not ours, or writable by
 *   others (-EACCES).
 * cache_find - descriptor (read-only) of the entry, or -ENOENT. An entry that is not a regular
 *   file of ours with one link is removed and reported as -ENOENT.
 * cache_store - write @bytes as the entry: temporary file, fsync, rename, fsync of the directory.
 *   An entry is whole or absent. Errors leave nothing behind. Sweeps.
 * cache_sweep - remove temporary files older than CACHE_STALE_S before @now_s (seconds since 1970): of who lost
 *   power, or its life, while it wrote. Then entries, the longest unused first, until the others take @most_bytes or
 *   less. A file that is in use stays for its users. */
#pragma once

#define CACHE_STALE_S   600
#define CACHE_BYTES_MAX (UINT64_C(4) << 30)

#include "engine/artefact/key.h"
#include "engine/base/error.h"

_must_check_ int cache_open(const char *path, struct error *err);
_must_check_ int cache_find(int dirfd, const struct artefact_key *key, struct error *err);
_must_check_ int cache_store(int dirfd, const struct artefact_key *key, const uint8_t *bytes, size_t size,
                             struct error *err);

void cache_sweep(int dirfd, uint64_t most_bytes, int64_t now_s);

/* Where a user's cache is: $XDG_CACHE_HOME/nacelle, $HOME/.cache/nacelle, or /var/cache/nacelle
 * for root without HOME. Returns 0, -ENOENT (none of them), -ENAMETOOLONG. */
int cache_default_path(char *path, size_t size);
