#include "supervisor/proto/exits.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/cleanup.h"

static const struct {
        int status;
        const char *what;
} exits[] = {
#define CELL_EXIT(name, status, what) { status, what },
#include "supervisor/proto/exits.def"
};

bool cell_exit_text(int status, char *text, size_t size)
{
        for (size_t i = 0; i < ELEMENTSOF(exits); i++)
                if (exits[i].status == status) {
                        snprintf(text, size, "%s", exits[i].what);
                        return true;
                }
        if (status <= CELL_EXIT_RING || status > 255)
                return false;
        snprintf(text, size, "waiting in its ring failed: %s", strerror(status - CELL_EXIT_RING));
        return true;
}
