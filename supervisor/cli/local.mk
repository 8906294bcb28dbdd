noinst_LIBRARIES += libcli.a
libcli_a_SOURCES = supervisor/cli/cli.h supervisor/cli/common.c supervisor/cli/compile.c supervisor/cli/authority.c supervisor/cli/authority.h \
	supervisor/cli/describe.c supervisor/cli/describe_json.c supervisor/cli/diff.c supervisor/cli/explain.c supervisor/cli/drill.c supervisor/cli/describe.h supervisor/cli/inspect.c \
	supervisor/cli/locked.c supervisor/cli/locked.h \
	supervisor/cli/output.c supervisor/cli/policy.c supervisor/cli/posture.c supervisor/cli/posture_cell.c supervisor/cli/posture_cell.h supervisor/cli/script_child.c supervisor/cli/script_child.h supervisor/cli/script_host.c \
	supervisor/cli/script_host.h supervisor/cli/wast.c supervisor/cli/wat.c \
	supervisor/cli/options.c supervisor/cli/options.h supervisor/cli/run.c \
	supervisor/cli/validate.c supervisor/cli/values.c supervisor/cli/values.h \
	supervisor/cli/change.c supervisor/cli/logs.c supervisor/cli/ps.c supervisor/cli/remote.c \
	supervisor/cli/remote.h supervisor/cli/top.c \
	supervisor/cli/version.c

bin_PROGRAMS += nacelle
nacelle_SOURCES = supervisor/cli/main.c
nacelle_LDADD = libcli.a libring.a libcontrol.a libbroker.a libinstance.a libproto.a libpolicy.a libartefact.a libvalidate.a libtext.a \
	libdecode.a libcompile.a libbase.a $(SECCOMP_LIBS) $(CAP_LIBS) $(GCRYPT_LIBS) $(HOGWEED_LIBS) $(NETTLE_LIBS) $(XXHASH_LIBS) $(JSON_LIBS)
