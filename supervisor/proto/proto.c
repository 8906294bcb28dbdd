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

/* Bytes that the counts inside call for, behind the fixed part; UINT64_MAX: a count is too large. */
static uint64_t tail_bytes(const void *message)
{
        const struct message_head *head = message;

        switch (head->message) {
        case MESSAGE_DONE: {
                const struct done_message *m = message;

                if (m->nvalues > PROTO_VALUES_MAX)
                        return UINT64_MAX;
                return m->nvalues * sizeof(struct wire_value);
        }
        case MESSAGE_TRAPPED: {
                const struct trapped_message *m = message;

                return m->nframes > PROTO_FRAMES_MAX ? UINT64_MAX : 0;
        }
        case MESSAGE_PATH: {
                const struct path_request *m = message;

                if (m->path_bytes > PATH_BYTES_MAX || m->path2_bytes > PATH_BYTES_MAX)
                        return UINT64_MAX;
                return (uint64_t)m->path_bytes + m->path2_bytes;
        }
        case MESSAGE_PATH_REPLY: {
                const struct path_reply *m = message;

                return m->bytes > PATH_REPLY_MAX ? UINT64_MAX : m->bytes;
        }
        case MESSAGE_CONFIGURE: {
                const struct configure_message *m = message;

                return m->nlisten > PROTO_LISTEN_MAX ? UINT64_MAX : 0;
        }
        case MESSAGE_REGISTER: {
                const struct register_message *m = message;

                return m->name_bytes > PROTO_NAME_MAX ? UINT64_MAX : m->name_bytes;
        }
        case MESSAGE_SPAWN:
        case MESSAGE_MEMBER: {
                const struct spawn_message *m = message;

                if (m->nmembers > PROTO_MEMBERS_MAX || m->name_bytes > PROTO_NAME_MAX || m->nlisten > PROTO_LISTEN_MAX || m->stdio > 7 ||
                    m->flags & ~(uint32_t)_SPAWN_ALL)
                        return UINT64_MAX;
                return m->name_bytes;
        }
        case MESSAGE_ENDED: {
                const struct ended_message *m = message;

                if (m->nframes > PROTO_FRAMES_MAX || m->nvalues > PROTO_VALUES_MAX)
                        return UINT64_MAX;
                return m->nframes * sizeof(struct wire_frame) + m->nvalues * sizeof(struct wire_value);
        }
        case MESSAGE_LOG: {
                const struct log_message *m = message;

                return m->bytes > PROTO_LOG_MAX ? UINT64_MAX : m->bytes;
        }
        case MESSAGE_CALL:
        case MESSAGE_GLOBAL: {
                const struct call_message *m = message;

                if (m->name_bytes > PROTO_NAME_MAX || m->nvalues > PROTO_VALUES_MAX)
                        return UINT64_MAX;
                return call_values_at(m->name_bytes) - sizeof(*m) +
                       m->nvalues * sizeof(struct wire_value);
        }
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
