/* Values of config.json one by one: what is refused, with its path and its place, and what is accepted. */
#include "config.h"

#include "tests/unit/oci/bundle.h"
#include "tests/unit/unit.h"

#define OK 0, NULL
#define UNSUPPORTED(text) -EOPNOTSUPP, text
#define INVALID(text) -EINVAL, text
#define DENIED(text) -EACCES, text

static const struct {
        const char *path, *json; /* put into the small configuration */
        int code;
        const char *text;        /* NULL: accepted */
} cases[] = {
        { "ociVersion", "\"1.0.2-dev\"", OK },
        { "ociVersion", "\"1.3.0+x.1\"", OK },
        { "ociVersion", "\"2.0.0\"", UNSUPPORTED("ociVersion: 2.0.0: this runtime knows 1.x alone") },
        { "ociVersion", "\"0.5.0\"", UNSUPPORTED("ociVersion: 0.5.0: this runtime knows 1.x alone") },
        { "ociVersion", "\"11.0.0\"", UNSUPPORTED("ociVersion: 11.0.0: this runtime knows 1.x alone") },
        { "ociVersion", "\"01.0.0\"", INVALID("ociVersion: is not a version such as 1.2.0") },
        { "ociVersion", "\"1.2\"", INVALID("ociVersion: is not a version such as 1.2.0") },
        { "ociVersion", "\"1.2.0-\"", INVALID("ociVersion: is not a version such as 1.2.0") },
        { "ociVersion", "\"1.2.0 \"", INVALID("ociVersion: is not a version such as 1.2.0") },
        { "ociVersion", "\"\"", INVALID("ociVersion: is not a version such as 1.2.0") },
        { "ociVersion", "null", INVALID("ociVersion: is missing") },

        { "root", "null", INVALID("root: is missing") },
        { "root", "{}", INVALID("root.path: is missing") },
        { "root.path", "\"/\"", DENIED("root.path: is the host's, not a container's") },
        { "root.path", "\"//.\"", DENIED("root.path: is the host's, not a container's") },
        { "root.path", "\"/proc/1/root\"", DENIED("root.path: is the host's, not a container's") },
        { "root.path", "\"../x\"", DENIED("root.path: has a part ..") },
        { "root.path", "\"rootfs/../../etc\"", DENIED("root.path: has a part ..") },
        { "root.path", "\"\"", DENIED("root.path: is empty") },
        { "root.path", "\"root\\nfs\"", DENIED("root.path: has a control character") },
        { "root.path", "\"link\"", DENIED("root.path: link: a symbolic link is on the way") },
        { "root.path", "\"link/etc\"", DENIED("root.path: link/etc: a symbolic link is on the way") },
        { "root.path", "\"absent\"", -ENOENT, "root.path: absent: No such file or directory" },
        { "root.path", "\"one.conf\"", -ENOTDIR, "root.path: one.conf: Not a directory" },
        { "root.path", "\"./rootfs//\"", OK },

        { "process", "null", INVALID("process: is missing") },
        { "process.args", "[]", INVALID("process.args: names no program") },
        { "process.args", "[\"\"]", INVALID("process.args: names no program") },
        { "process.args", "[null]", INVALID("process.args[0]: is null") },
        { "process.args", "[\"a\", 1]", INVALID("process.args[1]: is not a string") },
        { "process.args", "null", INVALID("process.args: is missing") },
        { "process.env", "[\"A=1\", \"B\"]", INVALID("process.env[1]: is not NAME=VALUE") },
        { "process.env", "[\"=1\"]", INVALID("process.env[0]: is not NAME=VALUE") },
        { "process.env", "[\"A=\", \"A=\\n \"]", OK },
        { "process.cwd", "null", INVALID("process.cwd: is missing") },
        { "process.cwd", "\"/proc/self/fd/7\"", DENIED("process.cwd: leads out of what a guest sees") },
        { "process.cwd", "\"/./proc//self/fd/7\"", DENIED("process.cwd: leads out of what a guest sees") },
        { "process.cwd", "\"/data/../proc/self/fd/7\"", DENIED("process.cwd: has a part ..") },
        { "process.cwd", "\"data\"", DENIED("process.cwd: is not absolute") },
        { "process.cwd", "\"/process\"", OK },
        { "process.user.uid", "4294967295", INVALID("process.user.uid: is not within 0 to 4294967294") },
        { "process.user.uid", "-1", INVALID("process.user.uid: is not a whole number, not negative") },
        { "process.user.additionalGids", "[1, -1]", INVALID("process.user.additionalGids[1]: is not a whole number, not negative") },
        { "process.user.umask", "512", INVALID("process.user.umask: is not within 0 to 511") },
        { "process.user.username", "\"root\"", UNSUPPORTED("process.user.username: a field of Windows") },
        { "process.capabilities.bounding", "[\"CAP_KILL\", \"CAP_SYS_ADMIN\"]", UNSUPPORTED("process.capabilities.bounding[1]: CAP_SYS_ADMIN: is not of the engines' default set, and cannot be given") },
        { "process.capabilities.ambient", "[\"cap_kill\"]", UNSUPPORTED("process.capabilities.ambient[0]: cap_kill: is not of the engines' default set, and cannot be given") },
        { "process.capabilities", "[]", INVALID("process.capabilities: is not an object") },
        { "process.rlimits", "[{\"type\":\"RLIMIT_NOFILE\",\"soft\":2,\"hard\":2}]", INVALID("process.rlimits[0].soft: a guest has three descriptors at least") },
        { "process.rlimits", "[{\"type\":\"RLIMIT_NOFILE\",\"soft\":9,\"hard\":8}]", INVALID("process.rlimits[0].soft: is above hard") },
        { "process.rlimits", "[{\"type\":\"RLIMIT_CORE\",\"soft\":0,\"hard\":0},{\"type\":\"RLIMIT_CORE\",\"soft\":0,\"hard\":0}]", INVALID("process.rlimits[1].type: comes twice") },
        { "process.rlimits", "[{\"type\":\"RLIMIT_X\",\"soft\":1,\"hard\":1}]", UNSUPPORTED("process.rlimits[0].type: RLIMIT_X: is not a limit that there is") },
        { "process.rlimits", "[{\"type\":\"RLIMIT_CORE\",\"hard\":1}]", INVALID("process.rlimits[0]: needs type, soft and hard") },
        { "process.rlimits", "[{\"type\":\"RLIMIT_FSIZE\",\"soft\":1,\"hard\":1}]", UNSUPPORTED("process.rlimits[0].type: RLIMIT_FSIZE: the size of files is not limited; infinity is accepted") },
        { "process.rlimits", "[{\"type\":\"RLIMIT_FSIZE\",\"soft\":18446744073709551615,\"hard\":18446744073709551615}]", OK },
        { "process.rlimits", "[{\"type\":\"RLIMIT_CPU\",\"soft\":0,\"hard\":1}]", INVALID("process.rlimits[0].soft: no time at all") },
        { "process.rlimits", "[{\"type\":\"RLIMIT_AS\",\"soft\":65535,\"hard\":65536}]", INVALID("process.rlimits[0].soft: less than a page of WebAssembly") },
        { "process.apparmorProfile", "\"docker-default\"", UNSUPPORTED("process.apparmorProfile: no AppArmor profile is entered: apparmor=unconfined") },
        { "process.apparmorProfile", "\"unconfined\"", OK },
        { "process.apparmorProfile", "\"\"", OK },
        { "process.selinuxLabel", "\"system_u:system_r:container_t:s0\"", UNSUPPORTED("process.selinuxLabel: no SELinux label is entered: label=disable") },
        { "process.oomScoreAdj", "1001", INVALID("process.oomScoreAdj: is not within +-1000") },
        { "process.oomScoreAdj", "-999", OK },
        { "process.scheduler.policy", "\"SCHED_FIFO\"", UNSUPPORTED("process.scheduler.policy: no policy but SCHED_OTHER") },
        { "process.scheduler.policy", "\"SCHED_OTHER\"", OK },

        { "hooks", "{\"prestart\":[],\"poststop\":null}", OK },
        { "hooks.createRuntime", "[{\"path\":\"/bin/sh\"}]", UNSUPPORTED("hooks.createRuntime: no program of the host runs for a container") },

        { "annotations", "{\"a.b\":\"c\"}", OK },
        { "annotations", "{\"io.nacelle.key.web.ListenStream\":\"127.0.0.1:80\"}", OK },
        { "annotations", "{\"io.nacelle.kye.web.ListenStream\":\"127.0.0.1:80\"}", INVALID("annotations.io.nacelle.kye.web.ListenStream: is not of the form io.nacelle.key.NAME.SETTING") },
        { "annotations", "{\"io.nacelle.key.a b.Connect\":\"x:1\"}", INVALID("annotations.io.nacelle.key.a b.Connect: is not of the form io.nacelle.key.NAME.SETTING") },
        { "annotations", "{\"io.nacelle.key.web\":\"x\"}", INVALID("annotations.io.nacelle.key.web: is not of the form io.nacelle.key.NAME.SETTING") },
        { "annotations", "{\"io.nacelle.key.web.Directory\":\"/etc\"}", UNSUPPORTED("annotations.io.nacelle.key.web.Directory: Directory: is not a setting that an annotation may give") },
        { "annotations", "{\"io.nacelle.key.web.Connect\":\"x:1\\nDirectory=/etc\"}", INVALID("annotations.io.nacelle.key.web.Connect: has a control character or a backslash") },
        { "annotations", "{\"io.nacelle.key.web.Connect\":\"\"}", INVALID("annotations.io.nacelle.key.web.Connect: is empty, or longer than 1024 bytes") },
        { "annotations", "{\"a.b\":1}", INVALID("annotations.a.b: is not a string") },

        { "mounts", "[{\"type\":\"tmpfs\"}]", INVALID("mounts[0]: needs destination") },
        { "mounts", "[{\"destination\":\"data\",\"type\":\"bind\",\"source\":\"data\"}]", DENIED("mounts[0].destination: is not absolute") },
        { "mounts", "[{\"destination\":\"/a/../../etc\",\"type\":\"bind\",\"source\":\"data\"}]", DENIED("mounts[0].destination: has a part ..") },
        { "mounts", "[{\"destination\":\"/a\\u0001\",\"type\":\"bind\",\"source\":\"data\"}]", DENIED("mounts[0].destination: has a control character") },
        { "mounts", "[{\"destination\":\"//.\",\"type\":\"bind\",\"source\":\"data\"}]", UNSUPPORTED("mounts[0].destination: the guest's / is root.path") },
        { "mounts", "[{\"destination\":\"/a\",\"type\":\"bind\"}]", INVALID("mounts[0]: needs source") },
        { "mounts", "[{\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"/\"}]", DENIED("mounts[0].source: is all of the host") },
        { "mounts", "[{\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"/./sys/kernel\"}]", DENIED("mounts[0].source: is the kernel's or the machine's, not data") },
        { "mounts", "[{\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"../../etc\"}]", DENIED("mounts[0].source: has a part ..") },
        { "mounts", "[{\"destination\":\"/a\",\"options\":[\"rbind\"],\"source\":\"absent\"}]", -ENOENT, NULL },
        { "mounts", "[{\"destination\":\"/dev/sda\",\"type\":\"bind\",\"source\":\"/dev/sda\"}]", UNSUPPORTED("mounts[0].destination: nothing of the kind is mounted for a guest") },
        { "mounts", "[{\"destination\":\"/proc/sys\",\"type\":\"bind\",\"source\":\"data\"}]", UNSUPPORTED("mounts[0].destination: nothing of the kind is mounted for a guest") },
        { "mounts", "[{\"destination\":\"/proc\",\"type\":\"bind\",\"source\":\"/proc\"}]", UNSUPPORTED("mounts[0].destination: nothing of the kind is mounted for a guest") },
        { "mounts", "[{\"destination\":\"/proc//\",\"type\":\"proc\",\"source\":\"proc\"}]", OK },
        { "mounts", "[{\"destination\":\"/x\",\"type\":\"proc\",\"source\":\"proc\"}]", UNSUPPORTED("mounts[0].type: proc: neither bind nor tmpfs") },
        { "mounts", "[{\"destination\":\"/x\",\"source\":\"data\"}]", UNSUPPORTED("mounts[0].type: none: neither bind nor tmpfs") },
        { "mounts", "[{\"destination\":\"/x\",\"type\":\"overlay\",\"source\":\"overlay\"}]", UNSUPPORTED("mounts[0].type: overlay: neither bind nor tmpfs") },
        { "mounts", "[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"data\",\"options\":[\"ro\",\"rshared\"]}]", UNSUPPORTED("mounts[0].options[1]: rshared: what is mounted in a container would be the host's") },
        { "mounts", "[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"data\",\"options\":[\"idmap\"]}]", UNSUPPORTED("mounts[0].options[0]: idmap: owners of files are not mapped") },
        { "mounts", "[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"data\",\"options\":[\"upperdir=/\"]}]", UNSUPPORTED("mounts[0].options[0]: upperdir=/: is not an option that is known here") },
        { "mounts", "[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"data\",\"options\":[\"size=1\"]}]", INVALID("mounts[0].options[0]: size=1: belongs to a tmpfs") },
        { "mounts", "[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"data\",\"options\":[\"ro=1\"]}]", UNSUPPORTED("mounts[0].options[0]: ro=1: is not an option that is known here") },
        { "mounts", "[{\"destination\":\"/x\",\"type\":\"tmpfs\",\"options\":[\"size=\"]}]", INVALID("mounts[0].options[0]: size=: is no such number") },
        { "mounts", "[{\"destination\":\"/x\",\"type\":\"tmpfs\",\"options\":[\"size=18446744073709551615k\"]}]", INVALID("mounts[0].options[0]: size=18446744073709551615k: is no such number") },
        { "mounts", "[{\"destination\":\"/x\",\"type\":\"tmpfs\",\"options\":[\"mode=8\"]}]", INVALID("mounts[0].options[0]: mode=8: is no such number") },
        { "mounts", "[{\"destination\":\"/x\",\"type\":\"tmpfs\",\"options\":[\"mode=10000\"]}]", INVALID("mounts[0].options[0]: mode=10000: is no such number") },
        { "mounts", "[{\"destination\":\"/x\",\"type\":\"tmpfs\",\"options\":[\"bind\"]}]", INVALID("mounts[0].options: bind is no tmpfs") },
        { "mounts", "[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"data\",\"uidMappings\":[{}]}]", UNSUPPORTED("mounts[0].uidMappings: owners of files are not mapped") },

        { "linux.namespaces", "[{}]", INVALID("linux.namespaces[0]: needs type") },
        { "linux.namespaces", "[{\"type\":\"user\"}]", UNSUPPORTED("linux.namespaces[0].type: user: no user namespace is made; the cell has one of its own") },
        { "linux.namespaces", "[{\"type\":\"ghost\"}]", UNSUPPORTED("linux.namespaces[0].type: ghost: is not a namespace that there is") },
        { "linux.namespaces", "[{\"type\":\"pid\"},{\"type\":\"pid\"}]", INVALID("linux.namespaces[1].type: comes twice") },
        { "linux.namespaces", "[{\"type\":\"mount\",\"path\":\"/proc/1/ns/mnt\"}]", UNSUPPORTED("linux.namespaces[0].path: a guest is in nobody else's") },
        { "linux.namespaces", "[{\"type\":\"network\",\"path\":\"ns\"}]", DENIED("linux.namespaces[0].path: is not absolute") },
        { "linux.uidMappings", "[{\"containerID\":0,\"hostID\":1000,\"size\":1}]", UNSUPPORTED("linux.uidMappings: no user namespace is made; the cell has one of its own") },
        { "linux.uidMappings", "[]", OK },
        { "linux.timeOffsets", "{\"boottime\":{\"secs\":1}}", UNSUPPORTED("linux.timeOffsets: no clock of a guest is shifted") },
        { "linux.devices", "[{\"path\":\"/dev/fuse\",\"type\":\"c\",\"major\":10,\"minor\":229}]", UNSUPPORTED("linux.devices[0]: /dev/fuse: a guest has no devices") },
        { "linux.devices", "[{\"path\":\"/dev/null\",\"type\":\"b\",\"major\":1,\"minor\":3}]", UNSUPPORTED("linux.devices[0]: /dev/null: a guest has no devices") },
        { "linux.devices", "[{\"path\":\"/dev/null\",\"type\":\"c\",\"major\":8,\"minor\":0}]", UNSUPPORTED("linux.devices[0]: /dev/null: a guest has no devices") },
        { "linux.devices", "[{\"path\":\"/dev/null\",\"type\":\"c\",\"major\":1,\"minor\":3,\"fileMode\":438,\"uid\":0,\"gid\":0}]", OK },
        { "linux.netDevices", "{\"eth0\":{}}", UNSUPPORTED("linux.netDevices: no network device is moved") },
        { "linux.cgroupsPath", "\"/a/../../b\"", DENIED("linux.cgroupsPath: has a part ..") },
        { "linux.cgroupsPath", "\"\"", OK },
        { "linux.sysctl", "{\"kernel.core_pattern\":\"|/x\"}", UNSUPPORTED("linux.sysctl.kernel.core_pattern: is not set for a guest") },
        { "linux.sysctl", "{\"net.ipv4.ip_forward\":\"1\"}", UNSUPPORTED("linux.sysctl.net.ipv4.ip_forward: is not set for a guest") },
        { "linux.resources.devices", "[{\"allow\":true}]", UNSUPPORTED("linux.resources.devices[0]: a guest has no devices, and this one is not of the engines' defaults") },
        { "linux.resources.devices", "[{\"allow\":true,\"type\":\"a\",\"access\":\"rwm\"}]", UNSUPPORTED("linux.resources.devices[0]: a guest has no devices, and this one is not of the engines' defaults") },
        { "linux.resources.devices", "[{\"allow\":true,\"type\":\"c\",\"major\":1,\"access\":\"rwm\"}]", UNSUPPORTED("linux.resources.devices[0]: a guest has no devices, and this one is not of the engines' defaults") },
        { "linux.resources.devices", "[{\"allow\":true,\"type\":\"b\",\"access\":\"m\"}]", OK },
        { "linux.resources.memory.limit", "-1", OK },
        { "linux.resources.memory.limit", "9223372036854775808", INVALID("linux.resources.memory.limit: is not a whole number") },
        { "linux.resources.memory.limit", "65535", INVALID("linux.resources.memory.limit: is less than a page of WebAssembly") },
        { "linux.resources.memory", "{\"limit\":65536,\"swap\":1}", INVALID("linux.resources.memory.swap: is less than limit") },
        { "linux.resources.memory.kernel", "-1", OK },
        { "linux.resources.memory.kernel", "4096", UNSUPPORTED("linux.resources.memory.kernel: is not kept") },
        { "linux.resources.memory.disableOOMKiller", "true", UNSUPPORTED("linux.resources.memory.disableOOMKiller: a container that is over its limit would hang") },
        { "linux.resources.cpu.period", "999", INVALID("linux.resources.cpu.period: is less than 1000") },
        { "linux.resources.cpu.burst", "1", UNSUPPORTED("linux.resources.cpu.burst: not kept") },
        { "linux.resources.cpu.cpus", "\"0-3,5\"", OK },
        { "linux.resources.cpu.cpus", "\"0\\n1\"", INVALID("linux.resources.cpu.cpus: is not a list such as 0-3,5") },
        { "linux.resources.unified", "{\"memory.max\":\"1\"}", UNSUPPORTED("linux.resources.unified: files of control groups are not written: name the limit's own field") },
        { "linux.resources.blockIO.throttleReadBpsDevice", "[{}]", UNSUPPORTED("linux.resources.blockIO.throttleReadBpsDevice: not kept") },
        { "linux.intelRdt.closID", "\"a\"", UNSUPPORTED("linux.intelRdt.closID: not kept") },
        { "linux.memoryPolicy", "{\"mode\":\"MPOL_BIND\"}", UNSUPPORTED("linux.memoryPolicy: not kept") },
        { "linux.seccomp.defaultAction", "\"SCMP_ACT_ALLOW\"", UNSUPPORTED("linux.seccomp.defaultAction: SCMP_ACT_ALLOW: allows what it does not name: weaker than any engine's default") },
        { "linux.seccomp.defaultAction", "\"SCMP_ACT_LOG\"", UNSUPPORTED("linux.seccomp.defaultAction: SCMP_ACT_LOG: allows what it does not name: weaker than any engine's default") },
        { "linux.seccomp.defaultAction", "\"SCMP_ACT_NOTIFY\"", UNSUPPORTED("linux.seccomp.defaultAction: SCMP_ACT_NOTIFY: no other program decides on calls") },
        { "linux.seccomp.defaultAction", "\"SCMP_ACT_NONE\"", UNSUPPORTED("linux.seccomp.defaultAction: SCMP_ACT_NONE: is not an action that there is") },
        { "linux.seccomp.listenerPath", "\"/run/x.sock\"", UNSUPPORTED("linux.seccomp.listenerPath: no other program decides on calls") },
        { "linux.seccomp.flags", "[\"SECCOMP_FILTER_FLAG_LOG\",\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\"]", UNSUPPORTED("linux.seccomp.flags[1]: SECCOMP_FILTER_FLAG_SPEC_ALLOW: the kernel's guard against speculation stays on") },
        { "linux.seccomp.syscalls", "[{\"names\":[\"read\",\"bpf\"],\"action\":\"SCMP_ACT_ALLOW\"}]", UNSUPPORTED("linux.seccomp.syscalls[0].names[1]: bpf: no engine allows it by default") },
        { "linux.seccomp.syscalls", "[{\"names\":[\"bpf\"],\"action\":\"SCMP_ACT_LOG\"}]", UNSUPPORTED("linux.seccomp.syscalls[0].names[0]: bpf: no engine allows it by default") },
        { "linux.seccomp.syscalls", "[{\"names\":[\"bpf\"],\"action\":\"SCMP_ACT_ERRNO\"}]", OK },
        { "linux.seccomp.syscalls", "[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_TRACE\"}]", UNSUPPORTED("linux.seccomp.syscalls[0].action: SCMP_ACT_TRACE: no other program decides on calls") },
        { "linux.seccomp.syscalls", "[{\"names\":[\"read\"]}]", INVALID("linux.seccomp.syscalls[0]: needs names and action") },
        { "linux.rootfsPropagation", "\"shared\"", UNSUPPORTED("linux.rootfsPropagation: shared: what is mounted in a container stays in it") },
        { "linux.rootfsPropagation", "\"rslave\"", OK },
        { "linux.maskedPaths", "[\"/proc/kcore\",\"/etc/shadow\"]", UNSUPPORTED("linux.maskedPaths[1]: a guest would see it: nothing within the rootfs is masked") },
        { "linux.maskedPaths", "[\"/proc/../etc/shadow\"]", DENIED("linux.maskedPaths[0]: has a part ..") },
        { "linux.readonlyPaths", "[\"/etc\"]", UNSUPPORTED("linux.readonlyPaths[0]: a guest could write to it: needs root.readonly") },
        { "linux.mountLabel", "\"x\"", UNSUPPORTED("linux.mountLabel: no SELinux label is given: label=disable") },
        { "linux.personality.domain", "\"LINUX32\"", UNSUPPORTED("linux.personality.domain: no domain but LINUX") },
        { "linux.personality.domain", "\"LINUX\"", OK },
        { "windows.layerFolders", "[]", UNSUPPORTED("windows: not this system") },
        { "vm.kernel", "{}", UNSUPPORTED("vm: no virtual machine") },

        { "unknown", "null", INVALID("unknown: is not a field of the specification") },
        { "process.consoleSize.area", "1", INVALID("process.consoleSize.area: is not a field of the specification") },
        { "linux.seccomp.listenerpath", "\"\"", INVALID("linux.seccomp.listenerpath: is not a field of the specification") },
};

