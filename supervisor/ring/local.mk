noinst_LIBRARIES += libring.a
libring_a_SOURCES = supervisor/ring/now.c supervisor/ring/ring.c supervisor/ring/ring.h supervisor/ring/ring_ops.def
