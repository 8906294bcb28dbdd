/* What a configuration comes to: the plan, and the options of the run. */
#include "config.h"

#include "tests/unit/oci/bundle.h"
#include "tests/unit/unit.h"

static struct oci_plan *plan_with(const char *path, const char *json)
{
        struct oci_plan *plan = NULL;
        struct error err = { 0 };
        char *text = config_with(path, json, NULL);
        int r = oci_plan_parse(text, strlen(text), bundle, &plan, &err);

        ck_assert_msg(r == 0, "%s: %s", text, err.text);
        free(text);
        return plan;
}

static int run_of(struct oci_plan *plan, struct unit_run *ret, struct error *err)
{
        memset(ret, 0, sizeof(*ret));
        return oci_plan_run(plan, ret, err);
}

static void fails(const char *path, const char *json, int code, const char *text)
{
        char *config = config_with(path, json, NULL);
        struct oci_plan *plan = NULL;
        struct error err = { 0 };

        ck_assert_int_eq(oci_plan_parse(config, strlen(config), bundle, &plan, &err), code);
        ck_assert_str_eq(without_place(err.text), text);
        ck_assert_ptr_null(plan);
        free(config);
}

static const char *const defaults[] = { "runc", "podman", "ctr", "cri", "docker" };

/* What engines write of their own accord is accepted, and gives the guest its rootfs and nothing else. */
START_TEST(an_engines_default_is_accepted)
{
        static char text[OCI_CONFIG_BYTES_MAX];
        struct unit_run *run = calloc(1, sizeof(*run));
        struct oci_plan *plan = NULL;
        struct error err = { 0 };
        char path[512], rootfs[128];
        FILE *f;
        size_t n;

        snprintf(path, sizeof(path), TOP_SRCDIR "/tests/unit/oci/default-%s.json", defaults[_i]);
        f = fopen(path, "r");
        ck_assert_ptr_nonnull(f);
        n = fread(text, 1, sizeof(text), f);
        fclose(f);
        ck_assert_msg(oci_plan_parse(text, n, bundle, &plan, &err) == 0, "%s", err.text);
        ck_assert_msg(oci_plan_run(plan, run, &err) == 0, "%s", err.text);
        snprintf(rootfs, sizeof(rootfs), "%s/rootfs", bundle);
        ck_assert_uint_eq(run->options.ndirs, 1);
        ck_assert_str_eq(run->dirs[0].host, rootfs);
        ck_assert_str_eq(run->dirs[0].guest, "/");
        ck_assert_uint_eq(run->options.nlisten + run->options.nconnect, 0);
        oci_plan_free(plan);
        free(run);
}
END_TEST

START_TEST(a_process_is_its_words)
{
        struct oci_plan *plan = plan_with("process", "{\"args\":[\"/bin/x.wasm\",\"a b\\n\",\"\"],\"env\":[\"A=1\",\"B=%n\\n\"],\"cwd\":\"/app\","
                                                     "\"terminal\":true,\"consoleSize\":{\"height\":24,\"width\":80},\"oomScoreAdj\":-5,"
                                                     "\"user\":{\"uid\":7,\"gid\":8,\"umask\":63,\"additionalGids\":[9,10]}}");
        struct unit_run *run = calloc(1, sizeof(*run));
        struct error err = { 0 };

        ck_assert_int_eq(run_of(plan, run, &err), 0);
        ck_assert_uint_eq(run->options.nargs, 3);
        ck_assert_str_eq(run->options.args[0], "/bin/x.wasm");
        ck_assert_str_eq(run->options.args[1], "a b\n");
        ck_assert_str_eq(run->options.args[2], "");
        ck_assert_uint_eq(run->options.nenv, 3);
        ck_assert_str_eq(run->options.env[1], "B=%n\n");
        ck_assert_str_eq(run->options.env[2], "PWD=/app");
        ck_assert_uint_eq(run->options.closed_streams, 0);
        ck_assert(plan->terminal && plan->rows == 24 && plan->columns == 80);
        ck_assert(plan->oom_score_given && plan->oom_score_adj == -5);
        ck_assert(plan->user.uid == 7 && plan->user.gid == 8 && plan->user.umask == 077);
        ck_assert(plan->user.ngroups == 2 && plan->user.groups[1] == 10);
        oci_plan_free(plan);

        plan = plan_with("process", "{\"args\":[\"x\"],\"env\":[\"PWD=/b\"],\"cwd\":\"/app\"}");
        ck_assert_uint_eq(plan->env.n, 1);
        ck_assert_uint_eq(plan->user.umask, 022);
        ck_assert(!plan->oom_score_given && !plan->terminal);
        oci_plan_free(plan);
        free(run);
}
END_TEST

