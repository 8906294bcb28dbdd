/* states.h - states and events of units and guests; states.def has the edges.
 *
 * unit_after, nano_after - the state that follows, or a negative number: no such edge. */
#pragma once

enum unit_state {
#define UNIT_STATE(name, text) UNIT_##name,
#include "supervisor/daemon/states.def"
        _UNIT_STATE_MAX,
};

enum unit_event {
#define UNIT_EVENT(name) ON_##name,
#include "supervisor/daemon/states.def"
        _UNIT_EVENT_MAX,
};

enum nano_state {
#define NANO_STATE(name, text) NANO_##name,
#include "supervisor/daemon/states.def"
        _NANO_STATE_MAX,
};

enum nano_event {
#define NANO_EVENT(name) NANO_ON_##name,
#include "supervisor/daemon/states.def"
        _NANO_EVENT_MAX,
};

int unit_after(enum unit_state state, enum unit_event event);
int nano_after(enum nano_state state, enum nano_event event);
const char *unit_state_text(enum unit_state state);
const char *unit_event_text(enum unit_event event);
const char *nano_state_text(enum nano_state state);
const char *nano_event_text(enum nano_event event);
