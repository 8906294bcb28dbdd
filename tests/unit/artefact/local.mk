if HAVE_CHECK
FORGE_LIBS = libartefact.a libvalidate.a libcompile.a libtext.a libdecode.a libbase.a $(XXHASH_LIBS)

check_PROGRAMS += tests/unit/artefact/test-artefact tests/unit/artefact/test-cache
TESTS += tests/unit/artefact/test-artefact tests/unit/artefact/test-cache
tests_unit_artefact_test_artefact_SOURCES = tests/unit/artefact/test-artefact.c \
	tests/unit/artefact/forge.c tests/unit/artefact/forge.h tests/unit/unit.h
tests_unit_artefact_test_artefact_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_artefact_test_artefact_CFLAGS = $(UNIT_CFLAGS)
tests_unit_artefact_test_artefact_LDADD = $(FORGE_LIBS) $(NETTLE_LIBS) $(UNIT_LIBS)
tests_unit_artefact_test_cache_SOURCES = tests/unit/artefact/test-cache.c tests/unit/unit.h
tests_unit_artefact_test_cache_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_artefact_test_cache_CFLAGS = $(UNIT_CFLAGS)
tests_unit_artefact_test_cache_LDADD = libartefact.a libcompile.a libbase.a $(NETTLE_LIBS) $(UNIT_LIBS)
endif
