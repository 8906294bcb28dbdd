if SANITIZERS
# The walls are off in a build with sanitizers: there is nothing to drill.
else
libexec_PROGRAMS += nacelle-drill nacelle-drill-cell
check_PROGRAMS += tests/drills/soak tests/drills/cell-no-check tests/drills/cell-less tests/drills/compiler-less \
	tests/drills/drill tests/drills/rows tests/drills/lies \
	tests/drills/without tests/drills/zipslip tests/drills/hog tests/drills/connector tests/drills/path_server
TESTS += tests/drills/needed tests/drills/components tests/drills/soak tests/drills/drill tests/drills/drill-old tests/drills/connector tests/drills/path_server tests/drills/rows tests/drills/lies tests/drills/zipslip tests/drills/in-a-container tests/drills/missing-layers tests/drills/only-the-table tests/drills/no-execmem \
	tests/drills/start-and-end tests/drills/hogs
endif
check_PROGRAMS += tests/drills/oci-config
TESTS += tests/drills/oci-config
dist_check_SCRIPTS += tests/drills/needed tests/drills/components tests/drills/drill-old tests/drills/in-a-container tests/drills/missing-layers tests/drills/only-the-table tests/drills/no-execmem \
	tests/drills/start-and-end tests/drills/hogs

nacelle_drill_cell_SOURCES = $(CELL_SOURCES) tests/drills/attack.h tests/drills/attacker.c \
	tests/drills/attacks_broker.c tests/drills/attacks_calls.c tests/drills/attacks_code.c \
	tests/drills/attacks_ring.c tests/drills/attacks_rows.c tests/drills/rows.h
nacelle_drill_cell_LDADD = $(CELL_LIBS)
nacelle_drill_cell_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=cell_lock,--wrap=channel_send,--wrap=policy_landlock,--wrap=policy_landlock_abi,--wrap=policy_gaps

nacelle_drill_SOURCES = tests/drills/alone.def tests/drills/drill.c tests/drills/drills.def
nacelle_drill_LDADD = $(BROKER_LIBS)
tests_drills_drill_SOURCES = tests/drills/alone.def tests/drills/drill.c tests/drills/drills.def
tests_drills_drill_CPPFLAGS = $(AM_CPPFLAGS) -DBUILD_DIR=\"$(abs_top_builddir)\"
tests_drills_drill_LDADD = $(BROKER_LIBS)

tests_drills_soak_SOURCES = tests/drills/soak.c
tests_drills_soak_CPPFLAGS = $(AM_CPPFLAGS) -DBUILD_DIR=\"$(abs_top_builddir)\"
tests_drills_soak_LDADD = libtext.a $(BROKER_LIBS)

tests_drills_rows_SOURCES = tests/drills/rows.c tests/drills/rows.h
tests_drills_rows_CPPFLAGS = $(AM_CPPFLAGS) -DBUILD_DIR=\"$(abs_top_builddir)\"
tests_drills_rows_LDADD = $(BROKER_LIBS)

tests_drills_lies_SOURCES = tests/drills/lies.c
tests_drills_lies_CPPFLAGS = $(AM_CPPFLAGS) -DBUILD_DIR=\"$(abs_top_builddir)\"
tests_drills_lies_LDADD = $(BROKER_LIBS)

# The shim lets every path pass: what is left are the broker and the kernel.
tests_drills_cell_no_check_SOURCES = $(CELL_SOURCES) supervisor/cell/no_attack.c
tests_drills_cell_no_check_LDADD = libwasi-nocheck.a $(CELL_LIBS)
# One row of the tables less: tests/drills/needed.
LEAVE_OUT = tests/drills/leave_out.c
LEAVE_OUT_WRAPS = $(AM_LDFLAGS) -Wl,--wrap=seccomp_rule_add_array,--wrap=seccomp_syscall_priority,--wrap=io_uring_register
tests_drills_cell_less_SOURCES = $(CELL_SOURCES) supervisor/cell/no_attack.c $(LEAVE_OUT)
tests_drills_cell_less_LDADD = $(CELL_LIBS)
tests_drills_cell_less_LDFLAGS = $(LEAVE_OUT_WRAPS)
tests_drills_compiler_less_SOURCES = supervisor/compiler/main.c $(LEAVE_OUT)
tests_drills_compiler_less_LDADD = $(COMPILER_LIBS) $(URING_LIBS)
tests_drills_compiler_less_LDFLAGS = $(LEAVE_OUT_WRAPS)
tests_drills_zipslip_SOURCES = tests/drills/zipslip.c
tests_drills_zipslip_CPPFLAGS = $(AM_CPPFLAGS) -DBUILD_DIR=\"$(abs_top_builddir)\" \
	-DTOP_SRCDIR=\"$(abs_top_srcdir)\"
tests_drills_zipslip_LDADD = $(BROKER_LIBS)
tests_drills_without_SOURCES = tests/drills/without.c
tests_drills_without_LDADD = $(SECCOMP_LIBS)

# Attack code in the place of the resolver, in the child that is locked up for it.
tests_drills_connector_SOURCES = tests/drills/attacks_helper.c tests/drills/attacks_helper.h tests/drills/connector.c
tests_drills_connector_LDADD = $(BROKER_LIBS)
tests_drills_connector_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=getaddrinfo,--wrap=policy_descriptors
# And in the place of the check of a request.
tests_drills_path_server_SOURCES = tests/drills/attacks_helper.c tests/drills/attacks_helper.h tests/drills/path_server.c
tests_drills_path_server_LDADD = $(DAEMON_LIBS)
tests_drills_path_server_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=path_request_check,--wrap=policy_limits

tests_drills_hog_SOURCES = tests/drills/hog.c
tests_drills_hog_LDADD = $(BROKER_LIBS)

tests_drills_oci_config_SOURCES = tests/drills/oci-config.c tests/unit/oci/bundle.h
tests_drills_oci_config_CPPFLAGS = $(AM_CPPFLAGS) -DBUILD_DIR=\"$(abs_top_builddir)\"
tests_drills_oci_config_LDADD = libociconfig.a $(BROKER_LIBS) $(JSON_LIBS)

EXTRA_DIST += tests/drills/check-drills tests/drills/elsewhere tests/drills/unprovoked

check-drills: tests/drills/drill
	@NACELLE_BUILD='$(abs_builddir)' '$(top_srcdir)/tests/drills/check-drills'
.PHONY: check-drills

# Each row of the tables, left out once.
check-needed: nacelle nacelle-compiler tests/drills/cell-less tests/drills/compiler-less tests/drills/without $(WASI_GUESTS) \
		tests/unit/supervisor/test-guests tests/unit/supervisor/test-guests-slots tests/unit/supervisor/test-unload
	@NACELLE_BUILD='$(abs_builddir)' '$(top_srcdir)/tests/drills/needed' --whole
.PHONY: check-needed
