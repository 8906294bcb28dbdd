/* snapshot.h - the state of an instance as bytes, and the module that begins with that state.
 *
 * The bytes: struct snapshot_head, then, each aligned to 8:
 *   globals    that the module defines: uint64_t[2] each; a function reference is its index + 1, 0: null
 *   tables     that it defines: uint64_t length, then uint32_t each: function index + 1, 0: null
 *   segments   data, then element segments: a byte each, 1: dropped
 *   memories   that it defines: uint64_t pages, uint64_t bytes, then so many bytes from the first on;
 *              behind them all are zero
 *
 * snapshot_module - append to @out the module @m as it would have to be written for its instances to begin with
 *   the state @snapshot, and without its start function: memories and tables of the size they have now,
 *   globals with their values, segments for what is in memories and tables. @m was decoded and validated;
 *   @snapshot is hostile. Functions, types and indices of everything stay what they are.
 *   @done: the export that was called to reach that state; it is not exported any more. An export
 *   "wizer.resume" becomes "_start".
 *   @ret_code_moved: how many bytes further on the bodies of functions are.
 *   Returns 0, -EBADMSG (the snapshot is not one of @m), -EOPNOTSUPP (what cannot be written as a
 *   module, named), -ENOMEM. */
#pragma once

#include "engine/base/buffer.h"
#include "engine/base/error.h"
#include "engine/decode/module.h"

#define SNAPSHOT_MAGIC UINT64_C(0x31746f687370636e) /* "ncpshot1" */
#define SNAPSHOT_BYTES_MAX (UINT64_C(1) << 30)

struct snapshot_head {
        uint64_t magic;
        uint32_t nglobals, ntables, nmemories, ndatas, nelements;
        uint32_t reserved;
};

_must_check_ int snapshot_module(const struct module *m, const uint8_t *snapshot, size_t size,
                                 struct name done, struct buffer *out, int64_t *ret_code_moved,
                                 struct error *err);
