/* options.h - the command line as tables: what is parsed is what --help shows.
 *
 * options_parse - walk argv[1..] of a command.
 * @target: the command's own struct; each row's set() stores into it
 * @operands: on success the words that are no options, in order, @ret_n of them; room for argc
 *   With command->stops_at_operand the first operand ends the options, and everything behind it is an
 *   operand too (the guest's own arguments). "--" ends the options everywhere.
 * Returns 0, or -EINVAL with the offending word named. A row that is not many may come once.
 *
 * options_ask_help - is "--help" or "-h" among the options, as options_parse() would find them? */
#pragma once

#include <stdbool.h>

#include "engine/base/error.h"

struct option_row {
        const char *name;     /* long, without the dashes */
        char letter;          /* short form, or 0 */
        const char *value;    /* what the help calls the value; NULL: a switch; "[=X]": may be left
                           * out, and set() gets NULL then */
        bool many;            /* may be repeated */
        int (*set)(void *target, const char *value, struct error *err); /* value NULL for a switch */
        const char *text;     /* for the help, a clause without a full stop */
};

#define OPTIONS_MAX 24

struct command {
        const char *name;
        const char *operands; /* for the help: "FILE [ARGUMENT]..." */
        unsigned operands_min, operands_max;
        bool stops_at_operand;
        int (*main)(const struct command *self, int argc, char **argv); /* returns the exit status */
        const char *text;     /* a clause */
        const struct option_row *options; /* ends with a row without name */
};

_must_check_ int options_parse(const struct command *command, void *target, int argc, char **argv,
                               const char **operands, unsigned *ret_n, struct error *err);

bool options_ask_help(const struct command *command, int argc, char **argv);

/* Usage, text and options of @command, wrapped for a terminal. */
void options_help(FILE *stream, const struct command *command);
