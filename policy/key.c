/* key.c - verbs, and the one thing that can be done with a key: hand on less of it. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "policy/draft.h"
#include "policy/network.h"
#include "policy/number.h"

static const struct {
        const char *text;
        uint32_t verbs;
        const char *what;
} kinds[_KEY_MAX] = {
#define KEY(name, text, verbs, what) [KEY_##name] = { text, verbs, what },
#include "policy/keys.def"
};

static const struct {
        const char *text;
        uint32_t verb;
} verb_names[] = {
        { "read", VERB_READ },     { "write", VERB_WRITE },   { "create", VERB_CREATE },
        { "remove", VERB_REMOVE }, { "accept", VERB_ACCEPT }, { "connect", VERB_CONNECT },
};

const char *key_kind_text(enum key_kind kind)
{
        return kinds[kind].text;
}

uint32_t key_kind_verbs(enum key_kind kind)
{
        return kinds[kind].verbs;
}

char *verbs_text(uint32_t verbs, char *text, size_t size)
{
        size_t at = 0;

        text[0] = '\0';
        for (size_t i = 0; i < ELEMENTSOF(verb_names); i++)
                if (verbs & verb_names[i].verb && at < size)
                        at += (size_t)snprintf(text + at, size - at, "%s%s", at ? " " : "",
                                               verb_names[i].text);
        return text;
}

static uint32_t verb_of(const char *text, size_t n)
{
        for (size_t i = 0; i < ELEMENTSOF(verb_names); i++)
                if (strlen(verb_names[i].text) == n && memcmp(verb_names[i].text, text, n) == 0)
                        return verb_names[i].verb;
        return 0;
}

int verbs_read(enum key_kind kind, const char *text, uint32_t *ret, struct error *err)
{
        uint32_t all = kinds[kind].verbs, verbs = 0;

        if (strcmp(text, "read-only") == 0) {
                verbs = VERB_READ;
        } else if (strcmp(text, "read-write") == 0) {
                verbs = all;
        } else {
                for (const char *at = text + strspn(text, " ,"); *at; at += strspn(at, " ,")) {
                        size_t n = strcspn(at, " ,");
                        uint32_t verb = verb_of(at, n);

                        if (!verb || !(verb & all))
                                return error_set(err, STAGE_POLICY, -EINVAL, ERROR_NOWHERE,
                                                 "\"%.*s\" is nothing that a %s key lets do", (int)n, at,
                                                 kinds[kind].text);
                        verbs |= verb;
                        at += n;
                }
        }
        if (!verbs || verbs & ~all)
                return error_set(err, STAGE_POLICY, -EINVAL, ERROR_NOWHERE,
                                 "expected read-only, read-write, or of: read write create remove");
        *ret = verbs;
        return 0;
}

static bool same(const char *a, const char *b)
{
        return a == b || (a && b && strcmp(a, b) == 0);
}

/* Whether path @inner is @outer or beneath it, both in normal form. */
static bool is_beneath(const char *outer, const char *inner)
{
        size_t n = strlen(outer);

        return strncmp(outer, inner, n) == 0 && (!inner[n] || inner[n] == '/');
}

static bool has_variable(const struct key *key, const char *name, size_t n)
{
        for (unsigned i = 0; i < key->nvariables; i++)
                if (strlen(key->variables[i]) == n && memcmp(key->variables[i], name, n) == 0)
                        return true;
        return false;
}

static bool connect_contains(const struct key *outer, const struct key *inner)
{
        const char *why;

        if (!same(outer->host, inner->host) || inner->port < outer->port ||
            inner->port_last > outer->port_last)
                return false;
        if (!inner->nnetworks)
                return !outer->nnetworks;
        for (unsigned i = 0; i < inner->nnetworks; i++)
                if (!networks_allow(outer->networks, outer->nnetworks, &inner->networks[i], &why))
                        return false;
        return true;
}

