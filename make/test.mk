# Tests.  Counts are summed by tools/run-tests, whose last line is `N passed, N failed`.
#
# unit:  test/unit/<dir>/*.c with test/unit/unit.c and the archive of src/<dir> and those below.
# fuzz:  test/fuzz/<target>/*.c; linked with the archives of the directories whose headers it includes.
#        VARIANT=fuzz links libFuzzer, every other variant the replay of the corpus.

TEST_CPPFLAGS := -Itest/unit
UNITS     := $(foreach d,$(DIRS),$(if $(wildcard test/unit/$d/*.c),$d))
$(foreach d,$(UNITS),$(eval UNIT_SRC.$d := $(sort $(wildcard test/unit/$d/*.c))))
UNIT_BINS := $(UNITS:%=$(OUT)/unit-%)

define unit_rule
$(OUT)/unit-$1: $(UNIT_SRC.$1:%.c=$(OUT)/%.o) $(OUT)/test/unit/unit.o $(EMBED).o $(call archives,base $1) \
                $(if $(filter crypto,$1 $(NEEDS.$1)),$(AWSLC_BUILT))
	@echo '  LINK $$@'
	@$$(call link,$$(filter %.o,$$^),$$(filter %.a,$$^)) -o $$@
unit-$1: $(OUT)/unit-$1
	@$$< $$(F)
endef
$(foreach d,$(UNITS),$(eval $(call unit_rule,$d)))
$(OUT)/test/%.o: private EXTRA := $(TEST_CPPFLAGS)

FUZZES    := $(notdir $(patsubst %/,%,$(dir $(wildcard test/fuzz/*/*.c))))
FUZZES    := $(sort $(FUZZES))
$(foreach t,$(FUZZES),$(eval FUZZ_SRC.$t := $(sort $(wildcard test/fuzz/$t/*.c))))
$(foreach t,$(FUZZES),$(eval FUZZ_DIRS.$t := $(filter $(LAYERS),$(shell sed -n 's|^\#include "\([a-z]*\)/.*|\1|p' $(FUZZ_SRC.$t)))))
FUZZ_BINS := $(FUZZES:%=$(OUT)/fuzz-%)
FUZZ_MAIN := $(if $(filter fuzz,$(VARIANT)),,$(OUT)/test/fuzz/replay.o)

define fuzz_rule
$(OUT)/fuzz-$1: $(FUZZ_SRC.$1:%.c=$(OUT)/%.o) $(FUZZ_MAIN) $(EMBED).o $(call archives,base $(FUZZ_DIRS.$1)) \
                $(if $(filter crypto,$(FUZZ_DIRS.$1) $(foreach d,$(FUZZ_DIRS.$1),$(NEEDS.$d))),$(AWSLC_BUILT))
	@echo '  LINK $$@'
	@$$(call link,$$(filter %.o,$$^),$$(filter %.a,$$^)) $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer) -o $$@
endef
$(foreach t,$(FUZZES),$(eval $(call fuzz_rule,$t)))

TEST_SRC := test/unit/unit.c test/fuzz/replay.c $(foreach d,$(UNITS),$(UNIT_SRC.$d)) $(foreach t,$(FUZZES),$(FUZZ_SRC.$t))

unit-bins: $(UNIT_BINS)
fuzz-bins: $(FUZZ_BINS)

export CONNECTORS_BIN = $(abspath $(PROGRAM))
export VENV
RUN = VARIANT='$(VARIANT)' CC='$(CC)' BUILD='$(BUILD)' OUT='$(OUT)' VENV='$(VENV)' UNITS='$(UNITS)' FUZZES='$(FUZZES)' \
      tools/run-tests

# A make of its own with all cores, whatever started this one.
BUILD_ALL = env -u MAKEFLAGS -u MFLAGS make --no-print-directory -j$$(nproc) VARIANT='$(VARIANT)' CC='$(CC)' BUILD='$(BUILD)' all

## unit: build and run all unit tests; unit-DIR runs one (F=part of a test's name)
unit:
	@$(RUN) unit
## corpus: replay every fuzz corpus file
corpus:
	@$(RUN) corpus
## test: everything that must pass: style, build, unit, corpora, wire and e2e; closes with the counts
test: deps
	@$(MAKE) --no-print-directory test-deps
	@$(RUN) style build unit corpus tools wire e2e
## wire: only the wire tests (ARGS='pytest arguments')
wire: test-deps
	@$(BUILD_ALL)
	@$(RUN) wire
## e2e: only the end-to-end tests (ARGS='pytest arguments')
e2e: test-deps
	@$(BUILD_ALL)
	@$(RUN) e2e
## test-kube: the end-to-end suite on a real Kubernetes control plane
test-kube: deps
	@$(MAKE) --no-print-directory test-deps
	@$(BUILD_ALL)
	@test/kube/run.sh
## fuzz: run every fuzz target for T seconds (default 60; FUZZ=name for one)
fuzz: deps
	@env -u MAKEFLAGS -u MFLAGS make --no-print-directory fuzz-run VARIANT=fuzz CC=clang-14 BUILD='$(BUILD)'
fuzz-run:
	@$(RUN) fuzz
## demo: clone and push a private repository with no credential on the client
demo: deps
	@$(BUILD_ALL)
	@examples/demo.sh
## bench: measure against peers; the table goes to docs/performance.md (B=name for one)
bench: deps
	@$(MAKE) --no-print-directory test-deps
	@$(BUILD_ALL)
	@$(VENV)/bin/python test/bench/run.py $(B)
## soak: kill and starve components under load (N=rounds)
soak: deps
	@$(MAKE) --no-print-directory test-deps
	@$(BUILD_ALL)
	@N='$(N)' test/soak/run.sh

.PHONY: unit-bins fuzz-bins unit corpus test wire e2e test-kube fuzz fuzz-run demo bench soak $(UNITS:%=unit-%)
