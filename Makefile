# SPDX-License-Identifier: MIT
# hostmetrics: one non-recursive Makefile. `make help` lists the targets. A new source, plugin, test
# or fuzz target is a new file: nothing is to be edited here.

VERSION := 0.1.0

ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 1)
endif
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SECONDARY:

# SAN = asan, tsan, coverage, analyzer or fuzz: another kind of build, in a folder of its own.
SAN ?=
BUILD ?= build$(SAN:%=-%)
V ?=
, := ,
Q := $(if $(V),,@)
say = $(if $(V),@:,@printf '  %-5s %s\n' $(1) $(2))

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
PLUGIN_FOLDER ?= $(LIBDIR)/hostmetrics/plugins

# -- flags: ours are added to the packager's ------------------------------------------------------

ifeq ($(origin CC),default)
CC := $(if $(filter fuzz,$(SAN)),clang,gcc)
endif
CFLAGS ?= -O2 -g
OPTIMISES := $(filter -O1 -O2 -O3 -Os -Ofast,$(lastword $(filter -O%,$(CFLAGS))))
FORTIFY := $(if $(SAN)$(findstring _FORTIFY_SOURCE,$(CFLAGS) $(CPPFLAGS)),,\
	$(OPTIMISES:%=-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2))
override CPPFLAGS += -Iinclude -I. -isystem /usr/include/libevdev-1.0 -D_GNU_SOURCE \
	-D_FILE_OFFSET_BITS=64 -DHM_VERSION='"$(VERSION)"' \
	-DHM_PLUGIN_FOLDER='"$(PLUGIN_FOLDER)"'
override CFLAGS += -std=gnu17 -pthread -fvisibility=hidden -fstack-protector-strong -Wall -Wextra \
	-Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings -Wformat=2 -Wundef
override LDFLAGS += -pthread -Wl,-z,relro,-z,now,--as-needed
override LDLIBS += -ludev -levdev -lbsd -lmd -linih

san_asan := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
san_tsan := -fsanitize=thread -fno-omit-frame-pointer
san_coverage := --coverage -O0
san_analyzer = -Werror $(if $(filter tests/%,$<),,-fanalyzer)
san_fuzz := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
$(if $(SAN),$(if $(san_$(SAN)),,$(error SAN=$(SAN): use asan, tsan, coverage, analyzer or fuzz)))

COMPILE = $(CC) $(CPPFLAGS) $(CFLAGS) $(FORTIFY) $(san_$(SAN))
LINK = $(CC) $(CFLAGS) $(san_$(SAN)) $(LDFLAGS)
# What only some objects need: plugins are shared, tests of devices use umockdev (and so glib).
OBJECT_FLAGS = $(if $(filter plugins/% docs/% tests/plugins/%,$<),-fPIC,-fPIE) $(if $(filter %_umockdev.c,$<),\
	$(patsubst -I%,-isystem%,$(shell pkg-config --cflags umockdev-1.0)))

# -- what there is --------------------------------------------------------------------------------

# Each folder makes an archive of all but its main.c: libcommon.a, libctl.a, libsupport.a ...
FOLDERS := common agent agent/ctl collector plugins tests/support
sources = $(sort $(filter-out %/main.c $(NO_SOURCES),$(wildcard $(1)/*.c)))
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
archives = $(patsubst %,$(BUILD)/lib%.a,$(1))

PROGRAMS := $(addprefix $(BUILD)/,hostmetrics-agent hostmetrics-collector agentctl)
PLUGINS := $(BUILD)/plugins/hostmetrics.so
EXAMPLES := $(patsubst docs/example-plugin/%.c,$(BUILD)/example/%.so,$(wildcard docs/example-plugin/*.c))
TEST_PLUGINS := $(patsubst tests/plugins/%.c,$(BUILD)/test-plugins/%.so,$(wildcard tests/plugins/*.c))
# tests/run reports the tests that were not built as skipped.
NO_SOURCES := $(if $(shell pkg-config --exists umockdev-1.0 2>/dev/null && echo yes),,%_umockdev.c)
UNIT_SOURCES := $(sort $(filter-out $(NO_SOURCES),$(wildcard tests/unit/*/*.c)))
UNITS := $(UNIT_SOURCES:tests/%.c=$(BUILD)/%)
GUEST_PROGRAMS := $(patsubst tests/system/%.c,$(BUILD)/system/%,$(wildcard tests/system/*.c))
BENCHES := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))
FAULTS := $(patsubst tests/fault/%.c,$(BUILD)/fault/%,$(wildcard tests/fault/*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/*.c))
SOURCES := $(sort $(wildcard $(FOLDERS:%=%/*.c) tests/unit/*/*.c tests/fuzz/*.c tests/system/*.c \
	tests/bench/*.c tests/fault/*.c tests/machines/*.c tests/plugins/*.c docs/example-plugin/*.c))
HEADERS := $(sort $(wildcard include/hostmetrics/*.h $(FOLDERS:%=%/*.h) tests/*/*.h))

