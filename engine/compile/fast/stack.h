/* stack.h - the operand stack, the registers that its entries hold, and references to locals. */
#pragma once

#include FAST_MACHINE(move.h)

static inline int32_t slot_at(const struct generator *g, uint32_t slot)
{
        return g->slots - (int32_t)(slot * g->slot_bytes);
}

static inline bool is_temp(const struct generator *g, unsigned reg)
{
        return reg != REG_NONE && (g->temps >> reg & 1);
}

/* Registers that the value of @e is read from. */
static inline reg_set entry_reads(const struct generator *g, const struct entry *e)
{
        switch (e->kind) {
        case ENTRY_REG:
                return BIT(e->reg);
        case ENTRY_LOCAL:
                return g->locals[e->local].reg != REG_NONE ? BIT(g->locals[e->local].reg) : 0;
        case ENTRY_ADDRESS:
                return (e->reg != REG_NONE ? BIT(e->reg) : 0) |
                       (e->index != REG_NONE ? BIT(e->index) : 0);
        case ENTRY_MEMORY:
                return (g->folded.operand.base != GPR_NONE ? BIT(g->folded.operand.base) : 0) |
                       (g->folded.operand.index != GPR_NONE ? BIT(g->folded.operand.index) : 0);
        default:
                return 0;
        }
}

/* Temporaries of a popped entry are free again, but those in @but. */
static inline void entry_release_but(struct generator *g, const struct entry *e, reg_set but)
{
        if (e->kind == ENTRY_REG)
                g->used &= ~(BIT(e->reg) & g->temps & ~but);
        else if (e->kind == ENTRY_ADDRESS)
                g->used &= ~(entry_reads(g, e) & g->temps & ~but);
        else if (e->kind == ENTRY_MEMORY)
                g->used &= ~(g->folded.regs & ~but);
}

static inline void entry_release(struct generator *g, const struct entry *e)
{
        entry_release_but(g, e, 0);
}

static inline void slot_used(struct generator *g, uint32_t slot)
{
        if (slot >= g->max_slots)
                g->max_slots = slot + 1;
}

static inline void entry_owns(struct generator *g, uint32_t n, unsigned reg)
{
        if (is_temp(g, reg))
                g->owner[reg] = n + 1;
}

static unsigned reg_alloc(struct generator *g, reg_set class);

/* Put entry @n, which is on the stack, into its slot. Changes no flags. */
static void entry_spill(struct generator *g, uint32_t n)
{
        struct entry *e = &g->stack[n];
        int32_t at = slot_at(g, n);
        unsigned reg;

        asm_room(&g->a);
        switch (e->kind) {
        case ENTRY_REG:
                store_frame(g, e->type, e->reg, at);
                g->used &= ~(BIT(e->reg) & g->temps);
                break;
        case ENTRY_LOCAL: {
                const struct local *l = &g->locals[e->local];

                reg = l->reg;
                if (reg == REG_NONE) {
                        reg = reg_alloc(g, type_regs(e->type));
                        load_frame(g, l->type, reg, l->home);
                        g->used &= ~BIT(reg);
                }
                store_frame(g, e->type, reg, at);
                break;
        }
        case ENTRY_ADDRESS:
                reg = is_temp(g, e->reg) ? e->reg : is_temp(g, e->index) ? e->index : REG_NONE;
                if (reg == REG_NONE) {
                        reg = reg_alloc(g, GPR_MASK);
                        g->used &= ~BIT(reg);
                }
                load_address(g, reg, e);
                store_frame(g, e->type, reg, at);
                entry_release(g, e);
                break;
        default:
                return;
        }
        e->kind = ENTRY_SLOT;
        e->slot = n;
        slot_used(g, n);
}

/* Constants into slots as well: parameters of blocks. */
static void entry_spill_constant(struct generator *g, uint32_t n)
{
        struct entry *e = &g->stack[n];
        unsigned reg;

        if (e->kind != ENTRY_CONST)
                return;
        asm_room(&g->a);
        reg = reg_alloc(g, type_regs(e->type));
        load_constant(g, reg, e);
        store_frame(g, e->type, reg, slot_at(g, n));
        g->used &= ~BIT(reg);
        e->kind = ENTRY_SLOT;
        e->slot = n;
        slot_used(g, n);
}

