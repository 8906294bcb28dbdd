/* attacks_helper.h - what attack code tries in a process that only helps: the connector, the path server. Each returns
 * a number >= 0 when it worked, else the negative errno that stopped it. */
#pragma once

#include <sys/types.h>

extern pid_t helper_driver; /* whom to attack; set before the helper is forked */

long read_passwd(void);
long read_itself(void);
long list_root(void);
long write_file(void);
long run_program(void);
long another_process(void);
long signal_driver(void);
long read_driver(void);
long new_code(void);
long new_ring(void);
long raw_socket(void);
long tcp_socket(void);
long become_nobody(void);
