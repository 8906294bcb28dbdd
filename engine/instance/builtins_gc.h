/* builtins_gc.h - private: the C side of builtins.def for structures and arrays. */
#pragma once

#include <stdint.h>

uint64_t builtin_struct_new(uint32_t type);
uint64_t builtin_array_new(uint32_t type, uint32_t with_value, uint32_t n);
uint64_t builtin_array_new_data(uint32_t type, uint32_t segment, uint32_t from, uint32_t n);
uint64_t builtin_array_new_elem(uint32_t type, uint32_t segment, uint32_t from, uint32_t n);
void builtin_array_fill(uint32_t type, uint64_t ref, uint32_t to, uint32_t n);
void builtin_array_copy(uint32_t type, uint64_t to_ref, uint32_t to, uint64_t from_ref, uint32_t from,
                        uint32_t n);
void builtin_array_init_data(uint32_t type, uint32_t segment, uint64_t ref, uint32_t to, uint32_t from,
                             uint32_t n);
void builtin_array_init_elem(uint32_t type, uint32_t segment, uint64_t ref, uint32_t to, uint32_t from,
                             uint32_t n);
uint32_t builtin_ref_is(uint32_t want, uint64_t ref);
uint64_t builtin_any_convert_extern(uint64_t word);
uint64_t builtin_extern_convert_any(uint64_t ref);
