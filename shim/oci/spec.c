/* spec.c - nacelle-oci spec: a config.json to begin with. */
#include "config.h"

#include <fcntl.h>
#include <string.h>

#include "shim/oci/oci.h"

/* A format of two numbers: whoever is not root can be nobody else. */
#define CONFIG \
        "{\n" \
        "  \"ociVersion\": \"" OCI_VERSION "\",\n" \
        "  \"process\": {\n" \
        "    \"terminal\": false,\n" \
        "    \"user\": { \"uid\": %u, \"gid\": %u },\n" \
        "    \"args\": [ \"/main.wasm\" ],\n" \
        "    \"env\": [],\n" \
        "    \"cwd\": \"/\",\n" \
        "    \"noNewPrivileges\": true\n" \
        "  },\n" \
        "  \"root\": { \"path\": \"rootfs\", \"readonly\": true },\n" \
        "  \"linux\": {\n" \
        "    \"namespaces\": [ { \"type\": \"network\" } ]\n" \
        "  }\n" \
        "}\n"

struct spec_options { const char *bundle; };

static int spec_main(const struct globals *g, const void *values, const char *const *operands, unsigned n,
                     struct error *err)
{
        const char *bundle = ((const struct spec_options *)values)->bundle;
        _cleanup_close_ int dir = open(bundle ? bundle : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -EBADF;

        (void)g;
        (void)operands;
        (void)n;
        if (dir < 0)
                return error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "--bundle %.150s: %m", bundle ? bundle : ".");
        fd = openat(dir, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 || dprintf(fd, CONFIG, (unsigned)geteuid(), (unsigned)getegid()) < (int)sizeof(CONFIG) - 8)
                return error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "config.json: %m");
        return 0;
}

const struct oci_command spec_command = {
        .name = "spec", .operands = "", .main = spec_main, .values_bytes = sizeof(struct spec_options),
        .text = "write config.json, for a program /main.wasm in the directory rootfs",
        .options = (const struct oci_option[]) {
                { "bundle", 'b', OPTION_TEXT, offsetof(struct spec_options, bundle), "where (default: this directory)", NULL },
                { 0 },
        },
};