static void check_refusal(const char *text, int code, const char *expected)
{
        struct oci_plan *const untouched = (struct oci_plan *)&small_config, *plan = untouched;
        struct error err = { 0 };
        int r = oci_plan_parse(text, strlen(text), bundle, &plan, &err);

        ck_assert_msg(r == code, "%s: %d, not %d: %s", text, r, code, err.text);
        ck_assert_ptr_eq(plan, untouched);
        ck_assert_int_eq(err.code, code);
        ck_assert_int_eq(err.stage, STAGE_POLICY);
        if (expected)
                ck_assert_str_eq(without_place(err.text), expected);
}

static void check_accepted(const char *text)
{
        struct oci_plan *plan = NULL;
        struct error err = { 0 };
        int r = oci_plan_parse(text, strlen(text), bundle, &plan, &err);

        ck_assert_msg(r == 0, "%s: %s", text, err.text);
        oci_plan_free(plan);
}

START_TEST(a_value_is_accepted_or_refused)
{
        char *text = config_with(cases[_i].path, cases[_i].json, NULL);

        if (cases[_i].code)
                check_refusal(text, cases[_i].code, cases[_i].text);
        else
                check_accepted(text);
        free(text);
}
END_TEST

/* What a name with a dot could pass for. */
START_TEST(a_name_is_not_a_path)
{
        static const char *const names[] = { "consoleSize.height", "user.uid", "args[]", "", "*", "a.b" };
        struct json_object *process, *root = json_tokener_parse(small_config);
        char expected[128];

        json_object_object_get_ex(root, "process", &process);
        json_object_object_add(process, names[_i], json_object_new_int(1));
        snprintf(expected, sizeof(expected), "process.%s: is not a field of the specification", names[_i]);
        check_refusal(json_object_to_json_string(root), -EINVAL, expected);
        json_object_put(root);
}
END_TEST

