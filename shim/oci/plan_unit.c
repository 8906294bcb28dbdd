/* plan_unit.c - a plan as a unit file: the text that somebody would write for it, read by the reader of all units. So
 * keys and limits have one meaning and one place where they are checked, and "nacelle explain" would understand it. */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "engine/base/buffer.h"
#include "shim/oci/plan_build.h"

#define UNIT_OF_PLAN   "container"
#define PERIOD_US      100000 /* cpu.period when it is not given */
#define FILES_MOST     65536  /* settings.def */
#define QUOTA_MOST     102400 /* per cent */
#define MEMORY_MOST    (UINT64_C(1) << 44)
#define CPU_MOST_S     31536000

_printf_(2, 3) static void line(struct buffer *out, const char *format, ...)
{
        char text[2 * CONFIG_PATH_MAX + 64];
        va_list ap;
        int n;

        va_start(ap, format);
        n = vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        if (n < 0 || n >= (int)sizeof(text))
                out->failed = true;
        else
                buffer_append(out, text, (size_t)n);
}

/* Values were checked for control characters, a line's end among them; a per cent sign begins a specifier. */
static void setting(struct buffer *out, const char *name, const char *value)
{
        line(out, "%s=", name);
        for (; *value; value++)
                buffer_append(out, *value == '%' ? "%%" : value, *value == '%' ? 2 : 1);
        buffer_append(out, "\n", 1);
}

static void key(struct buffer *out, const char *name, unsigned i, const struct oci_mount *m)
{
        line(out, "[Key %s-%u]\n", name, i);
        setting(out, m->kind == OCI_MOUNT_FILE ? "File" : "Directory", m->source);
        setting(out, "MountAt", m->destination);
        line(out, "Access=%s\n", m->read_only ? "read-only" : "read-write");
}

/* A section for each name, where it comes first. Names of mounts have a hyphen, which these have not. */
static void more_keys(struct buffer *out, const struct oci_plan *p)
{
        for (unsigned i = 0; i < p->nsettings; i++) {
                bool first = true;

                for (unsigned k = 0; k < i; k++)
                        first &= strcmp(p->settings[k].key, p->settings[i].key) != 0;
                if (!first)
                        continue;
                line(out, "[Key %s]\n", p->settings[i].key);
                for (unsigned k = i; k < p->nsettings; k++)
                        if (strcmp(p->settings[k].key, p->settings[i].key) == 0)
                                setting(out, p->settings[k].name, p->settings[k].value);
        }
}

/* The greater of what is exact in a control group and what the guest's own clock counts in: whole per cents. */
static uint64_t quota_percent(const struct oci_resources *r)
{
        uint64_t period = r->cpu_period_us ? r->cpu_period_us : PERIOD_US, percent;

        if (!r->cpu_quota_us || r->cpu_quota_us > UINT64_MAX / 100)
                return 0;
        percent = (r->cpu_quota_us * 100 + period - 1) / period;
        return percent > QUOTA_MOST ? 0 : percent;
}

/* What is beyond the most that a unit can say is held to that. */
static uint64_t least(uint64_t a, uint64_t b)
{
        return a < b ? a : b;
}

static void limits(struct buffer *out, const struct oci_plan *p)
{
        uint64_t memory = p->resources.memory_bytes, percent = quota_percent(&p->resources);

        if (p->limits.memory_bytes && (!memory || p->limits.memory_bytes < memory))
                memory = p->limits.memory_bytes;
        line(out, "[Limits]\n");
        if (memory)
                line(out, "MemoryMax=%" PRIu64 "\n", least(memory, MEMORY_MOST));
        if (percent)
                line(out, "CPUQuota=%" PRIu64 "%%\n", percent);
        if (p->limits.cpu_s)
                line(out, "CPUTimeMax=%" PRIu64 "s\n", least(p->limits.cpu_s, CPU_MOST_S));
        if (p->limits.files)
                line(out, "OpenFilesMax=%" PRIu64 "\n", least(p->limits.files, FILES_MOST));
}

_printf_(4, 5) static int refuse(const struct oci_mount *m, const char *name, struct error *err, const char *format, ...)
{
        char why[200];
        va_list ap;

        va_start(ap, format);
        vsnprintf(why, sizeof(why), format, ap);
        va_end(ap);
        return error_set(err, STAGE_POLICY, -EOPNOTSUPP, ERROR_NOWHERE, OCI_CONFIG_NAME ": mounts[%u].%s: %s", m->index, name, why);
}

