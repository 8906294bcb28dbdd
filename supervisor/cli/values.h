/* values.h - the words of the command line that stand for something: sizes, durations, grants.
 *
 * Strict: a number is decimal digits without sign or space, a unit is one of those listed, and what
 * does not fit is refused. On failure outputs are untouched and @err (STAGE_USAGE, -EINVAL) names
 * the word and what was expected.
 *
 * parse_size      "64M": bytes, or K, M, G, T of 1024; more than nothing
 * parse_duration  "500ms", "10s", "5min", "2h": the unit is required; more than nothing
 * parse_count     a number from 1 to @max
 * parse_dir       HOST[:GUEST][:ro]; the strings go to @storage, the caller's to free
 * parse_env       K=V as it is; K alone takes the value from our own environment
 * parse_listen    tcp:ADDRESS:PORT, IPv6 in brackets, port 1 to 65535; only the form is checked */
#pragma once

#include <stdint.h>

#include "supervisor/broker/broker.h"

_must_check_ int parse_size(const char *text, uint64_t *ret_bytes, struct error *err);
_must_check_ int parse_duration(const char *text, uint64_t *ret_ms, struct error *err);
_must_check_ int parse_count(const char *text, unsigned max, unsigned *ret, struct error *err);
_must_check_ int parse_dir(const char *text, struct run_dir *ret, char **ret_storage,
                           struct error *err);
_must_check_ int parse_env(const char *text, char **ret, struct error *err);
_must_check_ int parse_listen(const char *text, struct error *err);
