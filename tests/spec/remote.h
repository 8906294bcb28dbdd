/* remote.h - code made by another process: a tree that was built for another machine, and runs under an
 * emulator, has its code made by the run-wast of this machine, which may have the optimising generator.
 *
 * remote_open - reach the one who serves over two FIFOs, which he opens in the same order.
 * remote_artefact - as process_artefact(), by that process.
 * remote_serve - be such a process, over standard input and output, until the input ends. */
#pragma once

#include "tests/spec/hosts.h"

struct remote {
        int to, from;
};

_must_check_ int remote_open(const char *to, const char *from, struct remote *ret, struct error *err);
_must_check_ int remote_artefact(const struct remote *r, uint64_t features, const uint8_t *bytes, size_t size,
                                 struct buffer *out, struct error *err);
int remote_serve(struct process_options *o);
