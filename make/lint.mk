# Style: every finding is `file:line: rule: what is wrong`.

OWN_C := $(shell git ls-files -co --exclude-standard 'src/*.c' 'src/*.h' 'test/*.c' 'test/*.h' ':!*.tbl.h' 2>/dev/null)

## format: rewrite our C files in the house format
format:
	@clang-format-14 -i $(OWN_C)

## lint: format, layers, style; the rule and file:line of every finding
lint:
	@$(RUN) lint

## tidy: clang-tidy over the sources (slow; needs no clean tree)
tidy: compdb
	@clang-tidy-14 --quiet -p . $(SRC)
.PHONY: format lint tidy
