# tests/spec
check_PROGRAMS += tests/spec/wat2wasm
tests_spec_wat2wasm_SOURCES = tests/spec/wat2wasm.c tests/spec/file.c tests/spec/file.h
tests_spec_wat2wasm_LDADD = libtext.a libdecode.a libbase.a $(XXHASH_LIBS)
