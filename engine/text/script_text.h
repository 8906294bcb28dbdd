/* script_text.h - the state of reading a script; shared by script.c and script_values.c. */
#pragma once

#include "engine/base/pool.h"
#include "engine/text/reader.h"
#include "engine/text/script.h"

struct script {
        struct reader r;      /* at the next command */
        struct pool *pool;    /* of the command that was returned last */
        struct buffer binary; /* its module */
        struct buffer scratch;
        struct script_value *values; /* stack of those being read */
        uint32_t nvalues, values_room;
        uint32_t line;        /* of .line_at */
        size_t line_at;
        bool began;
};

/* Values up to a ")" that is not theirs, in s->pool. */
const struct script_value *script_values(struct script *s, uint32_t *ret_n);
