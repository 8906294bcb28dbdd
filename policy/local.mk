noinst_LIBRARIES += libpolicy.a
libpolicy_a_SOURCES = policy/policy.h policy/layers.def policy/credentials.c policy/syscalls.c policy/connector_calls.def policy/path_calls.def policy/resolver.def \
	policy/stand_in.c policy/stand_in.h policy/stand_ins.def policy/landlock.c policy/landlock.def policy/pagemap.c policy/namespaces.c policy/kernel.c policy/kernel.def policy/kernel.h \
	policy/posture.c policy/posture_as.c policy/posture_cgroup.c policy/posture.h policy/cgroup.c policy/cgroup.h policy/cgroup.def policy/explain.c policy/explain.h policy/enforce.def policy/denials.def policy/score.c policy/score.h policy/score.def policy/signature.c policy/signature.h \
	policy/key.h policy/keys.def policy/key.c policy/network.c policy/network.h policy/networks.def \
	policy/number.c policy/number.h \
	policy/unit.h policy/settings.def policy/ini.c policy/ini.h policy/draft.h policy/setting.c \
	policy/unit.c policy/unit_finish.c policy/unit_imports.c policy/unit_files.c
