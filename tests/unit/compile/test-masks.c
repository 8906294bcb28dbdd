/* test-masks - every index that a guest chooses and a branch checks goes through data as well, so that a branch that is
 * guessed wrongly leaves nothing to choose: one row for each path and machine (SECURITY.md has the same table). */
#include "tests/unit/compile/compiled.h"

#include <string.h>

#define INDIRECT "(module (table 4 funcref) (type $t (func (param i32))) (func (param i32 i32)" \
                 " (call_indirect (type $t) (local.get 0) (local.get 1))))"
#define SWITCH   "(module (func (param i32) (result i32) (block (block (block (block (block" \
                 " (br_table 0 1 2 3 4 (local.get 0))) (return (i32.const 9)))" \
                 " (return (i32.const 5))) (return (i32.const 11))) (return (i32.const 77))) (i32.const 40)))"
#define GAP_SWITCH \
        "(module (func (param i32) (result i32) (block (block (block (block (block (block" \
        " (br_table 0 5 1 5 2 5 3 4 5 (local.get 0))) (return (i32.const 9)))" \
        " (return (i32.const 5))) (return (i32.const 11))) (return (i32.const 77))) (return (i32.const 40)))" \
        " (i32.const 3)))"
/* LLVM makes choices of 8 bits and of 64 of these. */
#define BYTE_SWITCH \
        "(module (memory 1) (func (param i32) (result i32) (block (block (block (block (block" \
        " (br_table 0 1 2 3 4 (i32.load8_u (local.get 0)))) (return (i32.const 9)))" \
        " (return (i32.const 5))) (return (i32.const 11))) (return (i32.const 77))) (i32.const 40)))"
#define WIDE_SWITCH \
        "(module (import \"m\" \"f\" (func $f (param i32))) (func (param i64)" \
        " (if (i64.eq (local.get 0) (i64.const 1)) (then (call $f (i32.const 7)))" \
        " (else (if (i64.eq (local.get 0) (i64.const 2)) (then (call $f (i32.const 10)) (call $f (i32.const 1)))" \
        " (else (if (i64.eq (local.get 0) (i64.const 3)) (then (call $f (i32.const 15)) (call $f (i32.const 22)))" \
        " (else (if (i64.eq (local.get 0) (i64.const 4)) (then (call $f (i32.const 2)) (call $f (i32.const 12)))" \
        " (else (if (i64.eq (local.get 0) (i64.const 5)) (then (call $f (i32.const 9))))))))))))))"
#define ELEMENT  "(module (type $a (array i64)) (func (param (ref $a) i32) (result i64)" \
                 " (array.get $a (local.get 0) (local.get 1))))"
#define WIDE     "(module (memory i64 1) (func (param i64) (result i32) (i32.load (local.get 0))))"
#define FAR      "(module (memory 1) (func (param i32) (result i32) (i32.load offset=0x2000000 (local.get 0))))"
#define NEAR     "(module (memory 1) (func (param i32) (result i32) (i32.load (local.get 0))))"

enum shape { CMOV_B, CMOV_AE, CMOV_BE, CMOV_A, CMOV_ANY, CSEL, NO_CMOV };

