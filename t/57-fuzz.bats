#!/usr/bin/env bats
# The corpus of the fuzzers (t/fuzz/run), read by the same functions: what they
# once found stays found.

load helper

@test "fuzz: every input of the corpus holds" {
	for name in request response chunks nd flat; do
		run -0 "$UNIT/fuzz-$name" "$root/t/corpus/$name"/*
		[ "$output" = "$(find "$root/t/corpus/$name" -type f | wc -l)" ]
		[ "$output" -ge 8 ]
	done
}