START_TEST(the_network_is_entered)
{
        struct oci_plan *plan = plan_with("linux.namespaces", "[]");

        ck_assert_int_eq(plan->network, OCI_NETWORK_HOST);
        oci_plan_free(plan);
        plan = plan_with("linux.namespaces", "[{\"type\":\"pid\"},{\"type\":\"network\"}]");
        ck_assert_int_eq(plan->network, OCI_NETWORK_NEW);
        oci_plan_free(plan);
        plan = plan_with("linux.namespaces", "[{\"type\":\"network\",\"path\":\"/run/netns/x\"}]");
        ck_assert_int_eq(plan->network, OCI_NETWORK_PATH);
        ck_assert_str_eq(plan->network_path, "/run/netns/x");
        oci_plan_free(plan);
}
END_TEST

static const struct {
        const char *path, *json;
        uint64_t files, memory, quota_ns, cpu_ns;
} limit_cases[] = {
        { "linux.resources", "{}", 1024, 0, 0, 0 },
        { "linux.resources.memory.limit", "1048576", 1024, 1048576, 0, 0 },
        { "linux.resources.memory.limit", "-1", 1024, 0, 0, 0 },
        { "linux.resources.memory.limit", "9223372036854771712", 1024, UINT64_C(1) << 44, 0, 0 },
        { "linux.resources.cpu", "{\"quota\":150000,\"period\":100000}", 1024, 0, 150000000, 0 },
        { "linux.resources.cpu", "{\"quota\":25001,\"period\":50000}", 1024, 0, 51000000, 0 },
        { "linux.resources.cpu", "{\"quota\":50000}", 1024, 0, 50000000, 0 },
        { "linux.resources.cpu", "{\"quota\":-1,\"period\":100000}", 1024, 0, 0, 0 },
        { "process.rlimits", "[{\"type\":\"RLIMIT_NOFILE\",\"soft\":64,\"hard\":1024}]", 64, 0, 0, 0 },
        { "process.rlimits", "[{\"type\":\"RLIMIT_NOFILE\",\"soft\":1048576,\"hard\":1048576}]", 65536, 0, 0, 0 },
        { "process.rlimits", "[{\"type\":\"RLIMIT_NOFILE\",\"soft\":18446744073709551615,\"hard\":18446744073709551615}]", 1024, 0, 0, 0 },
        { "process.rlimits", "[{\"type\":\"RLIMIT_CPU\",\"soft\":3,\"hard\":3},{\"type\":\"RLIMIT_AS\",\"soft\":131072,\"hard\":131072},"
                             "{\"type\":\"RLIMIT_DATA\",\"soft\":196608,\"hard\":196608}]", 1024, 131072, 0, 3000000000 },
};

START_TEST(limits_are_the_guests_own)
{
        struct oci_plan *plan = plan_with(limit_cases[_i].path, limit_cases[_i].json);
        struct unit_run *run = calloc(1, sizeof(*run));
        struct error err = { 0 };

        ck_assert_msg(run_of(plan, run, &err) == 0, "%s", err.text);
        ck_assert_uint_eq(run->limits.files_max, limit_cases[_i].files);
        ck_assert_uint_eq(run->limits.memory_max_bytes, limit_cases[_i].memory);
        ck_assert_uint_eq(run->limits.cpu_quota_ns, limit_cases[_i].quota_ns);
        ck_assert_uint_eq(run->limits.cpu_max_ns, limit_cases[_i].cpu_ns);
        oci_plan_free(plan);
        free(run);
}
END_TEST

START_TEST(resources_are_the_control_groups)
{
        struct oci_plan *plan = plan_with("linux", "{\"cgroupsPath\":\"a.slice:b:c\",\"resources\":{\"memory\":{\"limit\":65536,\"swap\":131072},"
                                                   "\"cpu\":{\"shares\":512,\"quota\":1,\"period\":1000,\"cpus\":\"0\",\"mems\":\"\"},"
                                                   "\"pids\":{\"limit\":9}}}");
        const struct oci_resources *r = &plan->resources;

        ck_assert_str_eq(plan->cgroups_path, "a.slice:b:c");
        ck_assert(r->memory_bytes == 65536 && r->swap_bytes == 131072 && r->cpu_shares == 512 && r->pids == 9);
        ck_assert(r->cpu_quota_us == 1 && r->cpu_period_us == 1000);
        ck_assert_str_eq(r->cpus, "0");
        ck_assert_ptr_null(r->mems);
        oci_plan_free(plan);
}
END_TEST

