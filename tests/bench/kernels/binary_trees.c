/* Trees made and walked, with an allocator of free lists. */
#include "kernel.h"

#define NODES 65536

static struct node { struct node *left, *right; } pool[NODES], *unused;
static uint32_t made;

static struct node *node_new(void)
{
        struct node *n = unused;

        if (n)
                unused = n->left;
        else
                n = &pool[made++];
        return n;
}

static NOINLINE struct node *make(int depth)
{
        struct node *n = node_new();

        n->left = depth ? make(depth - 1) : NULL;
        n->right = depth ? make(depth - 1) : NULL;
        return n;
}

static NOINLINE uint32_t count(struct node *n)
{
        uint32_t c = n->left ? 1 + count(n->left) + count(n->right) : 1;

        n->left = unused;
        unused = n;
        return c;
}

KERNEL(binary_trees)
{
        uint64_t sum = 0;

        for (uint32_t i = 0; i < n; i++)
                for (int depth = 4; depth <= 12; depth += 2)
                        sum += count(make(depth));
        return sum;
}
