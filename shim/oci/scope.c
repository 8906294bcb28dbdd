/* scope.c - see scope.h. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "shim/oci/scope.h"

#define PATIENCE_MS 10000

struct scope_name {
        char slice[256], scope[300];
};

static int split(const char *path, struct scope_name *ret, struct error *err)
{
        const char *first = path ? strchr(path, ':') : NULL, *second = first ? strchr(first + 1, ':') : NULL;
        size_t n = first ? (size_t)(first - path) : 0, prefix = second ? (size_t)(second - first) - 1 : 0;

        if (!second || strchr(second + 1, ':') || !second[1] || strchr(path, '/') || n >= sizeof(ret->slice) ||
            strlen(first) >= 256 || (n && (n < 7 || memcmp(first - 6, ".slice", 6) != 0)))
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                                 "linux.cgroupsPath: %.100s: with --systemd-cgroup it is SLICE:PREFIX:NAME",
                                 path ? path : "missing");
        snprintf(ret->slice, sizeof(ret->slice), "%.*s", (int)n, path);
        if (!n)
                snprintf(ret->slice, sizeof(ret->slice), "%s", geteuid() == 0 ? "system.slice" : "user.slice");
        snprintf(ret->scope, sizeof(ret->scope), "%.*s%s%s.scope", (int)prefix, first + 1, prefix ? "-" : "", second + 1);
        return 0;
}

int scope_check(const struct oci_plan *plan, struct error *err)
{
        struct scope_name name;

        if (plan->resources.cpus || plan->resources.mems)
                return error_set(err, STAGE_USAGE, -EOPNOTSUPP, ERROR_NOWHERE,
                                 "linux.resources.cpu.cpus: not with --systemd-cgroup");
#ifndef HAVE_SYSTEMD
        return error_set(err, STAGE_USAGE, -EOPNOTSUPP, ERROR_NOWHERE, "--systemd-cgroup: built without libsystemd");
#endif
        return split(plan->cgroups_path, &name, err);
}

#ifdef HAVE_SYSTEMD
#include <dlfcn.h>
#include <systemd/sd-bus.h>

#define CALLS(X)                                                                                                      \
        X(sd_bus_open_system) X(sd_bus_open_user) X(sd_bus_message_new_method_call) X(sd_bus_message_append)          \
        X(sd_bus_message_open_container) X(sd_bus_message_close_container) X(sd_bus_call) X(sd_bus_error_free)        \
        X(sd_bus_message_unref) X(sd_bus_flush_close_unref) X(sd_bus_new) X(sd_bus_set_address) X(sd_bus_start)

static struct {
#define X(name) __typeof__(&name) name;
        CALLS(X)
#undef X
} bus_calls;

static int load(struct error *err)
{
        void *library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);

        if (!library)
                return error_set(err, STAGE_BROKER, -EOPNOTSUPP, ERROR_NOWHERE, "--systemd-cgroup: %.150s", dlerror());
#define X(name)                                                                                                       \
        *(void **)&bus_calls.name = dlsym(library, #name);                                                            \
        if (!bus_calls.name)                                                                                          \
                return error_set(err, STAGE_BROKER, -EOPNOTSUPP, ERROR_NOWHERE, "--systemd-cgroup: no " #name);
        CALLS(X)
#undef X
        return 0;
}

static int add_number(sd_bus_message *m, const char *name, uint64_t value)
{
        return value ? bus_calls.sd_bus_message_append(m, "(sv)", name, "t", value) : 0;
}

static uint64_t weight_of(uint64_t shares)
{
        return !shares ? 0 : shares < 2 ? 1 : shares > 262144 ? 10000 : 1 + (shares - 2) * 9999 / 262142;
}

static int add_limits(sd_bus_message *m, const struct oci_resources *r)
{
        uint64_t period = r->cpu_period_us ? r->cpu_period_us : 100000;
        int n = add_number(m, "MemoryMax", r->memory_bytes);

        if (n >= 0 && r->swap_bytes && r->memory_bytes && r->swap_bytes >= r->memory_bytes)
                n = bus_calls.sd_bus_message_append(m, "(sv)", "MemorySwapMax", "t", r->swap_bytes - r->memory_bytes);
        if (n >= 0)
                n = add_number(m, "CPUWeight", weight_of(r->cpu_shares));
        /* In steps of 10 ms, upwards, as the manager counts. */
        if (n >= 0 && r->cpu_quota_us && r->cpu_quota_us <= UINT64_MAX / 2000000)
                n = add_number(m, "CPUQuotaPerSecUSec", (r->cpu_quota_us * 1000000 / period + 9999) / 10000 * 10000);
        return n < 0 ? n : add_number(m, "TasksMax", r->pids);
}