/* A key for a file comes with a directory of the guest that has nothing else in it. */
static int check_file(const struct oci_plan *p, const struct oci_mount *m, struct error *err)
{
        const char *name = strrchr(m->source, '/') + 1;
        char parent[CONFIG_PATH_MAX + 2];
        char *slash;

        strcpy(parent, m->destination);
        slash = strrchr(parent, '/');
        if (strcmp(slash + 1, name) != 0)
                return refuse(m, "destination", err, "a file keeps its own name, %.64s", name);
        slash[slash == parent] = '\0';
        if (plan_has_entries(p, parent))
                return refuse(m, "destination", err, "a file alone would hide the rest of %.64s: mount a directory", parent);
        return 0;
}

/* Whether the mount becomes a key. */
static int is_key(const struct oci_plan *p, const struct oci_mount *m, struct error *err)
{
        int r;

        if (!m->source)
                return m->optional ? 0 : refuse(m, "type", err, "no tmpfs was made for %.100s", m->destination);
        r = m->kind == OCI_MOUNT_FILE ? check_file(p, m, err) : 0;
        return r < 0 ? r : 1;
}

static int write_text(const struct oci_plan *p, struct buffer *out, struct error *err)
{
        const struct oci_mount root = { .source = p->rootfs, .destination = "/", .read_only = p->rootfs_read_only };

        line(out, "[Nanoprocess]\nStandardInput=inherit\nStandardOutput=inherit\nStandardError=inherit\n");
        setting(out, "Module", p->rootfs);
        key(out, "root", 0, &root);
        for (unsigned i = 0; i < p->nmounts; i++) {
                const struct oci_mount *m = &p->mounts[i];

                int r = m->optional && m->kind == OCI_MOUNT_FILE ? 0 : is_key(p, m, err);

                if (r < 0)
                        return r;
                if (r)
                        key(out, "mount", m->index, m);
        }
        more_keys(out, p);
        limits(out, p);
        return out->failed ? error_set(err, STAGE_POLICY, -ENOMEM, ERROR_NOWHERE, "out of memory") : 0;
}

/* What was written is what was meant: a path that the format cannot hold, such as one that ends in a blank, shows here. */
static int compare(const struct oci_plan *p, const struct unit *u, struct error *err)
{
        unsigned k = 1;

        if (u->nkeys < 1 || strcmp(u->keys[0].path, p->rootfs) != 0)
                return error_set(err, STAGE_POLICY, -EINVAL, ERROR_NOWHERE, OCI_CONFIG_NAME ": root.path: cannot be a key's path");
        for (unsigned i = 0; i < p->nmounts; i++) {
                const struct oci_mount *m = &p->mounts[i];

                if (!m->source || (m->optional && m->kind == OCI_MOUNT_FILE))
                        continue;
                if (k >= u->nkeys || strcmp(u->keys[k].path, m->source) != 0 ||
                    strcmp(u->keys[k].mount, m->destination) != 0)
                        return error_set(err, STAGE_POLICY, -EINVAL, ERROR_NOWHERE,
                                         OCI_CONFIG_NAME ": mounts[%u]: cannot be a key's path", m->index);
                k++;
        }
        return 0;
}

static int make_unit(struct oci_plan *p, struct error *err)
{
        _cleanup_(buffer_done) struct buffer out = { 0 };
        _cleanup_(unit_freep) struct unit *u = NULL;
        struct unit_text text = { .path = OCI_CONFIG_NAME };
        int r = write_text(p, &out, err);

        if (r < 0)
                return r;
        text.bytes = (const char *)out.bytes;
        text.size = out.size;
        r = unit_parse(UNIT_OF_PLAN, &text, 1, NULL, &u, err);
        if (r < 0)
                return error_prefix(err, "as a unit");
        r = compare(p, u, err);
        if (r < 0)
                return r;
        /* Words of a program are any bytes, those of a unit file are not. */
        u->arguments = (struct words) { p->args.words + 1, p->args.n - 1 };
        u->environment = p->env;
        p->unit = TAKE_PTR(u);
        return 0;
}

int oci_plan_run(struct oci_plan *p, struct unit_run *ret, struct error *err)
{
        int r = p->unit ? 0 : make_unit(p, err);

        if (r >= 0)
                r = unit_run(p->unit, NULL, 0, ret, err);
        if (r < 0)
                return r;
        /* argv[0] is what the configuration says, not a path of the host. */
        ret->options.args = p->args.words;
        ret->options.nargs = p->args.n;
        return 0;
}