static const struct {
        const char *name, *text;
        enum tier tier;
        enum machine machine;
        bool dense;
        enum shape shape;
} rows[] = {
        { "fast call_indirect",         INDIRECT, TIER_FAST, MACHINE_X86_64,  false, CMOV_AE },
        { "fast br_table",              SWITCH,   TIER_FAST, MACHINE_X86_64,  false, CMOV_AE },
        { "fast array",                 ELEMENT,  TIER_FAST, MACHINE_X86_64,  false, CMOV_AE },
        { "fast 64-bit memory",         WIDE,     TIER_FAST, MACHINE_X86_64,  false, CMOV_B },
        { "fast offset beyond a guard", FAR,      TIER_FAST, MACHINE_X86_64,  false, CMOV_A },
        { "fast dense memory",          NEAR,     TIER_FAST, MACHINE_X86_64,  true,  CMOV_ANY },
        { "fast memory with a guard",   NEAR,     TIER_FAST, MACHINE_X86_64,  false, NO_CMOV },
        { "fast call_indirect, arm",    INDIRECT, TIER_FAST, MACHINE_AARCH64, false, CSEL },
        { "fast br_table, arm",         SWITCH,   TIER_FAST, MACHINE_AARCH64, false, CSEL },
        { "fast array, arm",            ELEMENT,  TIER_FAST, MACHINE_AARCH64, false, CSEL },
        { "fast 64-bit memory, arm",    WIDE,     TIER_FAST, MACHINE_AARCH64, false, CSEL },
        { "fast offset beyond, arm",    FAR,      TIER_FAST, MACHINE_AARCH64, false, CSEL },
        { "fast dense memory, arm",     NEAR,     TIER_FAST, MACHINE_AARCH64, true,  CSEL },
        { "peak call_indirect",         INDIRECT, TIER_PEAK, MACHINE_X86_64,  false, CMOV_B },
        { "peak br_table",              SWITCH,   TIER_PEAK, MACHINE_X86_64,  false, CMOV_A },
        { "peak br_table with gaps",    GAP_SWITCH, TIER_PEAK, MACHINE_X86_64, false, CMOV_A },
        { "peak br_table by a byte",    BYTE_SWITCH, TIER_PEAK, MACHINE_X86_64, false, CMOV_A },
        { "peak choice by 64 bits",     WIDE_SWITCH, TIER_PEAK, MACHINE_X86_64, false, CMOV_A },
        { "peak array",                 ELEMENT,  TIER_PEAK, MACHINE_X86_64,  false, CMOV_B },
        { "peak 64-bit memory",         WIDE,     TIER_PEAK, MACHINE_X86_64,  false, CMOV_ANY },
        { "peak offset beyond a guard", FAR,      TIER_PEAK, MACHINE_X86_64,  false, CMOV_BE },
        { "peak dense memory",          NEAR,     TIER_PEAK, MACHINE_X86_64,  true,  CMOV_ANY },
        { "peak call_indirect, arm",    INDIRECT, TIER_PEAK, MACHINE_AARCH64, false, CSEL },
        { "peak br_table, arm",         SWITCH,   TIER_PEAK, MACHINE_AARCH64, false, CSEL },
        { "peak array, arm",            ELEMENT,  TIER_PEAK, MACHINE_AARCH64, false, CSEL },
        { "peak offset beyond, arm",    FAR,      TIER_PEAK, MACHINE_AARCH64, false, CSEL },
};

static bool has_cmov(const struct compiled_module *m, unsigned first, unsigned last)
{
        for (size_t i = 0; i + 1 < m->code_bytes; i++)
                if (m->code[i] == 0x0f && m->code[i + 1] >= (0x40 | first) && m->code[i + 1] <= (0x40 | last))
                        return true;
        return false;
}

static bool has_csel(const struct compiled_module *m)
{
        uint32_t word;

        for (size_t i = 0; i + 4 <= m->code_bytes; i += 4) {
                memcpy(&word, m->code + i, 4);
                if ((word & 0x7fe00c00) == 0x1a800000)
                        return true;
        }
        return false;
}

START_TEST(an_index_goes_through_data)
{
        const struct compile_options o = {
                .tier = rows[_i].tier, .machine = rows[_i].machine, .jobs = 1, .dense = rows[_i].dense,
                .cpu = rows[_i].machine == MACHINE_X86_64 ? CPU_X86_V2 : 0,
        };
        struct compiled_module *m = NULL;
        struct error err = { 0 };
        struct compiled c;
        bool there = false;

        prepare(&c, rows[_i].text, strlen(rows[_i].text));
        if (module_compile(c.checked, &o, &m, &err) < 0) {
                /* built without the optimiser, or its LLVM without that machine */
                ck_assert_msg(rows[_i].tier == TIER_PEAK && err.code == -EOPNOTSUPP, "%s: %s", rows[_i].name, err.text);
                done(&c);
                return;
        }
        switch (rows[_i].shape) {
        case CMOV_B:
                there = has_cmov(m, 0x2, 0x2);
                break;
        case CMOV_AE:
                there = has_cmov(m, 0x3, 0x3);
                break;
        case CMOV_BE:
                there = has_cmov(m, 0x6, 0x6);
                break;
        case CMOV_A:
                there = has_cmov(m, 0x7, 0x7);
                break;
        case CMOV_ANY:
                there = has_cmov(m, 0x2, 0x7);
                break;
        case CSEL:
                there = has_csel(m);
                break;
        case NO_CMOV: /* that the others find something is not by chance */
                there = !has_cmov(m, 0x0, 0xf);
                break;
        }
        ck_assert_msg(there, "%s: nothing guards the index", rows[_i].name);
        compiled_module_free(m);
        done(&c);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("masks");

        tcase_add_loop_test(tc, an_index_goes_through_data, 0, ELEMENTSOF(rows));
        return unit_main("masks", &tc, 1);
}
