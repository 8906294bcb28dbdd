if SANITIZERS
# The walls are off in a build with sanitizers: there is nothing to drill.
else
check_PROGRAMS += tests/drills/cell-attacker tests/drills/drill
TESTS += tests/drills/drill
endif

tests_drills_cell_attacker_SOURCES = $(CELL_SOURCES) tests/drills/attack.h tests/drills/attacker.c \
	tests/drills/attacks_broker.c tests/drills/attacks_calls.c tests/drills/attacks_code.c \
	tests/drills/attacks_ring.c
tests_drills_cell_attacker_LDADD = $(CELL_LIBS)

tests_drills_drill_SOURCES = tests/drills/drill.c tests/drills/drills.def
tests_drills_drill_CPPFLAGS = $(AM_CPPFLAGS) -DBUILD_DIR=\"$(abs_top_builddir)\"
tests_drills_drill_LDADD = $(BROKER_LIBS)
