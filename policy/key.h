/* key.h - one capability with a name: what a nanoprocess may reach, and what it may do there.
 *
 * A key is made in one place, by the reader of unit files (unit.h) or of the command line, and is
 * constant from then on. What is handed on to an import is a struct narrowed_key: only
 * key_narrow() makes one, it takes a key and a request, and its result is never more than the key.
 * There is no function that widens.
 *
 * key_narrow - @request of an "Import" section: NAME[/BELOW][:WHAT]. BELOW is a directory beneath that
 *   of a directory key; WHAT is by the kind of key, see keys.def. @ret is untouched on failure.
 *   Returns 0; -EINVAL: the request is malformed; -EACCES: it asks for more than the key has. The
 *   text of @err says which part.
 * key_contains - whether @inner allows nothing that @outer does not: what key_narrow() keeps true.
 * key_allows_address - whether a connection of @key may go to @address, which is what a name was
 *   resolved to, or was given as a number. IPv4 in IPv6 is looked at as IPv4. Addresses that
 *   belong to the host or to its own network (loopback, link-local with the metadata services, private,
 *   multicast) are refused unless a network in the key names them.
 * key_text - "directory /srv/photos, read": the key for people; returns @text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "engine/base/error.h"
#include "engine/base/pool.h"

enum key_kind {
#define KEY(name, text, verbs, what) KEY_##name,
#include "policy/keys.def"
        _KEY_MAX,
};

enum key_verb { /* a set of bits */
        VERB_READ = 1,     /* and list, and ask for attributes */
        VERB_WRITE = 2,    /* what is there */
        VERB_CREATE = 4,   /* files, directories, links */
        VERB_REMOVE = 8,   /* and rename */
        VERB_ACCEPT = 16,
        VERB_CONNECT = 32,
};

struct network { /* an address range; IPv4 in the first four bytes */
        uint8_t address[16];
        uint8_t bits;
        bool v6;
};

enum key_target { TARGET_NULL, TARGET_LOG, TARGET_INHERIT, _TARGET_MAX };

struct key {
        const char *name;
        enum key_kind kind;
        uint32_t verbs;      /* set of enum key_verb */
        bool implied;        /* given to every guest, not asked for in a section of its own */

        const char *path;    /* directory, file: absolute on the host. Listen: a path of AF_UNIX or NULL */
        const char *mount;   /* what the guest sees; NULL: the same */
        const char *host;    /* connect: a name to resolve; NULL: networks alone. Listen: address */
        const char *handed;  /* listen: FileDescriptorName of a socket from the service manager */
        uint16_t port;       /* listen, connect: first port */
        uint16_t port_last;  /* connect */
        const struct network *networks; /* connect */
        unsigned nnetworks;
        const char *const *variables;   /* environment: names that are taken from the host */
        unsigned nvariables;
        uint64_t number;     /* clock: resolution in ns. Random: bytes at most, 0 any. Stdio: 0, 1, 2 */
        enum key_target target;         /* stdio */
};

struct narrowed_key {
        struct key key;
        const struct key *from;
        const char *below;   /* directory: open it beneath that of @from, or a link in the way leads out;
                              * NULL: the directory itself */
};

_must_check_ int key_narrow(struct pool *pool, const struct key *key, const char *request,
                            struct narrowed_key *ret, struct error *err);
bool key_contains(const struct key *outer, const struct key *inner);
bool key_allows_address(const struct key *key, const struct sockaddr *address, char *why, size_t size);
char *key_text(const struct key *key, char *text, size_t size);
const char *key_kind_text(enum key_kind kind);
uint32_t key_kind_verbs(enum key_kind kind);

/* "read write" of the set; returns @text. */
char *verbs_text(uint32_t verbs, char *text, size_t size);
/* "read-only", "read-write", or verbs between spaces or commas, for a key of @kind. -EINVAL */
_must_check_ int verbs_read(enum key_kind kind, const char *text, uint32_t *ret, struct error *err);
/* "10.0.0.0/8", "::1", "127.0.0.1". -EINVAL */
_must_check_ int network_read(const char *text, struct network *ret, struct error *err);
