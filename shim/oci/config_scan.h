/* config_scan.h - the tokens of a JSON text, for what a tree of values does not show any more.
 *
 * scan_check - @text, which json-c has read: every member once in its object, no NUL in a string, no token but those
 *   of RFC 8259, no whole number beyond 64 bits. Returns 0, or -EINVAL with *@ret_problem and its offset.
 * scan_find - where the value of @path ("mounts[3].source") begins; a member that is a name of more than
 *   one token, such as "net.core", is found as it is written. ERROR_NOWHERE: nowhere.
 * scan_place - line and column of an offset, from 1; columns count characters. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "engine/base/cleanup.h"

#define SCAN_PATH_MAX 512

_must_check_ int scan_check(const char *text, size_t size, const char **ret_problem, uint64_t *ret_offset);
uint64_t scan_find(const char *text, size_t size, const char *path);
void scan_place(const char *text, size_t size, uint64_t offset, unsigned *ret_line, unsigned *ret_column);