START_TEST(mounts_are_keys)
{
        struct oci_plan *plan = plan_with("mounts", "[{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"data\",\"options\":[\"rw\",\"rbind\",\"ro\"]},"
                                                    "{\"destination\":\"/proc\",\"type\":\"proc\"},"
                                                    "{\"destination\":\"/conf/one.conf\",\"source\":\"one.conf\",\"options\":[\"bind\"]},"
                                                    "{\"destination\":\"/100%n//\",\"type\":\"none\",\"source\":\"./data/\",\"options\":[\"bind\"]}]");
        struct unit_run *run = calloc(1, sizeof(*run));
        struct error err = { 0 };
        char path[128];

        ck_assert_msg(run_of(plan, run, &err) == 0, "%s", err.text);
        ck_assert_uint_eq(plan->nmounts, 3);
        ck_assert_uint_eq(plan->mounts[1].index, 2);
        ck_assert_int_eq(plan->mounts[1].kind, OCI_MOUNT_FILE);
        ck_assert_uint_eq(run->options.ndirs, 4);
        snprintf(path, sizeof(path), "%s/data", bundle);
        ck_assert_str_eq(run->dirs[1].host, path);
        ck_assert_str_eq(run->dirs[1].guest, "/data");
        ck_assert_uint_eq(run->dirs[1].verbs, VERB_READ);
        ck_assert(run->dirs[2].file);
        ck_assert_str_eq(run->dirs[2].guest, "/conf");
        ck_assert_uint_eq(run->dirs[2].verbs, VERB_READ | VERB_WRITE);
        ck_assert_str_eq(run->dirs[3].host, path);
        ck_assert_str_eq(run->dirs[3].guest, "/100%n");
        ck_assert_uint_eq(run->dirs[3].verbs, VERB_READ | VERB_WRITE | VERB_CREATE | VERB_REMOVE);
        ck_assert_uint_eq(run->dirs[0].verbs, VERB_READ | VERB_WRITE | VERB_CREATE | VERB_REMOVE);
        oci_plan_free(plan);

        plan = plan_with("root.readonly", "true");
        ck_assert_int_eq(run_of(plan, run, &err), 0);
        ck_assert_uint_eq(run->dirs[0].verbs, VERB_READ);
        oci_plan_free(plan);
        free(run);
}
END_TEST

static const struct {
        const char *mounts;
        int code;
        const char *text;
} kept_cases[] = {
        { "[{\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"data\"},{\"destination\":\"/./a/\",\"type\":\"tmpfs\"}]",
          -EINVAL, "mounts[1].destination: is that of mounts[0]" },
        { "[{\"destination\":\"/etc\",\"type\":\"tmpfs\",\"options\":[\"tmpcopyup\"]}]", -EOPNOTSUPP,
          "mounts[0].options: tmpcopyup: nothing is copied, and there is something" },
        { "[{\"destination\":\"/etc/hosts\",\"type\":\"bind\",\"source\":\"/proc/version\"}]", -EACCES,
          "mounts[0].source: is the kernel's or the machine's, not data" },
};

START_TEST(mounts_that_cannot_be_kept)
{
        fails("mounts", kept_cases[_i].mounts, kept_cases[_i].code, kept_cases[_i].text);
}
END_TEST

