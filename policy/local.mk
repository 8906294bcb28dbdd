noinst_LIBRARIES += libpolicy.a
libpolicy_a_SOURCES = policy/credentials.c policy/key.h policy/keys.def policy/kernel.c policy/kernel.def policy/kernel.h policy/landlock.c policy/landlock.def policy/layers.def policy/policy.h policy/posture.c policy/posture.h policy/settings.def \
	policy/syscalls.c policy/unit.h
