/* generator.h - what the generator knows while it walks over a function, once, from front to back.
 *
 * Operands. The operand stack of wasm is kept as entries that say where each value is: nothing is
 * computed or moved before it must be. An entry may refer to a local; when that local is
 * overwritten, the entries that still refer to it are found through a chain that starts in the
 * local, and take a register of their own. Values leave and enter the stack at its top only, so
 * an entry that leaves is the head of its chains.
 *
 * Locals. A local lives in one register for the whole function, or in the frame. There is no state
 * to merge where paths meet: at a block, all entries below are put into their stack slots, and
 * results travel in fixed places.
 *
 * Registers have one numbering, general ones first. Temporaries hold entries; each is owned by at
 * most one of them.
 *
 * Machines. The files of this folder are the same for all; what emits instructions is in a folder for
 * each machine, under the same names, and is included through FAST_MACHINE(). The whole is compiled
 * once for each machine, from the unit.c of its folder. */
#pragma once

#include "engine/compile/fast/fast.h"
#include FAST_MACHINE(machine.h)
#include "engine/decode/body.h"

enum { T_I32 = VAL_I32, T_I64 = VAL_I64, T_F32 = VAL_F32, T_F64 = VAL_F64, T_V128 = VAL_V128,
       T_REF = VAL_REF };

#define REG_NONE 0xffu

enum entry_kind {
        ENTRY_CONST,
        ENTRY_LOCAL,
        ENTRY_REG,
        ENTRY_SLOT,    /* in its slot of the frame */
        ENTRY_FLAGS,   /* a condition: only at the top, for the next instruction */
        ENTRY_ADDRESS, /* base + (index << scale) + disp, i32 or i64, not yet computed */
        ENTRY_MEMORY,  /* a load that the next instruction does: only at the top */
};

struct link {
        uint32_t local, next; /* entry number + 1 of the next older reference, 0: none */
};

struct entry {
        uint8_t kind, type;
        uint8_t reg;     /* REG: where; ADDRESS: base or REG_NONE; FLAGS: the condition */
        uint8_t index;   /* ADDRESS, or REG_NONE */
        uint8_t scale;   /* ADDRESS */
        uint8_t nlinks;
        union {
                uint64_t constant; /* CONST; of v128: number of the constant */
                int32_t disp;      /* ADDRESS */
                uint32_t local;    /* LOCAL */
                uint32_t slot;     /* SLOT */
        };
        struct link links[2];
};

struct local {
        uint8_t type, reg;
        uint8_t arrival; /* register in which a parameter comes */
        int32_t home;    /* from the frame pointer; 0: none */
        uint32_t head;   /* newest entry that refers to it, number + 1 */
};

enum control_kind { CONTROL_FUNCTION, CONTROL_BLOCK, CONTROL_LOOP, CONTROL_IF, CONTROL_ELSE,
                    CONTROL_TRY,
                    CONTROL_LEGACY, CONTROL_CATCH }; /* a try before its catches, and in one */

struct control {
        uint8_t kind;
        bool targeted;       /* a branch to the end exists */
        uint32_t base;       /* height of the operand stack below the parameters */
        uint32_t nparams, nresults;
        const valtype *params, *results;
        uint32_t label;      /* what a branch goes to */
        uint32_t otherwise;  /* IF: label of the else part; CATCH: where it goes with another tag, or 0 */
        bool handled;        /* TRY, LEGACY, FUNCTION: .handler is a label that something jumps to */
        uint32_t handler;
        const uint8_t *catches; /* TRY: the clauses in the body */
        uint32_t ncatches;
        uint32_t moves;      /* label of the moves of a jump table, 0: none */
};

struct label {
        uint32_t pc;         /* UINT32_MAX: not yet known */
        uint32_t fixups;     /* chain of jumps that wait for it, number + 1 */
};

struct fixup {
        uint32_t at, next;   /* where the jump names its target */
};

struct table_use {           /* a jump table, laid behind the code */
        uint32_t at;         /* where the code names the table, or the table */
        uint32_t first, n;   /* in .targets */
};

struct cold {                /* code that is laid behind the function */
        uint32_t at;         /* where the jump to it names it */
        uint32_t resume;
        uint32_t wasm;       /* offset in the body */
        uint32_t wanted;     /* of a call, of a new object: type index */
        reg_set held;        /* what a call would destroy */
        uint8_t kind;        /* enum cold_kind */
        uint8_t trap;
        uint8_t reg, source, temp;
        uint8_t type, w;     /* of a conversion: from, to */
        bool saturates;
};

