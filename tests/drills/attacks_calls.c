/* attacks_calls.c - system calls that a cell has no business to make. */
#include "config.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/drills/attack.h"

#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif

#define PASSWD "/etc/passwd"

/* A row whose attack is one system call. */
#define CALL(name, ...)                                  \
        static long name(struct cell *c)                 \
        {                                                \
                return result(syscall(__VA_ARGS__));     \
        }

static struct open_how how_read = { .flags = O_RDONLY };
static char *const no_words[] = { NULL };
static char buffer[4096];

CALL(open_passwd, SYS_open, PASSWD, O_RDONLY)
CALL(openat_passwd, SYS_openat, AT_FDCWD, PASSWD, O_RDONLY)
CALL(openat2_passwd, SYS_openat2, AT_FDCWD, PASSWD, &how_read, sizeof(how_read))
CALL(creat_file, SYS_creat, "/tmp/nacelle-drill", 0600)
CALL(name_to_handle, SYS_name_to_handle_at, AT_FDCWD, PASSWD, buffer, buffer, 0)
CALL(open_by_handle, SYS_open_by_handle_at, AT_FDCWD, buffer, O_RDONLY)
CALL(stat_passwd, SYS_newfstatat, AT_FDCWD, PASSWD, buffer, 0)
CALL(truncate_file, SYS_truncate, "/tmp/nacelle-drill", 0)
CALL(unlink_file, SYS_unlink, "/tmp/nacelle-drill")
CALL(rename_file, SYS_rename, "/tmp/nacelle-drill", "/tmp/nacelle-drill2")
CALL(chmod_file, SYS_chmod, "/tmp/nacelle-drill", 0777)
CALL(chown_file, SYS_chown, "/tmp/nacelle-drill", 0, 0)
CALL(mkdir_dir, SYS_mkdir, "/tmp/nacelle-drill", 0700)
CALL(inotify, SYS_inotify_init1, 0)
CALL(chdir_root, SYS_chdir, "/")
CALL(utimens_path, SYS_utimensat, AT_FDCWD, "/tmp/nacelle-drill", NULL, 0)

CALL(clone3_process, SYS_clone3, buffer, 64)
CALL(exec_program, SYS_execve, "/bin/true", no_words, no_words)
CALL(execveat_program, SYS_execveat, AT_FDCWD, "/bin/true", no_words, no_words, 0)
CALL(exec_memfd, SYS_memfd_create, "program", 0)
CALL(ptrace_broker, SYS_ptrace, 16 /* PTRACE_ATTACH */, attack_broker, 0, 0)
CALL(broker_pidfd, SYS_pidfd_open, attack_broker, 0)
CALL(broker_getfd, SYS_pidfd_getfd, 0, 0, 0)
CALL(kcmp_broker, SYS_kcmp, attack_broker, attack_broker, 0, 0, 0)
CALL(madvise_broker, SYS_process_madvise, 0, NULL, 0, 0, 0)
CALL(kill_broker, SYS_kill, attack_broker, 0)
CALL(tgkill_broker, SYS_tgkill, attack_broker, attack_broker, 0)
CALL(sigqueue_broker, SYS_rt_sigqueueinfo, attack_broker, 0, buffer)

