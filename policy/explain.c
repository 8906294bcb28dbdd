#include "config.h"

#include <string.h>

#include "policy/explain.h"
#include "policy/policy.h"

static const struct enforcer enforcers[] = {
#define ENFORCE(kind, layer, stops, drill) { KEY_##kind, layer, stops, drill },
#define REMAINS(kind, text)
#include "policy/enforce.def"
};

static const char *const remains[_KEY_MAX] = {
#define ENFORCE(kind, layer, stops, drill)
#define REMAINS(kind, text) [KEY_##kind] = text,
#include "policy/enforce.def"
};

static const struct {
        const char *layer, *verdict, *id, *hint;
} denials[] = {
#define DENIAL(layer, verdict, id, hint) { layer, verdict, id, hint },
#include "policy/denials.def"
};

const struct enforcer *key_enforcers(enum key_kind kind, unsigned *ret_n)
{
        const struct enforcer *first = NULL;
        unsigned n = 0;

        for (size_t i = 0; i < ELEMENTSOF(enforcers); i++)
                if (enforcers[i].kind == kind) {
                        first = first ? first : &enforcers[i];
                        n++;
                }
        *ret_n = n;
        return first;
}

const char *key_remains(enum key_kind kind)
{
        return remains[kind];
}

static int denial_of(const char *layer)
{
        for (size_t i = 0; i < ELEMENTSOF(denials); i++)
                if (strcmp(denials[i].layer, layer) == 0)
                        return (int)i;
        return -ENOENT;
}

const char *denial_verdict(const char *layer)
{
        int i = denial_of(layer);

        return i < 0 ? NULL : denials[i].verdict;
}

const char *denial_id(const char *layer)
{
        int i = denial_of(layer);

        return i < 0 ? NULL : denials[i].id;
}

/* The row of the cell's table that has the call, when its arguments were what was wrong. */
static void syscall_rule(const char *op, char rule[static DENIAL_RULE_MAX])
{
        unsigned n;
        const struct syscall_rule *rules = policy_syscalls(ROLE_CELL, &n);

        for (unsigned i = 0; i < n; i++) {
                if (strcmp(rules[i].name, op) != 0)
                        continue;
                snprintf(rule, DENIAL_RULE_MAX, "policy/syscalls.c: %s, allowed with other arguments (%s)",
                         rules[i].name, rules[i].drill);
                return;
        }
        snprintf(rule, DENIAL_RULE_MAX, "policy/syscalls.c: in no row of the cell's");
}

bool denial_explain(const char *layer, const char *op, char rule[static DENIAL_RULE_MAX],
                    char hint[static DENIAL_HINT_MAX])
{
        int i = denial_of(layer);

        rule[0] = hint[0] = '\0';
        if (i < 0)
                return false;
        snprintf(hint, DENIAL_HINT_MAX, "%s", denials[i].hint);
        if (strcmp(layer, "seccomp") == 0)
                syscall_rule(op, rule);
        else if (strcmp(layer, "ring") == 0)
                snprintf(rule, DENIAL_RULE_MAX, "supervisor/ring/ring_ops.def");
        else if (strcmp(layer, "landlock") == 0)
                snprintf(rule, DENIAL_RULE_MAX, "policy/landlock.def");
        else if (strcmp(layer, "broker") == 0)
                snprintf(rule, DENIAL_RULE_MAX, "supervisor/proto/messages.def");
        return true;
}
