/* options.h - a command line of the kind that container engines write: "--name value", "--name=value", and one
 * dash for two.
 *
 * oci_options_parse - walk @argv[0..@argc) until the first word that is no option, or for all of it with @mixed; each
 *   row's value goes to its offset in @values. @operands: the other words, room for @argc; *@ret_n of them.
 *   *@ret_used: words that were looked at. Returns 0, or -EINVAL: what is not in the table, or refused there, is
 *   named with the reason. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

enum oci_option_type { OPTION_SWITCH, OPTION_TEXT, OPTION_COUNT };

struct oci_option {
        const char *name;
        char letter;              /* or 0 */
        enum oci_option_type type;
        size_t offset;            /* of a bool, const char *, unsigned */
        const char *text;         /* for the help */
        const char *refused;      /* why it is refused; NULL: it is not. With OPTION_COUNT: why more than 0 is */
};

_must_check_ int oci_options_parse(const struct oci_option *table, void *values, int argc, char **argv, bool mixed,
                                   const char **operands, unsigned *ret_n, int *ret_used, struct error *err);