bool key_contains(const struct key *outer, const struct key *inner)
{
        if (outer->kind != inner->kind || inner->verbs & ~outer->verbs)
                return false;
        switch (outer->kind) {
        case KEY_DIRECTORY:
                return is_beneath(outer->path, inner->path);
        case KEY_FILE:
                return same(outer->path, inner->path);
        case KEY_LISTEN:
                return same(outer->path, inner->path) && same(outer->host, inner->host) &&
                       same(outer->handed, inner->handed) && outer->port == inner->port;
        case KEY_CONNECT:
                return connect_contains(outer, inner);
        case KEY_ENVIRONMENT:
                for (unsigned i = 0; i < inner->nvariables; i++)
                        if (!has_variable(outer, inner->variables[i], strlen(inner->variables[i])))
                                return false;
                return true;
        case KEY_CLOCK:
                return inner->number >= outer->number;
        case KEY_RANDOM:
                return outer->number == 0 || (inner->number && inner->number <= outer->number);
        default:
                return outer->number == inner->number && outer->target == inner->target;
        }
}

static int refuse(struct error *err, int code, const struct key *key, const char *what)
{
        return error_set(err, STAGE_POLICY, code, ERROR_NOWHERE, "%s: %s", key->name, what);
}

static char *joined(struct pool *pool, const char *path, const char *below)
{
        size_t n = strlen(path) + strlen(below) + 2;
        char *text = pool_alloc(pool, n, 1);

        if (text)
                snprintf(text, n, "%s/%s", strcmp(path, "/") == 0 ? "" : path, below);
        return text;
}

static int narrow_below(struct pool *pool, const char *below, struct narrowed_key *n, struct error *err)
{
        struct key *key = &n->key;

        if (key->kind != KEY_DIRECTORY)
                return refuse(err, -EINVAL, key, "only a directory has something beneath it");
        for (const char *at = below;; at++) {
                size_t size = strcspn(at, "/");

                if (size == 0 || (size == 1 && *at == '.') || (size == 2 && at[0] == '.' && at[1] == '.'))
                        return refuse(err, -EINVAL, key, "a path with an empty part, . or ..");
                at += size;
                if (!*at)
                        break;
        }
        n->below = below;
        key->path = joined(pool, key->path, below);
        key->mount = joined(pool, key->mount ? key->mount : n->from->path, below);
        return key->path && key->mount ? 0 : refuse(err, -ENOMEM, key, "out of memory");
}

static int narrow_variables(struct pool *pool, const char *what, struct key *key, struct error *err)
{
        const char **names = pool_alloc(pool, strlen(what) + 1, sizeof(*names));
        const struct key *have = &(const struct key) { .variables = key->variables,
                                                       .nvariables = key->nvariables };
        unsigned count = 0;

        if (!names)
                return refuse(err, -ENOMEM, key, "out of memory");
        for (const char *at = what; *at; at += *at == ',') {
                size_t n = strcspn(at, ",");

                if (n == 0)
                        return refuse(err, -EINVAL, key, "an empty name");
                for (unsigned i = 0; i < have->nvariables; i++)
                        if (has_variable(&(const struct key) { .variables = &have->variables[i], .nvariables = 1 },
                                         at, n))
                                names[count] = have->variables[i];
                if (!names[count++])
                        return refuse(err, -EACCES, key, "a variable that the key has not");
                at += n;
        }
        key->variables = names;
        key->nvariables = count;
        return 0;
}

static int narrow_connect(struct pool *pool, const char *what, struct key *key, struct error *err)
{
        struct network *network;
        struct address_text a;
        int r = address_read(pool, what, true, &a, err);

        if (r < 0)
                return error_prefix(err, "%s", key->name);
        if (a.host && !same(a.host, key->host))
                return refuse(err, -EACCES, key, "another host than the key's");
        key->port = a.port;
        key->port_last = a.port_last;
        if (!a.has_network)
                return 0;
        network = pool_alloc(pool, 1, sizeof(*network));
        if (!network)
                return refuse(err, -ENOMEM, key, "out of memory");
        *network = a.network;
        key->networks = network;
        key->nnetworks = 1;
        return 0;
}

