# AWS-LC: sources from the crate pinned in engines/Cargo.lock, built with CMake, once for each
# instrumentation, below AWSLC_ROOT (shared by all BUILD folders).  The crate's symbol prefix covers
# libcrypto; libssl's names stay as they are (see --exclude-libs in the Makefile).

AWSLC_ROOT ?= $(TOP)/build
AWSLC_VER  := $(shell sed -n '/^name = "aws-lc-sys"/{n;s/version = "\(.*\)"/\1/p}' engines/Cargo.lock)
AWSLC_PFX  := aws_lc_$(subst .,_,$(AWSLC_VER))
AWSLC_KIND := $(if $(filter tsan,$(VARIANT)),tsan,$(if $(filter asan fuzz,$(VARIANT)),asan))
AWSLC_SAN  := $(if $(filter tsan,$(AWSLC_KIND)),-fsanitize=thread)$(if $(filter asan,$(AWSLC_KIND)),-fsanitize=address -fno-omit-frame-pointer)
AWSLC_DIR  := $(AWSLC_ROOT)/aws-lc-$(AWSLC_VER)$(if $(AWSLC_KIND),-$(AWSLC_KIND)-$(CCID))
AWSLC_CC   := $(if $(AWSLC_KIND),$(CC),gcc)
AWSLC_CXX  := $(subst clang,clang++,$(subst gcc,g++,$(AWSLC_CC)))
AWSLC_BUILT    := $(AWSLC_DIR)/.built
AWSLC_LIBS     := $(AWSLC_DIR)/artifacts/lib$(AWSLC_PFX)_ssl.a $(AWSLC_DIR)/artifacts/lib$(AWSLC_PFX)_crypto.a
AWSLC_CPPFLAGS := -isystem $(AWSLC_DIR)/include/generated -isystem $(AWSLC_DIR)/include/aws-lc
AWSLC_CFLAGS   := $(AWSLC_SAN) -ffunction-sections -fdata-sections

# The lock lets two makes ask for it at once: the second waits and finds it built.
$(AWSLC_BUILT):
	@mkdir -p $(AWSLC_DIR)
	@echo '  AWS-LC $(AWSLC_VER) $(AWSLC_KIND) (log: $(AWSLC_DIR)/build.log)'
	@flock $(AWSLC_DIR)/.lock $(MAKE) --no-print-directory awslc-build VARIANT=$(VARIANT) CC=$(CC) AWSLC_ROOT=$(AWSLC_ROOT)

awslc-build:
	@[ ! -e $(AWSLC_BUILT) ] || exit 0; set -e; \
	{ (cd engines && cargo fetch --locked); \
	  src=$$(cd engines && cargo metadata --locked --offline --format-version 1 | \
	    grep -o '"manifest_path":"[^"]*/aws-lc-sys-$(AWSLC_VER)/Cargo.toml"' | cut -d'"' -f4); \
	  src=$${src%/Cargo.toml}; [ -n "$$src" ]; \
	  mkdir -p $(AWSLC_DIR)/include; \
	  cp -R "$$src/generated-include/." $(AWSLC_DIR)/include/generated/; \
	  cp -R "$$src/aws-lc/include/." $(AWSLC_DIR)/include/aws-lc/; \
	  CC='$(AWSLC_CC)' CXX='$(AWSLC_CXX)' cmake -S "$$src" -B $(AWSLC_DIR) -DCMAKE_BUILD_TYPE=Release \
	    -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DBUILD_SHARED_LIBS=OFF -DBUILD_LIBSSL=ON -DBUILD_TESTING=OFF \
	    -DBUILD_TOOL=OFF -DDISABLE_PERL=ON -DDISABLE_GO=ON -DENABLE_SOURCE_MODIFICATION=OFF \
	    -DBORINGSSL_PREFIX=$(AWSLC_PFX)_ -DBORINGSSL_PREFIX_HEADERS="$$src/generated-include" \
	    '-DCMAKE_C_FLAGS=$(AWSLC_CFLAGS)' '-DCMAKE_CXX_FLAGS=$(AWSLC_CFLAGS)'; \
	  cmake --build $(AWSLC_DIR) -j 2; } >$(AWSLC_DIR)/build.log 2>&1 || { tail -n 40 $(AWSLC_DIR)/build.log >&2; exit 1; }; \
	touch $(AWSLC_BUILT)

## awslc: build the TLS library of this variant only
awslc: $(AWSLC_BUILT)
.PHONY: awslc awslc-build
