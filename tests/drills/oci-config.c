/* oci-config - drill I09: what a hostile bundle asks of the runtime for containers, by its config.json.
 *
 * Each attack is one change of a configuration that is accepted without it. It goes through the reader and, where nacelle-oci
 * was built, through `nacelle-oci create` with a log as engines give it: the command must fail, the log must name
 * the field, and no container may be there afterwards. */
#include "config.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "tests/unit/oci/bundle.h"

#define RUNTIME BUILD_DIR "/nacelle-oci"

enum form { PLAIN, LONG, TWICE };

static const struct {
        const char *name, *path, *value; /* NULL: without the change */
        enum form form;
        const char *log;                 /* the beginning of what is behind the place */
} attacks[] = {
        { "50 MB", NULL, NULL, LONG, "is longer than 1048576 bytes" },
        { "a member that comes twice", NULL, NULL, TWICE, "a member that comes twice" },
        { "unknown version", "ociVersion", "\"2.0.0\"", PLAIN, "ociVersion: 2.0.0: " },
        { "rootfs is a link to /", "root.path", "\"link\"", PLAIN, "root.path: link: a symbolic link" },
        { "rootfs behind a link", "root.path", "\"link/usr\"", PLAIN, "root.path: link/usr: a symbolic link" },
        { "rootfs is /", "root.path", "\"/\"", PLAIN, "root.path: is the host's" },
        { "rootfs climbs out of the bundle", "root.path", "\"../../etc\"", PLAIN, "root.path: has a part .." },
        { "mount climbs out", "mounts[0]", "{\"destination\":\"/a/../../../etc\",\"type\":\"bind\",\"source\":\"data\"}", PLAIN,
          "mounts[0].destination: has a part .." },
        { "mount of /", "mounts[0]", "{\"destination\":\"/host\",\"type\":\"bind\",\"source\":\"/\"}", PLAIN, "mounts[0].source: is all of the host" },
        { "mount of a link to /", "mounts[0]", "{\"destination\":\"/host\",\"type\":\"bind\",\"source\":\"link\"}", PLAIN,
          "mounts[0].source: " },
        { "mount of another process's root", "mounts[0]", "{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"/proc/1/root\"}", PLAIN,
          "mounts[0].source: is the kernel's" },
        { "mount that the host would see", "mounts[0]",
          "{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"data\",\"options\":[\"rshared\"]}", PLAIN, "mounts[0].options[0]: rshared: " },
        { "cwd /proc/self/fd/7", "process.cwd", "\"/proc/self/fd/7\"", PLAIN, "process.cwd: leads out of" },
        { "cwd that climbs there", "process.cwd", "\"/a/../proc/self/fd/7\"", PLAIN, "process.cwd: has a part .." },
        { "hooks: prestart", "hooks.prestart", "[{\"path\":\"/bin/touch\",\"args\":[\"touch\",\"/tmp/nacelle-hook\"]}]", PLAIN, "hooks.prestart: " },
        { "hooks: createRuntime", "hooks.createRuntime", "[{\"path\":\"/bin/sh\"}]", PLAIN, "hooks.createRuntime: " },
        { "hooks: poststop", "hooks.poststop", "[{\"path\":\"/bin/sh\"}]", PLAIN, "hooks.poststop: " },
        { "extra capability", "process.capabilities.bounding", "[\"CAP_KILL\",\"CAP_SYS_ADMIN\"]", PLAIN, "process.capabilities.bounding[1]: CAP_SYS_ADMIN" },
        { "extra capability, ambient", "process.capabilities.ambient", "[\"CAP_SYS_PTRACE\"]", PLAIN, "process.capabilities.ambient[0]: CAP_SYS_PTRACE" },
        { "seccomp that allows by default", "linux.seccomp.defaultAction", "\"SCMP_ACT_ALLOW\"", PLAIN, "linux.seccomp.defaultAction: SCMP_ACT_ALLOW" },
        { "seccomp that allows kexec_load", "linux.seccomp.syscalls", "[{\"names\":[\"kexec_load\"],\"action\":\"SCMP_ACT_ALLOW\"}]", PLAIN,
          "linux.seccomp.syscalls[0].names[0]: kexec_load" },
        { "seccomp that asks a listener", "linux.seccomp.listenerPath", "\"/run/x.sock\"", PLAIN, "linux.seccomp.listenerPath: " },
        { "a device", "linux.devices", "[{\"path\":\"/dev/sda\",\"type\":\"b\",\"major\":8,\"minor\":0}]", PLAIN, "linux.devices[0]: /dev/sda" },
        { "a field that nobody knows", "linux.seccomp.listenerpath", "\"/x\"", PLAIN, "linux.seccomp.listenerpath: is not a field" },
};

