# What the machine must have.  `make deps` asks dpkg and installs only what is missing.

DEBS_BUILD := build-essential cmake pkg-config libc-ares-dev libjansson-dev libyaml-dev libsqlite3-dev
DEBS_LINT  := clang-format-14 clang-tidy-14
DEBS_FUZZ  := clang-14 libclang-rt-14-dev llvm-14
DEBS_TEST  := nginx-light fcgiwrap git curl python3 python3-venv procps
DEBS       := $(DEBS_BUILD) $(DEBS_LINT) $(DEBS_FUZZ) $(DEBS_TEST)
# Cargo.lock's format needs cargo 1.78; Debian's package `cargo` is older, `cargo-web` is not.
CARGO_MIN  := 1.78
VENV       ?= $(TOP)/build/venv

## deps: install the missing Debian packages (and cargo where there is none)
deps:
	@m=$$(for p in $(DEBS); do dpkg-query -Wf '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	v=$$(cargo --version 2>/dev/null | cut -d' ' -f2); \
	[ "$$(printf '%s\n' $(CARGO_MIN) "$${v:-0}" | sort -V | head -n 1)" = $(CARGO_MIN) ] || m="$$m cargo-web rustc-web"; \
	[ -z "$$(echo $$m)" ] && exit 0; echo "installing:" $$m; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	$$sudo apt-get -o DPkg::Lock::Timeout=300 update -qq && \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends $$m </dev/null

## test-deps: make the Python virtual environment of the tests, with a kubectl in it
test-deps: $(VENV)/.ready $(VENV)/bin/kubectl
$(VENV)/bin/kubectl: | $(VENV)/.ready
	@kubectl=$$(test/kube/kubectl.sh) && ln -sfn "$$kubectl" $@
$(VENV)/.ready: test/requirements.txt
	@mkdir -p $(@D)
	@flock $(@D)/.lock sh -c '[ $@ -nt $< ] || { python3 -m venv $(VENV) && \
	  $(VENV)/bin/pip install -q --disable-pip-version-check -r $< && touch $@; }'
.PHONY: deps test-deps
