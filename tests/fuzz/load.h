/* load.h - a generated module, compiled and instantiated in this process, and calls of its exports.
 *
 * load_init - once in a process: what guests need, and room for @code_bytes of code
 * load_module - @wasm through decoder, validator, one generator, the artefact and back. What it makes lives until
 *   the process ends. Returns 0 or what one of them returned.
 * call_parse - one line of the calls that generate.h describes: the export and its arguments. @line: changed.
 *   Returns 0 or -EINVAL (no such export). */
#pragma once

#include "engine/compile/compile.h"
#include "engine/instance/instance.h"
#include "tests/fuzz/generate.h"

struct loading {
        enum tier tier;
        uint64_t cpu;  /* 0: the host's */
        bool collects; /* the heap is collected at every allocation */
        uint64_t features;
};

struct call {
        const char *export;
        struct extern_value function;
        union value args[2 * SIGNATURE_MAX];
};

_must_check_ int load_init(size_t code_bytes, struct error *err);
_must_check_ int load_module(const struct loading *l, const struct buffer *wasm, struct instance **ret,
                             struct error *err);
_must_check_ int call_parse(const struct instance *i, char *line, struct call *ret);