static const struct {
        const char *text;
        int code;
        const char *error; /* all of it */
} texts[] = {
        { "", -EINVAL, "config.json:1:1: ends too early" },
        { "[]", -EINVAL, "config.json:1:3: is not a JSON object" },
        { "{}{}", -EINVAL, "config.json:1:3: is not a JSON object" },
        { "{\"a\":1,}", -EINVAL, "config.json:1:8: is not a JSON object" },
        { "{'a':1}", -EINVAL, "config.json:1:2: not JSON" },
        { "{\"a\":'1'}", -EINVAL, "config.json:1:6: is not a JSON object" },
        { "{\"a\":NaN}", -EINVAL, "config.json:1:6: not JSON" },
        { "{\"a\":1 /* */}", -EINVAL, "config.json:1:8: is not a JSON object" },
        { "{\"a\":\"\xff\"}", -EINVAL, "config.json:1:7: is not a JSON object" },
        { "{\n\"root\": {\n  \"path\": \"x\",\n  \"path\": \"y\"}}", -EINVAL, "config.json:4:3: a member that comes twice" },
        { "{\"root\":1,\"r\\u006fot\":2}", -EINVAL, "config.json:1:11: a member that comes twice" },
        { "{\"root\\u0000\":1}", -EINVAL, "config.json:1:7: a NUL in a string" },
        { "{\"root\":\"a\\\\u0000\"}", -EINVAL, "config.json:1:9: root: is not an object" },
        { "{\"root\":\"\\\\\\u0000\"}", -EINVAL, "config.json:1:12: a NUL in a string" },
        { "{\"root\":\"a\tb\"}", -EINVAL, "config.json:1:11: a control character in a string" },
        { "{\"process\":{\"oomScoreAdj\":1e999}}", -EINVAL, "config.json:1:27: a number that is not whole" },
        { "{\"process\":{\"oomScoreAdj\":0.5}}", -EINVAL, "config.json:1:27: a number that is not whole" },
        { "{\"process\":{\"oomScoreAdj\":18446744073709551616}}", -EINVAL, "config.json:1:27: a number beyond 64 bits" },
        { "{\"process\":{\"oomScoreAdj\":-9223372036854775809}}", -EINVAL, "config.json:1:27: a number beyond 64 bits" },
        { "{\n \"linux\": {\n  \"seccomp\": {\n   \"listenerPath\": \"/x\"}}}", -EOPNOTSUPP,
          "config.json:4:20: linux.seccomp.listenerPath: no other program decides on calls" },
        { "{\"ociVersion\":\"1.2.0\",\n\"mounts\":[{\"destination\":\"/é\",\"x\":1}]}", -EINVAL,
          "config.json:2:35: mounts[0].x: is not a field of the specification" },
        { "{\"a\\u001bb\":1}", -EINVAL, "config.json:1:13: a?b: is not a field of the specification" },
        { "{}", -EINVAL, "config.json:1:1: ociVersion: is missing" },
};

