/* oci.h - nacelle-oci, a runtime of containers by the OCI's runtime specification: what its commands share.
 *
 * A container is one nanoprocess in a cell of its own. Its process is that cell's broker, the code of
 * `nacelle run --unit`: `create` forks it and goes, so whoever is the subreaper, an engine's shim, awaits its end.
 *
 * Each command is a function of main.c's table; it returns the exit status, or negative errno with @err, which main() writes to
 * the log file, where engines look for it, and to stderr. */
#pragma once

#include "engine/base/error.h"
#include "shim/oci/options.h"

#define OCI_VERSION "1.2.0" /* of the specification */

struct globals {
        const char *root;     /* directory of the states */
        const char *log, *log_format;
        const char *cgroup_manager, *rootless, *criu;
        bool debug, systemd_cgroup;
};

struct oci_command {
        const char *name, *operands, *text;
        unsigned operands_min, operands_max;
        const struct oci_option *options; /* ends with a row without name */
        /* @values: where the options' values went, by their offsets. */
        int (*main)(const struct globals *g, const void *values, const char *const *operands, unsigned n,
                    struct error *err);
        size_t values_bytes;
};

extern const struct oci_command create_command, run_command, start_command, kill_command, delete_command,
        state_command, list_command, features_command, spec_command;
