/* unit_finish.c - sections become a unit: what only shows when all of it was read. */
#include "config.h"

#include <string.h>

#include "policy/draft.h"

#define CLOCK_DEFAULT_NS UINT64_C(1000) /* finer clocks are asked for by a key */

/* Where @setting of @s was given; its head when it was not. */
const struct place *place_of(const struct section *s, const char *setting)
{
        const struct ini_text name = { setting, strlen(setting) };
        const struct setting *row = setting_find(s->kind, &name);

        return row && s->places[row - settings].at ? &s->places[row - settings] : &s->head;
}

static bool given(const struct section *s, const char *setting)
{
        return place_of(s, setting) != &s->head;
}

static struct section *find(struct reader *r, enum section_kind kind)
{
        for (unsigned i = 0; i < r->nsections; i++)
                if (r->sections[i]->kind == kind)
                        return r->sections[i];
        return NULL;
}

/* Trees that are no data: holding them is holding the kernel or the machine. */
static const char *dangerous(const char *path)
{
        static const struct {
                const char *path, *what;
        } rows[] = {
                { "/proc", "the processes of the host" }, { "/sys", "the kernel's settings" },
                { "/dev", "the devices of the host" },
        };

        if (strcmp(path, "/") == 0)
                return "all of the host";
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                size_t n = strlen(rows[i].path);

                if (strncmp(path, rows[i].path, n) == 0 && (!path[n] || path[n] == '/'))
                        return rows[i].what;
        }
        return NULL;
}

static const char *last_part(const char *path)
{
        return strrchr(path, '/') + 1;
}

static void finish_verbs(struct reader *r, const struct section *s, const struct draft_key *d,
                         struct key *key)
{
        struct error err;

        if (key->kind == KEY_DIRECTORY || key->kind == KEY_FILE) {
                key->verbs = VERB_READ; /* no more than was asked for */
                if (d->access && verbs_read(key->kind, d->access, &key->verbs, &err) < 0)
                        reader_error(r, place_of(s, "Access"), "Access: %s", err.text);
                return;
        }
        key->verbs = key_kind_verbs(key->kind);
        if (d->access)
                reader_error(r, place_of(s, "Access"), "Access belongs to Directory= and File=");
        if (d->mount)
                reader_error(r, place_of(s, "MountAt"), "MountAt belongs to Directory= and File=");
}

static void finish_connect(struct reader *r, const struct section *s, const struct draft_key *d,
                           struct key *key)
{
        struct network *networks = pool_alloc(r->pool, d->networks.n + 1, sizeof(*networks));

        if (!networks) {
                r->no_memory = true;
                return;
        }
        key->host = d->connect.host;
        key->port = d->connect.port;
        key->port_last = d->connect.port_last;
        if (d->networks.n)
                memcpy(networks, d->networks.networks, d->networks.n * sizeof(*networks));
        key->networks = networks;
        key->nnetworks = d->networks.n;
        if (!d->connect.has_network)
                return;
        if (d->networks.n)
                reader_error(r, place_of(s, "AddressAllow"), "AddressAllow goes with a name in Connect=, not with a network");
        networks[0] = d->connect.network;
        key->nnetworks = 1;
}

