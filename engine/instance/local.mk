noinst_LIBRARIES += libinstance.a
libinstance_a_SOURCES = engine/instance/builtins.c engine/instance/builtins.h \
	engine/instance/builtins_gc.c engine/instance/builtins_gc.h engine/instance/const.c \
	engine/instance/exception.c engine/instance/gc.c engine/instance/gc.h \
	engine/instance/extern.c engine/instance/function.c engine/instance/instance.c \
	engine/instance/instance.h engine/instance/link.c engine/instance/memory.c engine/instance/reference.c \
	engine/instance/restore.c engine/instance/segment.c engine/instance/slot.c engine/instance/slot.h engine/instance/snapshot.c \
	engine/instance/slots.c engine/instance/slots.h engine/instance/spectest.c \
	engine/instance/spectest.h engine/instance/store.c engine/instance/template.c \
	engine/instance/template.h \
	engine/instance/store.h engine/instance/table.c engine/instance/types.c engine/instance/wait.c
if MACHINE_A64
libinstance_a_SOURCES += engine/instance/a64/thunks.S
else
libinstance_a_SOURCES += engine/instance/x64/thunks.S
endif
EXTRA_DIST += engine/instance/a64/thunks.S engine/instance/x64/thunks.S
