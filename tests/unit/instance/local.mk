if HAVE_CHECK
INSTANCE_LIBS = libinstance.a libartefact.a librun.a libvalidate.a libcompile.a libtext.a libdecode.a \
	libbase.a $(XXHASH_LIBS) $(NETTLE_LIBS)
WORLD_SOURCES = tests/unit/artefact/forge.c tests/unit/artefact/forge.h tests/unit/instance/world.c \
	tests/unit/instance/world.h tests/on_fiber.h tests/unit/sanitizer.h tests/unit/unit.h

instance_tests = tests/unit/instance/test-across tests/unit/instance/test-builtins tests/unit/instance/test-instance \
	tests/unit/instance/test-memories tests/unit/instance/test-nomem tests/unit/instance/test-objects tests/unit/instance/test-template \
	tests/unit/instance/test-snapshot 	tests/unit/instance/test-whole
check_PROGRAMS += $(instance_tests)
TESTS += $(instance_tests)
tests_unit_instance_test_across_SOURCES = tests/unit/instance/test-across.c \
	tests/unit/instance/world_fast.c $(WORLD_SOURCES)
tests_unit_instance_test_across_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_instance_test_across_CFLAGS = $(UNIT_CFLAGS)
tests_unit_instance_test_across_LDADD = $(tests_unit_instance_test_whole_LDADD)
tests_unit_instance_test_memories_SOURCES = tests/unit/instance/test-memories.c \
	tests/unit/instance/world_fast.c $(WORLD_SOURCES)
tests_unit_instance_test_memories_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_instance_test_memories_CFLAGS = $(UNIT_CFLAGS)
tests_unit_instance_test_memories_LDADD = $(tests_unit_instance_test_whole_LDADD)
tests_unit_instance_test_instance_SOURCES = tests/unit/instance/test-instance.c $(WORLD_SOURCES)
tests_unit_instance_test_instance_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_instance_test_instance_CFLAGS = $(UNIT_CFLAGS)
tests_unit_instance_test_instance_LDADD = $(INSTANCE_LIBS) $(UNIT_LIBS)
tests_unit_instance_test_builtins_SOURCES = tests/unit/instance/test-builtins.c $(WORLD_SOURCES)
tests_unit_instance_test_builtins_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_instance_test_builtins_CFLAGS = $(UNIT_CFLAGS)
tests_unit_instance_test_builtins_LDADD = $(INSTANCE_LIBS) $(UNIT_LIBS)
tests_unit_instance_test_whole_SOURCES = tests/unit/instance/test-whole.c \
	tests/unit/instance/world_fast.c $(WORLD_SOURCES)
tests_unit_instance_test_whole_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_instance_test_whole_CFLAGS = $(UNIT_CFLAGS)
tests_unit_instance_test_whole_LDADD = libinstance.a libartefact.a librun.a libvalidate.a libfast.a \
	libcompile.a libtext.a libdecode.a libbase.a $(XXHASH_LIBS) $(NETTLE_LIBS) $(UNIT_LIBS)
tests_unit_instance_test_snapshot_SOURCES = tests/unit/instance/test-snapshot.c \
	tests/unit/instance/world_fast.c $(WORLD_SOURCES)
tests_unit_instance_test_snapshot_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_instance_test_snapshot_CFLAGS = $(UNIT_CFLAGS)
tests_unit_instance_test_snapshot_LDADD = $(tests_unit_instance_test_whole_LDADD)
tests_unit_instance_test_template_SOURCES = tests/unit/instance/test-template.c \
	tests/unit/instance/world_fast.c $(WORLD_SOURCES)
tests_unit_instance_test_template_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_instance_test_template_CFLAGS = $(UNIT_CFLAGS)
tests_unit_instance_test_template_LDADD = $(tests_unit_instance_test_whole_LDADD)
tests_unit_instance_test_objects_SOURCES = tests/unit/instance/test-objects.c \
	tests/unit/instance/world_fast.c $(WORLD_SOURCES)
tests_unit_instance_test_objects_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_instance_test_objects_CFLAGS = $(UNIT_CFLAGS)
tests_unit_instance_test_objects_LDADD = $(tests_unit_instance_test_whole_LDADD)
tests_unit_instance_test_nomem_SOURCES = tests/unit/instance/test-nomem.c tests/fuzz/fuzz.h \
	tests/fuzz/heap.c $(WORLD_SOURCES)
tests_unit_instance_test_nomem_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_instance_test_nomem_CFLAGS = $(UNIT_CFLAGS)
tests_unit_instance_test_nomem_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
tests_unit_instance_test_nomem_LDADD = $(INSTANCE_LIBS) $(UNIT_LIBS)

# The same with the optimising generator's code.
if HAVE_LLVM
check_PROGRAMS += tests/unit/instance/test-whole-peak
TESTS += tests/unit/instance/test-whole-peak
tests_unit_instance_test_whole_peak_SOURCES = tests/unit/instance/test-whole.c \
	tests/unit/instance/world_peak.c $(WORLD_SOURCES)
tests_unit_instance_test_whole_peak_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_instance_test_whole_peak_CFLAGS = $(UNIT_CFLAGS)
tests_unit_instance_test_whole_peak_LDFLAGS = $(AM_LDFLAGS) -Wl,-u,peak_compile
tests_unit_instance_test_whole_peak_LDADD = $(PEAK_LIBS) $(tests_unit_instance_test_whole_LDADD) $(LLVM_LIBS)
endif
endif
