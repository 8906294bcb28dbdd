noinst_LIBRARIES += libring.a
libring_a_SOURCES = supervisor/ring/backend.h supervisor/ring/features.c \
	supervisor/ring/features.h supervisor/ring/ring_features.def supervisor/ring/helpers.c supervisor/ring/now.c \
	supervisor/ring/perform.c supervisor/ring/ready.c supervisor/ring/ring.c supervisor/ring/ring.h \
	supervisor/ring/ring_ops.def supervisor/ring/threads.c supervisor/ring/threads.h \
	supervisor/ring/uring.c supervisor/ring/wheel.c supervisor/ring/wheel.h
