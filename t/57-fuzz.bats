#!/usr/bin/env bats
# The fuzzers of t/unit/fuzz-*.c: their corpus, read by the same functions, so
# that what they once found stays found; and each of them let loose for a while.

load helper

fuzz_s=${BERTH_FUZZ_S:-5}	# before test_setup clears it

@test "fuzz: every input of the corpus holds" {
	for name in request response chunks nd flat peer trace; do
		run -0 "$UNIT/fuzz-$name" "$root/t/corpus/$name"/*
		[ "$output" = "$(find "$root/t/corpus/$name" -type f | wc -l)" ]
		[ "$output" -ge 8 ]
	done
}

@test "fuzz: what we accept of hostile requests, others frame alike" {
	PYTHONPATH=$root/t python3 - <<-'END'
	from hostile import corpus, request
	for n, (name, data) in enumerate(corpus()):
	    with open("%03d" % n, "wb") as f:
	        f.write(data + request())
	END
	run -0 "$UNIT/fuzz-peer" ./*
	[ "$output" -ge 400 ]
}

# .ci/run gives each a minute; they take what time the others leave.
@test "fuzz: nothing is found in a few seconds more" {
	run -0 nice -n 19 "$root/t/fuzz/run" "$fuzz_s"
	[ "$(grep -c "inputs in $fuzz_s s" <<<"$output")" = 7 ]
}
