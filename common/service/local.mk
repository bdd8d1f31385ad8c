# SPDX-License-Identifier: Apache-2.0
# What makes services of the programs: units, users, directories, rotation,
# settings with every key explained, completion for bash.
SERVICE_UNITS = common/service/picket-sensor.service \
	common/service/picket-sensor@.service \
	common/service/picket-collector.service
nodist_systemdsystemunit_DATA = $(SERVICE_UNITS)
CLEANFILES += $(SERVICE_UNITS)
SERVICE_SED = sed -e 's|@bindir[@]|$(bindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g'
common/service/picket-sensor.service: common/service/picket-sensor.service.in
	$(AM_V_GEN)$(MKDIR_P) common/service && \
	$(SERVICE_SED) $(srcdir)/common/service/picket-sensor.service.in >$@
common/service/picket-collector.service: common/service/picket-collector.service.in
	$(AM_V_GEN)$(MKDIR_P) common/service && \
	$(SERVICE_SED) $(srcdir)/common/service/picket-collector.service.in >$@
# One of several sensors: the same, each with settings and directories of its own.
common/service/picket-sensor@.service: common/service/picket-sensor.service.in
	$(AM_V_GEN)$(MKDIR_P) common/service && \
	$(SERVICE_SED) -e '/^# One sensor/,/^# picket-sensor@/d' \
		-e 's|sensor\.yaml$$|sensor-%i.yaml|' \
		-e 's|picket/sensor$$|picket/sensor-%i|' \
		-e 's|^\(RuntimeDirectory=picket-sensor\)$$|\1-%i|' \
		-e 's|^\(Description=.*\)|\1 %I|' \
		$(srcdir)/common/service/picket-sensor.service.in >$@

sysusersdir = $(prefix)/lib/sysusers.d
dist_sysusers_DATA = common/service/picket.conf
tmpfilesdir = $(prefix)/lib/tmpfiles.d
logrotatedir = $(sysconfdir)/logrotate.d
EXTRA_DIST += common/service/picket-sensor.service.in \
	common/service/picket-collector.service.in \
	common/service/tmpfiles.conf common/service/logrotate \
	common/service/sensor.yaml common/service/collector.yaml

# Settings as they came: beside the documents, and where the programs read them
# unless somebody's own are there already.
examplesdir = $(pkgdatadir)/examples
dist_examples_DATA = common/service/sensor.yaml common/service/collector.yaml
picketconfdir = $(sysconfdir)/picket

bashcompletiondir = $(datadir)/bash-completion/completions
BASH_COMPLETION = common/service/completion.bash
EXTRA_DIST += $(BASH_COMPLETION)

install-data-hook: install-service
install-service:
	$(MKDIR_P) "$(DESTDIR)$(tmpfilesdir)" "$(DESTDIR)$(logrotatedir)" \
		"$(DESTDIR)$(picketconfdir)" "$(DESTDIR)$(bashcompletiondir)"
	$(INSTALL_DATA) $(srcdir)/common/service/tmpfiles.conf \
		"$(DESTDIR)$(tmpfilesdir)/picket.conf"
	$(INSTALL_DATA) $(srcdir)/common/service/logrotate \
		"$(DESTDIR)$(logrotatedir)/picket"
	for f in sensor collector; do \
		to="$(DESTDIR)$(picketconfdir)/$$f.yaml"; \
		test -e "$$to" || $(INSTALL_DATA) \
			$(srcdir)/common/service/$$f.yaml "$$to" || exit 1; \
	done
	for p in picket-sensor picket-collector picketctl; do \
		$(INSTALL_DATA) $(srcdir)/$(BASH_COMPLETION) \
			"$(DESTDIR)$(bashcompletiondir)/$$p" || exit 1; \
	done

# Settings that somebody changed stay.
uninstall-hook: uninstall-service
uninstall-service:
	rm -f "$(DESTDIR)$(tmpfilesdir)/picket.conf" \
		"$(DESTDIR)$(logrotatedir)/picket"
	for f in sensor collector; do \
		to="$(DESTDIR)$(picketconfdir)/$$f.yaml"; \
		! cmp -s $(srcdir)/common/service/$$f.yaml "$$to" || rm -f "$$to"; \
	done
	for p in picket-sensor picket-collector picketctl; do \
		rm -f "$(DESTDIR)$(bashcompletiondir)/$$p"; \
	done
	for d in "$(picketconfdir)" "$(examplesdir)" "$(rulesdir)" \
		"$(pkgdatadir)" "$(docdir)"; do \
		rmdir "$(DESTDIR)$$d" 2>/dev/null || :; \
	done
.PHONY: install-service uninstall-service
