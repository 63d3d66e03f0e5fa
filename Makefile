# cdp-tools: the whole build.  `make help` lists the targets.
# An untracked config.mk may set CC, CFLAGS, PREFIX, MODE ...
-include config.mk

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
PKG_CONFIG ?= pkg-config
MODE ?= release

# MODE names a tree under build/ and the flags that make it what it is.
cc.release := gcc
cc.asan := gcc
cc.clang := clang
cc.cover := gcc
cc.fuzz := clang
san.asan := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
san.cover := --coverage
san.fuzz := -fsanitize=address,undefined,fuzzer-no-link
opt.release := -O3 -g
opt.asan := -O1 -g
opt.clang := -O2 -g
opt.cover := -O0 -g
opt.fuzz := -O1 -g
ifeq ($(origin CC),default)
CC := $(cc.$(MODE))
endif
AR ?= ar
CFLAGS ?= $(opt.$(MODE))

O := build/$(MODE)
VERSION := $(shell cat VERSION)
PKGS := jansson zlib libzstd lmdb libpcre2-8 libutf8proc libxxhash libcrypto
# Libraries that a build may lack; what needs them then says so.
ifeq ($(shell $(PKG_CONFIG) --exists libmicrohttpd && echo yes),yes)
PKGS += libmicrohttpd
OPTIONAL += -DCDP_WITH_MICROHTTPD
else
WITHOUT += , without libmicrohttpd
endif
ifeq ($(shell $(PKG_CONFIG) --exists odbc && echo yes),yes)
PKGS += odbc
OPTIONAL += -DCDP_WITH_ODBC
else
WITHOUT += , without unixODBC
endif
CSV_LIBS ?= -lcsv
ROARING_LIBS ?= -lroaring
CPPF := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DCDP_VERSION='"$(VERSION)"' $(OPTIONAL) -iquote lib \
	$(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null) $(CSV_LIBS) $(ROARING_LIBS) -lm -pthread
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
	-Wundef -Wwrite-strings -Wno-missing-field-initializers
ifdef WERROR
WARN += -Werror
endif
COMPILE = $(CC) -std=gnu11 $(CPPF) $(DEFS) $(CPPFLAGS) $(WARN) $(CFLAGS) $(san.$(MODE)) -pthread
LINK = $(CC) $(CFLAGS) $(san.$(MODE)) -pthread $(LDFLAGS)

# Named by --version.
LIBRARIES := $(shell for p in $(PKGS); do v=$$($(PKG_CONFIG) --modversion $$p 2>/dev/null) && \
	echo "$$p $$v,"; done) libcsv, libroaring$(WITHOUT)
$O/lib/cli/common.o: private DEFS = -DCDP_LIBRARIES='"$(LIBRARIES)"'