static void finish_key(struct reader *r, const struct section *s, struct key *key)
{
        static const struct {
                const char *setting;
                enum key_kind kind;
        } kinds[] = {
                { "Directory", KEY_DIRECTORY },         { "File", KEY_FILE },
                { "ListenStream", KEY_LISTEN },         { "FileDescriptorName", KEY_LISTEN },
                { "Connect", KEY_CONNECT },             { "PassEnvironment", KEY_ENVIRONMENT },
                { "ClockResolution", KEY_CLOCK },       { "RandomMax", KEY_RANDOM },
        };
        const struct draft_key *d = s->fields;
        const char *first = NULL, *why;

        *key = (struct key) { .name = s->name };
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                if (!given(s, kinds[i].setting))
                        continue;
                if (first)
                        reader_error(r, place_of(s, kinds[i].setting), "[Key %s] is one of %s and %s, not both", s->name,
                                     first, kinds[i].setting);
                first = kinds[i].setting;
                key->kind = kinds[i].kind;
        }
        if (!first) {
                reader_error(r, &s->head, "[Key %s] opens nothing: one of Directory, File, ListenStream, "
                                          "FileDescriptorName, Connect, PassEnvironment, ClockResolution, RandomMax",
                             s->name);
                return;
        }
        finish_verbs(r, s, d, key);
        if (d->networks.n && key->kind != KEY_CONNECT)
                reader_error(r, place_of(s, "AddressAllow"), "AddressAllow belongs to Connect=");

        switch (key->kind) {
        case KEY_DIRECTORY:
        case KEY_FILE:
                key->path = d->directory ? d->directory : d->file;
                key->mount = d->mount ? d->mount : key->path;
                if (key->path && (why = dangerous(key->path)))
                        reader_error(r, place_of(s, first), "%s: that is %s", first, why);
                if (d->file && d->mount && strcmp(last_part(d->file), last_part(d->mount)) != 0)
                        reader_error(r, place_of(s, "MountAt"), "MountAt of a file ends in the file's own name");
                break;
        case KEY_LISTEN:
                key->path = d->listen.path;
                key->host = d->listen.host;
                key->port = d->listen.port;
                key->handed = d->handed;
                break;
        case KEY_CONNECT:
                finish_connect(r, s, d, key);
                break;
        case KEY_ENVIRONMENT:
                key->variables = d->variables.words;
                key->nvariables = d->variables.n;
                break;
        case KEY_CLOCK:
                key->number = d->clock_ns;
                break;
        default:
                key->number = d->random_bytes;
                break;
        }
}

/* How much of the mount names a directory of the guest: a file needs the one that it is in for itself. */
static size_t guest_directory_bytes(const struct key *key)
{
        return key->kind == KEY_FILE ? (size_t)(last_part(key->mount) - 1 - key->mount) : strlen(key->mount);
}

/* Two keys of which one would hide the other. */
static bool same_place(const struct key *a, const struct key *b)
{
        if (a->kind == KEY_CLOCK || a->kind == KEY_RANDOM)
                return a->kind == b->kind;
        return a->mount && b->mount && guest_directory_bytes(a) == guest_directory_bytes(b) &&
               memcmp(a->mount, b->mount, guest_directory_bytes(a)) == 0;
}

static void finish_keys(struct reader *r, struct unit *u, const struct draft_nanoprocess *n)
{
        static const enum key_target inputs[] = { TARGET_NULL, TARGET_INHERIT };
        static const enum key_target outputs[] = { TARGET_LOG, TARGET_INHERIT, TARGET_NULL };
        struct key *keys = pool_alloc(r->pool, UNIT_KEYS_MAX + 5, sizeof(*keys));
        unsigned nkeys = 0;

        if (!keys) {
                r->no_memory = true;
                return;
        }
        for (unsigned i = 0; i < r->nsections && !r->no_memory; i++) {
                if (r->sections[i]->kind != SECTION_KEY)
                        continue;
                finish_key(r, r->sections[i], &keys[nkeys]);
                for (unsigned k = 0; k < nkeys && !r->errors; k++)
                        if (same_place(&keys[k], &keys[nkeys]))
                                reader_error(r, &r->sections[i]->head, "[Key %s] and [Key %s] are the same place for the guest",
                                             keys[k].name, keys[nkeys].name);
                nkeys++;
        }
        u->keys = keys;
        u->nkeys = nkeys;
        keys[nkeys++] = (struct key) { .name = "stdin", .kind = KEY_STDIO, .verbs = VERB_READ, .implied = true,
                                       .number = 0, .target = inputs[n->standard_input] };
        keys[nkeys++] = (struct key) { .name = "stdout", .kind = KEY_STDIO, .verbs = VERB_WRITE, .implied = true,
                                       .number = 1, .target = outputs[n->standard_output] };
        keys[nkeys++] = (struct key) { .name = "stderr", .kind = KEY_STDIO, .verbs = VERB_WRITE, .implied = true,
                                       .number = 2, .target = outputs[n->standard_error] };
        if (!unit_key(u, KEY_CLOCK, 0))
                keys[nkeys++] = (struct key) { .name = "clock", .kind = KEY_CLOCK, .verbs = VERB_READ,
                                               .implied = true, .number = CLOCK_DEFAULT_NS };
        if (!unit_key(u, KEY_RANDOM, 0))
                keys[nkeys++] = (struct key) { .name = "random", .kind = KEY_RANDOM, .verbs = VERB_READ,
                                               .implied = true };
        u->nkeys = nkeys;
}

