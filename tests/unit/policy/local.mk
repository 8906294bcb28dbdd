if HAVE_CHECK
POLICY_TESTS = tests/unit/policy/test-policy tests/unit/policy/test-posture \
	tests/unit/policy/test-unit tests/unit/policy/test-key tests/unit/policy/test-signature tests/unit/policy/test-score tests/unit/policy/test-explain tests/unit/policy/test-cgroup tests/unit/policy/test-stand-in
# A build with sanitizers has no use for these walls.
if !SANITIZERS
POLICY_TESTS += tests/unit/policy/test-landlock
endif
check_PROGRAMS += $(POLICY_TESTS)
TESTS += $(POLICY_TESTS)
tests_unit_policy_test_policy_SOURCES = tests/unit/policy/test-policy.c tests/unit/unit.h
tests_unit_policy_test_policy_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_policy_test_policy_CFLAGS = $(UNIT_CFLAGS)
tests_unit_policy_test_policy_LDADD = libpolicy.a libbase.a $(SECCOMP_LIBS) $(CAP_LIBS) $(UNIT_LIBS)
tests_unit_policy_test_cgroup_SOURCES = tests/unit/policy/test-cgroup.c tests/unit/unit.h
tests_unit_policy_test_cgroup_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_policy_test_cgroup_CFLAGS = $(UNIT_CFLAGS)
tests_unit_policy_test_cgroup_LDADD = libpolicy.a libbase.a $(SECCOMP_LIBS) $(CAP_LIBS) $(UNIT_LIBS)
tests_unit_policy_test_stand_in_SOURCES = tests/unit/policy/test-stand-in.c tests/unit/unit.h
tests_unit_policy_test_stand_in_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_policy_test_stand_in_CFLAGS = $(UNIT_CFLAGS)
tests_unit_policy_test_stand_in_LDADD = libpolicy.a libbase.a $(SECCOMP_LIBS) $(CAP_LIBS) $(UNIT_LIBS)
tests_unit_policy_test_landlock_SOURCES = tests/unit/policy/test-landlock.c tests/unit/unit.h
tests_unit_policy_test_landlock_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_policy_test_landlock_CFLAGS = $(UNIT_CFLAGS)
tests_unit_policy_test_landlock_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=syscall
tests_unit_policy_test_landlock_LDADD = libpolicy.a libbase.a $(SECCOMP_LIBS) $(CAP_LIBS) $(UNIT_LIBS)
tests_unit_policy_test_posture_SOURCES = tests/unit/policy/test-posture.c tests/unit/unit.h
tests_unit_policy_test_posture_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_policy_test_posture_CFLAGS = $(UNIT_CFLAGS)
tests_unit_policy_test_posture_LDADD = libpolicy.a libbase.a $(SECCOMP_LIBS) $(CAP_LIBS) $(UNIT_LIBS)
tests_unit_policy_test_unit_SOURCES = tests/unit/policy/test-unit.c tests/unit/unit.h
tests_unit_policy_test_unit_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_policy_test_unit_CFLAGS = $(UNIT_CFLAGS)
tests_unit_policy_test_unit_LDADD = libpolicy.a libbase.a $(SECCOMP_LIBS) $(CAP_LIBS) $(UNIT_LIBS)
tests_unit_policy_test_key_SOURCES = tests/unit/policy/test-key.c tests/unit/unit.h
tests_unit_policy_test_key_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_policy_test_key_CFLAGS = $(UNIT_CFLAGS)
tests_unit_policy_test_key_LDADD = libpolicy.a libbase.a $(SECCOMP_LIBS) $(CAP_LIBS) $(UNIT_LIBS)
tests_unit_policy_test_signature_SOURCES = tests/unit/policy/test-signature.c tests/unit/unit.h
tests_unit_policy_test_signature_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_policy_test_signature_CFLAGS = $(UNIT_CFLAGS)
tests_unit_policy_test_signature_LDADD = libpolicy.a libbase.a $(GCRYPT_LIBS) $(HOGWEED_LIBS) $(NETTLE_LIBS) $(UNIT_LIBS)
tests_unit_policy_test_score_SOURCES = tests/unit/policy/test-score.c tests/unit/unit.h
tests_unit_policy_test_score_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_policy_test_score_CFLAGS = $(UNIT_CFLAGS)
tests_unit_policy_test_score_LDADD = libpolicy.a libbase.a $(SECCOMP_LIBS) $(CAP_LIBS) $(UNIT_LIBS)
tests_unit_policy_test_explain_SOURCES = tests/unit/policy/test-explain.c tests/unit/unit.h
tests_unit_policy_test_explain_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_policy_test_explain_CFLAGS = $(UNIT_CFLAGS)
tests_unit_policy_test_explain_LDADD = libpolicy.a libbase.a $(SECCOMP_LIBS) $(CAP_LIBS) $(UNIT_LIBS)
endif
