/* error.h - one error: which stage, what errno, where in the input, and a sentence.
 *
 * The struct lives on the caller's stack: nothing to allocate when memory is short, nothing to
 * free. The function that fails says what is wrong (error_set), each caller says whose it is
 * (error_prefix), and only main and the event loops print (error_print). Functions return the
 * negative errno and leave their outputs untouched on failure; an error is untouched on success.
 *
 * error_set - fill @err and return @code.
 * @err: may be NULL, then only the code is returned
 * @code: negative errno. -EBADMSG: a rule of the format is broken; -E2BIG: a limit of ours;
 *        -ENOMEM; -EOPNOTSUPP: a feature or a kernel layer that is absent; -EACCES: policy
 * @offset: byte offset in the input, or ERROR_NOWHERE
 *
 * error_prefix - put "prefix: " before the text; returns the code that @err holds. */
#pragma once

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/cleanup.h"

#define ERROR_NOWHERE UINT64_MAX

enum stage {
        STAGE_NONE,
#define STAGE(name, text) STAGE_##name,
#include "engine/base/stages.def"
        _STAGE_MAX,
};

struct error {
        int code;        /* < 0 once set */
        enum stage stage;
        uint64_t offset; /* of the input, or ERROR_NOWHERE */
        char text[256];
};

_printf_(5, 6) int error_set(struct error *err, enum stage stage, int code, uint64_t offset,
                             const char *format, ...);
_printf_(2, 3) int error_prefix(struct error *err, const char *format, ...);

/* "STAGE: TEXT (at byte OFFSET)" on one line, control characters escaped. */
void error_print(FILE *stream, const char *program, const struct error *err);

const char *stage_text(enum stage stage);
