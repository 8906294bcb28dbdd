/* status.c - which exit status an error means: sysexits.h where it has a number for it. */
#include "supervisor/broker/broker.h"

int error_status(const struct error *err)
{
        static const struct {
                enum stage stage;
                int code; /* 0: any */
                int status;
        } rows[] = {
                { STAGE_USAGE,       -ENOENT,  STATUS_NO_INPUT },
                { STAGE_USAGE,       -EISDIR,  STATUS_NO_INPUT },
                { STAGE_USAGE,       -EACCES,  STATUS_NO_INPUT },
                { STAGE_USAGE,       -ENOTDIR, STATUS_NO_INPUT },
                { STAGE_USAGE,       0,        STATUS_USAGE    },
                { STAGE_DECODE,      0,        STATUS_BAD_DATA },
                { STAGE_VALIDATE,    0,        STATUS_BAD_DATA },
                { STAGE_TEXT,        0,        STATUS_BAD_DATA },
                { STAGE_COMPILE,     0,        STATUS_BAD_DATA },
                { STAGE_ARTEFACT,    0,        STATUS_BAD_DATA },
                { STAGE_LINK,        0,        STATUS_BAD_DATA },
                { STAGE_INSTANTIATE, 0,        STATUS_BAD_DATA },
                { STAGE_POLICY,      0,        STATUS_CONFIG   },
                { STAGE_RING,        0,        STATUS_CONFIG   },
        };

        if (err->code == -ENOMEM)
                return STATUS_INTERNAL;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (rows[i].stage == err->stage && (!rows[i].code || rows[i].code == err->code))
                        return rows[i].status;
        return STATUS_INTERNAL;
}
