#!/usr/bin/env bats
# sched-trace generate: workloads whose load can be chosen, against a model that
# is written in Python.

load helper

# make ARGS...: a workload in "jobs".
make_() {
	sched-trace generate "$@" >jobs
}

@test "lublin: the very jobs of the model" {
	local seed jobs procs arrivals rate cv estimates
	while read -r seed jobs procs arrivals rate cv estimates; do
		make_ --stream=lublin --seed="$seed" --jobs="$jobs" \
			--procs="$procs" --arrivals="$arrivals" \
			--estimates="$estimates" \
			$([ "$arrivals" = daily ] || echo "--rate=$rate") \
			$([ "$arrivals" != gamma ] || echo "--cv=$cv")
		python3 "$root/t/model-load.py" same "$seed" "$jobs" "$procs" \
			"$arrivals" "$rate" "$cv" "$estimates" >want
		diff -u want jobs
	done <<-'END'
	42 2000 128 daily 9 2 exact
	1 700 1 poisson 9 2 factor
	2 700 2 gamma 0.5 2 round
	3 700 100 gamma 3600 0.5 exact
	4294967295 700 100000 poisson 1000 1 round
	END
}

@test "lublin: distributed as another way of drawing has it" {
	make_ --stream=lublin --jobs=20000 --procs=128
	python3 "$root/t/model-load.py" like 128 <jobs
}

@test "a seed gives the same bytes, on every machine" {
	sum() { make_ "$@"; sha256sum <jobs | cut -c1-16; }
	{
		sum --stream=lublin --jobs=5000
		sum --stream=lublin --jobs=5000 --seed=7 --load=0.9 --procs=300
		sum --stream=lublin --jobs=5000 --arrivals=gamma --cv=3
		sum --stream=log-uniform --jobs=5000 --estimates=round
		sum --stream=log-uniform --jobs=5000 --arrivals=daily --load=1.5
	} >got
	diff -u - got <<-'END'
	6468aed02b31b25f
	b1b70b89655bc517
	be04b5ba8de5eb84
	d2684f4da313cb88
	208e985e48cf5f59
	END
}

@test "load: the work over what the processors can do" {
	local load stream arrivals off
	while read -r stream arrivals load off; do
		make_ --stream="$stream" --arrivals="$arrivals" --load="$load" \
			--jobs=5000 --procs=300
		jq -n --argjson want "$load" '[inputs | select(.kind == "job")] |
			(map(.run_s * .cpus) | add) / 300 / .[-1].submit_at
			/ $want - 1 | fabs' jobs >got
		jq -e --argjson off "$off" '. < $off' got >yes || {
			cat got
			return 1
		}
	done <<-'END'
	lublin poisson 0.7 0.00001
	lublin gamma 0.1 0.00001
	lublin daily 0.95 0.01
	log-uniform poisson 1.5 0.00001
	log-uniform daily 0.5 0.01
	END
}

@test "arrivals: rates and bursts" {
	stats() {
		jq -n '[inputs | select(.kind == "job").submit_at] |
			[.[1:], .[:-1]] | transpose | map(.[0] - .[1]) |
			(add / length) as $mean | [$mean,
			(map(. - $mean | . * .) | add / length | sqrt) / $mean]' \
			jobs >stats
	}
	make_ --stream=lublin --arrivals=poisson --rate=36 --jobs=20000
	stats
	jq -e '(.[0] / 100 - 1 | fabs < 0.02) and (.[1] - 1 | fabs < 0.02)' stats
	make_ --stream=lublin --arrivals=gamma --cv=3 --rate=0.36 --jobs=20000
	stats
	jq -e '(.[0] / 10000 - 1 | fabs < 0.06) and (.[1] - 3 | fabs < 0.15)' stats
	make_ --stream=lublin --rate=36 --jobs=20000
	stats
	jq -e '.[0] / 100 - 1 | fabs < 0.06' stats
	# the model's own; and at two in the afternoon more than at four at night
	make_ --stream=lublin --jobs=20000
	stats
	jq -e '.[0] > 800 and .[0] < 1030' stats
	jq -n '[inputs | select(.kind == "job") | .submit_at % 86400 / 3600 |
		floor] | (map(select(. == 14)) | length) /
		(map(select(. == 4)) | length)' jobs >ratio
	jq -e '. > 10' ratio
}

@test "estimates: round ones are what users write, and never too short" {
	make_ --stream=lublin --estimates=round --jobs=5000
	jq -n '[inputs | select(.kind == "job")] |
		(all(.[]; .limit_s >= .run_s and .limit_s % 60 == 0)) and
		(map(.limit_s) | unique | length <= 28)' jobs >yes
	[ "$(cat yes)" = true ]
}

@test "odd wishes: no job, one processor, wrong names" {
	local stream
	for stream in lublin log-uniform; do
		make_ --stream=$stream --jobs=0 --load=0.5
		[ "$(cat jobs)" = '{"kind":"cluster","procs":1024}' ]
		make_ --stream=$stream --jobs=300 --procs=1 --load=100
		jq -e 'select(.kind == "job") | .cpus == 1' jobs >yes
	done
	run -2 --separate-stderr sched-trace generate --stream=lublin --jobs=1 \
		--arrivals=log
	[ "$stderr" = 'sched-trace: --arrivals=log: known are poisson, gamma and daily' ]
	run -2 --separate-stderr sched-trace generate --stream=lublin --jobs=1 \
		--estimates=good
	[ "$stderr" = 'sched-trace: --estimates=good: known are exact, factor and round' ]
	run -2 --separate-stderr sched-trace generate --stream=lublin --jobs=1 \
		--load=0
	[ "$stderr" = "sched-trace: --load: '0' is not a number of 0.001 to 100" ]
	run -2 --separate-stderr sched-trace generate --stream=lublin --jobs=1 \
		--load=0.5 --rate=9
	[ "$stderr" = 'sched-trace: --load and --rate: one of them is enough' ]
	run -2 --separate-stderr sched-trace generate --stream=lublin --jobs=1 \
		--cv=2
	[ "$stderr" = 'sched-trace: --cv is not for --arrivals=daily' ]
}
