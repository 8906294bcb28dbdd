/* logs.h - the last lines of each unit, kept in memory for `nacelle logs`.
 *
 * A zeroed struct is empty. Lines get numbers that rise over all units, so that whoever follows several
 * can put them in order. What is kept of one unit is bounded in bytes.
 *
 * logs_add - a line, escaped already. @guest: 0 for none. logs_done - forget all.
 * logs_after - the first kept line with a number above @number, NULL: none. logs_count_after - how many. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define LOGS_LINES_MAX 1024u
#define LOGS_BYTES_MAX (128u << 10)

enum log_stream { LOG_STREAM_EVENT, LOG_STREAM_STDOUT, LOG_STREAM_STDERR };

struct log_line {
        uint64_t number, time_us, guest;
        enum log_stream stream;
        size_t bytes;
        char text[];
};

struct logs {
        struct log_line **lines; /* a ring of LOGS_LINES_MAX */
        unsigned first, n;
        size_t bytes;
};

void logs_add(struct logs *l, uint64_t time_us, uint64_t guest, enum log_stream stream, const char *text);
void logs_done(struct logs *l);
const struct log_line *logs_after(const struct logs *l, uint64_t number);
unsigned logs_count_after(const struct logs *l, uint64_t number);
uint64_t logs_last(void); /* the highest number so far */
const char *log_stream_text(enum log_stream stream);