static void finish_nanoprocess(struct reader *r, struct unit *u, const struct section *s)
{
        const struct draft_nanoprocess *d = s->fields;

        u->module = d->module;
        u->module_key = d->module_key;
        u->invoke = d->invoke;
        u->digest = d->digest;
        u->arguments = d->arguments;
        u->environment = d->environment;
        u->tier = d->tier;
        u->isolation = d->isolation;
        u->group = d->group;
        u->degraded = d->degraded;
        u->on_demand = d->instances == 0;
        u->instances = d->instances;
        u->instances_max = d->instances_max;
        u->queue_max = d->queue_max;
        u->queue_timeout_ns = d->queue_timeout_ns;

        if (!d->module)
                reader_error(r, &s->head, "[Nanoprocess] has no Module");
        if (d->group && d->isolation != ISOLATION_GROUP)
                reader_error(r, place_of(s, "Group"), "Group needs Isolation=group");
        if (!d->group && d->isolation == ISOLATION_GROUP)
                reader_error(r, place_of(s, "Isolation"), "Isolation=group needs Group");
        if (!u->on_demand)
                for (const char *const *name = (const char *const[]) { "InstancesMax", "QueueMax",
                                                                       "QueueTimeoutSec", NULL };
                     *name; name++)
                        if (given(s, *name))
                                reader_error(r, place_of(s, *name), "%s needs Instances=on-demand", *name);
}

/* Rules between sections. */
static void finish_whole(struct reader *r, const struct unit *u, const struct section *s)
{
        bool listens = unit_key(u, KEY_LISTEN, 0) != NULL;

        if (u->on_demand && !listens)
                reader_error(r, place_of(s, "Instances"), "Instances=on-demand needs a key with ListenStream or FileDescriptorName");
        if (u->on_demand && u->service.type == TYPE_ONESHOT)
                reader_error(r, place_of(s, "Instances"), "Instances=on-demand is no Type=oneshot");
}

void unit_finish(struct reader *r, struct unit *u)
{
        struct section *nanoprocess = find(r, SECTION_NANOPROCESS), *s;
        struct draft_service service = { 0 };

        u->name = r->name;
        u->instance = r->instance;
        if (!nanoprocess) {
                reader_error(r, &(struct place) { 0 }, "there is no section [Nanoprocess]");
                return;
        }
        s = find(r, SECTION_UNIT);
        if (s) {
                const struct draft_unit *d = s->fields;

                u->description = d->description;
                u->after = d->after;
                u->requires = d->requires;
        }
        settings_initial(SECTION_LIMITS, &u->limits);
        s = find(r, SECTION_LIMITS);
        if (s)
                u->limits = *(const struct unit_limits *)s->fields;
        settings_initial(SECTION_SERVICE, &service);
        s = find(r, SECTION_SERVICE);
        if (s)
                service = *(const struct draft_service *)s->fields;
        u->service = (struct unit_service) {
                .type = service.type, .start = service.start, .restart = service.restart,
                .restart_ns = service.restart_ns, .restart_most_ns = service.restart_most_ns,
                .start_burst = service.start_burst, .start_interval_ns = service.start_interval_ns,
                .start_timeout_ns = service.start_timeout_ns, .stop_timeout_ns = service.stop_timeout_ns,
                .runtime_max_ns = service.runtime_max_ns,
        };
        memcpy(u->service.success, service.success.bits, sizeof(u->service.success));

        finish_nanoprocess(r, u, nanoprocess);
        finish_keys(r, u, nanoprocess->fields);
        unit_finish_imports(r, u);
        finish_whole(r, u, nanoprocess);
}
