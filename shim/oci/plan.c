/* plan.c - see plan.h: the text, its check field by field, and what it comes to. */
#include "config.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

#include "shim/oci/plan_build.h"

int build_no_memory(struct build *b)
{
        return error_set(b->err, STAGE_POLICY, -ENOMEM, ERROR_NOWHERE, "out of memory");
}

int build_format(struct build *b, const char **ret, const char *format, ...)
{
        va_list ap;
        char *text;
        int n;

        va_start(ap, format);
        n = vsnprintf(NULL, 0, format, ap);
        va_end(ap);
        text = pool_alloc(b->plan->pool, (size_t)n + 1, 1);
        if (!text)
                return build_no_memory(b);
        va_start(ap, format);
        vsnprintf(text, (size_t)n + 1, format, ap);
        va_end(ap);
        *ret = text;
        return 0;
}

int build_text(struct build *b, struct json_object *value, const char **ret)
{
        return value ? build_format(b, ret, "%s", json_object_get_string(value)) : 0;
}

static int build_words(struct build *b, struct json_object *array, unsigned more, struct words *ret)
{
        unsigned n = array ? (unsigned)json_object_array_length(array) : 0;
        const char **words = pool_alloc(b->plan->pool, n + more + 1, sizeof(*words));
        int r = 0;

        if (!words)
                return build_no_memory(b);
        for (unsigned i = 0; i < n && r >= 0; i++)
                r = build_text(b, json_object_array_get_idx(array, i), &words[i]);
        *ret = (struct words) { words, n };
        return r;
}

static int missing(struct build *b, const char *path)
{
        return oci_json_error(b->json, b->err, -EINVAL, path, "is missing");
}

static int check_required(struct build *b)
{
        static const char *const paths[] = { "ociVersion", "root", "root.path", "process", "process.args", "process.cwd" };

        for (size_t i = 0; i < ELEMENTSOF(paths); i++)
                if (!member_at(b->json->root, paths[i]))
                        return missing(b, paths[i]);
        return 0;
}

/* A guest has no working directory: wasi-libc begins at /, and who wants to know looks at PWD. */
static int build_environment(struct build *b, struct json_object *process)
{
        struct oci_plan *p = b->plan;
        int r = build_words(b, member(process, "env"), 1, &p->env);

        for (unsigned i = 0; r >= 0 && i < p->env.n; i++)
                if (strncmp(p->env.words[i], "PWD=", 4) == 0)
                        return 0;
        if (r < 0 || strcmp(p->cwd, "/") == 0)
                return r;
        return build_format(b, (const char **)&p->env.words[p->env.n++], "PWD=%s", p->cwd);
}

static unsigned number_at(struct json_object *o, const char *path)
{
        return (unsigned)json_object_get_int64(member_at(o, path));
}

static int build_user(struct build *b, struct json_object *process)
{
        struct json_object *groups = member_at(process, "user.additionalGids"), *umask = member_at(process, "user.umask");
        struct oci_user *u = &b->plan->user;
        unsigned n = groups ? (unsigned)json_object_array_length(groups) : 0;
        gid_t *ids = pool_alloc(b->plan->pool, n, sizeof(*ids));

        if (!ids)
                return build_no_memory(b);
        for (unsigned i = 0; i < n; i++)
                ids[i] = (gid_t)json_object_get_int64(json_object_array_get_idx(groups, i));
        *u = (struct oci_user) {
                .uid = number_at(process, "user.uid"), .gid = number_at(process, "user.gid"), .groups = ids, .ngroups = n,
                .umask = umask ? (mode_t)json_object_get_int(umask) : 022,
        };
        return 0;
}

static int build_process(struct build *b)
{
        struct json_object *process = member(b->json->root, "process"), *score = member(process, "oomScoreAdj");
        struct oci_plan *p = b->plan;
        int r;

        r = build_words(b, member(process, "args"), 0, &p->args);
        if (r >= 0)
                r = build_text(b, member(process, "cwd"), &p->cwd);
        if (r >= 0)
                r = build_environment(b, process);
        if (r >= 0)
                r = build_user(b, process);
        p->terminal = json_object_get_boolean(member(process, "terminal"));
        p->rows = (unsigned short)number_at(process, "consoleSize.height");
        p->columns = (unsigned short)number_at(process, "consoleSize.width");
        p->oom_score_given = score;
        p->oom_score_adj = score ? json_object_get_int(score) : 0;
        return r;
}