static int narrow_what(struct pool *pool, const char *what, struct key *key, struct error *err)
{
        switch (key->kind) {
        case KEY_DIRECTORY:
        case KEY_FILE: {
                /* "read-write" of a key that has less is a request for more, not for all there is. */
                int r = verbs_read(key->kind, what, &key->verbs, err);

                return r < 0 ? error_prefix(err, "%s", key->name) : 0;
        }
        case KEY_CONNECT:
                return narrow_connect(pool, what, key, err);
        case KEY_ENVIRONMENT:
                return narrow_variables(pool, what, key, err);
        case KEY_CLOCK:
                return number_duration(what, &key->number) < 0 || !key->number
                               ? refuse(err, -EINVAL, key, "expected a time, such as 10ms")
                               : 0;
        case KEY_RANDOM:
                return number_size(what, &key->number) < 0 || !key->number
                               ? refuse(err, -EINVAL, key, "expected a size, such as 4K")
                               : 0;
        default:
                return refuse(err, -EINVAL, key, "there is nothing narrower of it");
        }
}

int key_narrow(struct pool *pool, const struct key *key, const char *request, struct narrowed_key *ret,
               struct error *err)
{
        struct narrowed_key n = { .key = *key, .from = key };
        size_t name = strlen(key->name), size;
        char *below = NULL;
        const char *what;
        int r = 0;

        if (strncmp(request, key->name, name) != 0 ||
            (request[name] && request[name] != '/' && request[name] != ':'))
                return refuse(err, -EINVAL, key, "the request names another key");
        n.key.implied = false;
        request += name;
        what = strchr(request, ':');
        size = what ? (size_t)(what - request) : strlen(request);
        if (size) {
                below = pool_alloc(pool, size, 1);
                if (!below)
                        return refuse(err, -ENOMEM, key, "out of memory");
                memcpy(below, request + 1, size - 1);
                r = narrow_below(pool, below, &n, err);
        }
        if (r >= 0 && what)
                r = narrow_what(pool, what + 1, &n.key, err);
        if (r < 0)
                return r;
        if (!key_contains(key, &n.key)) {
                char has[256], wants[256];

                return error_set(err, STAGE_POLICY, -EACCES, ERROR_NOWHERE, "%s: %s is more than %s", key->name,
                                 key_text(&n.key, wants, sizeof(wants)), key_text(key, has, sizeof(has)));
        }
        *ret = n;
        return 0;
}

static void connect_text(const struct key *key, char *text, size_t size)
{
        char network[64] = "any address but those of this host and its networks";
        char more[24] = "", ports[16];

        if (key->nnetworks)
                network_text(&key->networks[0], network, sizeof(network));
        if (key->nnetworks > 1)
                snprintf(more, sizeof(more), " and %u more", key->nnetworks - 1);
        snprintf(ports, sizeof(ports), "%u", key->port);
        if (key->port != key->port_last)
                snprintf(ports, sizeof(ports), "%u-%u", key->port, key->port_last);
        snprintf(text, size, "connect to %s%s%s%s%s, port %s", key->host ? key->host : "",
                 key->host ? " (at " : "", network, more, key->host ? ")" : "", ports);
}

char *key_text(const struct key *key, char *text, size_t size)
{
        static const char *const streams[] = { "standard input", "standard output", "standard error" };
        static const char *const targets[_TARGET_MAX] = { "nothing", "the log", "that of the caller" };
        char verbs[64], number[40];

        switch (key->kind) {
        case KEY_DIRECTORY:
        case KEY_FILE:
                snprintf(text, size, "%s %s, %s", kinds[key->kind].text, key->path,
                         verbs_text(key->verbs, verbs, sizeof(verbs)));
                return text;
        case KEY_LISTEN:
                if (key->handed || key->path)
                        snprintf(text, size, "accept connections on %s", key->handed ? key->handed : key->path);
                else
                        snprintf(text, size, "accept connections on %s port %u", key->host, key->port);
                return text;
        case KEY_CONNECT:
                connect_text(key, text, size);
                return text;
        case KEY_ENVIRONMENT:
                snprintf(text, size, "%u variables of the host's environment", key->nvariables);
                return text;
        case KEY_CLOCK:
                snprintf(text, size, "clocks with steps of %s",
                         number_duration_text(key->number, number, sizeof(number)));
                return text;
        case KEY_RANDOM:
                snprintf(text, size, "random bytes%s%s", key->number ? ", at most " : "",
                         key->number ? number_size_text(key->number, number, sizeof(number)) : "");
                return text;
        default:
                snprintf(text, size, "%s: %s", streams[key->number % 3], targets[key->target]);
                return text;
        }
}
