libinstance_a_SOURCES += engine/gc/gc.h engine/gc/heap.c engine/gc/heap.h engine/gc/mark.c engine/gc/sweep.c
