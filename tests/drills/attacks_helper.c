/* attacks_helper.c - see attacks_helper.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/drills/attacks_helper.h"

pid_t helper_driver;

static char secret[] = "secret";

static long result(long r)
{
        return r < 0 ? -errno : r;
}

long read_passwd(void)
{
        return result(open("/etc/passwd", O_RDONLY));
}

long read_itself(void)
{
        return result(open("/proc/self/maps", O_RDONLY));
}

long list_root(void)
{
        return result(open("/", O_RDONLY | O_DIRECTORY));
}

long write_file(void)
{
        char path[] = "/tmp/nacelle-helper";
        long r = result(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));

        unlink(path);
        return r;
}

long run_program(void)
{
        return result(execl("/bin/true", "true", NULL));
}

long another_process(void)
{
        pid_t pid = fork();

        if (pid == 0)
                _exit(0);
        return result(pid);
}

long signal_driver(void)
{
        return result(kill(helper_driver, 0));
}

long read_driver(void)
{
        char copy[sizeof(secret)];
        struct iovec here = { copy, sizeof(copy) }, there = { secret, sizeof(secret) };

        return result(process_vm_readv(helper_driver, &here, 1, &there, 1, 0));
}

long new_code(void)
{
        void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return p == MAP_FAILED ? -errno : 0;
}

long new_ring(void)
{
        return result(syscall(SYS_io_uring_setup, 1, &(struct io_uring_params) { 0 }));
}

long raw_socket(void)
{
        return result(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

long tcp_socket(void)
{
        return result(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

long become_nobody(void)
{
        return result(setresuid(65534, 65534, 65534));
}
