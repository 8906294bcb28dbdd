#include "supervisor/cli/options.h"

#include <string.h>

static const struct option_row *find_long(const struct command *command, const char *name, size_t n)
{
        for (const struct option_row *o = command->options; o->name; o++) {
                if (strlen(o->name) == n && memcmp(o->name, name, n) == 0)
                        return o;
        }
        return NULL;
}

static const struct option_row *find_short(const struct command *command, char letter)
{
        for (const struct option_row *o = command->options; o->name; o++) {
                if (o->letter && o->letter == letter)
                        return o;
        }
        return NULL;
}

/* The row that @word names, and the value that is glued to it ("--name=value", "-nvalue") or NULL. */
static const struct option_row *find(const struct command *command, const char *word,
                                     const char **ret_value)
{
        const char *equals;

        *ret_value = NULL;
        if (word[1] != '-') {
                const struct option_row *o = find_short(command, word[1]);

                if (o && word[2])
                        *ret_value = word + 2;
                return o;
        }
        equals = strchr(word, '=');
        if (!equals)
                return find_long(command, word + 2, strlen(word + 2));
        *ret_value = equals + 1;
        return find_long(command, word + 2, (size_t)(equals - word - 2));
}

static int refuse(struct error *err, const struct command *command, const char *what,
                  const char *word)
{
        return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                         "%s %s (see nacelle %s --help)", what, word, command->name);
}

static bool wants_next_word(const struct option_row *o, const char *value)
{
        return o->value && o->value[0] != '[' && !value;
}

/* Handles the option at argv[*i]; moves *i on when the value is the next word. */
static int take_option(const struct command *command, void *target, int argc, char **argv, int *i,
                       bool *seen, struct error *err)
{
        const char *word = argv[*i], *value;
        const struct option_row *o = find(command, word, &value);
        int r;

        if (!o)
                return refuse(err, command, "unknown option", word);
        if (!o->value && value)
                return refuse(err, command, "no value is taken by", word);
        if (wants_next_word(o, value)) {
                if (*i + 1 >= argc)
                        return refuse(err, command, "a value is missing after", word);
                value = argv[++*i];
        }
        if (!o->many && seen[o - command->options])
                return refuse(err, command, "given twice:", word);
        seen[o - command->options] = true;
        r = o->set(target, value, err);
        return r < 0 ? error_prefix(err, "--%s", o->name) : 0;
}

int options_parse(const struct command *command, void *target, int argc, char **argv,
                  const char **operands, unsigned *ret_n, struct error *err)
{
        bool seen[OPTIONS_MAX] = { 0 }, options = true;
        unsigned n = 0;

        for (int i = 1; i < argc; i++) {
                if (options && strcmp(argv[i], "--") == 0) {
                        options = false;
                } else if (options && argv[i][0] == '-' && argv[i][1]) {
                        int r = take_option(command, target, argc, argv, &i, seen, err);

                        if (r < 0)
                                return r;
                } else {
                        operands[n++] = argv[i];
                        if (command->stops_at_operand)
                                options = false;
                }
        }
        if (n < command->operands_min)
                return refuse(err, command, "something is missing; usage:", command->operands);
        if (n > command->operands_max)
                return refuse(err, command, "too many words, from", operands[command->operands_max]);
        *ret_n = n;
        return 0;
}

bool options_ask_help(const struct command *command, int argc, char **argv)
{
        for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
                const struct option_row *o;
                const char *value;

                if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
                        return true;
                if (argv[i][0] != '-' || !argv[i][1]) {
                        if (command->stops_at_operand)
                                return false;
                        continue;
                }
                o = find(command, argv[i], &value);
                i += o && wants_next_word(o, value);
        }
        return false;
}

/* Writes @text from column @column on, wrapped before column 79 and indented by @indent. */
static void wrap(FILE *stream, const char *text, int column, int indent)
{
        while (*text) {
                int n = (int)strcspn(text, " ");

                if (column > indent && column + 1 + n > 79) {
                        fprintf(stream, "\n%*s", indent, "");
                        column = indent;
                } else if (column > indent) {
                        fputc(' ', stream);
                        column++;
                }
                fprintf(stream, "%.*s", n, text);
                column += n;
                text += n;
                text += strspn(text, " ");
        }
        fputc('\n', stream);
}

void options_help(FILE *stream, const struct command *command)
{
        fprintf(stream, "Usage: nacelle %s%s%s%s\n\n", command->name,
                command->options->name ? " [OPTION]..." : "", command->operands[0] ? " " : "",
                command->operands);
        wrap(stream, command->text, 0, 0);
        if (!command->options->name)
                return;
        fputc('\n', stream);
        for (const struct option_row *o = command->options; o->name; o++) {
                char left[80];
                int n = snprintf(left, sizeof(left), "  %c%c --%s%s%s", o->letter ? '-' : ' ',
                                 o->letter ? o->letter : ' ', o->name, o->value && o->value[0] != '[' ? " " : "",
                                 o->value ? o->value : "");

                if (n > 30)
                        fprintf(stream, "%s\n%32s", left, "");
                else
                        fprintf(stream, "%-32s", left);
                wrap(stream, o->text, 32, 32);
        }
}
