# make [VARIANT=release|debug|asan|tsan|fuzz] [CC=gcc|clang-14] [BUILD=dir] [-j2] target
#
# One non-recursive makefile.  Every directory of src/ becomes one archive, linked in the order of
# tools/layers.txt; objects of each variant and compiler live in their own folder below $(BUILD).

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
SHELL := /bin/bash

VARIANT ?= release
ifeq ($(filter release debug asan tsan fuzz,$(VARIANT)),)
$(error VARIANT is one of release debug asan tsan fuzz)
endif
ifeq ($(origin CC),default)
CC := $(if $(filter fuzz,$(VARIANT)),clang-14,gcc)
endif
AR      := ar
TOP     := $(CURDIR)
BUILD   ?= build
CCID    := $(if $(findstring clang,$(CC)),clang,gcc)
OUT     := $(BUILD)/$(VARIANT)-$(CCID)
PREFIX  ?= /usr/local
VERSION ?= 0.1.0
CCACHE  := $(shell command -v ccache)
PROGRAM := $(OUT)/connectors

# --- what there is to build
LAYERS := $(shell sed -n 's/^\([a-z]*\):.*/\1/p' tools/layers.txt)
DIRS   := $(foreach d,$(LAYERS),$(if $(wildcard src/$d),$d))
$(foreach d,$(LAYERS),$(eval LOWER.$d := $(shell sed -n 's/^$d: *//p' tools/layers.txt)))
# A directory needs at link time whatever the directories it includes need.
$(foreach d,$(LAYERS),$(eval NEEDS.$d := $(sort $(LOWER.$d) $(foreach l,$(LOWER.$d),$(NEEDS.$l)))))
# $(call archives,dirs): their archives and those below, highest layer first, as a linker wants them.
reverse  = $(if $1,$(call reverse,$(wordlist 2,$(words $1),$1)) $(firstword $1))
archives = $(patsubst %,$(OUT)/lib/%.a,$(call reverse,$(filter $(sort $1 $(foreach d,$1,$(NEEDS.$d))),$(DIRS))))

