noinst_LIBRARIES += librun.a
librun_a_SOURCES = engine/run/arena.c engine/run/arena.h engine/run/enter.c engine/run/fiber.c \
        engine/run/fiber.h engine/run/machine.h engine/run/run.h engine/run/preempt.c \
        engine/run/preempt.h engine/run/raise.c engine/run/signals.c engine/run/stacks.c \
        engine/run/stacks.h engine/run/trap.c \
        engine/run/x64/context.c engine/run/x64/enter.S engine/run/x64/offsets.h engine/run/x64/switch.S
