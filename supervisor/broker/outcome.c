/* outcome.c - what the cell answered, or how it died, as an outcome for the command.
 *
 * Every word of it came from a hostile process: numbers are bounded, text is escaped and cut. */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "supervisor/broker/internal.h"

char *text_escape(const char *bytes, size_t n, char *text, size_t size)
{
        size_t at = 0;

        for (size_t i = 0; i < n && bytes[i]; i++) {
                unsigned char c = (unsigned char)bytes[i];
                bool plain = c >= 0x20 && c < 0x7f && c != '\\';

                if (at + 5 > size)
                        break;
                if (plain)
                        text[at++] = (char)c;
                else
                        at += (size_t)snprintf(text + at, size - at, "\\x%02x", c);
        }
        text[at] = '\0';
        return text;
}

struct writer {
        char *text;
        size_t size, at;
};

_printf_(2, 3) static void put(struct writer *w, const char *format, ...)
{
        va_list args;
        int n;

        if (w->at + 1 >= w->size)
                return;
        va_start(args, format);
        n = vsnprintf(w->text + w->at, w->size - w->at, format, args);
        va_end(args);
        if (n > 0)
                w->at += (size_t)n < w->size - w->at ? (size_t)n : w->size - w->at - 1;
}

static void put_frame(struct writer *w, const struct wire_frame *f)
{
        char name[4 * sizeof(f->name) + 1];

        put(w, "\n    at ");
        text_escape(f->name, sizeof(f->name), name, sizeof(name));
        if (name[0])
                put(w, "%s ", name);
        if (f->function == UINT32_MAX)
                put(w, "(unknown function)");
        else if (f->offset == UINT64_MAX)
                put(w, "(function %" PRIu32 ")", f->function);
        else
                put(w, "(function %" PRIu32 ", wasm offset 0x%" PRIx64 ")", f->function, f->offset);
}

void outcome_text(enum trap trap, const char *said, size_t said_bytes, const struct wire_frame *frames,
                  uint32_t nframes, uint32_t nframes_all, char *text, size_t size)
{
        struct writer w = { .text = text, .size = size };
        char escaped[4 * 256 + 1];

        text[0] = '\0';
        text_escape(said, said_bytes, escaped, sizeof(escaped));
        if (trap != TRAP_NONE)
                put(&w, "trap: %s%s", trap_text(trap), escaped[0] ? ": " : "");
        put(&w, "%s", escaped);
        for (uint32_t i = 0; i < nframes; i++)
                put_frame(&w, &frames[i]);
        if (nframes_all > nframes)
                put(&w, "\n    and %" PRIu32 " more", nframes_all - nframes);
}

static void take_trap(const struct trapped_message *m, struct run_outcome *ret)
{
        ret->end = RUN_TRAPPED;
        ret->status = STATUS_TRAP;
        ret->trap = m->trap < _TRAP_MAX ? (enum trap)m->trap : TRAP_NONE;
        outcome_text(ret->trap, m->text, sizeof(m->text), m->frames, m->nframes, m->nframes_all, ret->text,
                     sizeof(ret->text));
}

static void take_values(const struct done_message *m, struct run_outcome *ret)
{
        const struct wire_value *values = (const void *)(m + 1);

        ret->end = RUN_RETURNED;
        ret->nresults = m->nvalues < RUN_RESULTS_MAX ? m->nvalues : RUN_RESULTS_MAX;
        for (unsigned i = 0; i < ret->nresults; i++) {
                ret->results[i].type = values[i].type;
                memcpy(ret->results[i].value.bits, values[i].bits, sizeof(values[i].bits));
        }
}

void outcome_take(struct broker *b, const struct answer *a, struct run_outcome *ret)
{
        memset(ret, 0, offsetof(struct run_outcome, results));
        ret->text[0] = '\0';
        snprintf(ret->missing, sizeof(ret->missing), "%s", b->missing_text);
        if (a->timed_out) {
                ret->end = RUN_TIMED_OUT;
                ret->status = STATUS_TIMEOUT;
                session_bury(b, "its time was over", ret->text, sizeof(ret->text));
        } else if (a->lost) {
                ret->end = RUN_CELL_LOST;
                ret->status = STATUS_INTERNAL;
                session_bury(b, NULL, ret->text, sizeof(ret->text));
        } else if (b->in.head.message == MESSAGE_TRAPPED) {
                take_trap((const void *)&b->in, ret);
        } else if (b->in.head.message == MESSAGE_EXITED) {
                ret->end = RUN_EXITED;
                /* WASI's status is 32 bits wide, a process has eight of them. */
                ret->status = (int)(((const struct exited_message *)(const void *)&b->in)->status & 0xff);
        } else {
                take_values((const void *)&b->in, ret);
        }
}

int answer_error(struct broker *b, struct error *err)
{
        const struct failed_message *m = (const void *)&b->in;
        int code = m->code < 0 && m->code > -4096 ? m->code : -EIO;
        enum stage stage = m->stage > STAGE_NONE && m->stage < _STAGE_MAX ? (enum stage)m->stage
                                                                         : STAGE_CELL;
        char text[sizeof(m->text)];

        text_escape(m->text, sizeof(m->text), text, sizeof(text));
        return error_set(err, stage, code, m->offset, "%s", text);
}