struct detour {              /* of a branch that is hardly taken: its move is laid behind the code */
        uint32_t from, to;   /* labels */
        struct entry value;  /* where it is when the branch is taken */
};

struct folded {              /* of ENTRY_MEMORY */
        struct operand operand;
        reg_set regs;        /* temporaries in it */
        uint32_t wasm;
};

struct local_run {           /* of a body that declares many more locals than it can name */
        uint32_t end;        /* first local behind it */
        uint8_t type;
};

struct array {
        void *items;
        uint32_t n, room;
};

struct generator {
        struct assembler a;
        struct cursor c;
        const uint8_t *at;         /* first byte of the current instruction */
        const uint8_t *body;       /* first byte of the body */
        const struct branch_hint *hint, *hint_end; /* those that are not behind us */

        struct entry *stack;
        uint32_t top, flushed;     /* entries below .flushed are constants or in their slots */
        uint32_t stack_room;
        struct local *locals;
        uint32_t nlocals, locals_room;
        reg_set temps, used;       /* registers: that hold entries; that hold something now */
        uint32_t owner[REG_COUNT]; /* entry number + 1; 0: held by the instruction */
        uint32_t reg_local[REG_COUNT]; /* of registers that hold a local */
        reg_set pinned;            /* registers that hold locals */
        reg_set kept;              /* of those: caller-saved, put home around calls */
        struct folded folded;

        struct control *controls;
        uint32_t ncontrols, controls_room;
        struct array labels, fixups, cold, detours, tables, targets, runs;
        struct cold cold_lost;     /* stands in when memory is short */

        struct buffer *map;
        uint32_t map_pc, map_wasm; /* of the last pair */
        int32_t slots;             /* slot 0, from the frame pointer */
        uint32_t slot_bytes;
        uint32_t max_slots;        /* slots that were used */
        uint32_t flags_pc;         /* the flags there are those of the value in .flags_reg */
        uint8_t flags_reg, flags_w;
        uint32_t frame_patch;      /* where the prologue reserves the frame */
        reg_set saved;             /* callee-saved registers in use */
        unsigned base;             /* register with the base of memory 0, or REG_NONE: through the instance base */
        unsigned nsaved;
        bool has_calls;
        bool sparse;               /* only locals that the body names are in .locals */
        bool failed;               /* out of memory */
        bool ended_dead;           /* the code does not run into the function's end */

        const struct fast_shared *shared;
        const struct module *m;
        const struct layout *layout;
        const struct functype *type; /* of the function */
        const struct function_facts *facts;
        struct fast_output *out;
};

static inline bool type_is_vector(unsigned t)
{
        return t >= T_F32 && t <= T_V128;
}

static inline unsigned type_w(unsigned t)
{
        return t != T_I32 ? ASM_W : 0;
}

static inline reg_set type_regs(unsigned t)
{
        return type_is_vector(t) ? VEC_MASK : GPR_MASK;
}

static inline bool array_room(struct generator *g, struct array *x, size_t size, uint32_t more)
{
        uint32_t room = x->room ? x->room : 64;
        void *items;

        if (_likely_(x->room - x->n >= more))
                return true;
        while (room - x->n < more)
                room *= 2;
        items = realloc(x->items, (size_t)room * size);
        if (!items) {
                g->failed = true;
                return false;
        }
        x->items = items;
        x->room = room;
        return true;
}

/* A pair of the map: the instruction at @pc belongs to offset @wasm of the body. */
static inline void map_add(struct generator *g, uint32_t pc, uint32_t wasm)
{
        uint32_t dpc = pc - g->map_pc;
        int64_t delta = (int64_t)wasm - g->map_wasm;
        uint64_t zigzag = (uint64_t)delta << 1 ^ (uint64_t)(delta >> 63);
        struct buffer *b = g->map;

        g->map_pc = pc;
        g->map_wasm = wasm;
        if (_likely_(b->room - b->size >= 16 && dpc < 0x80 && zigzag < 0x80)) {
                b->bytes[b->size++] = (uint8_t)dpc;
                b->bytes[b->size++] = (uint8_t)zigzag;
                return;
        }
        buffer_uleb(b, dpc);
        buffer_uleb(b, zigzag);
        if (b->room - b->size < 16)
                (void)buffer_reserve(b, 4096);
}

static inline uint32_t wasm_here(const struct generator *g)
{
        return (uint32_t)(g->at - g->body);
}
