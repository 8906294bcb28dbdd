#include "engine/decode/decode.h"
#include "engine/validate/validate.h"
#include "tests/spec/hosts.h"

static int check_load(void *host, const uint8_t *bytes, size_t size, uint32_t *ret_module,
                      struct error *err)
{
        _cleanup_(module_freep) struct module *m = NULL;
        _cleanup_(checked_module_freep) struct checked_module *c = NULL;
        const uint64_t *features = host;
        int r = module_decode(bytes, size, &limits_default, *features, 0, &m, err);

        if (r >= 0)
                r = module_validate(m, &limits_default, *features, 1, &c, err);
        if (r >= 0)
                *ret_module = 0;
        return r;
}

const struct script_host host_check = { .load = check_load };
