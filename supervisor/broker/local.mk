noinst_LIBRARIES += libbroker.a
libbroker_a_SOURCES = supervisor/broker/broker.h supervisor/broker/status.c
