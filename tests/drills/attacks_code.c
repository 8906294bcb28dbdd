/* attacks_code.c - machine code of the attacker's own, and changes to what is there. */
#include "config.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/drills/attack.h"

static const uint8_t return_42[] = { 0xb8, 42, 0, 0, 0, 0xc3 }; /* mov $42, %eax; ret */

static long map(int prot, int flags, int fd)
{
        return result((long)mmap(NULL, 4096, prot, flags, fd, 0));
}

static long map_rwx(struct cell *c)
{
        return map(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static long map_rx(struct cell *c)
{
        return map(PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static void *page(void)
{
        return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long protect_x(struct cell *c)
{
        void *p = page();

        memcpy(p, return_42, sizeof(return_42));
        if (mprotect(p, 4096, PROT_READ | PROT_EXEC) < 0)
                return -errno;
        return ((int (*)(void))p)() == 42 ? 0 : -EFAULT;
}

static long pkey_protect_x(struct cell *c)
{
        return result(syscall(SYS_pkey_mprotect, page(), 4096, PROT_READ | PROT_EXEC, -1));
}

static long shm_exec(struct cell *c)
{
        return result(syscall(SYS_shmget, 0, 4096, 01777));
}

static long remap_pages(struct cell *c)
{
        return result(syscall(SYS_remap_file_pages, page(), 4096, 0, 0, 0));
}

static long personality_exec(struct cell *c)
{
        return result(syscall(SYS_personality, 0x0400000 /* READ_IMPLIES_EXEC */));
}

/* The back door that MDWE leaves open: a file in memory, written, then mapped executable. */
static long memfd_rx(struct cell *c)
{
        int fd = (int)syscall(SYS_memfd_create, "code", 0);
        void *p;

        if (fd < 0 || write(fd, return_42, sizeof(return_42)) < 0)
                return -errno;
        p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED)
                return -errno;
        return ((int (*)(void))p)() == 42 ? 0 : -EFAULT;
}

static long arena_store(struct cell *c)
{
        *(volatile uint8_t *)c->arena = 0xc3;
        return 0;
}

static long arena_protect_w(struct cell *c)
{
        return result(mprotect(c->arena, 4096, PROT_READ | PROT_WRITE));
}

static long arena_unmap(struct cell *c)
{
        return result(munmap(c->arena, 4096));
}

static long arena_map_over(struct cell *c)
{
        return result((long)mmap(c->arena, 4096, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}

static long arena_move(struct cell *c)
{
        return result(syscall(SYS_mremap, c->arena, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED,
                              page()));
}

static long arena_discard(struct cell *c)
{
        return result(madvise(c->arena, 4096, MADV_REMOVE));
}

static long text_protect_w(struct cell *c)
{
        void *text = (void *)((uintptr_t)text_protect_w & ~(uintptr_t)4095);

        return result(mprotect(text, 4096, PROT_READ | PROT_WRITE | PROT_EXEC));
}

#define ROW(name) { #name, name }

const struct attack attacks_code[] = {
        ROW(map_rwx), ROW(map_rx), ROW(protect_x), ROW(pkey_protect_x), ROW(shm_exec),
        ROW(remap_pages), ROW(personality_exec), ROW(memfd_rx), ROW(arena_store),
        ROW(arena_protect_w), ROW(arena_unmap), ROW(arena_map_over), ROW(arena_move),
        ROW(arena_discard), ROW(text_protect_w), { 0 },
};