CALL(socket_inet, SYS_socket, AF_INET, SOCK_STREAM, 0)
CALL(wallet_socket, SYS_socket, AF_INET, SOCK_STREAM, 0)
CALL(socket_unix, SYS_socket, AF_UNIX, SOCK_STREAM, 0)
CALL(socket_netlink, SYS_socket, AF_NETLINK, SOCK_RAW, 0)
CALL(socket_packet, SYS_socket, AF_PACKET, SOCK_RAW, 0)
CALL(socket_alg, SYS_socket, AF_ALG, SOCK_SEQPACKET, 0)
CALL(socket_vsock, SYS_socket, AF_VSOCK, SOCK_STREAM, 0)
CALL(socket_pair, SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, buffer)
CALL(bind_socket, SYS_bind, FD_BROKER, buffer, 2)
CALL(listen_socket, SYS_listen, FD_BROKER, 1)
CALL(accept_socket, SYS_accept4, FD_BROKER, NULL, NULL, 0)
CALL(send_to, SYS_sendto, FD_BROKER, buffer, 1, MSG_DONTWAIT | MSG_NOSIGNAL, buffer, 16)
CALL(send_other, SYS_sendto, FD_BROKER, buffer, 1, MSG_OOB, NULL, 0)
CALL(receive_from, SYS_recvfrom, FD_BROKER, buffer, 1, MSG_DONTWAIT, buffer, buffer)
CALL(receive_error, SYS_recvfrom, FD_BROKER, buffer, 1, MSG_DONTWAIT | MSG_ERRQUEUE, NULL, NULL)
CALL(write_vector, SYS_writev, FD_BROKER, buffer, 0)
CALL(write_sync, SYS_pwritev2, FD_ARENA, buffer, 0, 0, 0, 2 /* RWF_DSYNC */)
CALL(read_polled, SYS_preadv2, FD_ARENA, buffer, 0, 0, 0, 1 /* RWF_HIPRI */)
CALL(write_arena, SYS_pwritev2, FD_ARENA, buffer, 1, 0, 0, 0)
CALL(poll_long, SYS_poll, buffer, 0, 1)
CALL(unblock, SYS_fcntl, FD_BROKER, F_SETFL, O_NONBLOCK)
CALL(send_fd, SYS_sendmsg, FD_BROKER, buffer, 0)
CALL(set_option, SYS_setsockopt, FD_BROKER, SOL_SOCKET, SO_RCVBUF, buffer, 4)

CALL(unshare_user, SYS_unshare, CLONE_NEWUSER)
CALL(setns_self, SYS_setns, FD_BROKER, 0)
CALL(mount_tmpfs, SYS_mount, "none", "/tmp", "tmpfs", 0, NULL)
CALL(fsopen_tmpfs, SYS_fsopen, "tmpfs", 0)
CALL(open_tree_root, SYS_open_tree, AT_FDCWD, "/", 0)
CALL(pivot, SYS_pivot_root, "/tmp", "/tmp")
CALL(chroot_tmp, SYS_chroot, "/tmp")
CALL(hostname, SYS_sethostname, "drill", 5)
CALL(keys, SYS_keyctl, 0, -3, 0, 0, 0)
CALL(add_a_key, SYS_add_key, "user", "drill", "x", 1, -3)
CALL(bpf_program, SYS_bpf, 0, buffer, 128)
CALL(perf, SYS_perf_event_open, buffer, 0, -1, -1, 0)
CALL(userfault, SYS_userfaultfd, 1 /* UFFD_USER_MODE_ONLY */)
CALL(fanotify, SYS_fanotify_init, 0, O_RDONLY)
CALL(kexec, SYS_kexec_load, 0, 0, NULL, 0)
CALL(module_load, SYS_init_module, buffer, 0, "")
CALL(quota, SYS_quotactl, 0, NULL, 0, buffer)
CALL(kernel_log, SYS_syslog, 3, buffer, sizeof(buffer))
CALL(port_level, SYS_iopl, 3)
CALL(segment, SYS_modify_ldt, 0, buffer, sizeof(buffer))
CALL(accounting, SYS_acct, NULL)

CALL(push_input, SYS_ioctl, 0, 0x5412 /* TIOCSTI */, "x")
CALL(duplicate_fd, SYS_fcntl, FD_BROKER, F_DUPFD, 100)
CALL(dumpable_again, SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)
CALL(mdwe_off, SYS_prctl, 65 /* PR_SET_MDWE */, 0, 0, 0, 0)
CALL(filter_again, SYS_seccomp, 1, 0, buffer)
CALL(call_x32, 0x40000000 | SYS_getpid)
CALL(become_root, SYS_setresuid, 0, 0, 0)
CALL(set_capabilities, SYS_capset, buffer, buffer)
CALL(set_groups, SYS_setgroups, 0, NULL)
CALL(nice_others, SYS_setpriority, PRIO_USER, 0, 0)

static long raise_limit(struct cell *c)
{
        struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

        return result(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &all, NULL));
}

