/* descriptors.h - messages between our own processes that bring descriptors (unix(7), SCM_RIGHTS).
 *
 * descriptors_send - @bytes with the @n descriptors @fds, at most DESCRIPTORS_MAX; 0: none. @flags: MSG_DONTWAIT or 0.
 *   Returns 0 or negative errno. The descriptors stay the caller's.
 * descriptors_receive - at most @size bytes, and at most @most descriptors, which are the caller's from then on and
 *   closed by exec. Who sends may be hostile: a message with more of them is refused, and all that came are closed.
 *   Returns how many bytes; 0: the other end is gone; -EPROTO: too many descriptors; other negative errno. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#define DESCRIPTORS_MAX 128u

int descriptors_send(int sock, const void *bytes, size_t size, const int *fds, unsigned n, int flags);
ssize_t descriptors_receive(int sock, void *bytes, size_t size, int *fds, unsigned most, unsigned *ret_n, int flags);
