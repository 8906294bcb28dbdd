if HAVE_CHECK
OCI_TESTS = tests/unit/oci/test-config tests/unit/oci/test-fields tests/unit/oci/test-plan
check_PROGRAMS += $(OCI_TESTS)
TESTS += $(OCI_TESTS)
OCI_CONFIG_LIBS = libociconfig.a $(BROKER_LIBS) $(JSON_LIBS)
tests_unit_oci_test_config_SOURCES = tests/unit/oci/test-config.c tests/unit/oci/bundle.h tests/unit/unit.h
tests_unit_oci_test_config_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_oci_test_config_CFLAGS = $(UNIT_CFLAGS)
tests_unit_oci_test_config_LDADD = $(OCI_CONFIG_LIBS) $(UNIT_LIBS)
tests_unit_oci_test_fields_SOURCES = tests/unit/oci/test-fields.c tests/unit/oci/bundle.h tests/unit/unit.h
tests_unit_oci_test_fields_CPPFLAGS = $(UNIT_CPPFLAGS) -DTOP_SRCDIR=\"$(abs_top_srcdir)\"
tests_unit_oci_test_fields_CFLAGS = $(UNIT_CFLAGS)
tests_unit_oci_test_fields_LDADD = $(OCI_CONFIG_LIBS) $(UNIT_LIBS)
tests_unit_oci_test_plan_SOURCES = tests/unit/oci/test-plan.c tests/unit/oci/bundle.h tests/unit/unit.h
tests_unit_oci_test_plan_CPPFLAGS = $(UNIT_CPPFLAGS) -DTOP_SRCDIR=\"$(abs_top_srcdir)\"
tests_unit_oci_test_plan_CFLAGS = $(UNIT_CFLAGS)
tests_unit_oci_test_plan_LDADD = $(OCI_CONFIG_LIBS) $(UNIT_LIBS)
endif
EXTRA_DIST += tests/unit/oci/default-cri.json tests/unit/oci/default-ctr.json tests/unit/oci/default-docker.json \
	tests/unit/oci/default-podman.json tests/unit/oci/default-runc.json
