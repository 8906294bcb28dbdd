#include "config.h"

#include "tests/wasi/double.h"

#ifndef RING_KIND /* test-wasi-threads has the other back end */
#define RING_KIND RING_URING
#endif


#include <arpa/inet.h>
#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct guest_double guest;

/* What engine/instance would provide. */
struct instance {
        struct wasi *host;
        uint8_t *memory;
        uint64_t bytes;
};

static struct instance instance;
static union value spill[8];
static struct instance_head head;

void *instance_host(const struct instance *i)
{
        return i->host;
}

uint8_t *instance_memory(const struct instance *i, uint64_t *ret_bytes)
{
        *ret_bytes = i->bytes;
        return i->memory;
}

union value *host_spill(unsigned index)
{
        ck_assert_uint_lt(index, ELEMENTSOF(spill));
        return &spill[index];
}

_noreturn_ void trap_raise(enum trap trap, const char *text)
{
        ck_assert_msg(guest.traps, "unexpected trap: %s", text);
        guest.trapped = trap;
        snprintf(guest.trap_text, sizeof(guest.trap_text), "%s", text);
        longjmp(guest.trap, 1);
}

static void memory_start(void)
{
        uint8_t *p = mmap(NULL, GUEST_BYTES + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        ck_assert_ptr_ne(p, MAP_FAILED);
        ck_assert_int_eq(mprotect(p, GUEST_BYTES, PROT_READ | PROT_WRITE), 0);
        guest.memory = p;
        instance = (struct instance) { .memory = p, .bytes = GUEST_BYTES };
        head.self = &instance;
        ck_assert_int_eq(syscall(SYS_arch_prctl, ARCH_SET_GS, (char *)&head + sizeof(head)), 0);
}

void double_set_memory(uint8_t *memory, uint64_t bytes)
{
        instance.memory = memory;
        instance.bytes = bytes;
}

static int listener_start(void)
{
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t n = sizeof(a);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
        ck_assert_int_eq(listen(fd, 16), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &n), 0);
        guest.port = ntohs(a.sin_port);
        return fd;
}

void double_start(const struct double_options *o)
{
        static const struct double_options usual = { .stdio = { -EBADF, -EBADF, -EBADF },
                                                     .no_stdio = true };
        static const struct wasi_grant_dir dirs[] = {
                { .guest_path = "/d", .handle = 0 },
                { .guest_path = "/ro", .handle = 1, .read_only = true },
        };
        struct wasi_config config = { .path_call = double_path_call, .dirs = dirs };
        struct error err;

        if (!o)
                o = &usual;
        guest = (struct guest_double) { .directory = "/tmp/nacelle-wasi-XXXXXX" };
        memory_start();
        ck_assert_ptr_nonnull(mkdtemp(guest.directory));
        make_directory("ro");
        double_paths_open(guest.directory);
        ck_assert_int_eq(ring_new_kind(RING_KIND, 64, &guest.ring, &err), 0);
        ck_assert_int_eq(ring_restrict(guest.ring, &err), 0);
        guest.listener = listener_start();

        config.ring = guest.ring;
        config.alone = o->alone;
        config.ndirs = o->no_dirs ? 0 : 2;
        config.nlisten = o->no_dirs ? 0 : 1;
        config.listen = &guest.listener;
        for (int i = 0; i < 3; i++)
                config.stdio[i] = o->no_stdio ? -EBADF : o->stdio[i];
        config.args = o->args;
        config.nargs = o->nargs;
        config.env = o->env;
        config.nenv = o->nenv;
        config.files_max = o->files_max;
        config.clock_resolution_ns = o->clock_resolution_ns;
        config.random_max_bytes = o->random_max_bytes;
        config.cpu_time_ns = o->cpu_time_ns;
        ck_assert_int_eq(wasi_new(&config, &guest.wasi, &err), 0);
        instance.host = guest.wasi;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        return remove(path);
}

