if HAVE_CHECK
decode_tests = tests/unit/decode/test-cursor tests/unit/decode/test-body \
	tests/unit/decode/test-decode tests/unit/decode/test-parser
check_PROGRAMS += $(decode_tests)
TESTS += $(decode_tests)

tests_unit_decode_test_cursor_SOURCES = tests/unit/decode/test-cursor.c tests/unit/decode/hex.h
tests_unit_decode_test_cursor_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_decode_test_cursor_CFLAGS = $(UNIT_CFLAGS)
tests_unit_decode_test_cursor_LDADD = libdecode.a libbase.a $(UNIT_LIBS)

tests_unit_decode_test_body_SOURCES = tests/unit/decode/test-body.c
tests_unit_decode_test_body_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_decode_test_body_CFLAGS = $(UNIT_CFLAGS)
tests_unit_decode_test_body_LDADD = libdecode.a libbase.a $(UNIT_LIBS)

tests_unit_decode_test_decode_SOURCES = tests/unit/decode/test-decode.c tests/unit/decode/hex.h
tests_unit_decode_test_decode_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_decode_test_decode_CFLAGS = $(UNIT_CFLAGS)
tests_unit_decode_test_decode_LDADD = libdecode.a libbase.a $(UNIT_LIBS)

tests_unit_decode_test_parser_SOURCES = tests/unit/decode/test-parser.c tests/unit/decode/hex.h
tests_unit_decode_test_parser_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_decode_test_parser_CFLAGS = $(UNIT_CFLAGS)
tests_unit_decode_test_parser_LDADD = libtext.a libdecode.a libbase.a $(XXHASH_LIBS) $(UNIT_LIBS)
endif
