/* Each vector instruction, in every form and over several assignments of registers, against plain
 * C. A failure names the instruction, the CPU, the assignment and the operands. */
#include <asm/prctl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/compile/simd-frame.h"
#include "tests/unit/compile/simd-vectors.h"
#include "tests/unit/unit.h"

#ifdef __SANITIZE_ADDRESS__
#define SCALE 8 /* one in eight of the cases */
#else
#define SCALE 1
#endif

static const struct { uint16_t op; bool simd; const char *text; } ops[] = {
#define OP(name, code, text, immediate, pops, pushes, feature) \
        { OP_##name, FEATURE_##feature == FEATURE_SIMD || FEATURE_##feature == FEATURE_RELAXED_SIMD, text },
#include "engine/decode/opcodes.def"
};

static const struct { const char *name; uint64_t cpu; } cpus[] = {
        { "SSE4.2", CPU_X86_V2 },
        { "AVX",    CPU_X86_V2 | CPU_X86_AVX },
        { "AVX2",   CPU_X86_V3 },
};

static const struct assignment {
        enum xmm dst, a, b, c, temps[3];
        enum gpr g, gtemps[2];
} assignments[] = {
        { XMM0,  XMM1,  XMM2,  XMM3,  { XMM4, XMM5, XMM6 },    RAX, { RCX, RDX } },
        { XMM0,  XMM0,  XMM2,  XMM3,  { XMM4, XMM5, XMM6 },    RSI, { RDI, R8 } },
        { XMM8,  XMM9,  XMM10, XMM11, { XMM12, XMM13, XMM14 }, R9,  { R10, R11 } },
        { XMM15, XMM15, XMM1,  XMM9,  { XMM2, XMM10, XMM3 },   RBP, { RBX, R12 } },
        { XMM3,  XMM12, XMM3,  XMM4,  { XMM13, XMM0, XMM9 },   R13, { RAX, R14 } }, /* dst = b */
        { XMM14, XMM7,  XMM7,  XMM7,  { XMM0, XMM8, XMM1 },    RDI, { RSI, RBP } },
        { XMM5,  XMM5,  XMM5,  XMM6,  { XMM11, XMM12, XMM4 },  RDX, { R9, RCX } },  /* all one */
        { XMM1,  XMM9,  XMM2,  XMM10, { XMM8, XMM0, XMM15 },   R14, { R13, RAX } },
        { XMM9,  XMM1,  XMM10, XMM2,  { XMM0, XMM15, XMM8 },   R8,  { RDX, RBX } },
        { XMM0,  XMM10, XMM9,  XMM8,  { XMM3, XMM2, XMM1 },    RBX, { R12, R13 } },
};

static struct frame frame;
static const char *what; /* is running, for messages */

static struct simd_operands operands_of(const struct assignment *r)
{
        return (struct simd_operands) {
                .dst = r->dst, .a = r->a, .b = op_reg(r->b), .c = r->c,
                .temps = { r->temps[0], r->temps[1], r->temps[2] },
                .g = r->g, .gtemps = { r->gtemps[0], r->gtemps[1] },
        };
}

static bool allowed(const struct simd_rule *rule, const struct assignment *r)
{
        return !rule->dst_is_not_b || (r->dst != r->b && r->dst != r->c);
}

static bool host_has(uint64_t cpu)
{
        return (cpu_features_host() & cpu) == cpu;
}

/* A NaN where the reference has one: quiet, and canonical unless an operand is a NaN that is not. */
static bool nan_fits(uint64_t got, uint64_t sign, uint64_t canonical, bool any_payload)
{
        got &= ~sign;
        return any_payload ? (got & canonical) == canonical : got == canonical;
}

static bool has_odd_nan32(const union vec *v)
{
        for (int i = 0; i < 4; i++)
                if ((v->u32[i] & 0x7fffffff) > 0x7f800000 && (v->u32[i] & 0x7fffffff) != 0x7fc00000)
                        return true;
        return false;
}

static bool has_odd_nan64(const union vec *v)
{
        for (int i = 0; i < 2; i++) {
                uint64_t x = v->u64[i] & INT64_MAX;

                if (x > 0x7ff0000000000000 && x != 0x7ff8000000000000)
                        return true;
        }
        return false;
}

static bool same(const union vec *want, const union vec *got, enum ref_nan nan,
                 const struct ref_input *in)
{
        bool odd = has_odd_nan32(&in->a) || has_odd_nan32(&in->b) || has_odd_nan64(&in->a) ||
                   has_odd_nan64(&in->b) || has_odd_nan32(&in->c) || has_odd_nan64(&in->c);

        if (nan == EXACT)
                return memcmp(want, got, 16) == 0;
        for (int i = 0; nan == NAN32 && i < 4; i++)
                if ((want->u32[i] & 0x7fffffff) > 0x7f800000
                            ? !nan_fits(got->u32[i], 0x80000000, 0x7fc00000, odd)
                            : want->u32[i] != got->u32[i])
                        return false;
        for (int i = 0; nan == NAN64 && i < 2; i++)
                if ((want->u64[i] & INT64_MAX) > 0x7ff0000000000000
                            ? !nan_fits(got->u64[i], UINT64_C(1) << 63, 0x7ff8000000000000, odd)
                            : want->u64[i] != got->u64[i])
                        return false;
        return true;
}

static void show(const char *name, const union vec *v)
{
        printf("  %-5s", name);
        for (int i = 0; i < 4; i++)
                printf(" %08x", v->u32[i]);
        printf("\n");
}

static void fail_at(const struct simd_operands *o, const struct ref_input *in, const union vec *want,
                    const union vec *got)
{
        printf("%s: dst %d a %d b %d c %d g %d lane %u count %d g = %#lx\n", what, o->dst, o->a,
               o->b.base, o->c, o->g, o->lane, o->has_count ? o->count : -1, (unsigned long)in->g);
        show("a", &in->a);
        show("b", &in->b);
        show("c", &in->c);
        show("want", want);
        show("got", got);
        fflush(stdout);
        ck_abort_msg("%s", what);
}

/* Run the code that the frame holds over @given and compare every register. Returns what the
 * reference says. ck_assert writes to a pipe, passed or not: too slow for the inner loop. */
static struct ref_output check(enum opcode op, const struct simd_rule *rule, const struct simd_operands *o,
                  const struct ref_input *given, const struct context *start)
{
        struct ref_input in = *given;
        struct ref_output out = { 0 };
        struct context c = *start, want;
        unsigned bytes = 16;
        bool to_g = rule->shape == SIMD_TEST || rule->shape == SIMD_EXTRACT_G;

        c.xmm[o->a] = in.a;
        if (o->b.kind == OPERAND_REGISTER)
                c.xmm[o->b.base] = in.b;
        c.xmm[o->c] = in.c;
        c.gpr[o->g] = in.g;
        in.a = c.xmm[o->a]; /* registers may be the same */
        if (o->b.kind == OPERAND_REGISTER)
                in.b = c.xmm[o->b.base];
        if (o->has_count)
                in.g = o->count;
        references[op].run(&in, &out);

        want = c;
        if (!frame_run(&frame, &c))
                ck_abort_msg("%s: fault at %u", what, frame.fault_at);
        for (unsigned i = 0; i < rule->ntemps; i++)
                want.xmm[o->temps[i]] = c.xmm[o->temps[i]];
        for (unsigned i = 0; i < rule->ngtemps; i++)
                want.gpr[o->gtemps[i]] = c.gpr[o->gtemps[i]];
        if (to_g) {
                want.gpr[o->g] = out.g;
        } else if (rule->shape != SIMD_STORE_LANE) {
                if (rule->shape == SIMD_EXTRACT_F)
                        bytes = op == OP_F32X4_EXTRACT_LANE ? 4 : 8;
                memcpy((uint8_t *)&out.v + bytes, (uint8_t *)&c.xmm[o->dst] + bytes, 16 - bytes);
                if (!same(&out.v, &c.xmm[o->dst], references[op].nan, &in))
                        fail_at(o, &in, &out.v, &c.xmm[o->dst]);
                want.xmm[o->dst] = c.xmm[o->dst];
        }
        for (unsigned i = 0; i < 16; i++) {
                if (memcmp(&want.xmm[i], &c.xmm[i], 16) != 0)
                        fail_at(o, &in, &want.xmm[i], &c.xmm[i]);
                if (want.gpr[i] != c.gpr[i])
                        ck_abort_msg("%s: register %u: %#lx, not %#lx", what, i,
                                     (unsigned long)c.gpr[i], (unsigned long)want.gpr[i]);
        }
        return out;
}

static struct context random_context(uint64_t *seed)
{
        struct context c;

        for (unsigned i = 0; i < 16; i++) {
                c.xmm[i] = (union vec) { .u64 = { vectors_bits(seed), vectors_bits(seed) } };
                c.gpr[i] = vectors_bits(seed);
        }
        return c;
}

static struct ref_input random_input(uint64_t *seed)
{
        struct ref_input in = { .a = vectors_random(seed), .b = vectors_random(seed),
                                .c = vectors_random(seed), .g = vectors_bits(seed) };

        if (vectors_bits(seed) % 8 == 0)
                in.b = in.a;
        if (vectors_bits(seed) % 2 == 0)
                in.g >>= 32 + in.g % 32;
        return in;
}

/* Over the edges, all pairs of them when @pairs, and random vectors. */
static void check_many(enum opcode op, const struct simd_rule *rule, const struct simd_operands *o,
                       bool pairs, unsigned randoms, uint64_t *seed)
{
        bool two = rule->shape == SIMD_BINARY || rule->shape == SIMD_TERNARY;
        struct context start = random_context(seed);

        for (unsigned i = 0; pairs && i < vectors_edges(); i++)
                for (unsigned k = 0; k < (two ? vectors_edges() : 1); k += SCALE) {
                        struct ref_input in = random_input(seed);

                        in.a = vectors_edge(i);
                        in.b = vectors_edge(two ? k : i);
                        in.lane = o->lane;
                        check(op, rule, o, &in, &start);
                }
        for (unsigned i = 0; i < randoms; i += SCALE) {
                struct ref_input in = random_input(seed);

                in.lane = o->lane;
                check(op, rule, o, &in, &start);
        }
}

static unsigned lanes_of(enum opcode op)
{
        const char *text = ops[op].text; /* "i8x16.", or memory: "v128.load8_lane" */
        const char *x = strchr(text, 'x');
        unsigned bits = 8;

        if (text[0] != 'v')
                return (unsigned)atoi(x + 1);
        sscanf(text, "v128.%*[a-z]%u", &bits);
        return 128 / bits;
}

static void check_assignment(enum opcode op, const struct simd_rule *rule, uint64_t cpu,
                             const struct assignment *r, bool first, uint64_t *seed)
{
        struct simd_operands o = operands_of(r);
        unsigned variants = 1;

        if (rule->shape >= SIMD_EXTRACT_G && rule->shape <= SIMD_REPLACE_F)
                variants = lanes_of(op);
        if (rule->shape == SIMD_SHIFT)
                variants = 1 + 128 / lanes_of(op); /* the last: count in a register */
        for (unsigned v = 0; v < variants; v++) {
                o.lane = rule->shape == SIMD_SHIFT ? 0 : (uint8_t)v;
                o.has_count = rule->shape == SIMD_SHIFT && v < variants - 1;
                o.count = o.has_count ? (uint8_t)v : 0;
                frame_build(&frame, cpu, op, &o);
                ck_assert_uint_eq(frame.cpu_used & ~cpu, 0);
                ck_assert(frame.cpu_used & CPU_X86_V2);
                check_many(op, rule, &o, first, variants > 1 ? 200 : 600, seed);
        }
}

START_TEST(instruction_is_as_specified)
{
        enum opcode op = ops[_i].op;
        uint64_t seed = (uint64_t)_i;
        char text[80];

        if (!ops[_i].simd)
                return;
        for (size_t k = 0; k < ELEMENTSOF(cpus); k++) {
                struct simd_rule rule = simd_rule(op, cpus[k].cpu);

                if (rule.shape == SIMD_NOT || rule.shape >= SIMD_SHUFFLE || !host_has(cpus[k].cpu))
                        continue;
                for (size_t r = 0; r < ELEMENTSOF(assignments); r++) {
                        snprintf(text, sizeof(text), "%s, %s, assignment %zu", ops[_i].text,
                                 cpus[k].name, r);
                        what = text;
                        if (allowed(&rule, &assignments[r]))
                                check_assignment(op, &rule, cpus[k].cpu, &assignments[r], r < 2, &seed);
                }
        }
}
END_TEST

/* The operand b in memory, at no alignment, and as a constant of the function. */
START_TEST(operand_in_memory)
{
        enum opcode op = ops[_i].op;
        uint64_t seed = (uint64_t)_i, cpu = CPU_X86_V2 | CPU_X86_AVX;
        struct simd_rule rule = simd_rule(op, cpu);
        uint8_t memory[32];

        ck_assert(!simd_rule(op, CPU_X86_V2).b_memory);
        if (!rule.b_memory || !host_has(cpu))
                return;
        what = ops[_i].text;
        for (unsigned i = 0; i < 200; i++) {
                struct simd_operands o = operands_of(&assignments[i % 4]);
                struct context start = random_context(&seed);
                struct ref_input in = random_input(&seed);

                o.b = op_base(R12, 1 + (int)(i % 3) * 1000);
                start.gpr[R12] = (uint64_t)memory + 6 - (uint64_t)(i % 3) * 1000;
                memcpy(memory + 7, &in.b, 16);
                frame_build(&frame, cpu, op, &o);
                check(op, &rule, &o, &in, &start);

                start.gpr[R12] = 8; /* not an address */
                frame_build(&frame, cpu, op, &o);
                ck_assert(!frame_run(&frame, &start));
                ck_assert_uint_eq(frame.fault_at, frame.fault_pc);
        }
}
END_TEST

static const uint8_t shuffles[][16] = {
        { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
        { 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 },
        { 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23 },
        { 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31 },
        { 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23 },
        { 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31 },
        { 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23 },
        { 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31 },
        { 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23 },
        { 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31 },
        { 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7 },
        { 24, 24, 25, 25, 26, 26, 27, 27, 28, 28, 29, 29, 30, 30, 31, 31 },
        { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 31 },
        { 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7 },
};

/* The @i-th shuffle: the fixed ones, the fixed ones with the operands swapped, rotations, then
 * random ones of bytes, words, dwords, half words and blends. */
static void shuffle_lanes(unsigned i, uint64_t *seed, uint8_t lanes[16])
{
        static const unsigned granules[] = { 1, 2, 4, 8 };
        unsigned n = ELEMENTSOF(shuffles), granule = granules[i % 4];
        uint64_t kind = vectors_bits(seed);

        for (unsigned k = 0; k < 16; k++) {
                uint64_t any = vectors_bits(seed);

                if (i < 2 * n)
                        lanes[k] = shuffles[i % n][k] ^ (i < n ? 0 : 16);
                else if (i < 2 * n + 32)
                        lanes[k] = (i - 2 * n + k) % 32;
                else if (i < 2 * n + 64)
                        lanes[k] = (i & 15) + ((i & 15) + k < 16 ? k : k - 16) + (i & 16);
                else if (kind % 3 == 0)
                        lanes[k] = k + (any & 1 ? 16 : 0);
                else
                        lanes[k] = any % (kind % 3 == 1 ? 16 : 32) + (kind % 7 == 0 && kind % 3 == 1 ? 16 : 0);
        }
        for (unsigned k = 0; i >= 2 * n + 64 && k < 16; k++)
                lanes[k] = lanes[k & ~(granule - 1)] / granule * granule + k % granule;
        if (kind % 5 == 0 && i >= 2 * n + 64) /* one half unmoved, the other within itself */
                for (unsigned k = 0; k < 16; k++)
                        lanes[k] = k / 8 == kind / 5 % 2 ? k : (k & 8) | (lanes[k] & 7);
}

/* Those among them that the machine has without a table of lanes */
static bool one_instruction(unsigned i)
{
        unsigned n = ELEMENTSOF(shuffles);

        return i < 2 * n ? i % n < n - 2 : i < 2 * n + 64;
}

START_TEST(shuffle_is_as_specified)
{
        uint64_t seed = 1, cpu = cpus[_i].cpu;
        struct simd_rule rule = simd_rule(OP_I8X16_SHUFFLE, cpu);
        char text[200];

        if (!host_has(cpu))
                return;
        for (unsigned i = 0; i < 400; i++) {
                struct context start = random_context(&seed);
                struct ref_input in;
                uint8_t lanes[16];
                int n = snprintf(text, sizeof(text), "i8x16.shuffle, %s, lanes", cpus[_i].name);

                shuffle_lanes(i, &seed, lanes);
                for (unsigned k = 0; k < 16; k++)
                        n += snprintf(text + n, sizeof(text) - (size_t)n, " %u", lanes[k]);
                what = text;
                for (size_t r = 0; r < ELEMENTSOF(assignments); r++) {
                        struct simd_operands o = operands_of(&assignments[r]);

                        if (!allowed(&rule, &assignments[r]))
                                continue;
                        o.lanes = lanes;
                        frame_build(&frame, cpu, OP_I8X16_SHUFFLE, &o);
                        if (one_instruction(i) && frame.constants)
                                ck_abort_msg("%s: takes pshufb", what);
                        for (unsigned k = 0; k < 3; k++) {
                                in = random_input(&seed);
                                memcpy(in.lanes, lanes, 16);
                                check(OP_I8X16_SHUFFLE, &rule, &o, &in, &start);
                        }
                }
        }
}
END_TEST

/* Memory: a page, with a page behind it that nobody may touch. */

static uint8_t *page;

static const struct address {
        const char *name;
        struct operand rm;
        enum gpr base, index; /* to be set: index holds 5 */
} addresses[] = {
        { "(%rbx)",          { .kind = OPERAND_MEMORY, .base = RBX, .index = GPR_NONE }, RBX, GPR_NONE },
        { "(%r13)",          { .kind = OPERAND_MEMORY, .base = R13, .index = GPR_NONE }, R13, GPR_NONE },
        { "-8(%rbp)",        { .kind = OPERAND_MEMORY, .base = RBP, .index = GPR_NONE, .disp = -8 }, RBP, GPR_NONE },
        { "8(%r12)",         { .kind = OPERAND_MEMORY, .base = R12, .index = GPR_NONE, .disp = 8 }, R12, GPR_NONE },
        { "1000(%rdi,%r9,4)", { .kind = OPERAND_MEMORY, .base = RDI, .index = R9, .scale = 2, .disp = 1000 }, RDI, R9 },
        { "%gs:(%rsi)",      { .kind = OPERAND_MEMORY, .base = RSI, .index = GPR_NONE, .gs = true }, RSI, GPR_NONE },
        { "%gs:70000(%r14)", { .kind = OPERAND_MEMORY, .base = R14, .index = GPR_NONE, .gs = true, .disp = 70000 }, R14, GPR_NONE },
        { "%gs:64(%r8,%r10,1)", { .kind = OPERAND_MEMORY, .base = R8, .index = R10, .gs = true, .disp = 64 }, R8, R10 },
};

/* The registers of @address so that it names page[@at]. */
static void set_address(struct context *c, const struct address *address, unsigned at)
{
        uint64_t to = (uint64_t)page + at - (uint64_t)(int64_t)address->rm.disp;

        if (address->rm.gs)
                to -= (uint64_t)page;
        if (address->index != GPR_NONE) {
                c->gpr[address->index] = 5;
                to -= UINT64_C(5) << address->rm.scale;
        }
        c->gpr[address->base] = to;
}

static void check_access(enum opcode op, const struct simd_rule *rule, struct simd_operands *o,
                         const struct address *address, uint64_t *seed)
{
        bool store = rule->shape == SIMD_STORE_LANE;
        unsigned bytes = references[op].bytes, at = 4096 - bytes;
        struct ref_input in = random_input(seed);
        struct ref_output out;
        struct context start = random_context(seed);
        uint8_t below[8];

        in.lane = o->lane;
        for (unsigned i = 4000; i < 4096; i++)
                page[i] = (uint8_t)vectors_bits(seed);
        memcpy(in.memory, page + at, bytes);
        memcpy(below, page + at - 8, 8);
        set_address(&start, address, at);
        in.g = start.gpr[o->g];
        out = check(op, rule, o, &in, &start);
        ck_assert_msg(memcmp(below, page + at - 8, 8) == 0, "%s wrote below", what);
        ck_assert_msg(memcmp(store ? out.memory : in.memory, page + at, bytes) == 0, "%s: memory", what);

        /* One byte further: a fault at the instruction that was named, and nothing written. */
        memcpy(out.memory, page + 4088, 8);
        set_address(&start, address, at + 1);
        ck_assert_msg(!frame_run(&frame, &start), "%s: no fault", what);
        ck_assert_uint_eq(frame.fault_at, frame.fault_pc);
        ck_assert_mem_eq(out.memory, page + 4088, 8);
}

START_TEST(memory_is_accessed_once)
{
        enum opcode op = ops[_i].op;
        uint64_t seed = (uint64_t)_i;
        char text[120];

        if (!ops[_i].simd || simd_rule(op, CPU_X86_V2).shape < SIMD_LOAD)
                return;
        for (size_t k = 0; k < ELEMENTSOF(cpus) * ELEMENTSOF(addresses); k++) {
                const struct address *address = &addresses[k % ELEMENTSOF(addresses)];
                uint64_t cpu = cpus[k / ELEMENTSOF(addresses)].cpu;
                struct simd_rule rule = simd_rule(op, cpu);
                unsigned lanes = rule.shape == SIMD_LOAD ? 1 : lanes_of(op);

                if (!host_has(cpu))
                        continue;
                for (size_t i = 0; i < lanes * ELEMENTSOF(assignments); i++) {
                        struct simd_operands o = operands_of(&assignments[i / lanes]);

                        snprintf(text, sizeof(text), "%s, %s, %s, lane %zu, assignment %zu", ops[_i].text,
                                 cpus[k / ELEMENTSOF(addresses)].name, address->name, i % lanes, i / lanes);
                        what = text;
                        o.memory = address->rm;
                        o.lane = (uint8_t)(i % lanes);
                        o.g = RAX; /* not of the shape: keep it away from the address */
                        frame_build(&frame, cpu, op, &o);
                        check_access(op, &rule, &o, address, &seed);
                }
        }
}
END_TEST

START_TEST(table_is_complete)
{
        unsigned n = 0;

        for (size_t i = 0; i < ELEMENTSOF(ops); i++) {
                enum opcode op = ops[i].op;
                bool plain = op == OP_V128_LOAD || op == OP_V128_STORE || op == OP_V128_CONST;
                bool has = simd_rule(op, CPU_X86_V2).shape != SIMD_NOT;

                ck_assert_msg(has == (ops[i].simd && !plain), "%s", ops[i].text);
                ck_assert_msg(!has || references[op].run, "%s", ops[i].text);
                n += has;
        }
        ck_assert_uint_eq(n, 253);
}
END_TEST

static void setup(void)
{
        frame_open(&frame);
        page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert(page != MAP_FAILED);
        ck_assert_int_eq(mprotect(page + 4096, 4096, PROT_NONE), 0);
        ck_assert_int_eq(syscall(SYS_arch_prctl, ARCH_SET_GS, page), 0);
}

int main(void)
{
        TCase *tc = tcase_create("simd");

        tcase_add_checked_fixture(tc, setup, NULL);
        tcase_set_timeout(tc, 120);
        tcase_add_test(tc, table_is_complete);
        tcase_add_loop_test(tc, instruction_is_as_specified, 0, ELEMENTSOF(ops));
        tcase_add_loop_test(tc, operand_in_memory, 0, ELEMENTSOF(ops));
        tcase_add_loop_test(tc, shuffle_is_as_specified, 0, ELEMENTSOF(cpus));
        tcase_add_loop_test(tc, memory_is_accessed_once, 0, ELEMENTSOF(ops));
        return unit_main("simd", &tc, 1);
}
