/* errno.c - tables of errors and rights. */
#include "shim/wasi/types.h"

#include <errno.h>
#include <string.h>

#include "engine/base/cleanup.h"

static const struct {
        int linux_errno;
        uint16_t value;
        const char *text;
} rows[] = {
#define WASI_ERRNO(name, value, linux_errno) { linux_errno, value, #name },
#include "shim/wasi/errno.def"
};

enum wasi_errno wasi_errno_of(int r)
{
        if (r >= 0)
                return WASI_SUCCESS;
        for (size_t i = 1; i < ELEMENTSOF(rows); i++)
                if (rows[i].linux_errno == -r)
                        return rows[i].value;
        return WASI_IO;
}

const char *wasi_errno_text(enum wasi_errno e)
{
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (rows[i].value == e)
                        return rows[i].text;
        return "?";
}

static const struct {
        uint32_t bit;
        const char *applies;
        bool mutates;
} rights[] = {
#define RIGHT(name, bit, applies, mutates) { 1u << bit, applies, mutates },
#include "shim/wasi/rights.def"
};

uint64_t wasi_rights_of(char kind)
{
        uint64_t all = 0;

        for (size_t i = 0; i < ELEMENTSOF(rights); i++)
                if (strchr(rights[i].applies, kind))
                        all |= rights[i].bit;
        return all;
}

uint64_t wasi_rights_mutating(void)
{
        uint64_t all = 0;

        for (size_t i = 0; i < ELEMENTSOF(rights); i++)
                if (rights[i].mutates)
                        all |= rights[i].bit;
        return all;
}
