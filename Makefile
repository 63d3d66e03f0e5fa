# cdp-tools: the whole build.  `make help` lists the targets.
# An untracked config.mk may set CC, CFLAGS, PREFIX, MODE ...
-include config.mk

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
PKG_CONFIG ?= pkg-config
MODE ?= release

# MODE names a tree under build/ and the flags that make it what it is.
cc.release := gcc
cc.asan := gcc
cc.clang := clang
cc.cover := gcc
san.asan := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
san.cover := --coverage
opt.release := -O3 -g
opt.asan := -O1 -g
opt.clang := -O2 -g
opt.cover := -O0 -g
ifeq ($(origin CC),default)
CC := $(cc.$(MODE))
endif
AR ?= ar
CFLAGS ?= $(opt.$(MODE))

O := build/$(MODE)
VERSION := $(shell cat VERSION)
PKGS := jansson zlib libzstd lmdb libpcre2-8 libutf8proc libxxhash libcrypto
CSV_LIBS ?= -lcsv
CPPF := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DCDP_VERSION='"$(VERSION)"' -iquote lib \
	$(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null) $(CSV_LIBS) -lm -pthread
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
	-Wundef -Wwrite-strings -Wno-missing-field-initializers
ifdef WERROR
WARN += -Werror
endif
COMPILE = $(CC) -std=gnu11 $(CPPF) $(DEFS) $(CPPFLAGS) $(WARN) $(CFLAGS) $(san.$(MODE)) -pthread
LINK = $(CC) $(CFLAGS) $(san.$(MODE)) -pthread $(LDFLAGS)

# Named by --version.
LIBRARIES := $(shell for p in $(PKGS); do v=$$($(PKG_CONFIG) --modversion $$p 2>/dev/null) && \
	echo "$$p $$v,"; done) libcsv
$O/lib/cli/common.o: private DEFS = -DCDP_LIBRARIES='"$(LIBRARIES)"'

TOOLS := $(patsubst tools/%.c,%,$(wildcard tools/cdp-*.c))
LSRC := $(wildcard lib/*/*.c)
LOBJ := $(LSRC:%.c=$O/%.o)
UNITS := $(patsubst tests/unit/%.c,$O/unit/%,$(wildcard tests/unit/test_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,$O/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

all: $(TOOLS:%=$O/%) ## build every tool
units: $(UNITS)

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
$O/fuzz/%: $O/tests/fuzz/%.o $O/tests/fuzz/driver.o $O/libcdp.a
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(LIBS)

$O/bench/bench_scan: $O/tests/bench/bench_scan.o $O/tests/bench/yard_simdjson.o $O/libcdp.a
	@mkdir -p $(@D)
	$(CXX) $(CFLAGS) $(san.$(MODE)) -pthread $(LDFLAGS) -o $@ $^ $(LIBS) -lsimdjson
$O/tests/bench/%.o: tests/bench/%.cc $O/flags
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(CFLAGS) $(san.$(MODE)) -pthread -c -o $@ $<

clean: ## remove everything generated
	rm -rf build
help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
FORCE:
.PHONY: all units clean help FORCE
.DELETE_ON_ERROR:
.SECONDARY:
-include $(LOBJ:.o=.d) $(TOOLS:%=$O/tools/%.d) $(wildcard $O/tests/*/*.d)
