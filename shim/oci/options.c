/* options.c - see options.h. */
#include "config.h"

#include <string.h>

#include "shim/oci/options.h"

static int refuse(struct error *err, const char *word, const char *why)
{
        return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "option %.80s: %s", word, why);
}

static const struct oci_option *find(const struct oci_option *table, const char *name, size_t n)
{
        for (const struct oci_option *o = table; o->name; o++)
                if ((strlen(o->name) == n && memcmp(o->name, name, n) == 0) || (n == 1 && o->letter == name[0]))
                        return o;
        return NULL;
}

static int count_read(const char *text, unsigned *ret)
{
        char *end;
        unsigned long n;

        if (text[0] < '0' || text[0] > '9')
                return -EINVAL;
        errno = 0;
        n = strtoul(text, &end, 10);
        if (errno || *end || n > 65536)
                return -EINVAL;
        *ret = (unsigned)n;
        return 0;
}

static int store(const struct oci_option *o, const char *word, const char *value, void *values, struct error *err)
{
        void *at = (char *)values + o->offset;
        bool on = !value || strcmp(value, "true") == 0;

        switch (o->type) {
        case OPTION_SWITCH:
                if (!on && strcmp(value, "false") != 0)
                        return refuse(err, word, "is true or false");
                if (on && o->refused)
                        return refuse(err, word, o->refused);
                *(bool *)at = on;
                return 0;
        case OPTION_COUNT:
                if (count_read(value, at) < 0)
                        return refuse(err, word, "is a whole number");
                return *(unsigned *)at && o->refused ? refuse(err, word, o->refused) : 0;
        default:
                if (o->refused)
                        return refuse(err, word, o->refused);
                *(const char **)at = value;
                return 0;
        }
}

static int take(const struct oci_option *table, void *values, int argc, char **argv, int *i, struct error *err)
{
        const char *word = argv[*i], *name = word + (word[1] == '-' ? 2 : 1), *equals = strchr(name, '=');
        size_t n = equals ? (size_t)(equals - name) : strlen(name);
        const struct oci_option *o = find(table, name, n);
        const char *value = equals ? equals + 1 : NULL;

        if (!o)
                return refuse(err, word, "there is none of this name");
        if (o->type != OPTION_SWITCH && !value) {
                if (*i + 1 >= argc)
                        return refuse(err, word, "its value is missing");
                value = argv[++*i];
        }
        return store(o, word, value, values, err);
}

int oci_options_parse(const struct oci_option *table, void *values, int argc, char **argv, bool mixed,
                      const char **operands, unsigned *ret_n, int *ret_used, struct error *err)
{
        bool options = true;
        unsigned n = 0;
        int i;

        for (i = 0; i < argc; i++) {
                if (options && strcmp(argv[i], "--") == 0) {
                        options = false;
                } else if (options && argv[i][0] == '-' && argv[i][1]) {
                        int r = take(table, values, argc, argv, &i, err);

                        if (r < 0)
                                return r;
                } else if (!mixed) {
                        break;
                } else {
                        operands[n++] = argv[i];
                }
        }
        *ret_n = n;
        if (ret_used)
                *ret_used = i;
        return 0;
}