static long fork_process(struct cell *c)
{
        long pid = syscall(SYS_fork);

        if (pid == 0)
                syscall(SYS_exit_group, 0);
        return result(pid);
}

static long clone_process(struct cell *c)
{
        long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

        if (pid == 0)
                syscall(SYS_exit_group, 0);
        return result(pid);
}

static long read_broker(struct cell *c)
{
        struct iovec here = { buffer, 8 }, there = { (void *)0x400000, 8 };

        return result(syscall(SYS_process_vm_readv, attack_broker, &here, 1, &there, 1, 0));
}

static long broker_mem(struct cell *c)
{
        char path[64];

        snprintf(path, sizeof(path), "/proc/%d/mem", attack_broker);
        return result(open(path, O_RDWR));
}

/* Nobody listens there: refused by the peer means that every wall let it pass. */
static long tcp_connect(struct cell *c)
{
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(1),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);

        if (fd < 0)
                return -errno;
        if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 || errno == ECONNREFUSED)
                return 0;
        return -errno;
}

/* An abstract socket outside of the cell: the broker of the drill listens there. */
static long abstract_connect(struct cell *c)
{
        struct sockaddr_un to = { .sun_family = AF_UNIX };
        int fd = (int)syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
        int n = snprintf(to.sun_path + 1, sizeof(to.sun_path) - 1, "nacelle-drill-%d", attack_broker);

        if (fd < 0)
                return -errno;
        return result(connect(fd, (struct sockaddr *)&to,
                              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)));
}

static long call_i386(struct cell *c)
{
        long r;

        /* getpid of the 32-bit table */
        __asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
        return r;
}

#define ROW(name) { #name, name }

const struct attack attacks_calls[] = {
        ROW(open_passwd), ROW(openat_passwd), ROW(openat2_passwd), ROW(creat_file),
        ROW(name_to_handle), ROW(open_by_handle), ROW(stat_passwd), ROW(truncate_file),
        ROW(unlink_file), ROW(rename_file), ROW(chmod_file), ROW(chown_file), ROW(mkdir_dir),
        ROW(inotify), ROW(chdir_root), ROW(utimens_path), ROW(fork_process), ROW(clone_process),
        ROW(clone3_process), ROW(exec_program), ROW(execveat_program), ROW(exec_memfd),
        ROW(ptrace_broker), ROW(read_broker), ROW(broker_pidfd), ROW(broker_getfd),
        ROW(kcmp_broker), ROW(madvise_broker), ROW(broker_mem), ROW(kill_broker),
        ROW(tgkill_broker), ROW(sigqueue_broker), ROW(socket_inet), ROW(socket_unix), ROW(wallet_socket),
        ROW(socket_netlink), ROW(socket_packet), ROW(socket_alg), ROW(socket_vsock),
        ROW(socket_pair), ROW(tcp_connect), ROW(abstract_connect), ROW(bind_socket),
        ROW(listen_socket), ROW(accept_socket), ROW(send_fd), ROW(send_to), ROW(send_other),
        ROW(receive_from), ROW(receive_error), ROW(write_vector), ROW(write_sync), ROW(read_polled),
        ROW(write_arena), ROW(poll_long), ROW(unblock), ROW(set_option), ROW(unshare_user),
        ROW(setns_self), ROW(mount_tmpfs), ROW(fsopen_tmpfs), ROW(open_tree_root), ROW(pivot),
        ROW(chroot_tmp), ROW(hostname), ROW(keys), ROW(add_a_key), ROW(bpf_program), ROW(perf),
        ROW(userfault), ROW(fanotify), ROW(kexec), ROW(module_load), ROW(quota), ROW(kernel_log),
        ROW(port_level), ROW(segment), ROW(accounting), ROW(push_input), ROW(duplicate_fd),
        ROW(dumpable_again), ROW(mdwe_off), ROW(filter_again), ROW(call_i386), ROW(call_x32),
        ROW(become_root), ROW(set_capabilities), ROW(set_groups), ROW(raise_limit),
        ROW(nice_others), { 0 },
};