/* A temporary of @class; when there is none, the oldest entry gives its own. */
static unsigned reg_alloc(struct generator *g, reg_set class)
{
        reg_set mask = g->temps & class, free = mask & ~g->used;
        unsigned reg;

        if (_unlikely_(!free)) {
                uint32_t oldest = UINT32_MAX;

                for (reg_set left = mask; left; left &= left - 1) {
                        uint32_t owner = g->owner[reg_first(left)];

                        if (owner && owner < oldest)
                                oldest = owner;
                }
                if (oldest == UINT32_MAX)
                        abort(); /* an instruction holds all temporaries: a bug of ours */
                entry_spill(g, oldest - 1);
                free = mask & ~g->used;
        }
        reg = reg_first(free);
        g->used |= BIT(reg);
        g->owner[reg] = 0;
        return reg;
}

static inline void reg_free(struct generator *g, unsigned reg)
{
        g->used &= ~(BIT(reg) & g->temps);
}

/* Temporary @reg, whatever holds it: an entry of the stack moves away; @held are popped entries of
 * the instruction that may be in it (NULL: none). */
static void reg_claim(struct generator *g, unsigned reg, struct entry *held, struct entry *held2)
{
        struct entry *e = NULL;
        uint32_t owner = g->owner[reg];
        unsigned other;

        if (!(g->used >> reg & 1)) {
                g->used |= BIT(reg);
                g->owner[reg] = 0;
                return;
        }
        other = reg_alloc(g, BIT(reg) & GPR_MASK ? GPR_MASK : VEC_MASK);
        if (other == reg) /* its owner was the oldest entry */
                return;
        if (!(g->used >> reg & 1)) { /* the allocation has emptied it */
                reg_free(g, other);
                g->used |= BIT(reg);
                g->owner[reg] = 0;
                return;
        }
        if (owner)
                e = &g->stack[owner - 1];
        else if (held && entry_reads(g, held) & BIT(reg))
                e = held;
        else if (held2 && entry_reads(g, held2) & BIT(reg))
                e = held2;
        else
                abort();
        move(g, BIT(reg) & GPR_MASK ? T_I64 : T_V128, other, reg);
        if (e->kind == ENTRY_MEMORY) {
                struct folded *f = &g->folded;

                f->operand.base = f->operand.base == reg ? (uint8_t)other : f->operand.base;
                f->operand.index = f->operand.index == reg ? (uint8_t)other : f->operand.index;
                f->regs = (f->regs & ~BIT(reg)) | BIT(other);
        } else {
                if (e->kind == ENTRY_ADDRESS && e->index == reg)
                        e->index = (uint8_t)other;
                if (e->reg == reg)
                        e->reg = (uint8_t)other;
        }
        g->owner[other] = owner;
        g->owner[reg] = 0;
}

static inline struct entry *entry_push(struct generator *g, unsigned kind, unsigned type)
{
        struct entry *e = &g->stack[g->top++];

        e->kind = (uint8_t)kind;
        e->type = (uint8_t)type;
        e->nlinks = 0;
        return e;
}

static inline void push_reg(struct generator *g, unsigned type, unsigned reg)
{
        struct entry *e = entry_push(g, ENTRY_REG, type);

        e->reg = (uint8_t)reg;
        entry_owns(g, g->top - 1, reg);
}

static inline void push_constant(struct generator *g, unsigned type, uint64_t value)
{
        entry_push(g, ENTRY_CONST, type)->constant = value;
}

static inline void push_slot(struct generator *g, unsigned type)
{
        struct entry *e = entry_push(g, ENTRY_SLOT, type);

        e->slot = g->top - 1;
        slot_used(g, e->slot);
}

static inline void entry_link(struct generator *g, uint32_t n, uint32_t local)
{
        struct entry *e = &g->stack[n];
        struct local *l = &g->locals[local];

        if (e->nlinks && e->links[0].local == local)
                return;
        e->links[e->nlinks++] = (struct link) { local, l->head };
        l->head = n + 1;
}

