/* config_mount.c - paths, and the entries of mounts[]. */
#include "config.h"

#include <stdarg.h>
#include <string.h>

#include "shim/oci/config_fields.h"

void path_clean(const char *path, char *ret)
{
        char *out = ret;
        bool absolute = *path == '/';

        while (*path) {
                size_t n = strcspn(path, "/");

                if (n && !(n == 1 && *path == '.')) {
                        if (absolute || out > ret)
                                *out++ = '/';
                        memcpy(out, path, n);
                        out += n;
                }
                path += n + (path[n] == '/');
        }
        if (out == ret)
                *out++ = absolute ? '/' : '.';
        *out = '\0';
}

/* What is there is the kernel's and the machine's, not a container's. */
bool path_unseen(const char *path)
{
        static const char *const trees[] = { "/proc", "/sys", "/dev" };
        char clean[CONFIG_PATH_MAX + 2];

        if (strlen(path) > CONFIG_PATH_MAX)
                return false;
        path_clean(path, clean);
        for (size_t i = 0; i < ELEMENTSOF(trees); i++) {
                size_t n = strlen(trees[i]);

                if (strncmp(clean, trees[i], n) == 0 && (!clean[n] || clean[n] == '/'))
                        return true;
        }
        return false;
}

const char *path_fault(const char *path, bool relative)
{
        if (!*path)
                return "is empty";
        if (*path != '/' && !relative)
                return "is not absolute";
        if (strlen(path) > CONFIG_PATH_MAX)
                return "is too long";
        for (const char *p = path; *p; p++)
                if ((unsigned char)*p < 0x20 || *p == 0x7f)
                        return "has a control character";
        for (const char *part = path; *part;) {
                size_t n = strcspn(part, "/");

                if (n == 2 && memcmp(part, "..", 2) == 0)
                        return "has a part ..";
                part += n + (part[n] == '/');
        }
        return NULL;
}

_printf_(4, 5) static int refuse(struct check *c, const char *name, int code, const char *format, ...)
{
        va_list ap;

        snprintf(c->member, sizeof(c->member), "%s", name);
        va_start(ap, format);
        vsnprintf(c->why, sizeof(c->why), format, ap);
        va_end(ap);
        return code;
}

static const char *option_at(struct json_object *options, size_t i)
{
        return json_object_get_string(json_object_array_get_idx(options, i));
}

const char *mount_type(struct json_object *mount)
{
        const char *type = text_member(mount, "type");
        struct json_object *options = member(mount, "options");

        if (type && *type && strcmp(type, "none") != 0)
                return type;
        for (size_t i = 0; options && i < json_object_array_length(options); i++)
                if (strcmp(option_at(options, i), "bind") == 0 || strcmp(option_at(options, i), "rbind") == 0)
                        return "bind";
        return "none";
}

/* "64m", "65536k", "1777": with letters of 1024 for a size, octal for a mode. */
static bool read_number(const char *text, unsigned base, bool letters, uint64_t *ret)
{
        uint64_t n = 0;
        const char *letter;

        if (!*text)
                return false;
        for (; *text >= '0' && *text < '0' + (int)base; text++)
                if (__builtin_mul_overflow(n, base, &n) || __builtin_add_overflow(n, (unsigned)(*text - '0'), &n))
                        return false;
        letter = *text ? strchr("kmgKMG", *text) : NULL;
        if (letters && letter) {
                for (unsigned k = 0; k <= (unsigned)(letter - "kmgKMG") % 3; k++)
                        if (__builtin_mul_overflow(n, 1024u, &n))
                                return false;
                text++;
        }
        *ret = n;
        return !*text;
}

static bool take_value(const char *option, struct mount_options *o)
{
        const char *value = strchr(option, '=') + 1;

        if (strncmp(option, "size=", 5) == 0)
                return read_number(value, 10, true, &o->size_bytes) && o->size_bytes;
        if (strncmp(option, "nr_inodes=", 10) == 0)
                return read_number(value, 10, true, &o->inodes) && o->inodes;
        o->mode_given = true;
        return read_number(value, 8, false, &o->mode) && o->mode <= 07777;
}

static int take_option(struct check *c, size_t i, const char *option, bool tmpfs, struct mount_options *o)
{
        size_t n = strcspn(option, "=");
        const struct word *row = word_find(WORD_OPTION, option, n + (option[n] == '='));
        char name[32];

        snprintf(name, sizeof(name), "options[%zu]", i);
        if (!row)
                return refuse(c, name, -EOPNOTSUPP, "%.64s: is not an option that is known here", option);
        if (row->verdict == VERDICT_REFUSE)
                return refuse(c, name, -EOPNOTSUPP, "%.64s: %s", option, row->why);
        if (!tmpfs && (option[n] || strcmp(option, "tmpcopyup") == 0))
                return refuse(c, name, -EINVAL, "%.64s: belongs to a tmpfs", option);
        if (option[n] && !take_value(option, o))
                return refuse(c, name, -EINVAL, "%.64s: is no such number", option);
        o->copy_up |= strcmp(option, "tmpcopyup") == 0;
        o->bind |= strcmp(option, "bind") == 0 || strcmp(option, "rbind") == 0;
        if (strcmp(option, "ro") == 0 || strcmp(option, "rro") == 0)
                o->read_only = true;
        if (strcmp(option, "rw") == 0)
                o->read_only = false;
        return 0;
}

int mount_options_read(struct check *c, struct mount_options *ret)
{
        struct json_object *options = member(c->value, "options");
        bool tmpfs = strcmp(mount_type(c->value), "tmpfs") == 0;
        struct mount_options o = { 0 };

        for (size_t i = 0; options && i < json_object_array_length(options); i++) {
                int r = take_option(c, i, option_at(options, i), tmpfs, &o);

                if (r < 0)
                        return r;
        }
        if (tmpfs && o.bind)
                return refuse(c, "options", -EINVAL, "bind is no tmpfs");
        *ret = o;
        return 0;
}

static int check_source(struct check *c)
{
        const char *source = text_member(c->value, "source"), *why;
        char clean[CONFIG_PATH_MAX + 2];

        if (!source)
                return refuse(c, "", -EINVAL, "needs source");
        why = path_fault(source, true);
        if (why)
                return refuse(c, "source", -EACCES, "%s", why);
        path_clean(source, clean);
        if (strcmp(clean, "/") == 0)
                return refuse(c, "source", -EACCES, "is all of the host");
        return path_unseen(clean) ? refuse(c, "source", -EACCES, "is the kernel's or the machine's, not data") : 0;
}

int oci_check_mount(struct check *c)
{
        const char *destination = text_member(c->value, "destination"), *type = mount_type(c->value);
        char clean[CONFIG_PATH_MAX + 2];
        struct mount_options options;
        const struct place *place;

        if (!destination)
                return refuse(c, "", -EINVAL, "needs destination");
        path_clean(destination, clean);
        place = place_find(type, clean);
        if (place && place->verdict == VERDICT_HARMLESS)
                return 0;
        if (path_unseen(clean))
                return refuse(c, "destination", -EOPNOTSUPP, "nothing of the kind is mounted for a guest");
        if (strcmp(clean, "/") == 0)
                return refuse(c, "destination", -EOPNOTSUPP, "the guest's / is root.path");
        if (strcmp(type, "bind") != 0 && strcmp(type, "tmpfs") != 0)
                return refuse(c, "type", -EOPNOTSUPP, "%.64s: neither bind nor tmpfs", type);
        if (strcmp(type, "bind") == 0) {
                int r = check_source(c);

                if (r < 0)
                        return r;
        }
        return mount_options_read(c, &options);
}
