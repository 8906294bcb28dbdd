/* test-posture.c - one defect a row: each is seen, named, and nothing else is. */
#include "config.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/posture.h"
#include "tests/unit/unit.h"

static struct posture good(void)
{
        return (struct posture) {
                .pid = 1, .no_new_privs = true, .seccomp = 2, .filters = 3, .threads = 1, .uid = 65534,
                .nfds = 2, .fds = { { 0, "/dev/null" }, { 3, "socket:[1]" } },
                .nmaps = 2,
                .maps = { { 0x1000, 0x2000, 77, false, true, "/memfd:code (deleted)" },
                          { 0x3000, 0x4000, 5, false, false, "/usr/libexec/nacelle-cell" } },
                .ring_seen = true, .own_mounts = true, .own_ipc = true, .own_hostname = true, .own_network = true, .empty_root = true, .own_cgroup = true, .own_pids = true,
        };
}

static struct posture_expected expected(void)
{
        return (struct posture_expected) { .fds = 0x0f, .ring_fd = 5, .arena_inode = 77, .root = true, .cgroup = true, .pids = true, .filters = 3 };
}

static void no_nnp(struct posture *p) { p->no_new_privs = false; }
static void a_capability(struct posture *p) { p->cap_eff = 1; }
static void a_bound(struct posture *p) { p->cap_bnd = 1; }
static void is_root(struct posture *p) { p->uid = 0; }
static void no_filter(struct posture *p) { p->seccomp = 0; }
static void inherited_filters(struct posture *p) { p->filters = 2; }
static void a_thread(struct posture *p) { p->threads = 2; }
static void a_descriptor(struct posture *p) { p->fds[1].fd = 9; }
static void far_descriptor(struct posture *p) { p->fds[1].fd = 900; }
static void many_descriptors(struct posture *p) { p->nfds = POSTURE_FDS_MAX + 1; }
static void no_arena(struct posture *p) { p->nmaps = 1; p->maps[0] = p->maps[1]; }
static void two_arenas(struct posture *p) { p->maps[1] = p->maps[0]; }
static void writable_code(struct posture *p) { p->maps[1].writable = true; }
static void anonymous_code(struct posture *p) { p->maps[1].name[0] = '\0'; }
static void memfd_code(struct posture *p) { strcpy(p->maps[1].name, "/memfd:x (deleted)"); }
static void deleted_code(struct posture *p) { strcpy(p->maps[1].name, "/tmp/lib.so (deleted)"); }
static void no_ring(struct posture *p) { p->ring_seen = false; }
static void sq_thread(struct posture *p) { p->ring_sq_thread = true; }
static void sees_processes(struct posture *p) { p->own_pids = false; }
static void a_shared_group(struct posture *p) { p->own_cgroup = false; }
static void personality(struct posture *p) { p->ring_personality = true; }

static const struct {
        const char *name;
        void (*spoil)(struct posture *p);
        uint32_t excused; /* layers that are known to be missing: then it is no mismatch */
        const char *text;
} rows[] = {
        { "no_new_privs", no_nnp, LAYER_BIT(LAYER_NO_NEW_PRIVS), "no_new_privs" },
        { "capability", a_capability, LAYER_BIT(LAYER_CAPABILITIES), "capabilities: effective 1" },
        { "bounding set", a_bound, LAYER_BIT(LAYER_CAPABILITIES), "bounding" },
        { "root", is_root, LAYER_BIT(LAYER_IDENTITY), "still root" },
        { "filter", no_filter, LAYER_BIT(LAYER_SECCOMP), "seccomp: mode 0" },
        { "inherited filters alone", inherited_filters, LAYER_BIT(LAYER_SECCOMP), "seccomp: 2 filters of 3" },
        { "thread", a_thread, 0, "threads: 2" },
        { "descriptor", a_descriptor, 0, "9 is open (socket" },
        { "far descriptor", far_descriptor, 0, "900 is open" },
        { "many descriptors", many_descriptors, 0, "are open" },
        { "no arena", no_arena, 0, "mapped 0 times" },
        { "two arenas", two_arenas, 0, "mapped 2 times" },
        { "writable code", writable_code, 0, "writable and executable" },
        { "anonymous code", anonymous_code, 0, "anonymous" },
        { "memfd code", memfd_code, 0, "/memfd:x" },
        { "deleted code", deleted_code, 0, "(deleted)" },
        { "no ring", no_ring, LAYER_BIT(LAYER_RING), "ring: none" },
        { "ring thread", sq_thread, 0, "kernel thread" },
        { "processes", sees_processes, LAYER_BIT(LAYER_NAMESPACES), "sees our processes" },
        { "control group", a_shared_group, 0, "control group" },
        { "ring personality", personality, 0, "personality" },
};

START_TEST(a_defect_is_named)
{
        struct posture_expected e = expected();
        struct posture p = good();
        char text[512] = "untouched";

        ck_assert_uint_eq(posture_check(&p, &e, text, sizeof(text)), 0);
        ck_assert_str_eq(text, "");
        rows[_i].spoil(&p);
        ck_assert_uint_ge(posture_check(&p, &e, text, sizeof(text)), 1);
        ck_assert_msg(strstr(text, rows[_i].text), "%s: %s", rows[_i].name, text);
        e.missing = rows[_i].excused;
        if (e.missing)
                ck_assert_uint_eq(posture_check(&p, &e, text, sizeof(text)), 0);
}
END_TEST

START_TEST(the_text_is_cut)
{
        struct posture_expected e = expected();
        struct posture p = { 0 };
        char text[24];

        ck_assert_uint_gt(posture_check(&p, &e, text, sizeof(text)), 3);
        ck_assert_uint_lt(strlen(text), sizeof(text));
}
END_TEST

START_TEST(this_process_is_read)
{
        struct posture p;
        struct error err = { 0 };
        void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        bool found = false;

        ck_assert_int_eq(posture_read(getpid(), -1, &p, &err), 0);
        ck_assert_uint_ge(p.threads, 1);
        ck_assert_uint_ge(p.nfds, 3);
        for (unsigned i = 0; i < p.nmaps && i < POSTURE_MAPS_MAX; i++)
                found |= p.maps[i].start == (uintptr_t)code && !p.maps[i].name[0];
        ck_assert(found);
        ck_assert_uint_eq(p.uid, getuid());
}
END_TEST

START_TEST(nobody_is_an_error)
{
        struct posture p = { .pid = 7 };
        struct error err = { 0 };

        ck_assert_int_lt(posture_read(0x7ffffff, -1, &p, &err), 0);
        ck_assert_int_eq(err.stage, STAGE_POLICY);
        ck_assert_int_eq(p.pid, 7);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("posture");

        tcase_add_loop_test(tc, a_defect_is_named, 0, ELEMENTSOF(rows));
        tcase_add_test(tc, the_text_is_cut);
        tcase_add_test(tc, this_process_is_read);
        tcase_add_test(tc, nobody_is_an_error);
        return unit_main("posture", &tc, 1);
}
