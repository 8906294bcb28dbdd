/* config_check.c - values of config.json that are more than their type: the checks that fields.def names. */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "shim/oci/config_fields.h"

#define FILES_LEAST  3     /* settings.def: OpenFilesMax */
#define MEMORY_LEAST 65536 /* settings.def: MemoryMax */

_printf_(3, 4) static int refuse(struct check *c, int code, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        vsnprintf(c->why, sizeof(c->why), format, ap);
        va_end(ap);
        return code;
}

static int refuse_member(struct check *c, const char *name, int code, const char *why)
{
        snprintf(c->member, sizeof(c->member), "%s", name);
        return refuse(c, code, "%s", why);
}

static const char *text_of(const struct check *c)
{
        return json_object_get_string(c->value);
}

/* A word by its row. */
static int check_word(struct check *c, enum word_list list, const char *text, const char *unknown)
{
        const struct word *row = word_find(list, text, strlen(text));

        if (!row)
                return refuse(c, -EOPNOTSUPP, "%.64s: %s", text, unknown);
        return row->verdict == VERDICT_REFUSE ? refuse(c, -EOPNOTSUPP, "%.64s: %s", text, row->why) : 0;
}

int oci_check_version(struct check *c)
{
        const char *at = text_of(c);

        for (int part = 0; part < 3; part++) {
                size_t n = strspn(at, "0123456789");

                if (n == 0 || n > 9 || (n > 1 && *at == '0') || (part < 2 && at[n] != '.'))
                        return refuse(c, -EINVAL, "is not a version such as 1.2.0");
                if (part == 0 && (n != 1 || *at != '1'))
                        return refuse(c, -EOPNOTSUPP, "%.64s: this runtime knows 1.x alone", text_of(c));
                at += n + (part < 2);
        }
        if (*at && (!strchr("-+", *at) || !at[1] || at[1 + strspn(at + 1, "0123456789-+.ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                                    "abcdefghijklmnopqrstuvwxyz")]))
                return refuse(c, -EINVAL, "is not a version such as 1.2.0");
        return 0;
}

static int check_path(struct check *c, const char *path, bool relative)
{
        const char *why = path_fault(path, relative);

        return why ? refuse(c, -EACCES, "%s", why) : 0;
}

int oci_check_root(struct check *c)
{
        char clean[CONFIG_PATH_MAX + 2];
        int r = check_path(c, text_of(c), true);

        if (r < 0)
                return r;
        path_clean(text_of(c), clean);
        return strcmp(clean, "/") == 0 || path_unseen(clean) ? refuse(c, -EACCES, "is the host's, not a container's") : 0;
}

int oci_check_destination(struct check *c)
{
        return check_path(c, text_of(c), false);
}

int oci_check_args(struct check *c)
{
        if (!json_object_array_length(c->value) ||
            !json_object_is_type(json_object_array_get_idx(c->value, 0), json_type_string) ||
            !json_object_get_string_len(json_object_array_get_idx(c->value, 0)))
                return refuse(c, -EINVAL, "names no program");
        return 0;
}

int oci_check_variable(struct check *c)
{
        const char *equals = strchr(text_of(c), '=');

        return !equals || equals == text_of(c) ? refuse(c, -EINVAL, "is not NAME=VALUE") : 0;
}

int oci_check_cwd(struct check *c)
{
        int r = check_path(c, text_of(c), false);

        if (r < 0)
                return r;
        return path_unseen(text_of(c)) ? refuse(c, -EACCES, "leads out of what a guest sees") : 0;
}

int oci_check_capability(struct check *c)
{
        return check_word(c, WORD_CAPABILITY, text_of(c), "is not of the engines' default set, and cannot be given");
}

/* Whether an element before @c->value in the array @path has the same @name. */
static bool came_before(const struct check *c, const char *path, const char *name)
{
        struct json_object *all = member_at(c->root, path);
        const char *text = text_member(c->value, name);

        for (size_t i = 0; i < json_object_array_length(all); i++) {
                struct json_object *other = json_object_array_get_idx(all, i);

                if (other == c->value)
                        return false;
                if (text_member(other, name) && strcmp(text_member(other, name), text) == 0)
                        return true;
        }
        return false;
}

int oci_check_rlimit(struct check *c)
{
        const char *type = text_member(c->value, "type");
        struct json_object *soft = member(c->value, "soft"), *hard = member(c->value, "hard");
        uint64_t limit = json_object_get_uint64(soft);
        int r;

        if (!type || !soft || !hard)
                return refuse(c, -EINVAL, "needs type, soft and hard");
        if (limit > json_object_get_uint64(hard))
                return refuse_member(c, "soft", -EINVAL, "is above hard");
        if (came_before(c, "process.rlimits", "type"))
                return refuse_member(c, "type", -EINVAL, "comes twice");
        if (strcmp(type, "RLIMIT_FSIZE") == 0 && limit == UINT64_MAX)
                return 0;
        r = check_word(c, WORD_RLIMIT, type, "is not a limit that there is");
        if (r < 0) {
                snprintf(c->member, sizeof(c->member), "type");
                return r;
        }
        if (strcmp(type, "RLIMIT_NOFILE") == 0 && limit < FILES_LEAST)
                return refuse_member(c, "soft", -EINVAL, "a guest has three descriptors at least");
        if (strcmp(type, "RLIMIT_CPU") == 0 && limit == 0)
                return refuse_member(c, "soft", -EINVAL, "no time at all");
        if ((strcmp(type, "RLIMIT_AS") == 0 || strcmp(type, "RLIMIT_DATA") == 0) && limit < MEMORY_LEAST)
                return refuse_member(c, "soft", -EINVAL, "less than a page of WebAssembly");
        return 0;
}

int oci_check_unconfined(struct check *c)
{
        return strcmp(text_of(c), "unconfined") == 0
                       ? 0 : refuse(c, -EOPNOTSUPP, "no AppArmor profile is entered: apparmor=unconfined");
}

int oci_check_scheduler(struct check *c)
{
        return strcmp(text_of(c), "SCHED_OTHER") == 0 ? 0 : refuse(c, -EOPNOTSUPP, "no policy but SCHED_OTHER");
}

int oci_check_namespace(struct check *c)
{
        const char *type = text_member(c->value, "type"), *path = text_member(c->value, "path"), *why;
        int r;

        if (!type)
                return refuse(c, -EINVAL, "needs type");
        if (came_before(c, "linux.namespaces", "type"))
                return refuse_member(c, "type", -EINVAL, "comes twice");
        r = check_word(c, WORD_NAMESPACE, type, "is not a namespace that there is");
        if (r < 0) {
                snprintf(c->member, sizeof(c->member), "type");
                return r;
        }
        if (!path || !*path)
                return 0;
        why = path_fault(path, false);
        if (why)
                return refuse_member(c, "path", -EACCES, why);
        if (strcmp(type, "mount") == 0 || strcmp(type, "time") == 0)
                return refuse_member(c, "path", -EOPNOTSUPP, "a guest is in nobody else's");
        return 0;
}

/* Devices that are in every container of an engine, and that nobody gets anything through. */
static bool common_device(const char *type, int64_t major, int64_t minor)
{
        static const struct { uint16_t major; int16_t minor; } rows[] = {
                { 1, 3 }, { 1, 5 }, { 1, 7 }, { 1, 8 }, { 1, 9 }, { 5, 0 }, { 5, 1 }, { 5, 2 }, { 10, 200 }, { 136, -1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (strcmp(type, "c") == 0 && rows[i].major == major && (rows[i].minor == minor || rows[i].minor < 0))
                        return true;
        return false;
}

static int64_t number_member(struct json_object *o, const char *name)
{
        struct json_object *value = member(o, name);

        return value ? json_object_get_int64(value) : -1;
}

int oci_check_device(struct check *c)
{
        static const char *const paths[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty" };
        const char *path = text_member(c->value, "path"), *type = text_member(c->value, "type");

        if (!path || !type)
                return refuse(c, -EINVAL, "needs path and type");
        for (size_t i = 0; i < ELEMENTSOF(paths); i++)
                if (strcmp(path, paths[i]) == 0 &&
                    common_device(type, number_member(c->value, "major"), number_member(c->value, "minor")))
                        return 0;
        return refuse(c, -EOPNOTSUPP, "%.64s: a guest has no devices", path);
}

int oci_check_device_rule(struct check *c)
{
        const char *type = text_member(c->value, "type"), *access = text_member(c->value, "access");

        if (!json_object_get_boolean(member(c->value, "allow")))
                return 0;
        /* A guest makes no node, whatever it may be of. */
        if (access && strcmp(access, "m") == 0 && type && *type && strchr("bc", *type))
                return 0;
        if (type && common_device(type, number_member(c->value, "major"), number_member(c->value, "minor")))
                return 0;
        return refuse(c, -EOPNOTSUPP, "a guest has no devices, and this one is not of the engines' defaults");
}

int oci_check_cgroup(struct check *c)
{
        return *text_of(c) ? check_path(c, text_of(c), true) : 0;
}

int oci_check_sysctl(struct check *c)
{
        const struct word *row = word_find(WORD_SYSCTL, c->name, strlen(c->name));

        return row ? 0 : refuse(c, -EOPNOTSUPP, "is not set for a guest");
}

int oci_check_unlimited(struct check *c)
{
        return json_object_get_int64(c->value) == -1 ? 0 : refuse(c, -EOPNOTSUPP, "is not kept");
}

int oci_check_period(struct check *c)
{
        uint64_t period = json_object_get_uint64(c->value);

        return period && period < 1000 ? refuse(c, -EINVAL, "is less than 1000") : 0;
}

int oci_check_list(struct check *c)
{
        return text_of(c)[strspn(text_of(c), "0123456789,-")] ? refuse(c, -EINVAL, "is not a list such as 0-3,5") : 0;
}

int oci_check_default_action(struct check *c)
{
        int r = check_word(c, WORD_ACTION, text_of(c), "is not an action that there is");

        if (r < 0)
                return r;
        if (strcmp(text_of(c), "SCMP_ACT_ALLOW") == 0 || strcmp(text_of(c), "SCMP_ACT_LOG") == 0)
                return refuse(c, -EOPNOTSUPP, "%s: allows what it does not name: weaker than any engine's default", text_of(c));
        return 0;
}

int oci_check_seccomp_flag(struct check *c)
{
        return check_word(c, WORD_FLAG, text_of(c), "is not a flag that there is");
}

int oci_check_syscalls(struct check *c)
{
        const char *action = text_member(c->value, "action");
        struct json_object *names = member(c->value, "names");
        int r;

        if (!action || !names)
                return refuse(c, -EINVAL, "needs names and action");
        r = check_word(c, WORD_ACTION, action, "is not an action that there is");
        if (r < 0) {
                snprintf(c->member, sizeof(c->member), "action");
                return r;
        }
        if (strcmp(action, "SCMP_ACT_ALLOW") != 0 && strcmp(action, "SCMP_ACT_LOG") != 0)
                return 0;
        for (size_t i = 0; i < json_object_array_length(names); i++) {
                const char *name = json_object_get_string(json_object_array_get_idx(names, i));
                const struct word *row = word_find(WORD_CALL, name, strlen(name));

                if (!row)
                        continue;
                snprintf(c->member, sizeof(c->member), "names[%zu]", i);
                return refuse(c, -EOPNOTSUPP, "%s: %s", name, row->why);
        }
        return 0;
}

int oci_check_propagation(struct check *c)
{
        return *text_of(c) ? check_word(c, WORD_PROPAGATION, text_of(c), "what is mounted in a container stays in it") : 0;
}

static int check_unseen(struct check *c, const char *why)
{
        int r = check_path(c, text_of(c), false);

        if (r < 0)
                return r;
        return path_unseen(text_of(c)) ? 0 : refuse(c, -EOPNOTSUPP, "%s", why);
}

int oci_check_masked(struct check *c)
{
        return check_unseen(c, "a guest would see it: nothing within the rootfs is masked");
}

int oci_check_read_only(struct check *c)
{
        if (json_object_get_boolean(member_at(c->root, "root.readonly")))
                return check_path(c, text_of(c), false);
        return check_unseen(c, "a guest could write to it: needs root.readonly");
}

/* Everybody's annotations are told; ours are obeyed, so one that is not understood is no annotation. */
int oci_check_annotation(struct check *c)
{
        const size_t head = sizeof(ANNOTATION_KEY) - 1;
        const char *name = c->name + head, *dot;

        if (strncmp(c->name, ANNOTATION_OURS, sizeof(ANNOTATION_OURS) - 1) != 0)
                return 0;
        if (strncmp(c->name, ANNOTATION_KEY, head) != 0 || !(dot = strchr(name, '.')) || dot == name || dot - name > 32 ||
            strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != (size_t)(dot - name))
                return refuse(c, -EINVAL, "is not of the form " ANNOTATION_KEY "NAME.SETTING");
        if (!word_find(WORD_KEY, dot + 1, strlen(dot + 1)))
                return refuse(c, -EOPNOTSUPP, "%.64s: is not a setting that an annotation may give", dot + 1);
        for (const char *p = text_of(c); *p; p++)
                if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '\\')
                        return refuse(c, -EINVAL, "has a control character or a backslash");
        return *text_of(c) && strlen(text_of(c)) <= 1024 ? 0 : refuse(c, -EINVAL, "is empty, or longer than 1024 bytes");
}

int oci_check_domain(struct check *c)
{
        return strcmp(text_of(c), "LINUX") == 0 ? 0 : refuse(c, -EOPNOTSUPP, "no domain but LINUX");
}