static inline void push_local(struct generator *g, uint32_t local)
{
        struct entry *e = entry_push(g, ENTRY_LOCAL, g->locals[local].type);

        e->local = local;
        entry_link(g, g->top - 1, local);
}

/* An address made of popped operands; takes over their temporaries. */
static inline void push_address(struct generator *g, const struct entry *from)
{
        struct entry *e = entry_push(g, ENTRY_ADDRESS, from->type);
        const uint8_t regs[] = { from->reg, from->index };

        e->reg = from->reg;
        e->index = from->index;
        e->scale = from->scale;
        e->disp = from->disp;
        for (unsigned i = 0; i < 2; i++) {
                if (regs[i] == REG_NONE)
                        continue;
                entry_owns(g, g->top - 1, regs[i]);
                if (g->pinned >> regs[i] & 1)
                        entry_link(g, g->top - 1, g->reg_local[regs[i]]);
        }
}

static inline struct entry stack_pop(struct generator *g)
{
        const struct entry *e = &g->stack[--g->top];

        for (unsigned i = e->nlinks; i-- > 0;)
                g->locals[e->links[i].local].head = e->links[i].next;
        if (e->kind == ENTRY_REG) {
                g->owner[e->reg] = 0;
        } else if (e->kind == ENTRY_ADDRESS) {
                if (e->reg != REG_NONE)
                        g->owner[e->reg] = 0;
                if (e->index != REG_NONE)
                        g->owner[e->index] = 0;
        }
        if (g->flushed > g->top)
                g->flushed = g->top;
        return *e;
}

/* Give up everything above @height: the code that follows a branch starts from there. */
static void stack_cut(struct generator *g, uint32_t height)
{
        while (g->top > height) {
                struct entry e = stack_pop(g);

                entry_release(g, &e);
        }
}

/* The local is about to change: entries that refer to it take its value now. */
static void local_detach_all(struct generator *g, uint32_t local)
{
        struct local *l = &g->locals[local];
        uint32_t n = l->head;

        l->head = 0;
        while (n) {
                struct entry *e = &g->stack[n - 1];
                struct link *link = e->links[0].local == local ? &e->links[0] : &e->links[1];
                uint32_t next = link->next;
                unsigned reg;

                link->next = 0;
                asm_room(&g->a);
                if (e->kind == ENTRY_LOCAL) {
                        reg = reg_alloc(g, type_regs(e->type));
                        if (l->reg != REG_NONE)
                                move(g, e->type, reg, l->reg);
                        else
                                load_frame(g, l->type, reg, l->home);
                        e->kind = ENTRY_REG;
                        e->reg = (uint8_t)reg;
                        g->owner[reg] = n;
                } else if (e->kind == ENTRY_ADDRESS) {
                        reg = is_temp(g, e->reg)     ? e->reg
                              : is_temp(g, e->index) ? e->index
                                                     : reg_alloc(g, GPR_MASK);
                        load_address(g, reg, e);
                        entry_release_but(g, e, BIT(reg));
                        e->kind = ENTRY_REG;
                        e->reg = (uint8_t)reg;
                        g->owner[reg] = n;
                }
                n = next;
        }
}

static inline void local_detach(struct generator *g, uint32_t local)
{
        if (_unlikely_(g->locals[local].head))
                local_detach_all(g, local);
}

/* Before a block: entries go to where every path finds them. */
static void stack_flush(struct generator *g)
{
        for (uint32_t i = g->flushed; i < g->top; i++)
                if (g->stack[i].kind != ENTRY_CONST && g->stack[i].kind != ENTRY_SLOT)
                        entry_spill(g, i);
        g->flushed = g->top;
}

/* Before a call: temporaries of entries below @height go to their slots. */
static void stack_spill_temps(struct generator *g, uint32_t height)
{
        for (reg_set left = g->temps & g->used; left; left &= left - 1) {
                unsigned reg = reg_first(left);

                if (g->used >> reg & 1 && g->owner[reg] && g->owner[reg] <= height)
                        entry_spill(g, g->owner[reg] - 1);
        }
}

