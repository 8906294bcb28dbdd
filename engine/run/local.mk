noinst_LIBRARIES += librun.a
librun_a_SOURCES = engine/run/arena.c engine/run/arena.h engine/run/enter.c engine/run/enter.h engine/run/fiber.c \
        engine/run/fiber.h engine/run/machine.h engine/run/offsets.h engine/run/run.h engine/run/short_ways.h \
        engine/run/preempt.c engine/run/preempt.h engine/run/raise.c engine/run/signals.c \
        engine/run/stacks.c \
        engine/run/stacks.h engine/run/trap.c
run_x64 = engine/run/x64/context.c engine/run/x64/enter.S engine/run/x64/entry.h engine/run/x64/frame.c engine/run/x64/short.S \
        engine/run/x64/switch.S engine/run/x64/thunk.h
run_a64 = engine/run/a64/context.c engine/run/a64/enter.S engine/run/a64/entry.h engine/run/a64/frame.c \
        engine/run/a64/short.S engine/run/a64/switch.S engine/run/a64/thunk.h
if MACHINE_A64
librun_a_SOURCES += $(run_a64)
else
librun_a_SOURCES += $(run_x64)
endif
EXTRA_DIST += $(run_x64) $(run_a64)