static int build_network(struct build *b)
{
        struct json_object *all = member_at(b->json->root, "linux.namespaces");

        for (size_t i = 0; all && i < json_object_array_length(all); i++) {
                struct json_object *ns = json_object_array_get_idx(all, i), *path = member(ns, "path");

                if (strcmp(text_member(ns, "type"), "network") != 0)
                        continue;
                b->plan->network = OCI_NETWORK_NEW;
                if (!path || !json_object_get_string_len(path))
                        return 0;
                b->plan->network = OCI_NETWORK_PATH;
                return build_text(b, path, &b->plan->network_path);
        }
        return 0;
}

static int build_names(struct build *b)
{
        struct json_object *root = b->json->root, *cgroup = member_at(root, "linux.cgroupsPath"),
                           *annotations = member(root, "annotations");
        struct oci_plan *p = b->plan;
        int r = build_text(b, member(root, "ociVersion"), &p->version);

        if (r >= 0)
                r = build_text(b, member(root, "hostname"), &p->hostname);
        if (r >= 0 && cgroup && json_object_get_string_len(cgroup))
                r = build_text(b, cgroup, &p->cgroups_path);
        if (r >= 0 && annotations)
                r = build_format(b, &p->annotations, "%s",
                                 json_object_to_json_string_ext(annotations, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
        return r;
}

static int build(struct build *b)
{
        int r = check_required(b);

        if (r >= 0)
                r = build_names(b);
        if (r >= 0)
                r = build_process(b);
        if (r >= 0)
                r = build_network(b);
        if (r >= 0)
                r = build_limits(b);
        if (r >= 0)
                r = build_settings(b);
        if (r >= 0)
                r = build_root(b);
        return r < 0 ? r : build_mounts(b);
}

static int plan_of(const struct oci_json *json, const char *bundle, int dir, struct oci_plan **ret, struct error *err)
{
        _cleanup_(oci_plan_freep) struct oci_plan *plan = calloc(1, sizeof(*plan));
        struct build b = { .json = json, .plan = plan, .bundle = dir, .err = err };
        char *path;
        int r;

        if (!plan)
                return build_no_memory(&b);
        plan->rootfs_fd = -EBADF;
        plan->pool = pool_new(0);
        if (!plan->pool)
                return build_no_memory(&b);
        path = realpath(bundle, NULL);
        if (!path)
                return error_set(err, STAGE_POLICY, -errno, ERROR_NOWHERE, "%.150s: %m", bundle);
        r = build_format(&b, &plan->bundle, "%s", path);
        free(path);
        if (r >= 0)
                r = build(&b);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(plan);
        return 0;
}

static int open_bundle(const char *bundle, struct error *err)
{
        int fd = open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? error_set(err, STAGE_POLICY, -errno, ERROR_NOWHERE, "%.150s: %m", bundle) : fd;
}

static int parse_in(int dir, const char *text, size_t size, const char *bundle, struct oci_plan **ret, struct error *err)
{
        _cleanup_(oci_json_done) struct oci_json json = { 0 };
        int r = oci_json_read(text, size, &json, err);

        if (r >= 0)
                r = fields_check(&json, err);
        return r < 0 ? r : plan_of(&json, bundle, dir, ret, err);
}

int oci_plan_parse(const char *text, size_t size, const char *bundle, struct oci_plan **ret, struct error *err)
{
        _cleanup_close_ int dir = open_bundle(bundle, err);

        return dir < 0 ? dir : parse_in(dir, text, size, bundle, ret, err);
}

int oci_plan_read(const char *bundle, struct oci_plan **ret, struct error *err)
{
        _cleanup_close_ int dir = open_bundle(bundle, err);
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        if (dir < 0)
                return dir;
        r = oci_json_file(dir, &text, &size, err);
        return r < 0 ? r : parse_in(dir, text, size, bundle, ret, err);
}

void oci_plan_free(struct oci_plan *plan)
{
        if (!plan)
                return;
        unit_free(plan->unit);
        closep(&plan->rootfs_fd);
        pool_free(plan->pool);
        free(plan);
}
