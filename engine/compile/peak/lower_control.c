/* Blocks, loops and branches: a block's results and a loop's parameters are phis, added to by each branch. */
#include "engine/compile/peak/lower.h"

#include <stdlib.h>
#include <string.h>

LLVMValueRef *make_phis(struct body *s, LLVMBasicBlockRef block, uint32_t n, const valtype *types)
{
        struct lowering *l = s->l;
        LLVMBasicBlockRef here = LLVMGetInsertBlock(l->b);
        LLVMValueRef *phis;

        if (!n)
                return NULL;
        phis = calloc(n, sizeof(*phis));
        if (!phis) {
                s->failed = true;
                return NULL;
        }
        LLVMPositionBuilderAtEnd(l->b, block);
        for (uint32_t i = 0; i < n; i++)
                phis[i] = LLVMBuildPhi(l->b, lower_type(l, types[i]), "");
        LLVMPositionBuilderAtEnd(l->b, here);
        return phis;
}

/* The top @n operands go along the edge from the block at hand. */
static void add_incoming(struct body *s, LLVMValueRef *phis, uint32_t n)
{
        LLVMBasicBlockRef here = LLVMGetInsertBlock(s->l->b);

        for (uint32_t i = 0; i < n; i++)
                LLVMAddIncoming(phis[i], &s->stack[s->depth - n + i], &here, 1);
}

static struct control *push_control(struct body *s, const struct instruction *in)
{
        struct control *c = &s->control[s->ncontrol++];

        *c = (struct control) { .op = (uint8_t)in->op, .dead_entry = s->dead };
        c->type = body_block_type(s->l->m, in);
        if (!s->dead)
                c->height = s->depth - c->type.nparams;
        else
                c->height = s->depth;
        return c;
}

static void lower_block(struct body *s, const struct instruction *in)
{
        struct control *c = push_control(s, in);

        if (s->dead)
                return;
        c->end = new_block(s, "");
        c->phis = make_phis(s, c->end, c->type.nresults, c->type.results);
}

static void lower_loop(struct body *s, const struct instruction *in)
{
        struct control *c = push_control(s, in);
        uint32_t n = c->type.nparams;

        if (s->dead)
                return;
        c->end = new_block(s, "");
        c->phis = make_phis(s, c->end, c->type.nresults, c->type.results);
        c->loop = new_block(s, "");
        c->loop_phis = make_phis(s, c->loop, n, c->type.params);
        if (s->failed)
                return;
        add_incoming(s, c->loop_phis, n);
        LLVMBuildBr(s->l->b, c->loop);
        LLVMPositionBuilderAtEnd(s->l->b, c->loop);
        s->depth -= n;
        for (uint32_t i = 0; i < n; i++)
                push(s, c->loop_phis[i]);
}

LLVMValueRef is_true(struct body *s, LLVMValueRef v)
{
        return LLVMBuildICmp(s->l->b, LLVMIntNE, v, const_i32(s->l, 0), "");
}

void branch_hinted(struct body *s, const struct instruction *in, LLVMValueRef branch)
{
        const struct branch_hint *hint = branch_hint_at(&s->hint, s->hint_end,
                                                        (uint32_t)(in->at - s->body_start));

        if (hint)
                LLVMSetMetadata(branch, s->l->kind_prof, s->l->hinted[hint->likely]);
}

static void lower_if(struct body *s, const struct instruction *in)
{
        LLVMValueRef condition = NULL;
        LLVMBasicBlockRef then;
        struct control *c;
        uint32_t n;

        if (!s->dead)
                condition = is_true(s, pop(s));
        c = push_control(s, in);
        if (s->dead)
                return;
        n = c->type.nparams;
        c->end = new_block(s, "");
        c->phis = make_phis(s, c->end, c->type.nresults, c->type.results);
        c->other = new_block(s, "");
        then = new_block(s, "");
        if (n) {
                c->saved = calloc(n, sizeof(*c->saved));
                if (!c->saved) {
                        s->failed = true;
                        return;
                }
                memcpy(c->saved, &s->stack[s->depth - n], n * sizeof(*c->saved));
        }
        branch_hinted(s, in, LLVMBuildCondBr(s->l->b, condition, then, c->other));
        LLVMPositionBuilderAtEnd(s->l->b, then);
}

/* The code at hand falls into the end of @c. */
void fall_to_end(struct body *s, struct control *c)
{
        if (s->dead)
                return;
        add_incoming(s, c->phis, c->type.nresults);
        LLVMBuildBr(s->l->b, c->end);
        c->reached = true;
}

static void lower_else(struct body *s)
{
        struct control *c = &s->control[s->ncontrol - 1];

        c->has_else = true;
        if (c->dead_entry)
                return;
        fall_to_end(s, c);
        s->dead = false;
        s->depth = c->height;
        LLVMPositionBuilderAtEnd(s->l->b, c->other);
        for (uint32_t i = 0; i < c->type.nparams; i++)
                push(s, c->saved[i]);
}

void control_free(struct control *c)
{
        free(c->phis);
        free(c->loop_phis);
        free(c->saved);
        c->phis = c->loop_phis = c->saved = NULL;
}

