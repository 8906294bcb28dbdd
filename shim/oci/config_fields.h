/* config_fields.h - fields.def and its lists of words, as the reader, its checks and the documentation's test walk them.
 *
 * fields_check - every value of @json against its row: its type, its bound, what may be in it. Errors as in plan.h.
 * word_find - the row of @text in @list, of @n bytes; NULL: not one of them.
 * place_find - a mount of @type at @destination that engines put into every container; NULL: none such. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shim/oci/config_json.h"

enum field_type { FIELD_OBJECT, FIELD_MAP, FIELD_ARRAY, FIELD_STRING, FIELD_BOOL, FIELD_INT, FIELD_UINT };
enum verdict { VERDICT_MEMBERS, VERDICT_HONOUR, VERDICT_REFUSE, VERDICT_HARMLESS };
enum word_list { WORD_CAPABILITY, WORD_RLIMIT, WORD_NAMESPACE, WORD_OPTION, WORD_ACTION, WORD_FLAG, WORD_CALL, WORD_SYSCTL,
                 WORD_PROPAGATION, WORD_KEY };

/* What a check looks at: the value, and all of the configuration for what depends on another field. */
struct check {
        struct json_object *root, *value;
        char member[64];         /* of the value, that is at fault: "options[2]"; "": the value itself */
        const char *name;        /* of a member of a map */
        char why[200];
};

struct field {
        const char *path;
        enum field_type type;
        uint64_t bound;
        enum verdict verdict;
        int (*check)(struct check *c); /* 0, or a negative errno with @why */
        const char *why;
};

struct word {
        enum word_list list;
        const char *text;
        enum verdict verdict;
        const char *why;
};

struct place {
        const char *destination, *type;
        enum verdict verdict;
        const char *why;
};

extern const struct field oci_fields[];
extern const struct word oci_words[];
extern const struct place oci_places[];
extern const unsigned oci_nfields, oci_nwords, oci_nplaces;

_must_check_ int fields_check(const struct oci_json *json, struct error *err);
const struct word *word_find(enum word_list list, const char *text, size_t n);
const struct place *place_find(const char *type, const char *destination);

/* Members: NULL when it is not there, or null. */
struct json_object *member(struct json_object *o, const char *name);
const char *text_member(struct json_object *o, const char *name);
/* "a.b.c" beneath @o. */
struct json_object *member_at(struct json_object *o, const char *path);

/* path_clean - @path without empty parts and those that are ".", in @ret, of at least strlen(path) + 2 bytes.
 * path_unseen - whether it is, or lies in, a tree that is not data, and that no guest sees.
 * path_fault - what is wrong with a path that is to be absolute, or with @relative may be relative: NULL: nothing. */
#define CONFIG_PATH_MAX 3072
void path_clean(const char *path, char *ret);
bool path_unseen(const char *path);
const char *path_fault(const char *path, bool relative);

/* An annotation that is a setting of a key: "io.nacelle.key.web.ListenStream". */
#define ANNOTATION_OURS "io.nacelle."
#define ANNOTATION_KEY  ANNOTATION_OURS "key."

/* What the options of a mount say. */
struct mount_options {
        bool bind, read_only, copy_up;
        uint64_t size_bytes, inodes, mode;
        bool mode_given;
};

/* @mount of mounts[], as it was checked: "bind", "tmpfs" or another type. */
const char *mount_type(struct json_object *mount);
/* 0, or a negative errno with @c->why. */
_must_check_ int mount_options_read(struct check *c, struct mount_options *ret);

#define CHECKS(X)                                                                                          \
        X(version) X(root) X(mount) X(destination) X(args) X(variable) X(cwd) X(capability) X(rlimit)          \
        X(unconfined) X(scheduler) X(namespace) X(device) X(cgroup) X(sysctl) X(device_rule) X(unlimited) \
        X(period) X(list) X(default_action) X(seccomp_flag) X(syscalls) X(propagation) X(masked) X(read_only) X(domain) X(annotation)
#define X(name) _must_check_ int oci_check_##name(struct check *c);
CHECKS(X)
#undef X