$(foreach d,$(DIRS),$(eval SRC.$d := $(sort $(wildcard src/$d/*.c src/$d/*/*.c))))
$(foreach d,$(DIRS),$(eval OBJ.$d := $(SRC.$d:%.c=$(OUT)/%.o)))
SRC        := $(foreach d,$(DIRS),$(SRC.$d)) $(wildcard src/main.c)
CONFIG     := $(sort $(shell find config -name '*.yaml' 2>/dev/null))
EMBED      := $(OUT)/gen/config_files
KINDS      := $(sort $(wildcard src/apiserver/kinds/*.yaml))
KIND_FILES := $(OUT)/gen/kind_files
OBJ.apiserver += $(KIND_FILES).o

# --- flags
PKGS := libcares jansson yaml-0.1 sqlite3
# Goals that compile nothing in this make; the libraries may not even be installed yet.
ASIDE := deps test-deps help clean distclean lint format test unit corpus wire e2e fuzz demo bench soak test-kube
BUILDS := $(filter-out $(ASIDE),$(or $(MAKECMDGOALS),all))
ifneq ($(BUILDS),)
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS))
PKG_LIBS   := $(shell pkg-config --libs $(PKGS))
endif

SAN.release :=
SAN.debug   :=
SAN.asan    := -fsanitize=address,undefined -fno-sanitize-recover=undefined
SAN.tsan    := -fsanitize=thread
SAN.fuzz    := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
OPT.release := -O2 -D_FORTIFY_SOURCE=2
OPT.debug   := -Og
OPT.asan    := -O1 -fno-omit-frame-pointer
OPT.tsan    := -O1 -fno-omit-frame-pointer
OPT.fuzz    := -O1 -fno-omit-frame-pointer

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
        -Wvla -Wformat=2 -Wundef -Wwrite-strings -Wpointer-arith -Wimplicit-fallthrough \
        -Wno-unused-parameter -Wno-missing-field-initializers
HARDEN := -fPIE -fstack-protector-strong $(if $(filter x86_64,$(shell uname -m)),-fcf-protection)
CPPFLAGS_ALL := -D_GNU_SOURCE -Isrc $(PKG_CFLAGS) -include src/base/banned.h
CFLAGS_ALL   := -std=gnu17 -g -pthread -fno-common -fno-strict-aliasing -ffunction-sections -fdata-sections \
                $(WARN) $(HARDEN) $(OPT.$(VARIANT)) $(SAN.$(VARIANT)) $(CFLAGS)
# exclude-libs: nothing of a static archive may become a dynamic symbol of the program; libssl's names
# carry no prefix, so another libssl in the process would otherwise call ours.
LDFLAGS_ALL  := $(SAN.$(VARIANT)) -pthread -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed \
                -Wl,--gc-sections -Wl,--exclude-libs,ALL $(LDFLAGS)
LIBS_ALL      = $(PKG_LIBS) -lm

include make/awslc.mk
include make/deps.mk

## all: build the program (default); build/connectors points to it
all: $(PROGRAM)
	@[ ! -e $(PROGRAM) ] || ln -sfn $(VARIANT)-$(CCID)/connectors $(BUILD)/connectors

# --- compile
# $(call keep,file,text): writes the file when the text is another one, while this makefile is read;
# whatever depends on the file is then made anew.
keep = $(if $(BUILDS),$(if $(and $(wildcard $1),$(call same,$(strip $2),$(strip $(file <$1)))),,$(shell mkdir -p $(dir $1))$(file >$1,$(strip $2))))
same = $(if $(subst x$1,,x$2)$(subst x$2,,x$1),,same)
$(call keep,$(OUT)/flags,$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL))

$(OUT)/%.o: %.c $(OUT)/flags
	@mkdir -p $(@D)
	@echo '  CC   $<'
	@$(CCACHE) $(CC) $(CPPFLAGS_ALL) $(EXTRA) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

# Only these see the headers of AWS-LC.
TLS_OBJ := $(filter $(OUT)/src/crypto/% $(OUT)/src/net/tls%,$(SRC:%.c=$(OUT)/%.o))
$(TLS_OBJ): private EXTRA := $(AWSLC_CPPFLAGS)
$(TLS_OBJ): | $(AWSLC_BUILT)
$(OUT)/src/main.o: private EXTRA := -DCONNECTORS_VERSION='"$(VERSION)"'
$(OUT)/src/main.o: $(OUT)/version
$(call keep,$(OUT)/version,$(VERSION))

$(call keep,$(EMBED).list,$(CONFIG))
$(EMBED).c: $(CONFIG) $(EMBED).list tools/gen-embed
	@echo '  GEN  $@'
	@tools/gen-embed config $(CONFIG) >$@
$(call keep,$(KIND_FILES).list,$(KINDS))
$(KIND_FILES).c: $(KINDS) $(KIND_FILES).list tools/gen-embed
	@echo '  GEN  $@'
	@NAME=KIND_FILES tools/gen-embed src/apiserver/kinds $(KINDS) >$@
$(EMBED).o $(KIND_FILES).o: %.o: %.c $(OUT)/flags
	@$(CCACHE) $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

# --- archives: rebuilt when a member or the list of members changes
$(foreach d,$(DIRS),$(call keep,$(OUT)/lib/$d.list,$(OBJ.$d)))
define archive_rule
$(OUT)/lib/$1.a: $(OBJ.$1) $(OUT)/lib/$1.list
	@rm -f $$@ && $(AR) rcs $$@ $(OBJ.$1)
endef
$(foreach d,$(DIRS),$(eval $(call archive_rule,$d)))

# $(call link,objects,archives): the link line; the crypto archives only when somebody needs them.
link = $(CC) $(LDFLAGS_ALL) $1 $2 $(if $(filter %/crypto.a,$2),$(AWSLC_LIBS)) $(LIBS_ALL)

# --- the program
$(PROGRAM): $(OUT)/src/main.o $(EMBED).o $(call archives,$(DIRS)) $(AWSLC_BUILT)
	@echo '  LINK $@'
	@$(call link,$(filter %.o,$^),$(filter %.a,$^)) -o $@
	@! nm -D --defined-only $@ | grep -E ' [A-Z] (SSL_|X509_|EVP_|BIO_|ERR_|RAND_|CRYPTO_|aws_lc_)' || \
	  { echo '$@ exports symbols of AWS-LC' >&2; rm -f $@; exit 1; }

include make/test.mk
include make/lint.mk

## install: install the program below $(DESTDIR)$(PREFIX)
install: $(PROGRAM)
	install -D -m 0755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/connectors
	install -D -m 0644 LICENSE $(DESTDIR)$(PREFIX)/share/doc/connectors/LICENSE

## compdb: write compile_commands.json for editors and clang-tidy
compdb: | $(AWSLC_BUILT)
	@{ sep='['; for f in $(SRC) $(TEST_SRC); do \
	  case $$f in src/crypto/*|src/net/tls*) x='$(AWSLC_CPPFLAGS)';; test/*) x='-Itest/unit';; \
	  src/main.c) x='-DCONNECTORS_VERSION=\\\"$(VERSION)\\\"';; *) x=;; esac; \
	  printf '%s\n{"directory": "%s", "file": "%s", "command": "%s -c %s"}' "$$sep" '$(TOP)' "$$f" \
	    "$(CC) $(CPPFLAGS_ALL) $$x $(CFLAGS_ALL)" "$$f"; sep=','; done; printf '\n]\n'; } >compile_commands.json

## clean: remove what this makefile built (not the AWS-LC build, the virtual environment or caches)
clean:
	rm -rf $(BUILD)/release-* $(BUILD)/debug-* $(BUILD)/asan-* $(BUILD)/tsan-* $(BUILD)/fuzz-* \
	  $(BUILD)/test $(BUILD)/connectors compile_commands.json

## distclean: remove everything below $(BUILD)
distclean: clean
	rm -rf $(BUILD)

## help: list the targets
help:
	@sed -n 's/^## \([a-z0-9-]*\): \(.*\)/  \1\t\2/p' Makefile make/*.mk | expand -t 16
	@echo; sed -n '1p' Makefile | sed 's/^# //'

.PHONY: all install compdb clean distclean help

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
