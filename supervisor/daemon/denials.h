/* denials.h - one record for each refusal, in the broker's words: a cell's own are quoted, never believed.
 *
 * denial_write - to the journal, with every field that is known. What is NULL or 0 is left out; @text is escaped. */
#pragma once

#include "supervisor/daemon/daemon.h"

struct denial {
        const char *layer;             /* of policy/denials.def */
        const char *op;                /* a system call, a limit's setting */
        const char *object, *key;      /* escaped */
        const char *import;            /* which of those that the unit's module imports from; NULL: itself */
        const char *stage;             /* NULL: running */
        const struct service *service; /* NULL: of nobody alone */
        uint64_t guest;
        pid_t cell;
        uint64_t count;                /* so far */
};

void denial_write(int priority, const struct denial *d, const char *text);