.PHONY: all run check test tests torture bench bench-agent bench-store bench-series check-system guest-programs check-packages check-oracle check-asan check-tsan \
	fuzz fuzzers lint lint-tools lint-format lint-cppcheck lint-compilers lint-objects lint-tidy format \
	golden coverage install uninstall clean deb rpm help FORCE

all: $(PROGRAMS) $(PLUGINS) ## the daemons, agentctl and the plugins, in build/; installs nothing

# -- how it is made -------------------------------------------------------------------------------

%/:
	$(Q)mkdir -p $@

# Objects depend on the flags they are made with. The first thing made, so it says what is missing.
$(BUILD)/flags: FORCE | $(BUILD)/
	$(file >$@.new,$(COMPILE) / $(LINK) $(LDLIBS))
	@cmp -s $@.new $@ || printf '#include <%s>\n' stdio.h libudev.h libevdev/libevdev.h bsd/string.h ini.h | \
		$(CC) $(CPPFLAGS) -E -o $(BUILD)/probe -x c - 2>/dev/null || { \
		echo "make: $(CC) or a library is missing: 'make run' installs what is needed, or see" \
			"'packaging/dependencies build --print'" >&2; exit 1; }
	@cmp -s $@.new $@ || cp $@.new $@

$(BUILD)/criterion: | $(BUILD)/
	@echo '#include <criterion/criterion.h>' | $(CC) $(CPPFLAGS) -E -o $@ -x c - 2>/dev/null || { \
		echo "make: Criterion is missing: 'make check' installs what tests need, or see" \
			"'packaging/dependencies test --print'" >&2; exit 1; }

$(call objects,$(UNIT_SOURCES)): | $(BUILD)/criterion
$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE) $(OBJECT_FLAGS) -MMD -MP -c -o $@ $<

define archive_rule
$(call archives,$(notdir $(1))): $(call objects,$(call sources,$(1)))
	$(Q)rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach folder,$(FOLDERS),$(eval $(call archive_rule,$(folder))))

