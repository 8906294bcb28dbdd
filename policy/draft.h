/* draft.h - a unit while it is read: what settings.def writes into, before the whole is checked.
 * Shared by the files of the reader; nobody else includes this.
 *
 * setting_read - @value becomes the field of @setting in @section. Returns 0, or -EINVAL with the
 *   problem in r->problem and its place in r->at; -ENOMEM.
 * setting_find - the setting @name of section kind @section, or NULL. */
#pragma once

#include "policy/ini.h"
#include "policy/unit.h"

enum section_kind { SECTION_UNIT, SECTION_NANOPROCESS, SECTION_KEY, SECTION_LIMITS, SECTION_IMPORT,
                    SECTION_SERVICE, _SECTION_MAX };

/* SETTING_TYPE(name, C type of the field, specifiers are expanded, what it looks like) */
#define SETTING_TYPES(X)                                                                   \
        X(STRING,    const char *,            1, "text")                                    \
        X(PATH,      const char *,            1, "an absolute path")                        \
        X(NAME,      const char *,            1, "a name")                                  \
        X(WORDS,     struct words,            1, "words, in quotes when they have blanks")  \
        X(NAMES,     struct words,            1, "names between blanks")                    \
        X(VARIABLES, struct words,            1, "NAME=VALUE words")                        \
        X(KEYS,      struct words,            1, "NAME[/BELOW][:WHAT] words")               \
        X(SIZE,      uint64_t,                0, "a size, such as 64M: bytes, or K, M, G, T of 1024") \
        X(DURATION,  uint64_t,                0, "a time, such as 5s: ns, us, ms, s, min, h, d") \
        X(PERCENT,   uint64_t,                0, "per cent, such as 50%")                   \
        X(COUNT,     uint64_t,                0, "a whole number")                          \
        X(INSTANCES, uint64_t,                0, "a whole number, or on-demand")            \
        X(BOOLEAN,   bool,                    0, "yes or no")                               \
        X(CHOICE,    unsigned,                0, "one of")                                  \
        X(DIGEST,    struct digest,           1, "64 hexadecimal digits")                   \
        X(STATUSES,  struct status_set,       0, "numbers from 1 to 255 between blanks")    \
        X(LISTEN,    struct address_text,     1, "ADDRESS:PORT, IPv6 in brackets, or /path") \
        X(CONNECT,   struct address_text,     1, "HOST:PORT, NETWORK:PORT or *:PORT, IPv6 in brackets") \
        X(NETWORKS,  struct network_list,     1, "networks such as 10.0.0.0/8 between blanks") \
        X(ACCESS,    const char *,            0, "read-only, read-write, or of: read write create remove")

enum setting_type {
#define X(name, ctype, expand, text) SETTING_##name,
        SETTING_TYPES(X)
#undef X
        _SETTING_TYPE_MAX,
};

struct status_set { uint8_t bits[32]; };

struct network_list {
        const struct network *networks;
        unsigned n;
};

struct address_text {
        bool given;
        const char *path, *host;  /* one of them, or a network, or (connect) none: any address */
        struct network network;
        bool has_network;
        uint16_t port, port_last;
};

struct draft_unit { const char *description; struct words after, requires; };

struct draft_nanoprocess {
        const char *module, *module_key, *invoke, *group;
        struct digest digest;
        struct words arguments, environment;
        unsigned tier, isolation, standard_input, standard_output, standard_error;
        uint64_t instances, instances_max, queue_max, queue_timeout_ns;
        bool degraded;
};

struct draft_key {
        const char *directory, *file, *handed, *access, *mount;
        struct address_text listen, connect;
        struct network_list networks;
        struct words variables;
        uint64_t clock_ns, random_bytes;
};

struct draft_import {
        const char *module, *module_key;
        struct digest digest;
        struct words requests, imports;
        unsigned unkeyed;
        uint64_t memory_max, host_memory_max, files_max;
};

struct draft_service {
        unsigned type, start, restart;
        uint64_t restart_ns, restart_most_ns, start_burst, start_interval_ns, start_timeout_ns,
                stop_timeout_ns, runtime_max_ns;
        struct status_set success;
};

struct setting {
        const char *name, *text;
        enum section_kind section;
        enum setting_type type;
        size_t offset;
        uint64_t least, most, initial;
};

extern const struct setting settings[];
extern const unsigned nsettings;

const char *section_text(enum section_kind section);
const char *setting_type_text(enum setting_type type);

struct place { /* where a setting was given last */
        const char *at, *end; /* NULL: not given */
        unsigned text;
};

struct section {
        enum section_kind kind;
        const char *name;     /* Key, Import */
        struct place head;
        void *fields;         /* struct draft_... */
        struct place *places; /* [nsettings] */
};

struct reader {
        struct pool *pool;
        const char *name, *instance;
        char prefix[UNIT_NAME_MAX];  /* of a template: what is before @ */
        const struct unit_text *texts;
        struct ini ini;
        unsigned text;                     /* index of the one that is read */
        struct section *sections[4 + UNIT_KEYS_MAX + UNIT_IMPORTS_MAX];
        unsigned nsections;
        const struct unit_problems *problems;
        unsigned errors;
        struct error *err;
        const char *at;                    /* of a problem that setting_read() found */
        char problem[200];
        bool no_memory;
};

const struct setting *setting_find(enum section_kind section, const struct ini_text *name);
_must_check_ int setting_read(struct reader *r, const struct setting *setting, void *fields,
                              const struct ini_text *value);
/* "from 1 to 10000" and the default, or "" where there is none. */
char *setting_range_text(const struct setting *s, char *text, size_t size);
char *setting_initial_text(const struct setting *s, char *text, size_t size);
void settings_initial(enum section_kind section, void *fields);

/* Reports an error at @place. */
_printf_(3, 4) void reader_error(struct reader *r, const struct place *place, const char *format, ...);

/* unit_finish.c: the sections, all read, become @u. Errors go through reader_error(). */
void unit_finish(struct reader *r, struct unit *u);
/* Where @setting was given in @s, or else the section. */
const struct place *place_of(const struct section *s, const char *setting);

/* unit_imports.c: the same for its imports, when the keys are there. */
void unit_finish_imports(struct reader *r, struct unit *u);

/* An address with ports, as in ListenStream= and Connect=. */
_must_check_ int address_read(struct pool *pool, const char *text, bool connect, struct address_text *ret,
                              struct error *err);
