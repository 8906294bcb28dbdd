/* wasi.h - the functions of wasi.def as the guest calls them: numbers of the guest in, an errno of
 * WASI out. Each finds its struct wasi through instance_current(). Addresses come as plain words
 * and become a struct guest_ptr at once (guest.h).
 *
 * Every function is decode, then do: NAME_check() looks at the words and the guest's memory, once,
 * and makes a struct of the host from them, or an error, without effect; NAME_do() takes only that.
 *
 * Where a line ends with "spill: ...", further parameters come through the spill area (abi.h). */
#pragma once

#include <stdint.h>

uint32_t wasi_args_get(uint32_t argv, uint32_t buffer);
uint32_t wasi_args_sizes_get(uint32_t ret_n, uint32_t ret_bytes);
uint32_t wasi_environ_get(uint32_t environ, uint32_t buffer);
uint32_t wasi_environ_sizes_get(uint32_t ret_n, uint32_t ret_bytes);

uint32_t wasi_clock_res_get(uint32_t clock, uint32_t ret_ns);
uint32_t wasi_clock_time_get(uint32_t clock, uint64_t precision_ns, uint32_t ret_ns);

uint32_t wasi_fd_advise(uint32_t fd, uint64_t offset, uint64_t bytes, uint32_t advice);
uint32_t wasi_fd_allocate(uint32_t fd, uint64_t offset, uint64_t bytes);
uint32_t wasi_fd_close(uint32_t fd);
uint32_t wasi_fd_datasync(uint32_t fd);
uint32_t wasi_fd_fdstat_get(uint32_t fd, uint32_t ret_stat);
uint32_t wasi_fd_fdstat_set_flags(uint32_t fd, uint32_t flags);
uint32_t wasi_fd_fdstat_set_rights(uint32_t fd, uint64_t rights, uint64_t inheriting);
uint32_t wasi_fd_filestat_get(uint32_t fd, uint32_t ret_stat);
uint32_t wasi_fd_filestat_set_size(uint32_t fd, uint64_t bytes);
uint32_t wasi_fd_filestat_set_times(uint32_t fd, uint64_t atime, uint64_t mtime, uint32_t flags);
uint32_t wasi_fd_pread(uint32_t fd, uint32_t iovs, uint32_t n, uint64_t offset, uint32_t ret_bytes);
uint32_t wasi_fd_prestat_get(uint32_t fd, uint32_t ret_stat);
uint32_t wasi_fd_prestat_dir_name(uint32_t fd, uint32_t buffer, uint32_t bytes);
uint32_t wasi_fd_pwrite(uint32_t fd, uint32_t iovs, uint32_t n, uint64_t offset,
                        uint32_t ret_bytes);
uint32_t wasi_fd_read(uint32_t fd, uint32_t iovs, uint32_t n, uint32_t ret_bytes);
uint32_t wasi_fd_readdir(uint32_t fd, uint32_t buffer, uint32_t bytes, uint64_t cookie,
                         uint32_t ret_bytes);
uint32_t wasi_fd_renumber(uint32_t fd, uint32_t to);
uint32_t wasi_fd_seek(uint32_t fd, uint64_t offset, uint32_t whence, uint32_t ret_position);
uint32_t wasi_fd_sync(uint32_t fd);
uint32_t wasi_fd_tell(uint32_t fd, uint32_t ret_position);
uint32_t wasi_fd_write(uint32_t fd, uint32_t iovs, uint32_t n, uint32_t ret_bytes);

uint32_t wasi_path_create_directory(uint32_t fd, uint32_t path, uint32_t bytes);
uint32_t wasi_path_filestat_get(uint32_t fd, uint32_t lookup, uint32_t path, uint32_t bytes,
                                uint32_t ret_stat);
uint32_t wasi_path_filestat_set_times(uint32_t fd, uint32_t lookup, uint32_t path, uint32_t bytes,
                                      uint64_t atime, uint64_t mtime); /* spill: flags */
uint32_t wasi_path_link(uint32_t fd, uint32_t lookup, uint32_t path, uint32_t bytes,
                        uint32_t new_fd, uint32_t new_path); /* spill: new_bytes */
uint32_t wasi_path_open(uint32_t fd, uint32_t lookup, uint32_t path, uint32_t bytes,
                        uint32_t oflags, uint64_t rights); /* spill: inheriting, fdflags, ret_fd */
uint32_t wasi_path_readlink(uint32_t fd, uint32_t path, uint32_t bytes, uint32_t buffer,
                            uint32_t room, uint32_t ret_bytes);
uint32_t wasi_path_remove_directory(uint32_t fd, uint32_t path, uint32_t bytes);
uint32_t wasi_path_rename(uint32_t fd, uint32_t path, uint32_t bytes, uint32_t new_fd,
                          uint32_t new_path, uint32_t new_bytes);
uint32_t wasi_path_symlink(uint32_t content, uint32_t content_bytes, uint32_t fd, uint32_t path,
                           uint32_t bytes);
uint32_t wasi_path_unlink_file(uint32_t fd, uint32_t path, uint32_t bytes);

uint32_t wasi_poll_oneoff(uint32_t subscriptions, uint32_t events, uint32_t n, uint32_t ret_n);

__attribute__((noreturn)) void wasi_proc_exit(uint32_t status);
uint32_t wasi_proc_raise(uint32_t signal);
uint32_t wasi_sched_yield(void);
uint32_t wasi_random_get(uint32_t buffer, uint32_t bytes);

uint32_t wasi_sock_accept(uint32_t fd, uint32_t flags, uint32_t ret_fd);
uint32_t wasi_sock_recv(uint32_t fd, uint32_t iovs, uint32_t n, uint32_t flags, uint32_t ret_bytes,
                        uint32_t ret_flags);
uint32_t wasi_sock_send(uint32_t fd, uint32_t iovs, uint32_t n, uint32_t flags,
                        uint32_t ret_bytes);
uint32_t wasi_sock_shutdown(uint32_t fd, uint32_t how);