static int fill(sd_bus_message *m, const struct oci_plan *plan, const struct scope_name *name)
{
        int r = bus_calls.sd_bus_message_append(m, "ss", name->scope, "fail");

        if (r >= 0)
                r = bus_calls.sd_bus_message_open_container(m, 'a', "(sv)");
        if (r >= 0)
                r = bus_calls.sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)",
                                                    "Description", "s", "container of nacelle-oci", "Slice", "s", name->slice,
                                                    "PIDs", "au", 1, (uint32_t)getpid(), "Delegate", "b", 1,
                                                    "CollectMode", "s", "inactive-or-failed", "DefaultDependencies", "b", 0,
                                                    "MemoryAccounting", "b", 1, "CPUAccounting", "b", 1,
                                                    "TasksAccounting", "b", 1);
        if (r >= 0)
                r = add_limits(m, &plan->resources);
        if (r >= 0)
                r = bus_calls.sd_bus_message_close_container(m);
        return r < 0 ? r : bus_calls.sd_bus_message_append(m, "a(sa(sv))", 0);
}

/* The manager itself when no bus runs: root may. */
static int open_private(sd_bus **ret)
{
        int r = bus_calls.sd_bus_new(ret);

        if (r >= 0)
                r = bus_calls.sd_bus_set_address(*ret, "unix:path=/run/systemd/private");
        return r < 0 ? r : bus_calls.sd_bus_start(*ret);
}

static int open_bus(sd_bus **ret)
{
        int r;

        if (geteuid() != 0)
                return bus_calls.sd_bus_open_user(ret);
        r = bus_calls.sd_bus_open_system(ret);
        return r < 0 ? open_private(ret) : r;
}

static int ask(const struct oci_plan *plan, const struct scope_name *name, struct error *err)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *m = NULL, *reply = NULL;
        sd_bus *bus = NULL;
        int r = open_bus(&bus);

        if (r >= 0)
                r = bus_calls.sd_bus_message_new_method_call(bus, &m, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                                                             "org.freedesktop.systemd1.Manager", "StartTransientUnit");
        if (r >= 0)
                r = fill(m, plan, name);
        if (r >= 0)
                r = bus_calls.sd_bus_call(bus, m, 0, &error, &reply);
        if (r < 0)
                error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "--systemd-cgroup: %.100s: %.120s", name->scope,
                          error.message ? error.message : strerror(-r));
        bus_calls.sd_bus_error_free(&error);
        bus_calls.sd_bus_message_unref(m);
        bus_calls.sd_bus_message_unref(reply);
        bus_calls.sd_bus_flush_close_unref(bus);
        return r;
}

/* As a whole name: one scope's may end like another's. */
static bool is_in(const char *scope)
{
        size_t length = strlen(scope);
        char text[4096];
        int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

        closep(&fd);
        text[n > 0 ? n : 0] = '\0';
        for (const char *at = text; (at = strstr(at, scope)); at++)
                if (at > text && at[-1] == '/' && strchr("/\n", at[length]))
                        return true;
        return false;
}

int scope_enter(const struct oci_plan *plan, struct error *err)
{
        struct scope_name name;
        int r = split(plan->cgroups_path, &name, err);

        if (r >= 0)
                r = load(err);
        if (r >= 0)
                r = ask(plan, &name, err);
        if (r < 0)
                return r;
        /* The call is answered when the work is in the queue, not when it is done. */
        for (int i = 0; i < PATIENCE_MS; i++) {
                if (is_in(name.scope))
                        return 0;
                nanosleep(&(struct timespec) { 0, 1000000 }, NULL);
        }
        return error_set(err, STAGE_BROKER, -ETIME, ERROR_NOWHERE, "--systemd-cgroup: %.100s was not made", name.scope);
}
#else
int scope_enter(const struct oci_plan *plan, struct error *err)
{
        return scope_check(plan, err);
}
#endif
