# SPDX-License-Identifier: Apache-2.0
# What makes services of the programs: units, users, directories, rotation,
# settings with every key explained, completion for bash.
SERVICES = sensor collector
EXTRA_DIST += \
	common/service/picket-sensor.service.in \
	common/service/picket-collector.service.in \
	common/service/sensor.yaml common/service/collector.yaml \
	common/service/sensor.sysusers common/service/collector.sysusers \
	common/service/sensor.tmpfiles common/service/collector.tmpfiles \
	common/service/sensor.logrotate common/service/collector.logrotate \
	common/service/completion.bash

sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
logrotatedir = $(sysconfdir)/logrotate.d
picketconfdir = $(sysconfdir)/picket
examplesdir = $(pkgdatadir)/examples
bashcompletiondir = $(datadir)/bash-completion/completions

# Where this installation has its programs, rules and settings.
SERVICE_SED = sed -e 's|@bindir[@]|$(bindir)|g' \
	-e 's|@sysconfdir[@]|$(sysconfdir)|g' \
	-e 's|/usr/share/picket|$(pkgdatadir)|g' \
	-e 's|/etc/picket|$(sysconfdir)/picket|g'
# One of several sensors: the same, each with settings and directories of its own.
SERVICE_MANY = -e '/^\# One sensor/,/^\# picket-sensor@/d' \
	-e 's|sensor\.yaml$$|sensor-%i.yaml|' \
	-e 's|picket/sensor$$|picket/sensor-%i|' \
	-e 's|^\(RuntimeDirectory=picket-sensor\)$$|\1-%i|' \
	-e 's|^\(Description=.*\)|\1 %I|'

# A second collector of the same settings and store, which stands by.
SERVICE_STANDBY = -e '/^\# The collector, as/d' \
	-e 's|^Description=.*|Description=Picket collector that stands by|' \
	-e 's|^After=.*|& picket-collector.service|' \
	-e 's|^\(RuntimeDirectory=picket-collector\)$$|\1-standby|' \
	-e 's|collector\.yaml$$|& --set lease.name=standby --set metrics.listen=127.0.0.1:0|'

SERVICE_UNITS = common/service/picket-sensor.service \
	common/service/picket-collector-standby.service \
	common/service/picket-sensor@.service \
	common/service/picket-collector.service
SERVICE_MADE = common/service/made/sensor.yaml \
	common/service/made/collector.yaml \
	common/service/made/picket-sensor.tmpfiles \
	common/service/made/picket-collector.tmpfiles
nodist_systemdsystemunit_DATA = $(SERVICE_UNITS)
nodist_noinst_DATA = $(SERVICE_MADE)
CLEANFILES += $(SERVICE_UNITS) $(SERVICE_MADE)

common/service/picket-sensor.service: common/service/picket-sensor.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) common/service && \
	$(SERVICE_SED) $(srcdir)/common/service/picket-sensor.service.in >$@
common/service/picket-collector.service: common/service/picket-collector.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) common/service && \
	$(SERVICE_SED) $(srcdir)/common/service/picket-collector.service.in >$@
common/service/picket-collector-standby.service: \
		common/service/picket-collector.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) common/service && \
	$(SERVICE_SED) $(SERVICE_STANDBY) \
		$(srcdir)/common/service/picket-collector.service.in >$@
common/service/picket-sensor@.service: common/service/picket-sensor.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) common/service && \
	$(SERVICE_SED) $(SERVICE_MANY) \
		$(srcdir)/common/service/picket-sensor.service.in >$@
common/service/made/sensor.yaml: common/service/sensor.yaml Makefile
	$(AM_V_GEN)$(MKDIR_P) common/service/made && \
	$(SERVICE_SED) $(srcdir)/common/service/sensor.yaml >$@
common/service/made/collector.yaml: common/service/collector.yaml Makefile
	$(AM_V_GEN)$(MKDIR_P) common/service/made && \
	$(SERVICE_SED) $(srcdir)/common/service/collector.yaml >$@
common/service/made/picket-sensor.tmpfiles: common/service/sensor.tmpfiles Makefile
	$(AM_V_GEN)$(MKDIR_P) common/service/made && \
	$(SERVICE_SED) $(srcdir)/common/service/sensor.tmpfiles >$@
common/service/made/picket-collector.tmpfiles: common/service/collector.tmpfiles Makefile
	$(AM_V_GEN)$(MKDIR_P) common/service/made && \
	$(SERVICE_SED) $(srcdir)/common/service/collector.tmpfiles >$@

# Settings as they came lie beside the rules; where the programs read them they
# are put only where there are none yet.
install-data-hook: install-service
install-service: $(SERVICE_MADE)
	$(MKDIR_P) "$(DESTDIR)$(sysusersdir)" "$(DESTDIR)$(tmpfilesdir)" \
		"$(DESTDIR)$(logrotatedir)" "$(DESTDIR)$(picketconfdir)/rules" \
		"$(DESTDIR)$(examplesdir)" "$(DESTDIR)$(bashcompletiondir)"
	set -e; for f in $(SERVICES); do \
		$(INSTALL_DATA) "$(srcdir)/common/service/$$f.sysusers" \
			"$(DESTDIR)$(sysusersdir)/picket-$$f.conf"; \
		$(INSTALL_DATA) "common/service/made/picket-$$f.tmpfiles" \
			"$(DESTDIR)$(tmpfilesdir)/picket-$$f.conf"; \
		$(INSTALL_DATA) "$(srcdir)/common/service/$$f.logrotate" \
			"$(DESTDIR)$(logrotatedir)/picket-$$f"; \
		$(INSTALL_DATA) "common/service/made/$$f.yaml" \
			"$(DESTDIR)$(examplesdir)/$$f.yaml"; \
		test -e "$(DESTDIR)$(picketconfdir)/$$f.yaml" || \
			$(INSTALL_DATA) "common/service/made/$$f.yaml" \
				"$(DESTDIR)$(picketconfdir)/$$f.yaml"; \
	done
	set -e; for p in picket-sensor picket-collector picketctl; do \
		$(INSTALL_DATA) $(srcdir)/common/service/completion.bash \
			"$(DESTDIR)$(bashcompletiondir)/$$p"; \
	done

# Settings that somebody changed stay.
uninstall-hook: uninstall-service
uninstall-service:
	for f in $(SERVICES); do \
		to="$(DESTDIR)$(picketconfdir)/$$f.yaml"; \
		! cmp -s "$(DESTDIR)$(examplesdir)/$$f.yaml" "$$to" || \
			rm -f "$$to"; \
		rm -f "$(DESTDIR)$(sysusersdir)/picket-$$f.conf" \
			"$(DESTDIR)$(tmpfilesdir)/picket-$$f.conf" \
			"$(DESTDIR)$(logrotatedir)/picket-$$f" \
			"$(DESTDIR)$(examplesdir)/$$f.yaml"; \
	done
	for p in picket-sensor picket-collector picketctl; do \
		rm -f "$(DESTDIR)$(bashcompletiondir)/$$p"; \
	done
	for d in "$(picketconfdir)/rules" "$(picketconfdir)" "$(examplesdir)" \
		"$(rulesdir)" "$(pkgdatadir)" "$(docdir)"; do \
		rmdir "$(DESTDIR)$$d" 2>/dev/null || :; \
	done
.PHONY: install-service uninstall-service