static unsigned passed, failed;
static char root_directory[128], log_file[128];

static void check(bool good, const char *name, const char *how, const char *why)
{
        printf("%s %s, %s%s%s\n", good ? "pass" : "FAIL", name, how, good ? "" : ": ", good ? "" : why);
        if (good)
                passed++;
        else
                failed++;
}

static char *text_of(unsigned i)
{
        char *text;

        if (attacks[i].path)
                return config_with(attacks[i].path, attacks[i].value, NULL);
        text = calloc(1, sizeof(small_config) + 64);
        if (!text)
                abort();
        memcpy(text, small_config, sizeof(small_config));
        if (attacks[i].form == TWICE)
                strcpy(text + sizeof(small_config) - 2, ",\"root\":{\"path\":\"link\"}}");
        return text;
}

/* In the bundle, as its owner would leave it there. */
static void write_config(unsigned i)
{
        char *text = text_of(i), path[128];

        put_file(OCI_CONFIG_NAME, text);
        snprintf(path, sizeof(path), "%s/" OCI_CONFIG_NAME, bundle);
        if (attacks[i].form == LONG && truncate(path, 50 << 20) < 0)
                abort();
        free(text);
}

static void through_the_reader(unsigned i)
{
        struct oci_plan *plan = NULL;
        struct error err = { 0 };
        const char *text;
        int r = oci_plan_read(bundle, &plan, &err);

        text = without_place(err.text);
        if (strncmp(text, OCI_CONFIG_NAME ": ", sizeof(OCI_CONFIG_NAME) + 1) == 0)
                text += sizeof(OCI_CONFIG_NAME) + 1;
        check(r < 0 && !plan && strncmp(text, attacks[i].log, strlen(attacks[i].log)) == 0, attacks[i].name, "the reader",
              r < 0 ? err.text : "accepted");
        oci_plan_free(plan);
}

static int create(void)
{
        pid_t pid = fork();
        int status = -1;

        if (pid == 0) {
                int null = open("/dev/null", O_RDWR);

                dup2(null, 0);
                dup2(null, 1);
                dup2(null, 2);
                execl(RUNTIME, "nacelle-oci", "--root", root_directory, "--log", log_file, "--log-format", "json", "create",
                      "--bundle", bundle, "drill", (char *)NULL);
                _exit(127);
        }
        if (pid < 0 || waitpid(pid, &status, 0) != pid)
                abort();
        return status;
}

static void through_the_runtime(unsigned i)
{
        char state[256], log[4096] = "";
        struct stat st;
        FILE *f;
        int status;

        (void)unlink(log_file);
        status = create();
        f = fopen(log_file, "r");
        if (f) {
                log[fread(log, 1, sizeof(log) - 1, f)] = '\0';
                fclose(f);
        }
        snprintf(state, sizeof(state), "%s/drill", root_directory);
        check(WIFEXITED(status) && WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 127, attacks[i].name, "the runtime",
              "it did not fail as it should");
        check(strstr(log, attacks[i].log) != NULL, attacks[i].name, "logged by name", log);
        check(stat(state, &st) < 0, attacks[i].name, "nothing is left", state);
}

/* Nothing is shown by a refusal of what would have been refused anyway. */
static void without_attack(void)
{
        struct oci_plan *plan = NULL;
        struct error err = { 0 };

        put_file(OCI_CONFIG_NAME, small_config);
        check(oci_plan_read(bundle, &plan, &err) == 0, "without an attack", "the reader", err.text);
        oci_plan_free(plan);
}

int main(void)
{
        bool runtime = access(RUNTIME, X_OK) == 0;

        bundle_make();
        snprintf(root_directory, sizeof(root_directory), "%s/state", bundle);
        snprintf(log_file, sizeof(log_file), "%s/log", bundle);
        without_attack();
        for (unsigned i = 0; i < ELEMENTSOF(attacks); i++) {
                write_config(i);
                through_the_reader(i);
                if (runtime)
                        through_the_runtime(i);
        }
        if (!runtime)
                printf("skip nacelle-oci: " RUNTIME " was not built\n");
        check(access("/tmp/nacelle-hook", F_OK) < 0, "no hook has run", "its file", "is there");
        bundle_remove();
        printf("%u passed, %u failed, %u skipped\n", passed, failed, !runtime);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
