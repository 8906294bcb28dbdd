/* builtins.h - private: the C side of builtins.def, called by the thunks alone. */
#pragma once

#include <stdint.h>

uint64_t builtin_memory_grow(uint32_t memory, uint64_t pages);
void builtin_memory_fill(uint32_t memory, uint64_t to, uint32_t byte, uint64_t n);
void builtin_memory_copy(uint32_t to_memory, uint32_t from_memory, uint64_t to, uint64_t from,
                         uint64_t n);
void builtin_memory_init(uint32_t segment, uint32_t memory, uint64_t to, uint64_t from, uint64_t n);
uint64_t builtin_memory_notify(uint32_t memory, uint32_t low, uint32_t high, uint64_t at,
                               uint32_t count);
uint64_t builtin_memory_wait32(uint32_t memory, uint32_t low, uint32_t high, uint64_t at,
                               uint32_t expected, int64_t timeout_ns);
uint64_t builtin_memory_wait64(uint32_t memory, uint32_t low, uint32_t high, uint64_t at,
                               uint64_t expected, int64_t timeout_ns);
void builtin_data_drop(uint32_t segment);
uint64_t builtin_table_get(uint32_t table, uint64_t index);
void builtin_table_set(uint32_t table, uint64_t index, uint64_t ref);
uint64_t builtin_table_grow(uint32_t table, uint64_t ref, uint64_t n);
void builtin_table_fill(uint32_t table, uint64_t to, uint64_t ref, uint64_t n);
void builtin_table_copy(uint32_t to_table, uint32_t from_table, uint64_t to, uint64_t from,
                        uint64_t n);
void builtin_table_init(uint32_t segment, uint32_t table, uint64_t to, uint64_t from, uint64_t n);
void builtin_elem_drop(uint32_t segment);
uint64_t builtin_ref_func(uint32_t function);
uint64_t builtin_exception_new(uint32_t tag);
uint32_t builtin_exception_catch(uint32_t tag, uint32_t keep, uint64_t exception);
