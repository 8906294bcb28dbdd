/* show.c - nacelle-oci state, list, features: what is, as JSON. */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "shim/oci/oci.h"
#include "shim/oci/state_json.h"

#ifdef HAVE_SYSTEMD
#define HAS_SYSTEMD true
#else
#define HAS_SYSTEMD false
#endif

static int print(struct json_object *o, struct error *err)
{
        printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(o);
        return fflush(stdout) == 0 ? 0 : error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "standard output: %m");
}

static int state_main(const struct globals *g, const void *values, const char *const *operands, unsigned n,
                      struct error *err)
{
        _cleanup_(oci_state_done) struct oci_state s = OCI_STATE_NONE;
        int r = oci_id_check(operands[0], err);

        (void)values;
        (void)n;
        if (r >= 0)
                r = oci_state_open(g->root, operands[0], false, &s, err);
        return r < 0 ? r : print(oci_state_show(&s), err);
}

static const struct oci_option no_options[] = { { 0 } };

const struct oci_command state_command = {
        .name = "state", .operands = "ID", .operands_min = 1, .operands_max = 1, .main = state_main,
        .text = "print the state of a container", .options = no_options,
};

struct list_options {
        bool quiet;
        const char *format;
};

enum list_form { LIST_TABLE, LIST_JSON, LIST_QUIET };

static void list_one(const struct oci_state *s, enum list_form form, struct json_object *all)
{
        enum oci_status status = oci_state_status(s);

        if (form == LIST_JSON)
                json_object_array_add(all, oci_state_show(s));
        else if (form == LIST_QUIET)
                printf("%s\n", s->id);
        else
                printf("%-24s %-8d %-8s %-32s %s\n", s->id, status == OCI_STOPPED ? 0 : (int)s->process.pid,
                       oci_status_text(status), s->created, s->bundle);
}

static int list_all(const char *root, enum list_form form, struct json_object *all, struct error *err)
{
        int fd = oci_root_open(root, false, err);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);

        if (fd == -ENOENT)
                return 0;
        if (!d) {
                closep(&fd);
                return fd < 0 ? fd : error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "--root %.150s: %m", root);
        }
        for (struct dirent *e; (e = readdir(d));) {
                _cleanup_(oci_state_done) struct oci_state s = OCI_STATE_NONE;
                struct error none = { 0 };

                /* One that goes this moment, or is not whole yet, is not there. */
                if (oci_id_check(e->d_name, &none) >= 0 && oci_state_open(root, e->d_name, false, &s, &none) >= 0)
                        list_one(&s, form, all);
        }
        closedir(d);
        return 0;
}

static int list_main(const struct globals *g, const void *values, const char *const *operands, unsigned n,
                     struct error *err)
{
        const struct list_options *o = values;
        enum list_form form = o->quiet ? LIST_QUIET : LIST_TABLE;
        struct json_object *all;
        int r;

        (void)operands;
        (void)n;
        if (o->format && strcmp(o->format, "json") == 0)
                form = LIST_JSON;
        else if (o->format && strcmp(o->format, "table") != 0)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "--format %.80s: table or json", o->format);
        if (form == LIST_TABLE)
                printf("%-24s %-8s %-8s %-32s %s\n", "ID", "PID", "STATUS", "CREATED", "BUNDLE");
        all = json_object_new_array();
        r = list_all(g->root, form, all, err);
        if (r >= 0 && form == LIST_JSON)
                return print(all, err);
        json_object_put(all);
        return r;
}

const struct oci_command list_command = {
        .name = "list", .operands = "", .main = list_main, .values_bytes = sizeof(struct list_options),
        .text = "print all containers",
        .options = (const struct oci_option[]) {
                { "format", 'f', OPTION_TEXT, offsetof(struct list_options, format), "table or json", NULL },
                { "quiet", 'q', OPTION_SWITCH, offsetof(struct list_options, quiet), "only their IDs", NULL },
                { 0 },
        },
};

static struct json_object *words(const char *const *list)
{
        struct json_object *a = json_object_new_array();

        for (; *list; list++)
                json_object_array_add(a, json_object_new_string(*list));
        return a;
}

static struct json_object *enabled(bool is)
{
        struct json_object *o = json_object_new_object();

        json_object_object_add(o, "enabled", json_object_new_boolean(is));
        return o;
}

static struct json_object *features_of_cgroups(void)
{
        struct json_object *o = json_object_new_object();

        json_object_object_add(o, "v1", json_object_new_boolean(true));
        json_object_object_add(o, "v2", json_object_new_boolean(true));
        json_object_object_add(o, "systemd", json_object_new_boolean(HAS_SYSTEMD));
        json_object_object_add(o, "systemdUser", json_object_new_boolean(HAS_SYSTEMD));
        return o;
}

static int features_main(const struct globals *g, const void *values, const char *const *operands, unsigned n,
                         struct error *err)
{
        static const char *const namespaces[] = { "network", NULL }, *const mounts[] = { "ro", "rw", "bind", "rbind", NULL },
                          *const none[] = { NULL };
        struct json_object *o = json_object_new_object(), *l = json_object_new_object(), *a = json_object_new_object();

        (void)g;
        (void)values;
        (void)operands;
        (void)n;
        json_object_object_add(o, "ociVersionMin", json_object_new_string("1.0.0"));
        json_object_object_add(o, "ociVersionMax", json_object_new_string(OCI_VERSION));
        json_object_object_add(o, "hooks", words(none));
        json_object_object_add(o, "mountOptions", words(mounts));
        json_object_object_add(l, "namespaces", words(namespaces));
        json_object_object_add(l, "capabilities", words(none));
        json_object_object_add(l, "cgroup", features_of_cgroups());
        json_object_object_add(l, "seccomp", enabled(false));
        json_object_object_add(l, "apparmor", enabled(false));
        json_object_object_add(l, "selinux", enabled(false));
        json_object_object_add(o, "linux", l);
        json_object_object_add(a, "io.nacelle.version", json_object_new_string(PACKAGE_VERSION));
        json_object_object_add(o, "annotations", a);
        return print(o, err);
}

const struct oci_command features_command = {
        .name = "features", .operands = "", .main = features_main,
        .text = "print what this runtime knows of the specification", .options = no_options,
};
