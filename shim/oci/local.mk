# shim/oci: nacelle-oci, a runtime for containers
noinst_LIBRARIES += liboci.a
liboci_a_SOURCES = shim/oci/cgroup.c shim/oci/cgroup.h shim/oci/console.c shim/oci/console.h shim/oci/container.c \
	shim/oci/container.h shim/oci/control.c shim/oci/create.c shim/oci/create.h shim/oci/enter.c shim/oci/enter.h \
	shim/oci/hierarchy.c shim/oci/hierarchy.h shim/oci/launch.c shim/oci/launch.h shim/oci/log.c shim/oci/log.h \
	shim/oci/module.c shim/oci/module.h shim/oci/mount.c shim/oci/mount.h shim/oci/oci.h shim/oci/options.c \
	shim/oci/options.h shim/oci/process.c shim/oci/process.h shim/oci/refused.def shim/oci/scope.c shim/oci/scope.h shim/oci/show.c shim/oci/spec.c \
	shim/oci/state.c shim/oci/state.h shim/oci/state_json.c shim/oci/state_json.h

sbin_PROGRAMS += nacelle-oci
nacelle_oci_SOURCES = shim/oci/main.c
nacelle_oci_LDADD = liboci.a libociconfig.a $(BROKER_LIBS) $(JSON_LIBS)
