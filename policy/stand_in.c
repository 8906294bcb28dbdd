#include "config.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "policy/stand_in.h"

#ifndef PR_GET_MDWE
#define PR_GET_MDWE 66
#endif
#ifndef SYS_mseal
#define SYS_mseal 462
#endif

#define ALWAYS    { .test = ARG_ANY }
#define IS(i, v)  { .index = (i), .test = ARG_EQUALS, .value = (v) }
#define HAS(i, v) { .index = (i), .test = ARG_WITH, .value = (v) }

static const struct {
        uint32_t gap;
        int number, error;
        struct arg_rule arg;
} stand_ins[] = {
#define STAND_IN(gap, call, test, error, why) { GAP_BIT(gap), SYS_##call, error, test },
#include "policy/stand_ins.def"
};

int policy_landlock_abi(void)
{
        long r = syscall(SYS_landlock_create_ruleset, NULL, 0, 1u /* ask for the version */);

        return r < 0 ? 0 : (int)r;
}

uint32_t policy_gaps(void)
{
        int abi = policy_landlock_abi();
        uint32_t gaps = 0;

        if (prctl(PR_GET_MDWE, 0, 0, 0, 0) < 0)
                gaps |= GAP_BIT(MDWE); /* before Linux 6.3 */
        if (syscall(SYS_mseal, 0UL, 0UL, 0UL) < 0 && errno == ENOSYS)
                gaps |= GAP_BIT(SEAL); /* before Linux 6.10 */
        if (abi == 0)
                return gaps; /* then Landlock as a whole is missing, and said to be */
        return gaps | (abi < 3 ? GAP_BIT(TRUNCATE) : 0) | (abi < 4 ? GAP_BIT(TCP) : 0) |
               (abi < 6 ? GAP_BIT(SOCKETS) | GAP_BIT(SIGNALS) : 0);
}

unsigned policy_filters(uint32_t missing)
{
        uint32_t gaps = policy_gaps();

        if (missing & LAYER_BIT(LAYER_MDWE))
                gaps &= ~GAP_BIT(MDWE);
        if (missing & LAYER_BIT(LAYER_ARENA))
                gaps &= ~GAP_BIT(SEAL);
        if (missing & LAYER_BIT(LAYER_LANDLOCK))
                gaps &= ~GAPS_LANDLOCK;
        return 1 + ((gaps & GAP_BIT(MDWE)) != 0) + ((gaps & GAP_BIT(SEAL)) != 0) + ((gaps & GAPS_LANDLOCK) != 0);
}

/* Everything that is not refused by name is allowed: the table that allows by name comes behind. */
static int refuse_calls(uint32_t gaps)
{
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
        int r = filter ? 0 : -ENOMEM;

        for (size_t i = 0; i < ELEMENTSOF(stand_ins) && r >= 0; i++) {
                const struct arg_rule *a = &stand_ins[i].arg;
                struct scmp_arg_cmp arg = a->test == ARG_WITH
                                                  ? SCMP_CMP(a->index, SCMP_CMP_MASKED_EQ, a->value, a->value)
                                                  : SCMP_CMP(a->index, SCMP_CMP_EQ, a->value, 0);

                if (gaps & stand_ins[i].gap)
                        r = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((uint32_t)stand_ins[i].error),
                                                   stand_ins[i].number, a->test != ARG_ANY, &arg);
        }
        if (r >= 0)
                r = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
        if (r >= 0)
                r = seccomp_load(filter);
        if (filter)
                seccomp_release(filter);
        return r;
}

#if defined(__x86_64__)
#define ARCH_OURS AUDIT_ARCH_X86_64
#define CALLS_MAX 0x40000000u /* from here on, calls of another ABI */
#else
#define ARCH_OURS AUDIT_ARCH_AARCH64
#define CALLS_MAX 0x7fffffffu
#endif

/* The steps of refuse_changes() by name: a jump says where to, and the compiler counts how far. */
enum step {
        ARCH, IS_ARCH, CALL, IS_CALL, IS_MREMAP, IS_REMAP, IS_SHMAT, IS_MUNMAP, IS_MPROTECT, IS_PKEY, IS_MMAP, FLAGS,
        IS_FIXED, BYTES, BYTES_X, AT, END, KEEP_END, HAS_CARRY, CARRY, ADD_CARRY, NO_CARRY, KEEP_CARRY, HIGH, HIGH_X,
        AT_HIGH, END_HIGH, END_HIGH_X, CARRY_AGAIN, WITH_CARRY, ENDS_ABOVE, ENDS_LEVEL, END_AGAIN, ENDS_WITHIN,
        BEGIN_HIGH, BEGINS_ABOVE, BEGINS_LEVEL, BEGIN, BEGINS_BEHIND, REFUSE, PASS,
};

#define LOAD(step, field, word) \
        [step] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field) + 4 * (word))
#define DO(step, code, k) [step] = BPF_STMT(code, k)
#define JUMP(step, code, k, yes, no) \
        [step] = BPF_JUMP(BPF_JMP | (code), k, (yes) - (step) - 1, (no) - (step) - 1)
