/* proto.c - the checks that stand before every message. */
#include "config.h"

#include "supervisor/proto/proto.h"

static const struct {
        bool from_cell;
        uint8_t phases;
        uint16_t bytes;
        uint16_t fds;
        const char *text;
} rows[_MESSAGE_MAX] = {
#define MESSAGE(name, from_cell, phases, bytes, fds, text) \
        [MESSAGE_##name] = { from_cell, phases, bytes, fds, text },
#include "supervisor/proto/messages.def"
};

const char *message_text(uint32_t message)
{
        return message > MESSAGE_NONE && message < _MESSAGE_MAX ? rows[message].text : "unknown";
}

static int broken(struct error *err, uint32_t message, const char *what)
{
        return error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE, "message %u (%s): %s", message,
                         message_text(message), what);
}

static bool spawn_is_bounded(const struct spawn_message *m)
{
        return m->nmembers <= PROTO_MEMBERS_MAX && m->name_bytes <= PROTO_NAME_MAX && m->nlisten <= PROTO_LISTEN_MAX &&
               m->stdio <= 7 && !(m->flags & ~(uint32_t)_SPAWN_ALL);
}

/* Bytes that the counts inside call for, behind the fixed part; UINT64_MAX: a count is too large. */
static uint64_t tail_bytes(const void *message)
{
        switch (((const struct message_head *)message)->message) {
#define TAIL(name, type, bounded, bytes)                                 \
        case MESSAGE_##name: {                                           \
                const struct type *m = message;                          \
                                                                         \
                return bounded ? (uint64_t)(bytes) : UINT64_MAX;         \
        }
#include "supervisor/proto/tails.def"
        default:
                return 0;
        }
}

uint32_t proto_version(void)
{
        uint32_t v = 1;

#define MESSAGE(name, from_cell, phases, bytes, fds, text) \
        v = (v ^ (uint32_t)((bytes) + 4096u * (phases) + 65536u * (fds) + (from_cell))) * 0x01000193u;
#include "supervisor/proto/messages.def"
        return v;
}

int message_check(const void *message, size_t size, unsigned nfds, bool from_cell, unsigned phase,
                  struct error *err)
{
        const struct message_head *head = message;
        uint64_t tail;

        if (size < sizeof(*head))
                return broken(err, MESSAGE_NONE, "shorter than its head");
        if (head->message == MESSAGE_NONE || head->message >= _MESSAGE_MAX)
                return broken(err, head->message, "no such message");
        if (rows[head->message].from_cell != from_cell)
                return broken(err, head->message, "from the wrong side");
        if (!(rows[head->message].phases & phase))
                return broken(err, head->message, "out of order");
        if (nfds > rows[head->message].fds)
                return broken(err, head->message, "brings descriptors along");
        if (size < rows[head->message].bytes)
                return broken(err, head->message, "cut short");
        tail = tail_bytes(message);
        if (tail == UINT64_MAX)
                return broken(err, head->message, "a count is out of bounds");
        if (size != rows[head->message].bytes + tail)
                return broken(err, head->message, "length and counts disagree");
        return 0;
}
