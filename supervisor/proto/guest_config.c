/* guest_config.c - the reader of a guest's configuration. */
#include "config.h"

#include <string.h>

#include "supervisor/proto/guest_config.h"

#define STRINGS_MAX (1u << 20)

static int bad(struct error *err, const char *what)
{
        return error_set(err, STAGE_PROTOCOL, -EBADMSG, ERROR_NOWHERE, "configuration: %s", what);
}

int config_read(const uint8_t *bytes, size_t size, struct config_view *ret, struct error *err)
{
        const struct config_head *head = (const void *)bytes;
        _cleanup_free_ const char **strings = NULL;
        uint64_t n, dirs_bytes;
        const char *at, *end;

        if (size < sizeof(*head) || head->magic != CONFIG_MAGIC)
                return bad(err, "not one");
        n = (uint64_t)head->nargs + head->nenv + head->ndirs;
        if (n > STRINGS_MAX)
                return error_set(err, STAGE_PROTOCOL, -E2BIG, ERROR_NOWHERE,
                                 "configuration: more than %u strings", STRINGS_MAX);
        dirs_bytes = head->ndirs * sizeof(struct config_dir);
        if (dirs_bytes > size - sizeof(*head) ||
            head->string_bytes != size - sizeof(*head) - dirs_bytes)
                return bad(err, "length and counts disagree");

        strings = calloc(n + 1, sizeof(*strings));
        if (!strings)
                return error_set(err, STAGE_PROTOCOL, -ENOMEM, ERROR_NOWHERE, "configuration");
        at = (const char *)bytes + sizeof(*head) + dirs_bytes;
        end = (const char *)bytes + size;
        for (uint64_t i = 0; i < n; i++) {
                const char *zero = memchr(at, 0, (size_t)(end - at));

                if (!zero)
                        return bad(err, "a string without an end");
                strings[i] = at;
                at = zero + 1;
        }
        if (at != end)
                return bad(err, "bytes behind the last string");
        *ret = (struct config_view) {
                .head = head,
                .dirs = (const void *)(bytes + sizeof(*head)),
                .strings = TAKE_PTR(strings),
        };
        return 0;
}