/* The name of data may be a link to what is none. */
START_TEST(links_are_followed_before_they_are_judged)
{
        static const char *const targets[] = { "/", "/proc/self", "/dev/shm", "fifo" };
        static const char *const leads[] = { "/", "/proc/", "/dev/shm", NULL };
        char path[128], config[256], expected[256];
        struct oci_plan *plan = NULL;
        struct error err = { 0 };
        char *text;

        snprintf(path, sizeof(path), "%s/to", bundle);
        ck_assert_int_eq(symlink(targets[_i], path), 0);
        snprintf(config, sizeof(config), "[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"%s\"}]", _i % 2 ? "to" : path);
        text = config_with("mounts", config, NULL);
        ck_assert_int_eq(oci_plan_parse(text, strlen(text), bundle, &plan, &err), -EACCES);
        if (leads[_i])
                snprintf(expected, sizeof(expected), "mounts[0].source: %s: leads to %s", path, leads[_i]);
        else
                snprintf(expected, sizeof(expected), "mounts[0].source: %s/fifo: neither a file nor a directory", bundle);
        ck_assert_msg(strncmp(without_place(err.text), expected, strlen(expected)) == 0, "%s, not %s", err.text, expected);
        ck_assert_ptr_null(plan);
        free(text);
        ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(files_that_are_no_keys)
{
        static const struct { const char *mounts, *text; } rows[] = {
                { "[{\"destination\":\"/etc/one.conf\",\"type\":\"bind\",\"source\":\"one.conf\"}]",
                  "config.json: mounts[0].destination: a file alone would hide the rest of /etc: mount a directory" },
                { "[{\"destination\":\"/conf/two.conf\",\"type\":\"bind\",\"source\":\"one.conf\"}]",
                  "config.json: mounts[0].destination: a file keeps its own name, one.conf" },
        };
        struct unit_run *run = calloc(1, sizeof(*run));
        struct error err = { 0 };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct oci_plan *plan = plan_with("mounts", rows[i].mounts);

                ck_assert_uint_eq(plan->nmounts, 1);
                ck_assert_int_eq(run_of(plan, run, &err), -EOPNOTSUPP);
                ck_assert_str_eq(err.text, rows[i].text);
                plan->nmounts = 0; /* mounted by the runtime */
                ck_assert_int_eq(run_of(plan, run, &err), 0);
                ck_assert_uint_eq(run->options.ndirs, 1);
                oci_plan_free(plan);
        }
        free(run);
}
END_TEST

/* Engines' own: there for a runtime that mounts, no reason to fail for one that does not. */
START_TEST(files_of_engines_are_optional)
{
        struct oci_plan *plan = plan_with("mounts", "[{\"destination\":\"/etc/hosts\",\"type\":\"bind\",\"source\":\"one.conf\"},"
                                                    "{\"destination\":\"/etc/hostname\",\"type\":\"bind\",\"source\":\"absent\"}]");
        struct unit_run *run = calloc(1, sizeof(*run));
        struct error err = { 0 };

        ck_assert_uint_eq(plan->nmounts, 1);
        ck_assert(plan->mounts[0].optional);
        ck_assert_int_eq(run_of(plan, run, &err), 0);
        ck_assert_uint_eq(run->options.ndirs, 1);
        oci_plan_free(plan);
        free(run);
}
END_TEST

/* Two that pass one by one. */
START_TEST(a_unit_has_its_own_rules)
{
        struct unit_run *run = calloc(1, sizeof(*run));
        struct error err = { 0 };
        struct oci_plan *plan;
        char name[128];
        FILE *f;

        snprintf(name, sizeof(name), "%s/two.conf", bundle);
        f = fopen(name, "w");
        ck_assert_ptr_nonnull(f);
        fclose(f);
        plan = plan_with("mounts", "[{\"destination\":\"/conf/one.conf\",\"type\":\"bind\",\"source\":\"one.conf\"},"
                                   "{\"destination\":\"/conf/two.conf\",\"type\":\"bind\",\"source\":\"two.conf\"}]");
        ck_assert_int_eq(run_of(plan, run, &err), -EINVAL);
        ck_assert_ptr_nonnull(strstr(err.text, "[Key mount-0] and [Key mount-1] are the same place for the guest"));
        ck_assert_ptr_null(plan->unit);
        oci_plan_free(plan);

        snprintf(name, sizeof(name), "%s/data/end ", bundle);
        ck_assert_int_eq(mkdir(name, 0700), 0);
        plan = plan_with("mounts", "[{\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"data/end \"}]");
        err = (struct error) { 0 };
        ck_assert_int_eq(run_of(plan, run, &err), -EINVAL);
        ck_assert_str_eq(err.text, "config.json: mounts[0]: cannot be a key's path");
        oci_plan_free(plan);
        free(run);
}
END_TEST