/* Compute popped entry @e into @dst. Does not release what @e held. */
static void entry_load(struct generator *g, const struct entry *e, unsigned dst)
{
        switch ((enum entry_kind)e->kind) {
        case ENTRY_CONST:
                load_constant(g, dst, e);
                break;
        case ENTRY_LOCAL: {
                const struct local *l = &g->locals[e->local];

                if (l->reg != REG_NONE)
                        move(g, e->type, dst, l->reg);
                else
                        load_frame(g, l->type, dst, l->home);
                break;
        }
        case ENTRY_REG:
                move(g, e->type, dst, e->reg);
                break;
        case ENTRY_SLOT:
                load_frame(g, e->type, dst, slot_at(g, e->slot));
                break;
        case ENTRY_ADDRESS:
                load_address(g, dst, e);
                break;
        case ENTRY_MEMORY:
                map_add(g, asm_pc(&g->a), g->folded.wasm);
                load_register(g, e->type, dst, g->folded.operand);
                break;
        case ENTRY_FLAGS:
                abort();
        }
}

/* Popped entry @e in any register, for reading. */
static unsigned entry_reg(struct generator *g, struct entry *e)
{
        unsigned reg;

        if (e->kind == ENTRY_REG)
                return e->reg;
        if (e->kind == ENTRY_LOCAL && g->locals[e->local].reg != REG_NONE)
                return g->locals[e->local].reg;
        reg = e->kind == ENTRY_ADDRESS && is_temp(g, e->reg)     ? e->reg
              : e->kind == ENTRY_ADDRESS && is_temp(g, e->index) ? e->index
                                                                 : reg_alloc(g, type_regs(e->type));
        entry_load(g, e, reg);
        entry_release_but(g, e, BIT(reg));
        e->kind = ENTRY_REG;
        e->reg = (uint8_t)reg;
        return reg;
}

/* In a temporary that may be overwritten. */
static unsigned entry_temp(struct generator *g, struct entry *e)
{
        unsigned reg = entry_reg(g, e), copy;

        if (is_temp(g, reg))
                return reg;
        copy = reg_alloc(g, type_regs(e->type));
        move(g, e->type, copy, reg);
        e->kind = ENTRY_REG;
        e->reg = (uint8_t)copy;
        return copy;
}

/* In temporary @reg; @held, @held2: other entries of the instruction, which may move. */
static void entry_into(struct generator *g, struct entry *e, unsigned reg, struct entry *held,
                       struct entry *held2)
{
        if (e->kind == ENTRY_REG && e->reg == reg)
                return;
        if (entry_reads(g, e) & BIT(reg)) { /* an address with the register in it */
                entry_load(g, e, reg);
        } else {
                reg_claim(g, reg, held, held2);
                entry_load(g, e, reg);
        }
        entry_release_but(g, e, BIT(reg));
        e->kind = ENTRY_REG;
        e->reg = (uint8_t)reg;
}

/* The local that the next instruction sets, as its number + 1; 0: none. */
static inline uint32_t next_set(const struct generator *g)
{
        const uint8_t *p = g->c.at;

        if (*p != 0x21 && *p != 0x22)
                return 0;
        p++;
        return (uint32_t)body_leb_u(&p) + 1;
}

/* Where the result of the instruction goes: the register of the local that the next instruction
 * sets, unless it is in @busy (read after the first write); else the temporary of @reuse, if it
 * has one of that class outside of @busy; else a new one. */
static unsigned reg_result(struct generator *g, reg_set class, reg_set busy,
                           const struct entry *reuse)
{
        uint32_t set = next_set(g);

        if (set) {
                unsigned reg = g->locals[set - 1].reg;

                if (reg != REG_NONE) {
                        local_detach(g, set - 1);
                        if (!(busy >> reg & 1))
                                return reg;
                }
        }
        if (reuse && reuse->kind == ENTRY_REG && BIT(reuse->reg) & g->temps & class & ~busy)
                return reuse->reg;
        return reg_alloc(g, class);
}