void double_stop(void)
{
        wasi_close_all(guest.wasi);
        ck_assert_uint_eq(double_paths_handles(), 0);
        /* Outcomes of cancellations may be left; anything else would never come, and time out. */
        while (ring_in_flight(guest.ring))
                ck_assert_int_ge(ring_poll(guest.ring, true), 0);
        wasi_free(guest.wasi);
        ring_free(guest.ring);
        double_paths_close();
        nftw(guest.directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        munmap(guest.memory, GUEST_BYTES + 4096);
}

void double_setup(void)
{
        double_start(NULL);
}

void double_teardown(void)
{
        double_stop();
}

void put_bytes(uint32_t at, const void *bytes, size_t n)
{
        memcpy(guest.memory + at, bytes, n);
}

void put_u32(uint32_t at, uint32_t value)
{
        put_bytes(at, &value, sizeof(value));
}

uint32_t get_u32(uint32_t at)
{
        uint32_t value;

        memcpy(&value, guest.memory + at, sizeof(value));
        return value;
}

uint64_t get_u64(uint32_t at)
{
        uint64_t value;

        memcpy(&value, guest.memory + at, sizeof(value));
        return value;
}

void put_iov(unsigned index, uint32_t address, uint32_t bytes)
{
        put_u32(AT_IOV + 8 * index, address);
        put_u32(AT_IOV + 8 * index + 4, bytes);
}

uint32_t put_path(uint32_t at, const char *path)
{
        /* Without the terminator: the guest's strings have none, and garbage behind. */
        put_bytes(at, path, strlen(path));
        guest.memory[at + strlen(path)] = '#';
        return strlen(path);
}

uint32_t do_open(uint32_t dir, uint32_t lookup, const char *path, uint32_t oflags, uint64_t rights,
                 uint64_t inheriting, uint32_t fdflags, uint32_t *ret_fd)
{
        uint32_t e, n = put_path(AT_PATH, path);

        spill[0].i64 = inheriting;
        spill[1].i64 = fdflags;
        spill[2].i64 = AT_RET;
        put_u32(AT_RET, 0xdeadbeef);
        e = wasi_path_open(dir, lookup, AT_PATH, n, oflags, rights);
        if (e)
                ck_assert_uint_eq(get_u32(AT_RET), 0xdeadbeef);
        else if (ret_fd)
                *ret_fd = get_u32(AT_RET);
        return e;
}

uint32_t do_write(uint32_t fd, const char *text)
{
        uint32_t e;

        put_bytes(AT_DATA, text, strlen(text));
        put_iov(0, AT_DATA, strlen(text));
        put_u32(AT_RET, 0xdeadbeef);
        e = wasi_fd_write(fd, AT_IOV, 1, AT_RET);
        ck_assert_uint_eq(get_u32(AT_RET), e ? 0xdeadbeef : strlen(text));
        return e;
}

uint32_t do_read(uint32_t fd, char *ret, uint32_t room, uint32_t *ret_bytes)
{
        uint32_t e;

        put_iov(0, AT_OUT, room);
        put_u32(AT_RET, 0xdeadbeef);
        e = wasi_fd_read(fd, AT_IOV, 1, AT_RET);
        if (e) {
                ck_assert_uint_eq(get_u32(AT_RET), 0xdeadbeef);
                return e;
        }
        ck_assert_uint_le(get_u32(AT_RET), room);
        *ret_bytes = get_u32(AT_RET);
        memcpy(ret, guest.memory + AT_OUT, *ret_bytes);
        return 0;
}

uint32_t do_stat(uint32_t dir, uint32_t lookup, const char *path, struct wasi_filestat *ret)
{
        uint32_t e = wasi_path_filestat_get(dir, lookup, AT_PATH, put_path(AT_PATH, path), AT_OUT);

        if (!e)
                memcpy(ret, guest.memory + AT_OUT, sizeof(*ret));
        return e;
}

uint32_t do_path(uint32_t (*f)(uint32_t, uint32_t, uint32_t), uint32_t dir, const char *path)
{
        return f(dir, AT_PATH, put_path(AT_PATH, path));
}

uint32_t do_rename(uint32_t dir, const char *from, uint32_t dir2, const char *to)
{
        uint32_t n = put_path(AT_PATH, from), n2 = put_path(AT_PATH2, to);

        return wasi_path_rename(dir, AT_PATH, n, dir2, AT_PATH2, n2);
}

uint32_t do_link(uint32_t dir, uint32_t lookup, const char *from, uint32_t dir2, const char *to)
{
        uint32_t n = put_path(AT_PATH, from);

        spill[0].i64 = put_path(AT_PATH2, to);
        return wasi_path_link(dir, lookup, AT_PATH, n, dir2, AT_PATH2);
}

uint32_t do_symlink(const char *content, uint32_t dir, const char *path)
{
        uint32_t n = put_path(AT_PATH, content), n2 = put_path(AT_PATH2, path);

        return wasi_path_symlink(AT_PATH, n, dir, AT_PATH2, n2);
}

uint32_t do_readlink(uint32_t dir, const char *path, char *ret, uint32_t room, uint32_t *ret_bytes)
{
        uint32_t e = wasi_path_readlink(dir, AT_PATH, put_path(AT_PATH, path), AT_OUT, room, AT_RET);

        if (!e) {
                *ret_bytes = get_u32(AT_RET);
                ck_assert_uint_le(*ret_bytes, room);
                memcpy(ret, guest.memory + AT_OUT, *ret_bytes);
        }
        return e;
}

static void host_path(const char *name, char ret[static 256])
{
        snprintf(ret, 256, "%s/%s", guest.directory, name);
}

void make_file(const char *name, const char *content)
{
        char path[256];
        FILE *f;

        host_path(name, path);
        f = fopen(path, "we");
        ck_assert_ptr_nonnull(f);
        ck_assert_int_ge(fputs(content, f), 0);
        ck_assert_int_eq(fclose(f), 0);
}

void make_directory(const char *name)
{
        char path[256];

        host_path(name, path);
        ck_assert_int_eq(mkdir(path, 0777), 0);
}
