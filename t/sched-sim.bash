# sched-sim.bash: what the tests of sched-sim share (`load sched-sim`).

# three_jobs: in "in", for four processors: the second waits for the first.
three_jobs() {
	cat >in <<-'END'
	{"kind":"job","job_id":1,"submit_at":0,"cpus":3,"run_s":90,"limit_s":100,"user":"zoë","own":1}
	{"kind":"job","job_id":2,"submit_at":5,"cpus":4,"run_s":60,"state":"FAILED","cpu_s":3}
	{"kind":"job","job_id":3,"submit_at":5,"cpus":1,"run_s":50,"limit_s":90}
	END
}

# refused TEXT ARGS...: of the jobs in "in"; nothing comes out.
refused() {
	local text=$1
	shift
	run -2 --separate-stderr sched-sim "$@" <in
	[ "$stderr" = "sched-sim: $text" ] || { echo "$stderr"; return 1; }
	[ -z "$output" ]
}
