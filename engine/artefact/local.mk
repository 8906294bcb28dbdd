noinst_LIBRARIES += libartefact.a
libartefact_a_SOURCES = engine/artefact/artefact.h engine/artefact/cache.c engine/artefact/cache.h \
	engine/artefact/format.h engine/artefact/image.c engine/artefact/key.c engine/artefact/key.h \
	engine/artefact/map.c engine/artefact/read.c engine/artefact/sections.def \
	engine/artefact/skeleton.c engine/artefact/sweep.c engine/artefact/snapshot.c engine/artefact/snapshot.h engine/artefact/snapshot_bytes.c \
	engine/artefact/snapshot_parts.h engine/artefact/snapshot_read.c \
	engine/artefact/snapshot_segments.c engine/artefact/write.c

# The key of an artefact names the build of everything that decides its bytes.
engine/artefact/build-id.h: $(libdecode_a_SOURCES) $(libvalidate_a_SOURCES) $(libcompile_a_SOURCES) \
		$(libfast_a_SOURCES) $(libpeak_a_SOURCES) $(libartefact_a_SOURCES)
	$(AM_V_GEN)$(MKDIR_P) engine/artefact && id=`cd $(srcdir) && cat $(libdecode_a_SOURCES) \
		$(libvalidate_a_SOURCES) $(libcompile_a_SOURCES) $(libfast_a_SOURCES) \
		$(libpeak_a_SOURCES) $(libartefact_a_SOURCES) | sha256sum | cut -c 1-32` && \
		echo "#define BUILD_ID \"$$id\"" > $@.tmp && mv $@.tmp $@
engine/artefact/key.$(OBJEXT): engine/artefact/build-id.h
CLEANFILES += engine/artefact/build-id.h
