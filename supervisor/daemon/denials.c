#include "config.h"

#include <inttypes.h>

#include "policy/explain.h"
#include "supervisor/daemon/denials.h"

struct number {
        char text[24];
};

static const char *number(uint64_t n, struct number *to)
{
        snprintf(to->text, sizeof(to->text), "%" PRIu64, n);
        return n ? to->text : NULL;
}

static const char *given(const char *text)
{
        return text && text[0] ? text : NULL;
}

void denial_write(int priority, const struct denial *d, const char *text)
{
        char rule[DENIAL_RULE_MAX], hint[DENIAL_HINT_MAX];
        struct number guest, cell, count;
        struct journal_fields fields = {
                .value = { [JOURNAL_EVENT] = "denied", [JOURNAL_LAYER] = d->layer,
                           [JOURNAL_VERDICT] = denial_verdict(d->layer), [JOURNAL_OP] = given(d->op),
                           [JOURNAL_OBJECT] = given(d->object), [JOURNAL_KEY] = given(d->key),
                           [JOURNAL_IMPORT] = d->import,
                           [JOURNAL_STAGE] = d->stage ? d->stage : stage_text(STAGE_RUN),
                           [JOURNAL_GUEST] = number(d->guest, &guest),
                           [JOURNAL_CELL] = number((uint64_t)d->cell, &cell),
                           [JOURNAL_COUNT] = number(d->count, &count) },
        };

        if (denial_explain(d->layer, d->op ? d->op : "", rule, hint)) {
                fields.value[JOURNAL_RULE] = given(rule);
                fields.value[JOURNAL_HINT] = hint;
        }
        if (d->service) {
                fields.value[JOURNAL_UNIT] = d->service->unit->name;
                fields.value[JOURNAL_MODULE] = given(d->service->module_digest);
        }
        journal_write_raw(priority, &fields, text);
}