START_TEST(a_text_is_refused_with_its_place)
{
        struct oci_plan *plan = NULL;
        struct error err = { 0 };
        int r = oci_plan_parse(texts[_i].text, strlen(texts[_i].text), bundle, &plan, &err);

        ck_assert_str_eq(err.text, texts[_i].error);
        ck_assert_int_eq(r, texts[_i].code);
        ck_assert_ptr_null(plan);
}
END_TEST

START_TEST(size_and_depth_have_bounds)
{
        static const char nul[] = "{\"ociVersion\":\"1.2.0\0\"}";
        size_t size = OCI_CONFIG_BYTES_MAX + 1;
        char *text = malloc(size), deep[256] = "";
        struct oci_plan *plan = NULL;
        struct error err = { 0 };

        memset(text, ' ', size);
        text[0] = '{';
        text[size - 1] = '}';
        ck_assert_int_eq(oci_plan_parse(text, size, bundle, &plan, &err), -E2BIG);
        ck_assert_str_eq(err.text, "config.json: is longer than 1048576 bytes");
        text[size - 2] = '}';
        ck_assert_int_eq(oci_plan_parse(text, size - 1, bundle, &plan, &err), -EINVAL);
        ck_assert_str_eq(err.text, "config.json:1:1: ociVersion: is missing");
        free(text);

        for (unsigned i = 0; i <= OCI_CONFIG_DEPTH_MAX; i++)
                strcat(deep, "{\"a\":");
        check_refusal(deep, -E2BIG, "is more than 16 levels deep");
        ck_assert_int_eq(oci_plan_parse(nul, sizeof(nul) - 1, bundle, &plan, &err), -EINVAL);
        ck_assert_str_eq(err.text, "config.json:1:21: a NUL");
}
END_TEST