START_TEST(a_tmpfs_is_made_by_the_runtime)
{
        struct oci_plan *plan = plan_with("mounts", "[{\"destination\":\"/run\",\"type\":\"tmpfs\",\"options\":[\"mode=755\",\"size=64m\"]},"
                                                    "{\"destination\":\"/tmp\",\"type\":\"tmpfs\",\"options\":[\"ro\",\"nr_inodes=4k\",\"tmpcopyup\"]}]");
        struct unit_run *run = calloc(1, sizeof(*run));
        struct error err = { 0 };

        ck_assert_uint_eq(plan->nmounts, 2);
        ck_assert(plan->mounts[0].mode == 0755 && plan->mounts[0].size_bytes == 64 << 20 && plan->mounts[0].optional);
        ck_assert(plan->mounts[1].mode == 01777 && plan->mounts[1].inodes == 4096 && !plan->mounts[1].optional);
        ck_assert_int_eq(run_of(plan, run, &err), -EOPNOTSUPP);
        ck_assert_str_eq(err.text, "config.json: mounts[1].type: no tmpfs was made for /tmp");
        plan->mounts[1].source = bundle;
        ck_assert_msg(run_of(plan, run, &err) == 0, "%s", err.text);
        ck_assert_uint_eq(run->options.ndirs, 2);
        ck_assert_str_eq(run->dirs[1].guest, "/tmp");
        ck_assert_uint_eq(run->dirs[1].verbs, VERB_READ);
        oci_plan_free(plan);
        free(run);
}
END_TEST

START_TEST(annotations_are_keys)
{
        struct oci_plan *plan = plan_with("annotations", "{\"io.nacelle.key.db.AddressAllow\":\"10.0.0.0/8\",\"io.nacelle.key.web.ListenStream\":\"127.0.0.1:8080\","
                                                         "\"x\":\"y\",\"io.nacelle.key.db.Connect\":\"db.example:5432\"}");
        struct unit_run *run = calloc(1, sizeof(*run));
        struct error err = { 0 };

        ck_assert_uint_eq(plan->nsettings, 3);
        ck_assert_msg(run_of(plan, run, &err) == 0, "%s", err.text);
        ck_assert_uint_eq(run->options.ndirs, 1);
        ck_assert_uint_eq(run->options.nlisten, 1);
        ck_assert_str_eq(run->listen[0], "tcp:127.0.0.1:8080");
        ck_assert_uint_eq(run->options.nconnect, 1);
        ck_assert_str_eq(run->connect[0]->host, "db.example");
        ck_assert_uint_eq(run->connect[0]->port, 5432);
        ck_assert_uint_eq(run->connect[0]->nnetworks, 1);
        oci_plan_free(plan);

        plan = plan_with("annotations", "{\"io.nacelle.key.web.ListenStream\":\"nonsense\"}");
        ck_assert_int_eq(run_of(plan, run, &err), -EINVAL);
        ck_assert_ptr_nonnull(strstr(err.text, "ListenStream"));
        oci_plan_free(plan);
        plan = plan_with("annotations", "{\"io.nacelle.key.web.ListenStream\":\"/run/x.sock\"}");
        ck_assert_int_eq(run_of(plan, run, &err), -EOPNOTSUPP);
        oci_plan_free(plan);
        free(run);
}
END_TEST

START_TEST(annotations_are_told)
{
        struct oci_plan *plan = plan_with("annotations", "{\"a.b\":\"c/d\"}");

        ck_assert_str_eq(plan->annotations, "{\"a.b\":\"c/d\"}");
        ck_assert_str_eq(plan->version, "1.2.0");
        oci_plan_free(plan);
        plan = plan_with("hostname", "\"h\"");
        ck_assert_ptr_null(plan->annotations);
        ck_assert_str_eq(plan->hostname, "h");
        oci_plan_free(plan);
        oci_plan_free(NULL);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("plan");

        tcase_add_unchecked_fixture(tc, bundle_make, bundle_remove);
        tcase_add_loop_test(tc, an_engines_default_is_accepted, 0, ELEMENTSOF(defaults));
        tcase_add_test(tc, a_process_is_its_words);
        tcase_add_test(tc, the_network_is_entered);
        tcase_add_loop_test(tc, limits_are_the_guests_own, 0, ELEMENTSOF(limit_cases));
        tcase_add_test(tc, resources_are_the_control_groups);
        tcase_add_test(tc, mounts_are_keys);
        tcase_add_loop_test(tc, mounts_that_cannot_be_kept, 0, ELEMENTSOF(kept_cases));
        tcase_add_loop_test(tc, links_are_followed_before_they_are_judged, 0, 4);
        tcase_add_test(tc, files_that_are_no_keys);
        tcase_add_test(tc, files_of_engines_are_optional);
        tcase_add_test(tc, a_unit_has_its_own_rules);
        tcase_add_test(tc, a_tmpfs_is_made_by_the_runtime);
        tcase_add_test(tc, annotations_are_told);
        tcase_add_test(tc, annotations_are_keys);
        return unit_main("oci plan", &tc, 1);
}
