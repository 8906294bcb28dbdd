/* explain.h - who keeps a key to what it says, and what a refusal means: enforce.def and denials.def.
 *
 * key_enforcers - rows of @kind; *ret_n of them. key_remains - what is left.
 * denial_explain - of the refusal of @op ("openat", "MemoryMax", "") by @layer ("seccomp", "limit", ...):
 *   the row that decided into @rule, or "", and a sentence on what it means into @hint. Returns false for an
 *   unknown layer; then both are "". @op may hold anything; nothing of it but a known name is repeated.
 * denial_verdict - "killed", "refused" or "limited"; NULL for an unknown layer.
 * denial_id - the MESSAGE_ID of its records, 32 hexadecimal digits; NULL for an unknown layer. */
#pragma once

#include "policy/key.h"

struct enforcer {
        enum key_kind kind;
        const char *layer, *stops, *drill;
};

const struct enforcer *key_enforcers(enum key_kind kind, unsigned *ret_n);
const char *key_remains(enum key_kind kind);

#define DENIAL_RULE_MAX 96
#define DENIAL_HINT_MAX 384

bool denial_explain(const char *layer, const char *op, char rule[static DENIAL_RULE_MAX],
                    char hint[static DENIAL_HINT_MAX]);
const char *denial_verdict(const char *layer);
const char *denial_id(const char *layer);