START_TEST(the_file_is_a_plain_one)
{
        struct oci_plan *plan = NULL;
        struct error err = { 0 };
        char path[256], absent[256];

        snprintf(path, sizeof(path), "%s/config.json", bundle);
        snprintf(absent, sizeof(absent), "%s/absent", bundle);
        ck_assert_int_eq(oci_plan_read(bundle, &plan, &err), -ENOENT);
        ck_assert_str_eq(err.text, "config.json: No such file or directory");
        ck_assert_int_eq(oci_plan_read(absent, &plan, &err), -ENOENT);
        ck_assert_int_eq(symlink("one.conf", path), 0);
        ck_assert_int_eq(oci_plan_read(bundle, &plan, &err), -ELOOP);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(mkfifo(path, 0600), 0);
        ck_assert_int_eq(oci_plan_read(bundle, &plan, &err), -EACCES);
        ck_assert_str_eq(err.text, "config.json: is not a regular file");
        ck_assert_int_eq(unlink(path), 0);
        put_file("config.json", small_config);
        ck_assert_int_eq(truncate(path, 50 << 20), 0);
        ck_assert_int_eq(oci_plan_read(bundle, &plan, &err), -E2BIG);
        ck_assert_str_eq(err.text, "config.json: is longer than 1048576 bytes");
        put_file("config.json", small_config);
        ck_assert_ptr_null(plan);
        ck_assert_int_eq(oci_plan_read(bundle, &plan, &err), 0);
        oci_plan_free(plan);
        ck_assert_int_eq(unlink(path), 0);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("config");

        tcase_add_unchecked_fixture(tc, bundle_make, bundle_remove);
        tcase_add_loop_test(tc, a_value_is_accepted_or_refused, 0, ELEMENTSOF(cases));
        tcase_add_loop_test(tc, a_name_is_not_a_path, 0, 6);
        tcase_add_loop_test(tc, a_text_is_refused_with_its_place, 0, ELEMENTSOF(texts));
        tcase_add_test(tc, size_and_depth_have_bounds);
        tcase_add_test(tc, the_file_is_a_plain_one);
        return unit_main("oci config", &tc, 1);
}
