# Style: every finding is `file:line: rule: what is wrong`.

## format: rewrite our C files in the house format
format:
	@git ls-files -co --exclude-standard 'src/*.c' 'src/*.h' 'test/*.c' 'test/*.h' ':!*.tbl.h' | xargs clang-format-14 -i

## lint: format, layers, style; file:line and the rule of every finding
lint:
	@tools/lint

## tidy: clang-tidy over the sources (slow)
tidy: compdb
	@clang-tidy-14 --quiet -p . $(SRC)
.PHONY: format lint tidy
