# Guests, compiled to wasm when a compiler for it is there (WASM_CC, from configure).
EXAMPLE_MODULES = examples/hello.wasm examples/walk.wasm examples/unzip.wasm \
	examples/httpd.wasm examples/kernel.wasm examples/unzip-lib.wasm

WASM_COMPILE_FLAGS = --target=wasm32-wasi -std=gnu17 -O2 -Wall -Wextra
# Function names stay, for backtraces; the debug information of the C library goes.
WASM_LINK_FLAGS = -Wl,--strip-debug

if HAVE_WASM_CC
noinst_DATA += $(EXAMPLE_MODULES)
endif

SUFFIXES = .wasm
.c.wasm:
	@$(MKDIR_P) $(@D)
	$(AM_V_GEN)$(WASM_CC) $(WASM_COMPILE_FLAGS) $< $(WASM_LINK_FLAGS) -o $@

examples/unzip.wasm: $(srcdir)/examples/unzip.c $(srcdir)/examples/inflate.c $(srcdir)/examples/inflate.h
	@$(MKDIR_P) $(@D)
	$(AM_V_GEN)$(WASM_CC) $(WASM_COMPILE_FLAGS) $(srcdir)/examples/unzip.c $(srcdir)/examples/inflate.c \
		$(WASM_LINK_FLAGS) -o $@

examples/unzip-lib.wasm: $(srcdir)/examples/unzip-lib.c $(srcdir)/examples/unzip.c $(srcdir)/examples/inflate.c \
		$(srcdir)/examples/inflate.h
	@$(MKDIR_P) $(@D)
	$(AM_V_GEN)$(WASM_CC) $(WASM_COMPILE_FLAGS) -mexec-model=reactor $(srcdir)/examples/unzip-lib.c \
		$(srcdir)/examples/inflate.c $(WASM_LINK_FLAGS) -o $@

# The same sources for the machine itself: what the guests' output is compared with.
if HAVE_WASM_CC
check_PROGRAMS += examples/native-walk examples/native-unzip examples/native-kernel
endif
examples_native_walk_SOURCES = examples/walk.c
examples_native_walk_CFLAGS = -std=gnu17
examples_native_unzip_SOURCES = examples/unzip.c examples/inflate.c examples/inflate.h
examples_native_unzip_CFLAGS = -std=gnu17
examples_native_kernel_SOURCES = examples/kernel.c
examples_native_kernel_CFLAGS = -std=gnu17 -O2

# The parser of events as its users have it: the installed header, and the library alone.
check_PROGRAMS += examples/events
examples_events_SOURCES = examples/events.c
examples_events_CPPFLAGS = -I$(top_srcdir)/engine/include
examples_events_LDADD = libnacelle-parser.a

EXTRA_DIST += examples/unzip-lib.c examples/hello.c examples/httpd.c examples/evil-zip
CLEANFILES += $(EXAMPLE_MODULES)

dist_check_SCRIPTS += examples/test-examples
TESTS += examples/test-examples