/* @depth: of a delegate, else 0 */
static void lower_end(struct body *s, uint32_t depth)
{
        struct control *c = &s->control[s->ncontrol - 1];
        struct lowering *l = s->l;

        if (c->dead_entry) {
                s->depth = c->height;
                s->ncontrol--;
                return;
        }
        fall_to_end(s, c);
        if (c->op == OP_IF && !c->has_else) { /* the missing else hands the parameters on */
                LLVMPositionBuilderAtEnd(l->b, c->other);
                for (uint32_t i = 0; i < c->type.nresults; i++)
                        LLVMAddIncoming(c->phis[i], &c->saved[i], &c->other, 1);
                LLVMBuildBr(l->b, c->end);
                c->reached = true;
        }
        s->ncontrol--; /* what a clause names is outside */
        if (c->op == OP_TRY || c->op == OP_CATCH)
                lower_try_end(s, c, depth);
        else if (c->handler)
                lower_handler(s, c);
        s->ncontrol++;
        s->depth = c->height;
        LLVMPositionBuilderAtEnd(l->b, c->end);
        s->dead = !c->reached;
        if (s->dead) {
                for (uint32_t i = c->type.nresults; i > 0; i--)
                        LLVMInstructionEraseFromParent(c->phis[i - 1]);
                LLVMDeleteBasicBlock(c->end);
        } else {
                for (uint32_t i = 0; i < c->type.nresults; i++)
                        push(s, c->phis[i]);
        }
        if (c->op == OP_END && !s->dead)
                lower_return(s);
        control_free(c);
        s->ncontrol--;
}

/* Where a branch to @label goes; its operands are added to the target's phis. */
LLVMBasicBlockRef branch_target(struct body *s, uint32_t label)
{
        struct control *c = &s->control[s->ncontrol - 1 - label];

        if (c->op == OP_LOOP) {
                s->loops = true;
                add_incoming(s, c->loop_phis, c->type.nparams);
                return c->loop;
        }
        add_incoming(s, c->phis, c->type.nresults);
        c->reached = true;
        return c->end;
}

static void lower_br_table(struct body *s, const struct instruction *in)
{
        struct lowering *l = s->l;
        uint32_t n = in->index;
        LLVMValueRef value, branch;

        if (s->dead) {
                for (uint32_t i = 0; i <= n; i++)
                        (void)body_label(&s->cursor);
                return;
        }
        struct cursor labels = s->cursor;

        for (uint32_t i = 0; i < n; i++)
                (void)body_label(&s->cursor);
        value = pop(s);
        branch = LLVMBuildSwitch(l->b, value, branch_target(s, body_label(&s->cursor)), n);
        for (uint32_t i = 0; i < n; i++)
                LLVMAddCase(branch, const_i32(l, i), branch_target(s, body_label(&labels)));
        s->dead = true;
}

/* br_on_null, br_on_non_null: the branch is taken when the reference is null, or is not. */
static void lower_branch_on(struct body *s, const struct instruction *in, bool null)
{
        struct lowering *l = s->l;
        LLVMValueRef ref = s->stack[s->depth - 1], condition;
        LLVMBasicBlockRef target, next;

        condition = LLVMBuildICmp(l->b, null ? LLVMIntEQ : LLVMIntNE, ref, const_i64(l, 0), "");
        if (null)
                s->depth--;
        target = branch_target(s, in->index);
        next = new_block(s, "");
        LLVMBuildCondBr(l->b, condition, target, next);
        LLVMPositionBuilderAtEnd(l->b, next);
        if (null)
                s->depth++;
        else
                s->depth--;
}

bool lower_control(struct body *s, const struct instruction *in)
{
        struct lowering *l = s->l;
        LLVMBasicBlockRef next, target;
        LLVMValueRef condition;

        switch (in->op) {
        case OP_NOP:
                return true;
        case OP_BLOCK:
                lower_block(s, in);
                return true;
        case OP_TRY_TABLE:
                lower_block(s, in);
                s->control[s->ncontrol - 1].catches = in->catches;
                s->control[s->ncontrol - 1].ncatches = in->index2;
                return true;
        case OP_LOOP:
                lower_loop(s, in);
                return true;
        case OP_IF:
                lower_if(s, in);
                return true;
        case OP_ELSE:
                lower_else(s);
                return true;
        case OP_END:
                lower_end(s, 0);
                return true;
        case OP_TRY:
                lower_block(s, in);
                return true;
        case OP_CATCH:
                lower_catch_part(s, in->index);
                return true;
        case OP_CATCH_ALL:
                lower_catch_part(s, UINT32_MAX);
                return true;
        case OP_DELEGATE:
                lower_end(s, in->index);
                return true;
        case OP_BR_TABLE:
                lower_br_table(s, in);
                return true;
        default:
                break;
        }
        if (s->dead)
                return true; /* nothing else opens or closes a block, or reads past immediates */
        switch (in->op) {
        case OP_UNREACHABLE:
                body_mark(s, in->at);
                trap_now(s, TRAP_UNREACHABLE);
                s->dead = true;
                return true;
        case OP_BR:
                LLVMBuildBr(l->b, branch_target(s, in->index));
                s->dead = true;
                return true;
        case OP_BR_IF:
                condition = is_true(s, pop(s));
                target = branch_target(s, in->index);
                next = new_block(s, "");
                branch_hinted(s, in, LLVMBuildCondBr(l->b, condition, target, next));
                LLVMPositionBuilderAtEnd(l->b, next);
                return true;
        case OP_BR_ON_NULL:
        case OP_BR_ON_NON_NULL:
                lower_branch_on(s, in, in->op == OP_BR_ON_NULL);
                return true;
        case OP_REF_AS_NON_NULL:
                body_mark(s, in->at);
                trap_if(s, LLVMBuildICmp(l->b, LLVMIntEQ, s->stack[s->depth - 1], const_i64(l, 0), ""),
                        TRAP_NULL_REFERENCE);
                return true;
        case OP_RETURN:
                lower_return(s);
                s->dead = true;
                return true;
        default:
                return false;
        }
}
