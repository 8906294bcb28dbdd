/* path_server.h - the process that opens files for the guests of one unit.
 *
 * It is forked from the daemon, holds the directories of the unit's keys and nothing else, and Landlock
 * keeps it to them. Each guest has a socket to it, and handles, of its own. What a cell sends is checked
 * by path_request_check(); a cell that sends nonsense loses that guest's socket.
 *
 * path_server_start - the process for @u, its grants opened, which leaves the caches of modules alone: @cache, where
 *   the daemon keeps them (NULL: where a user's are), and the user's. -ENOENT and the like: a directory.
 * path_server_guest - a new guest's socket into @ret_fd; the other end goes to the process. @member: 0, and handle i
 *   is the i-th of the unit's keys for which path_server_serves(); or counted from 1, of an import's.
 * path_server_free - ends the process. Takes NULL. */
#pragma once

#include "policy/unit.h"

struct path_server;

/* Directory and file keys. */
bool path_server_serves(const struct key *key);

_must_check_ int path_server_start(const struct unit *u, const char *cache, struct path_server **ret, struct error *err);
_must_check_ int path_server_guest(struct path_server *p, unsigned member, int *ret_fd, struct error *err);
void path_server_free(struct path_server *p);