#define IF(step, test, k, yes, no) JUMP(step, BPF_##test | BPF_K, k, yes, no)

#define LOW 0 /* of the two words of an argument */
#define TOP 1

/* What mseal() forbids: that a mapping in @from .. @to goes away, changes its rights, or gets another in its place.
 * Argument 0 is where, argument 1 how much. The kernel rounds up to pages, and the borders are pages, so bytes will
 * do; a sum beyond 64 bits it refuses itself. */
static int refuse_changes(uint64_t from, uint64_t to)
{
        const uint32_t from_top = (uint32_t)(from >> 32), to_top = (uint32_t)(to >> 32);
        struct sock_filter code[] = {
                LOAD(ARCH, arch, LOW),
                IF(IS_ARCH, JEQ, ARCH_OURS, CALL, REFUSE),
                LOAD(CALL, nr, LOW),
                IF(IS_CALL, JGE, CALLS_MAX, REFUSE, IS_MREMAP),
                /* Nobody behind this needs these three at all. */
                IF(IS_MREMAP, JEQ, SYS_mremap, REFUSE, IS_REMAP),
                IF(IS_REMAP, JEQ, SYS_remap_file_pages, REFUSE, IS_SHMAT),
                IF(IS_SHMAT, JEQ, SYS_shmat, REFUSE, IS_MUNMAP),
                IF(IS_MUNMAP, JEQ, SYS_munmap, BYTES, IS_MPROTECT),
                IF(IS_MPROTECT, JEQ, SYS_mprotect, BYTES, IS_PKEY),
                IF(IS_PKEY, JEQ, SYS_pkey_mprotect, BYTES, IS_MMAP),
                IF(IS_MMAP, JEQ, SYS_mmap, FLAGS, PASS),
                LOAD(FLAGS, args[3], LOW),
                IF(IS_FIXED, JSET, MAP_FIXED, BYTES, PASS),
                /* Where it ends, its low word into M[0], the carry into M[1]; the high word stays at hand. */
                LOAD(BYTES, args[1], LOW),
                DO(BYTES_X, BPF_MISC | BPF_TAX, 0),
                LOAD(AT, args[0], LOW),
                DO(END, BPF_ALU | BPF_ADD | BPF_X, 0),
                DO(KEEP_END, BPF_ST, 0),
                JUMP(HAS_CARRY, BPF_JGE | BPF_X, 0, NO_CARRY, CARRY),
                DO(CARRY, BPF_LD | BPF_IMM, 1),
                DO(ADD_CARRY, BPF_JMP | BPF_JA, KEEP_CARRY - ADD_CARRY - 1),
                DO(NO_CARRY, BPF_LD | BPF_IMM, 0),
                DO(KEEP_CARRY, BPF_ST, 1),
                LOAD(HIGH, args[1], TOP),
                DO(HIGH_X, BPF_MISC | BPF_TAX, 0),
                LOAD(AT_HIGH, args[0], TOP),
                DO(END_HIGH, BPF_ALU | BPF_ADD | BPF_X, 0),
                DO(END_HIGH_X, BPF_MISC | BPF_TAX, 0),
                DO(CARRY_AGAIN, BPF_LD | BPF_MEM, 1),
                DO(WITH_CARRY, BPF_ALU | BPF_ADD | BPF_X, 0),
                /* It ends where the first page begins, or before. */
                IF(ENDS_ABOVE, JGT, from_top, BEGIN_HIGH, ENDS_LEVEL),
                IF(ENDS_LEVEL, JEQ, from_top, END_AGAIN, PASS),
                DO(END_AGAIN, BPF_LD | BPF_MEM, 0),
                IF(ENDS_WITHIN, JGT, (uint32_t)from, BEGIN_HIGH, PASS),
                /* It begins where the last one ends, or behind. */
                LOAD(BEGIN_HIGH, args[0], TOP),
                IF(BEGINS_ABOVE, JGT, to_top, PASS, BEGINS_LEVEL),
                IF(BEGINS_LEVEL, JEQ, to_top, BEGIN, REFUSE),
                LOAD(BEGIN, args[0], LOW),
                IF(BEGINS_BEHIND, JGE, (uint32_t)to, PASS, REFUSE),
                DO(REFUSE, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                DO(PASS, BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = { ELEMENTSOF(code), code };

        return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}

int policy_stand_in(uint32_t gaps, const void *sealed, size_t sealed_bytes, struct error *err)
{
        int r = 0;

        if (gaps && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                r = -errno;
        if (r >= 0 && gaps & ~GAP_BIT(SEAL))
                r = refuse_calls(gaps);
        if (r >= 0 && gaps & GAP_BIT(SEAL))
                r = refuse_changes((uintptr_t)sealed, (uintptr_t)sealed + sealed_bytes);
        if (r == -EINVAL || r == -ENOSYS)
                return 1;
        if (r < 0)
                return error_set(err, STAGE_POLICY, r, ERROR_NOWHERE, "a filter in place of what this kernel lacks");
        return 0;
}
