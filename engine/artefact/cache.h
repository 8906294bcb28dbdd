/* cache.h - content-addressed directory of artefacts.
 *
 * cache_open - open or make the directory @path (mode 0700). Refused: not ours, or writable by
 *   others (-EACCES).
 * cache_find - descriptor (read-only) of the entry, or -ENOENT. An entry that is not a regular
 *   file of ours with one link is removed and reported as -ENOENT.
 * cache_store - write @bytes as the entry: temporary file, fsync, rename, fsync of the directory.
 *   An entry is whole or absent. Errors leave nothing behind. */
#pragma once

#include "engine/artefact/key.h"
#include "engine/base/error.h"

_must_check_ int cache_open(const char *path, struct error *err);
_must_check_ int cache_find(int dirfd, const struct artefact_key *key, struct error *err);
_must_check_ int cache_store(int dirfd, const struct artefact_key *key, const uint8_t *bytes, size_t size,
                             struct error *err);

/* Where a user's cache is: $XDG_CACHE_HOME/nacelle, $HOME/.cache/nacelle, or /var/cache/nacelle
 * for root without HOME. Returns 0, -ENOENT (none of them), -ENAMETOOLONG. */
int cache_default_path(char *path, size_t size);
