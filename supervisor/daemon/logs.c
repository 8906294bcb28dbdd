/* logs.c - see logs.h. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/cleanup.h"
#include "supervisor/daemon/logs.h"

static uint64_t last_number;

static struct log_line *at(const struct logs *l, unsigned i)
{
        return l->lines[(l->first + i) % LOGS_LINES_MAX];
}

static void drop_first(struct logs *l)
{
        struct log_line *line = at(l, 0);

        l->bytes -= line->bytes + sizeof(*line);
        free(line);
        l->first = (l->first + 1) % LOGS_LINES_MAX;
        l->n--;
}

void logs_add(struct logs *l, uint64_t time_us, uint64_t guest, enum log_stream stream, const char *text)
{
        size_t bytes = strlen(text) + 1;
        struct log_line *line = malloc(sizeof(*line) + bytes);

        if (!l->lines)
                l->lines = calloc(LOGS_LINES_MAX, sizeof(*l->lines));
        if (!line || !l->lines) {
                free(line);
                return;
        }
        *line = (struct log_line) { ++last_number, time_us, guest, stream, bytes };
        memcpy(line->text, text, bytes);
        while (l->n && (l->n == LOGS_LINES_MAX || l->bytes + sizeof(*line) + bytes > LOGS_BYTES_MAX))
                drop_first(l);
        l->lines[(l->first + l->n++) % LOGS_LINES_MAX] = line;
        l->bytes += sizeof(*line) + bytes;
}

void logs_done(struct logs *l)
{
        while (l->n)
                drop_first(l);
        free(l->lines);
        *l = (struct logs) { 0 };
}

static unsigned find_after(const struct logs *l, uint64_t number)
{
        unsigned low = 0, high = l->n;

        while (low < high) {
                unsigned middle = low + (high - low) / 2;

                if (at(l, middle)->number <= number)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

const struct log_line *logs_after(const struct logs *l, uint64_t number)
{
        unsigned i = find_after(l, number);

        return i < l->n ? at(l, i) : NULL;
}

unsigned logs_count_after(const struct logs *l, uint64_t number)
{
        return l->n - find_after(l, number);
}

uint64_t logs_last(void)
{
        return last_number;
}

const char *log_stream_text(enum log_stream stream)
{
        static const char *const texts[] = {
                [LOG_STREAM_EVENT] = "event",
                [LOG_STREAM_STDOUT] = "stdout",
                [LOG_STREAM_STDERR] = "stderr",
        };

        return texts[stream];
}
