/* journal.h - records with fields, to the journal of systemd where there is one, else lines on stderr.
 *
 * journal_open - choose the sink. Lines are "<PRIORITY>" prefixed when stderr is read by a service
 *   manager that has no journal socket for us, plain otherwise.
 * journal_write - one record. @fields: values by enum journal_field, NULL where there is none; that of JOURNAL_OBJECT
 *   is escaped already.
 *   MESSAGE_ID follows from the event and the layer.
 *   Control characters and bytes that are not UTF-8 in text and values come out as \xNN: neither a
 *   terminal nor a field of the journal can be forged by them.
 *   Never waits: when whoever reads the records stands still, they are counted instead, and the next that finds room says
 *   how many were lost. journal_lost - all of them.
 * journal_escape - the same for others: @n bytes into @text, cut to @size with the terminator. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "engine/base/cleanup.h"

enum journal_field {
#define FIELD(name, key, text) JOURNAL_##name,
#include "supervisor/daemon/journal_fields.def"
        _JOURNAL_FIELD_MAX,
};

struct journal_fields {
        const char *value[_JOURNAL_FIELD_MAX];
};

void journal_open(void);
_printf_(3, 4) void journal_write(int priority, const struct journal_fields *fields,
                                  const char *format, ...);
/* The MESSAGE_ID of records of this event, and with a layer of refusals by it; NULL: it has none. */
const char *journal_id(const char *event, const char *layer);
/* The same for a text that was escaped already. */
void journal_write_raw(int priority, const struct journal_fields *fields, const char *text);
uint64_t journal_lost(void);
size_t journal_escape(const char *bytes, size_t n, char *text, size_t size);
