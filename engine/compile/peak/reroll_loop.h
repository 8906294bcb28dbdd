/* reroll_loop.h - a loop of one block, seen as copies of the same work (reroll.c and reroll_match.c only).
 *
 * Copy 0 is the first; the image of a value in copy j is what computes the same there. A linear value grows
 * by the same amount from copy to copy: it needs no image. For other phis the image in copy 1 is what the
 * phi holds one turn of the rolled loop later. */
#pragma once

#include "engine/compile/peak/lower.h"

#define LOOP_VALUES 192
#define LOOP_COPIES 8
#define NO_COPY     0xff

struct loop {
        struct lowering *l;
        LLVMBasicBlockRef block;
        unsigned nvalues, nphis, ncopies, back; /* back: the incoming edge of the phis that is the loop's own */
        LLVMValueRef values[LOOP_VALUES];       /* phis first, the terminator last */
        uint16_t slots[4 * LOOP_VALUES];        /* of a table: index in values + 1 */
        bool linear[LOOP_VALUES];
        uint64_t step[LOOP_VALUES];             /* of the linear ones, from copy to copy */
        uint8_t copy[LOOP_VALUES];              /* the copy that a value belongs to, or NO_COPY */
        LLVMValueRef image[LOOP_COPIES][LOOP_VALUES];
        unsigned exit_phi;                      /* the loop ends when this phi + exit_add is exit_bound */
        uint64_t exit_add;
        LLVMValueRef exit_bound;
};

/* Index of @v, or LOOP_VALUES for one from outside. */
unsigned loop_index(const struct loop *p, LLVMValueRef v);
/* @block is a loop of its own, small enough, with memory accesses that may be copies. */
bool loop_read(struct loop *p, struct lowering *l, LLVMBasicBlockRef block);
/* The loop is @ncopies copies; what they are is in .copy and .image. */
bool loop_match(struct loop *p, unsigned ncopies);
/* .exit_add and so on, where the loop ends behind a whole number of copies in either form. */
bool loop_exit(struct loop *p);
/* @v is the sum of the other value and a constant: sums of the same terms. */
bool loop_difference(const struct loop *p, LLVMValueRef v, LLVMValueRef other, uint64_t *ret);
/* An addition, however it is written. */
bool is_sum(LLVMValueRef v);
