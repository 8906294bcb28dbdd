noinst_PROGRAMS += bench-validate
bench_validate_SOURCES = tests/bench/bench-validate.c
bench_validate_LDADD = libvalidate.a libdecode.a libbase.a
