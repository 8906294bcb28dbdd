#include "engine/base/error.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

static const char *const stage_texts[_STAGE_MAX] = {
        [STAGE_NONE] = "",
#define STAGE(name, text) [STAGE_##name] = text,
#include "engine/base/stages.def"
};

const char *stage_text(enum stage stage)
{
        return (unsigned)stage < _STAGE_MAX ? stage_texts[stage] : "";
}

int error_set(struct error *err, enum stage stage, int code, uint64_t offset, const char *format,
              ...)
{
        va_list ap;

        if (!err)
                return code;
        *err = (struct error) { .code = code, .stage = stage, .offset = offset };
        va_start(ap, format);
        vsnprintf(err->text, sizeof(err->text), format, ap);
        va_end(ap);
        return code;
}

int error_prefix(struct error *err, const char *format, ...)
{
        char head[sizeof(err->text)], whole[sizeof(err->text)];
        size_t n, room;
        va_list ap;

        if (!err)
                return -EINVAL;
        va_start(ap, format);
        vsnprintf(head, sizeof(head), format, ap);
        va_end(ap);
        /* What is wrong matters more than whose it is: a long prefix is cut, not the text. */
        n = strnlen(err->text, sizeof(err->text) - 1);
        room = sizeof(whole) - 1 - n;
        if (room < 3)
                return err->code;
        snprintf(whole, sizeof(whole), "%.*s: %s", (int)room - 2, head, err->text);
        memcpy(err->text, whole, sizeof(whole));
        return err->code;
}

void error_print(FILE *stream, const char *program, const struct error *err)
{
        fprintf(stream, "%s: %s%s", program, stage_text(err->stage), err->stage ? ": " : "");
        /* Texts quote names out of hostile files: no control character reaches a terminal. */
        for (const char *p = err->text; *p; p++)
                if ((unsigned char)*p < 0x20 || *p == 0x7f)
                        fprintf(stream, "\\x%02x", (unsigned char)*p);
                else
                        fputc(*p, stream);
        if (err->offset != ERROR_NOWHERE)
                fprintf(stream, " (at byte %" PRIu64 ")", err->offset);
        fputc('\n', stream);
}