TOOLS := $(patsubst tools/%.c,%,$(wildcard tools/cdp-*.c))
LSRC := $(wildcard lib/*/*.c)
LOBJ := $(LSRC:%.c=$O/%.o)
UNITS := $(patsubst tests/unit/%.c,$O/unit/%,$(wildcard tests/unit/test_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,$O/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

PAGES := $(notdir $(wildcard man/*.[1-9]))
COMPLETIONS := $(TOOLS:%=$O/completion/bash/%) $(TOOLS:%=$O/completion/zsh/_%)
CFILES := $(wildcard tools/*.[ch] lib/*/*.[ch] tests/*/*.[ch])
JOBS ?= $(shell nproc)

all: $(TOOLS:%=$O/%) $(COMPLETIONS) $(PAGES:%=build/man/%) ## build every tool, page and completion
units: $(UNITS)
fuzzers: $(FUZZERS)

# Rewritten only when the compiler or its flags change, so that such a change rebuilds all.
$O/flags: FORCE
	@mkdir -p $(@D); echo '$(COMPILE) $(LINK) $(LIBS)' | cmp -s - $@ || echo '$(COMPILE) $(LINK) $(LIBS)' >$@
$O/%.o: %.c $O/flags
	@mkdir -p $(@D)
	$(COMPILE) -MMD -MP -c -o $@ $<
$O/libcdp.a: $(LOBJ)
	rm -f $@ && $(AR) rcs $@ $^
$O/cdp-%: $O/tools/cdp-%.o $O/libcdp.a
	$(LINK) -o $@ $^ $(LIBS)
$O/unit/%: $O/tests/unit/%.o $O/tests/unit/tap.o $O/libcdp.a
	@mkdir -p $(@D)
	$(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS)
$(filter $O/unit/test_cel%,$(UNITS)): $O/tests/unit/cel.o
$O/unit/test_live $O/unit/test_ruleblock: $O/tests/unit/rule_world.o
$(patsubst %,$O/unit/test_identity%,_many _oracle _vectors) $O/unit/test_identity: $O/tests/unit/identity_world.o
$(patsubst %,$O/unit/test_%,tagstate taglive liverow): $O/tests/unit/tag_world.o
$O/fuzz/%: $O/tests/fuzz/%.o $O/tests/fuzz/driver.o $O/libcdp.a
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(LIBS)

BENCHERS := mkevents mksegments members measure rawcopy bench_splice bench_scan httpload syncs \
	$(if $(findstring WITH_MICROHTTPD,$(OPTIONAL)),mhd_empty) bench_idmap
$O/bench/%: $O/tests/bench/%.o $O/libcdp.a
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(LIBS)
# The scanner is held to the same tests on another processor, emulated.
ARM_CC ?= aarch64-linux-gnu-gcc
ARM_RUN ?= qemu-aarch64
ARM_OBJ := $(patsubst %,build/arm/%.o,$(addprefix lib/record/,explain head json paths scan \
	scan_index scan_portable tokens unique) $(addprefix lib/base/,buf err hex mem time) tests/unit/tap)
ARM_UNITS := $(addprefix build/arm/unit/,test_head test_json test_scan test_scan_equal)
build/arm/%.o: %.c
	@mkdir -p $(@D)
	$(ARM_CC) -std=gnu11 -D_GNU_SOURCE -iquote lib $(WARN) -O2 -MMD -MP -c -o $@ $<
build/arm/unit/%: build/arm/tests/unit/%.o $(ARM_OBJ)
	@mkdir -p $(@D)
	$(ARM_CC) -static -o $@ $^
test-arm: $(ARM_UNITS) ## test the record scanner on aarch64, emulated
	@for t in $^; do $(ARM_RUN) $$t || exit 1; done

$O/bench/bench_scan: $O/tests/bench/bench_scan.o $O/tests/bench/yard_simdjson.o $O/libcdp.a
	@mkdir -p $(@D)
	$(CXX) $(CFLAGS) $(san.$(MODE)) -pthread $(LDFLAGS) -o $@ $^ $(LIBS) -lsimdjson
$O/tests/bench/%.o: tests/bench/%.cc $O/flags
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(CFLAGS) $(san.$(MODE)) -pthread -c -o $@ $<

$O/inject.so: tests/inject/shim.c $O/flags
	$(COMPILE) -shared -fPIC -o $@ $<
$O/completion/bash/%: $O/% man/completion.sh
	@mkdir -p $(@D)
	man/completion.sh bash $< >$@
$O/completion/zsh/_%: $O/% man/completion.sh
	@mkdir -p $(@D)
	man/completion.sh zsh $< >$@
build/man/%: man/% man/page.awk $(wildcard man/inc/*) $(wildcard man/*.1)
	@mkdir -p $(@D)
	awk -f man/page.awk $< >$@

deps: ## install the Debian packages that build and tests need
	@.ci/deps.sh build test
demo: ## run the bank's pipelines on samples and show what comes out
	@.ci/deps.sh build demo
	@$(MAKE) -s -j$(JOBS) all
	@PATH="$(CURDIR)/$O:$$PATH" pipelines/demo.sh build/demo

# Each step is a make of its own: packages must be there before they are looked for.
test: ## everything that can fail, with `N passed, N failed` at the end; MODE=asan: sanitized
	@.ci/deps.sh build test
	@$(MAKE) -s --no-print-directory -j$(JOBS) test.$(MODE)
	@tests/run.sh $(MODE)
test.release: all $O/inject.so $(ARM_UNITS)
	@$(MAKE) -s --no-print-directory MODE=clang WERROR=1 all units
	@$(MAKE) -s --no-print-directory MODE=asan all units fuzzers
test.asan: all units fuzzers
test-clients: ## send with real tracking libraries to the endpoint of cdp-collect
	@.ci/deps.sh build clients
	@$(MAKE) -s -j$(JOBS) $O/cdp-collect
	@tests/clients/run.sh
lint: ## layers, options, pages, words, format, scripts
	@.ci/deps.sh build test
	@$(MAKE) -s -j$(JOBS) all
	@for f in tests/lint/*.sh; do tests/tap.sh $$f $O || exit 1; done
bless: all ## rewrite the golden cases from what comes out; read the diff
	@for t in $(TOOLS); do [ ! -d tests/cases/$$t ] || tests/cases.sh --bless $O $$t || exit 1; done
format: ## lay out all C as .clang-format says
	clang-format -i $(CFILES)
asan: ## build with sanitizers into build/asan
	@$(MAKE) -s MODE=asan all units fuzzers
FUZZ_SECONDS ?= 60
fuzz: ## run every fuzz target under libFuzzer for FUZZ_SECONDS
	@for f in $(FUZZERS:$O/fuzz/%=%); do \
		$(MAKE) -s MODE=fuzz build/fuzz/engine/$$f && mkdir -p build/fuzz/corpus/$$f && \
		build/fuzz/engine/$$f -max_total_time=$(FUZZ_SECONDS) build/fuzz/corpus/$$f \
			tests/fuzz/corpus/$$f || exit 1; done
build/fuzz/engine/%: build/fuzz/tests/fuzz/%.o build/fuzz/libcdp.a
	@mkdir -p $(@D)
	$(LINK) -fsanitize=fuzzer -o $@ $^ $(LIBS)
bench: ## measure against what performance should be; BENCH=full: 10 M events
	@.ci/deps.sh build bench
	@$(MAKE) -s -j$(JOBS) $(TOOLS:%=$O/%) $(BENCHERS:%=$O/bench/%)
	@tests/bench/run.sh
bench-deps: ## install the databases that bench compares with
	@.ci/deps.sh build bench
	@mkdir -p build/bench
	@npm install --prefix build/bench --no-audit --no-fund --no-save @duckdb/node-api chdb
soak: all ## run for long under kill -9
	@tests/soak/run.sh
	@tests/soak/endpoint.sh
check-data: all ## compare answers on real data, DATA=DIR
	@if [ -z "$(DATA)" ]; then echo "check-data: skipped, no DATA=DIR was given"; \
	else .ci/deps.sh check && tests/check/check_data.py $O "$(DATA)"; fi

install: all ## into $(DESTDIR)$(PREFIX)
	mkdir -p "$(DESTDIR)$(BINDIR)" "$(DESTDIR)$(BASHDIR)" "$(DESTDIR)$(ZSHDIR)"
	cd $O && install -m 755 $(TOOLS) "$(DESTDIR)$(BINDIR)"
	cd $O/completion/bash && install -m 644 $(TOOLS) "$(DESTDIR)$(BASHDIR)"
	cd $O/completion/zsh && install -m 644 $(TOOLS:%=_%) "$(DESTDIR)$(ZSHDIR)"
	for p in $(PAGES); do d="$(DESTDIR)$(MANDIR)/man$${p##*.}"; \
		mkdir -p "$$d" && install -m 644 build/man/$$p "$$d" || exit 1; done
uninstall: ## remove what install put there
	cd "$(DESTDIR)$(BINDIR)" && rm -f $(TOOLS)
	cd "$(DESTDIR)$(BASHDIR)" && rm -f $(TOOLS)
	cd "$(DESTDIR)$(ZSHDIR)" && rm -f $(TOOLS:%=_%)
	for p in $(PAGES); do rm -f "$(DESTDIR)$(MANDIR)/man$${p##*.}/$$p"; done
dist: ## an archive of the sources in build/
	mkdir -p build
	git archive --format=tar.gz --prefix=cdp-tools-$(VERSION)/ \
		-o build/cdp-tools-$(VERSION).tar.gz HEAD
clean: ## remove everything generated
	rm -rf build
help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' Makefile
FORCE:
.PHONY: all units fuzzers deps demo test test.release test.asan test-clients lint bless format asan fuzz bench \
	bench-deps soak \
	check-data install uninstall dist clean help FORCE
.DELETE_ON_ERROR:
.SECONDARY:
-include $(ARM_OBJ:.o=.d) $(LOBJ:.o=.d) $(TOOLS:%=$O/tools/%.d) $(wildcard $O/tests/*/*.d build/arm/tests/*/*.d)
