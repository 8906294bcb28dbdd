/* states.c - see states.h. The tables hold state + 1: a zero is an edge that is not there. */
#include "config.h"

#include "supervisor/daemon/states.h"

static const unsigned char unit_edges[_UNIT_STATE_MAX][_UNIT_EVENT_MAX] = {
#define UNIT_EDGE(from, event, to) [UNIT_##from][ON_##event] = UNIT_##to + 1,
#include "supervisor/daemon/states.def"
};

static const unsigned char guest_edges[_NANO_STATE_MAX][_NANO_EVENT_MAX] = {
#define NANO_EDGE(from, event, to) [NANO_##from][NANO_ON_##event] = NANO_##to + 1,
#include "supervisor/daemon/states.def"
};

int unit_after(enum unit_state state, enum unit_event event)
{
        return unit_edges[state][event] - 1;
}

int nano_after(enum nano_state state, enum nano_event event)
{
        return guest_edges[state][event] - 1;
}

const char *unit_state_text(enum unit_state state)
{
        static const char *const texts[] = {
#define UNIT_STATE(name, text) text,
#include "supervisor/daemon/states.def"
        };

        return texts[state];
}

const char *unit_event_text(enum unit_event event)
{
        static const char *const texts[] = {
#define UNIT_EVENT(name) #name,
#include "supervisor/daemon/states.def"
        };

        return texts[event];
}

const char *nano_state_text(enum nano_state state)
{
        static const char *const texts[] = {
#define NANO_STATE(name, text) text,
#include "supervisor/daemon/states.def"
        };

        return texts[state];
}

const char *nano_event_text(enum nano_event event)
{
        static const char *const texts[] = {
#define NANO_EVENT(name) #name,
#include "supervisor/daemon/states.def"
        };

        return texts[event];
}
