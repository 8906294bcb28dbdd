noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = engine/base/budget.h engine/base/buffer.c engine/base/buffer.h engine/base/cleanup.h engine/base/clock.h engine/base/error.c engine/base/error.h engine/base/limits.c engine/base/limits.def engine/base/limits.h engine/base/pool.c engine/base/pool.h engine/base/stages.def
