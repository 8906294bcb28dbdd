/* test-score.c - each defect costs what its row says, and no other row. */
#include "config.h"

#include <string.h>

#include "policy/score.h"
#include "tests/unit/unit.h"

static struct posture good(void)
{
        return (struct posture) { .uid = 65534, .no_new_privs = true, .seccomp = 2, .threads = 1, .nmaps = 1,
                                  .maps = { { .name = "/usr/libexec/nacelle-cell" } }, .own_mounts = true,
                                  .own_ipc = true, .own_network = true, .own_pids = true, .empty_root = true,
                                  .own_cgroup = true, .cgroup_limits = true };
}

static void is_root(struct posture *p) { p->uid = 0; }
static void capability(struct posture *p) { p->cap_prm = 1; }
static void no_filter(struct posture *p) { p->seccomp = 0; }
static void writable(struct posture *p) { p->maps[0].writable = true; }
static void anonymous(struct posture *p) { p->maps[0].name[0] = '\0'; }
static void thread(struct posture *p) { p->ring_sq_thread = true; }
static void personality(struct posture *p) { p->ring_personality = true; }
static void directory(struct posture *p) { p->directories = 1; }
static void device(struct posture *p) { p->devices = 2; }
static void root(struct posture *p) { p->empty_root = false; }
static void mounts(struct posture *p) { p->own_mounts = false; }
static void ipc(struct posture *p) { p->own_ipc = false; }
static void network(struct posture *p) { p->own_network = false; }
static void pids(struct posture *p) { p->own_pids = false; }
static void group(struct posture *p) { p->own_cgroup = false; }
static void no_limits(struct posture *p) { p->cgroup_limits = false; }

static const struct {
        void (*spoil)(struct posture *p);
        enum score row;
} rows[] = {
        { is_root, SCORE_IDENTITY },     { capability, SCORE_CAPABILITIES }, { no_filter, SCORE_SECCOMP },
        { writable, SCORE_WRITABLE_CODE }, { anonymous, SCORE_OWN_CODE },    { thread, SCORE_RING_THREAD },
        { personality, SCORE_PERSONALITY }, { directory, SCORE_DIRECTORIES }, { device, SCORE_DEVICES },
        { root, SCORE_ROOT },            { mounts, SCORE_MOUNTS },           { ipc, SCORE_IPC },
        { pids, SCORE_PIDS },
        { network, SCORE_NETWORK },      { group, SCORE_CGROUP },            { no_limits, SCORE_CGROUP_LIMITS },
};

START_TEST(one_defect_is_one_row)
{
        struct posture p = good();
        struct score_row got[_SCORE_MAX];
        double all;

        ck_assert_double_eq(score_read(&p, got), 0);
        rows[_i].spoil(&p);
        all = score_read(&p, got);
        ck_assert_double_gt(all, 0);
        for (unsigned i = 0; i < _SCORE_MAX; i++)
                ck_assert_msg(got[i].good == (i != rows[_i].row), "row %u", i);
        ck_assert_double_eq(got[rows[_i].row].exposure, all);
}
END_TEST

START_TEST(everything_is_ten)
{
        struct posture p = good();
        struct score_row got[_SCORE_MAX];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                rows[i].spoil(&p);
        p.no_new_privs = false;
        p.cap_bnd = 1;
        ck_assert_double_eq_tol(score_read(&p, got), 10, 1e-9);
        ck_assert_str_eq(score_word(10), "open");
        ck_assert_str_eq(score_word(0), "closed");
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("score");

        tcase_add_loop_test(tc, one_defect_is_one_row, 0, ELEMENTSOF(rows));
        tcase_add_test(tc, everything_is_ten);
        return unit_main("score", &tc, 1);
}
