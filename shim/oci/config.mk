# shim/oci: what nacelle-oci reads, config.json, and what it becomes. The programs that use it: local.mk
noinst_LIBRARIES += libociconfig.a
libociconfig_a_SOURCES = shim/oci/config_check.c shim/oci/config_fields.c shim/oci/config_fields.h shim/oci/config_json.c \
	shim/oci/config_json.h shim/oci/config_mount.c shim/oci/config_places.def shim/oci/config_scan.c shim/oci/config_scan.h \
	shim/oci/config_words.def shim/oci/fields.def shim/oci/plan.c shim/oci/plan.h shim/oci/plan_build.h \
	shim/oci/plan_limits.c shim/oci/plan_mounts.c shim/oci/plan_root.c shim/oci/plan_settings.c shim/oci/plan_unit.c