# All of the agent's own objects: what it lends to plugins is called by nobody inside it.
$(BUILD)/hostmetrics-agent: $(call objects,$(sort $(wildcard agent/*.c))) $(call archives,common)
$(BUILD)/hostmetrics-collector: $(call objects,collector/main.c) $(call archives,collector common)
$(BUILD)/agentctl: $(call objects,agent/ctl/main.c) $(call archives,ctl common)
$(PROGRAMS):
	$(call say,LINK,$@)
	$(Q)$(LINK) -pie $(if $(filter %-agent,$@),-Wl$(,)--export-dynamic-symbol='hm_*') -o $@ $^ $(LDLIBS)

# Plugins find hm_* in the agent that loads them.
$(PLUGINS): $(call objects,$(sort $(wildcard plugins/*.c)))
$(EXAMPLES): $(BUILD)/example/%.so: $(BUILD)/obj/docs/example-plugin/%.o
$(TEST_PLUGINS): $(BUILD)/test-plugins/%.so: $(BUILD)/obj/tests/plugins/%.o
$(PLUGINS) $(EXAMPLES) $(TEST_PLUGINS):
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) -shared -Wl,-z,undefs -o $@ $^ $(LDLIBS)

# For tests that need both at once.
$(BUILD)/plugins-and-example: $(PLUGINS) $(EXAMPLES)
	$(Q)mkdir -p $@ && cp $^ $@ && touch $@

# -- tests ----------------------------------------------------------------------------------------

# What the tests of a folder are linked with. tests/support may stand in for anything but what is
# tested: it has a struct hm_batch of its own, which the agent's tests must not get.
unit_common := support common
unit_agent := agent support common plugins
unit_ctl := support ctl common
unit_collector := support collector common
unit_plugins := support plugins agent common
group = -Wl,--start-group $(filter %.a,$^) -Wl,--end-group

.SECONDEXPANSION:
$(UNITS): $(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $$(call archives,$$(unit_$$(*D)))
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) -pie -o $@ $(filter %.o,$^) $(group) -lcriterion $(LDLIBS) $(if $(filter %_umockdev,$@),\
		$(shell pkg-config --libs umockdev-1.0))

ifeq ($(SAN),tsan)
$(UNITS): $(call objects,tests/support/tsan.c)
endif

$(FUZZERS): $(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o \
	$(call archives,support plugins agent ctl collector common)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) -fsanitize=fuzzer -pie -o $@ $< $(group) $(LDLIBS)

$(FAULTS): $(BUILD)/fault/%: $(BUILD)/obj/tests/fault/%.o $(call archives,support agent collector common)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) -pie -o $@ $< $(group) $(LDLIBS)

$(BENCHES): $(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(call archives,support agent collector common)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) -pie -o $@ $^ $(LDLIBS)

$(GUEST_PROGRAMS): $(BUILD)/system/%: $(BUILD)/obj/tests/system/%.o
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) -pie -o $@ $^ $(LDLIBS)

tests: all $(UNITS) $(FAULTS) $(EXAMPLES) $(TEST_PLUGINS) $(BUILD)/plugins-and-example
fuzzers: $(FUZZERS)
guest-programs: all $(GUEST_PROGRAMS)

run: ## install what building needs, build, and show this machine's metrics live
	@packaging/dependencies build
	@$(MAKE) --no-print-directory all
	@packaging/run $(BUILD)

check: ## install what the tests need, and run all of them
	@packaging/dependencies build test
	@$(MAKE) --no-print-directory test

test: tests ## all tests, or those whose name holds T=WORD; installs nothing
	@HM_BUILD=$(BUILD) HM_SAN=$(SAN) tests/run $(T)

# Seeds are printed; PROGRAM SEED, or HM_SEED=SEED, does one of them again.
TORTURE_SECONDS ?= 3600
TORTURE_KILLS ?= $(shell echo $$(($(TORTURE_SECONDS) * 10000 / 3600 + 1)))
POWER_CUTS ?= 1000
torture: tests ## hours of crashes, errors and flipped bits of a simulated disk, and of simulated agents, kills, bad networks (TORTURE_SECONDS each: 3600), and POWER_CUTS (1000) of a guest
	@for program in $(FAULTS); do TORTURE_SECONDS=$(TORTURE_SECONDS) $$program || exit 1; done
	@HM_TORTURE=1 TORTURE_SECONDS=$(TORTURE_SECONDS) HM_KILLS=$(TORTURE_KILLS) HM_BUILD=$(BUILD) tests/run $(addprefix integration/test_,exactly_once kill native partition proxy)
	@$(MAKE) --no-print-directory HM_TORTURE=1 check-system T=test_power_agents

bench: all $(BENCHES) ## what 10 000 text clients and 10 000 agents cost the collector, and what samples cost in blocks, on the wire and on the disk
	@packaging/dependencies build bench --print
	@zstd -dc tests/fixtures/host-1s.txt.zst | $(BUILD)/bench/codec
	@$(BUILD)/bench/wire
	@HM_BUILD=$(BUILD) tests/bench/load
	@HM_BUILD=$(BUILD) tests/bench/agents
	@HM_BUILD=$(BUILD) tests/bench/store

bench-agent: all $(BUILD)/bench/floor ## what the agent costs the host it watches, beside bare reads and node_exporter; SECONDS and SHIP_SECONDS as arguments
	@packaging/dependencies build bench --print
	@HM_BUILD=$(BUILD) tests/bench/agent $(SECONDS) $(SHIP_SECONDS)

bench-store: all $(BENCHES) ## what a line of text and a query cost the collector, and what its peers, where they are installed
	@HM_BUILD=$(BUILD) tests/bench/text
	@HM_BUILD=$(BUILD) tests/bench/query

bench-series: all ## what a million series cost: memory, files, the start after kill -9; SERIES and SHAPE as arguments
	@HM_BUILD=$(BUILD) tests/bench/series $(SERIES) $(SHAPE)

# Builds for this machine are run in a guest of the same distribution.
check-system: ## the tests on a kernel of their own, under QEMU; as root, on an amd64 Debian
	@packaging/dependencies build system
	@$(MAKE) --no-print-directory guest-programs
	@tests/system/guest-image $(BUILD)/system/guest
	@HM_BUILD=$(BUILD) HM_JOBS=1 $(if $(HM_TORTURE),HM_TORTURE=1 POWER_CUTS=$(POWER_CUTS)) tests/run --system $(T)

check-asan check-tsan: check-%: ## the tests under AddressSanitizer and UBSan, or ThreadSanitizer
	@$(MAKE) --no-print-directory SAN=$* BUILD=$(BUILD)-$* test

fuzz: ## every fuzz target for FUZZ_SECONDS (30), or those whose name holds T=WORD
	@packaging/dependencies build fuzz --print
	@$(MAKE) --no-print-directory SAN=fuzz BUILD=$(BUILD)-fuzz fuzzers
	@tests/fuzz/run $(BUILD)-fuzz/fuzz $(T)

golden: all ## write tests/golden anew; review the difference
	@HM_BUILD=$(BUILD) HM_GOLDEN=write tests/run golden

coverage: ## the tests, then how much of each source they ran
	@$(MAKE) --no-print-directory SAN=coverage BUILD=$(BUILD)-coverage test
	@find $(BUILD)-coverage/obj -name '*.gcda' -not -path '*/tests/*' -exec gcov -n {} + | awk -F "[':% ]+" \
		'/^File/ {file = $$2} /^Lines/ && file ~ /^[a-z].*[.]c$$/ {printf "%6.1f %% of %4d  %s\n", $$3, $$5, file}' | sort -n

# -- lint: tests are compiled with -Werror, everything else goes through -fanalyzer too ------------

lint: lint-format lint-cppcheck lint-compilers ## clang-format, cppcheck, gcc -fanalyzer, clang-tidy; -k shows all

lint-compilers: lint-tools
	@$(MAKE) --no-print-directory SAN=analyzer BUILD=$(BUILD)-analyzer lint-objects lint-tidy

lint-tools:
	@packaging/dependencies build test lint --print

lint-format: lint-tools
	@clang-format --dry-run -Werror $(SOURCES) $(HEADERS)

lint-cppcheck: lint-tools
	@cppcheck $(CPPFLAGS) -q -j $(shell nproc) --std=c11 --enable=warning,style,performance,portability --inline-suppr \
		--library=posix,tests/cppcheck.cfg '-D__VA_OPT__(...)=' --error-exitcode=1 \
		--suppressions-list=tests/cppcheck-suppressions $(SOURCES)

lint-objects: $(call objects,$(SOURCES))
lint-tidy: $(SOURCES:%.c=$(BUILD)/tidy/%)
$(BUILD)/tidy/%: %.c $(BUILD)/obj/%.o .clang-tidy tests/.clang-tidy
	$(call say,TIDY,$<)
	$(Q)mkdir -p $(@D)
	$(Q)clang-tidy --quiet $< -- $(CPPFLAGS) $(CFLAGS) $(OBJECT_FLAGS) -Werror && touch $@

format: ## let clang-format rewrite every source
	clang-format -i $(SOURCES) $(HEADERS)

# -- the rest -------------------------------------------------------------------------------------

# mode:file:where
INSTALLED := 755:$(BUILD)/agentctl:$(BINDIR)/agentctl \
	755:$(BUILD)/hostmetrics-agent:$(SBINDIR)/hostmetrics-agent \
	755:$(BUILD)/hostmetrics-collector:$(SBINDIR)/hostmetrics-collector \
	644:$(PLUGINS):$(PLUGIN_FOLDER)/hostmetrics.so \
	644:include/hostmetrics/plugin.h:$(INCLUDEDIR)/hostmetrics/plugin.h \
	644:include/hostmetrics/sysfs.h:$(INCLUDEDIR)/hostmetrics/sysfs.h \
	644:include/hostmetrics/input.h:$(INCLUDEDIR)/hostmetrics/input.h \
	644:packaging/completion/agentctl.bash:$(COMPLETIONDIR)/agentctl \
	$(foreach page,$(wildcard packaging/man/*.[1-8]),\
		644:$(page):$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(notdir $(page)))
each_installed = for entry in $(INSTALLED); do (IFS=:; set -- $$entry; set -x; $(1)) || exit 1; done

install: all ## into DESTDIR and PREFIX (/usr/local)
	@$(call each_installed,install -D -m $$1 $$2 "$(DESTDIR)$$3")

uninstall: ## what install made; configuration and data stay
	@$(call each_installed,rm -f "$(DESTDIR)$$3")
	-@rmdir "$(DESTDIR)$(PLUGIN_FOLDER)" "$(DESTDIR)$(dir $(PLUGIN_FOLDER))" "$(DESTDIR)$(INCLUDEDIR)/hostmetrics"

clean: ## remove all build folders
	rm -rf --one-file-system $(BUILD) $(wildcard $(BUILD)-*)

deb rpm: ## packages for Debian, or Fedora and its like, into build/packages/
	@packaging/dependencies build $@
	@packaging/package $@ $(VERSION) $(BUILD)/packages

# Not at once: both may have to install something.
rpm: | $(filter deb,$(MAKECMDGOALS))

check-packages: ## the packages, in a Debian with a systemd of its own; as root
	@packaging/dependencies build deb rpm packages
	@$(MAKE) --no-print-directory deb rpm
	@HM_BUILD=$(BUILD) tests/system/packages

# Debian's packages are fetched and unpacked below the build folder; nothing is installed.
check-oracle: all ## our metrics, one by one, with those of Debian's node_exporter, here and on trees of real hosts; promtool
	@HM_BUILD=$(BUILD) tests/oracle/compare
	@HM_BUILD=$(BUILD) tests/oracle/lint

help: ## this list
	@awk -F ':.*## ' '/^[a-z -]+:.*## / {printf "  make %-24s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

-include $(patsubst %.o,%.d,$(call objects,$(SOURCES)))
