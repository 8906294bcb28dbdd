/* short_ways.h - for the assembly: all of guest_short_ways (enter.h), in their order. */
        .irp    result, none, i32, i64
        short_way \result
        .irp    p0, i64, i32
        short_way \result, \p0
        .endr
        .irp    p1, i64, i32
        .irp    p0, i64, i32
        short_way \result, \p0, \p1
        .endr
        .endr
        .irp    p2, i64, i32
        .irp    p1, i64, i32
        .irp    p0, i64, i32
        short_way \result, \p0, \p1, \p2
        .endr
        .endr
        .endr
        .endr
