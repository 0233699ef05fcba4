#!/usr/bin/env bats
# svc-devcluster: each test has clusters of its own, in directories that begin
# with c, and ends them even when it fails.

load helper

teardown() {
	local dir
	for dir in "$PWD"/c*; do
		[ ! -d "$dir" ] || svc-devcluster down -q --dir="$dir" || :
	done
	test_teardown
	if [ -n "${user_dir:-}" ]; then
		as_user svc-devcluster down -q || :
		rm -rf "$user_dir"
	fi
}

# With root the cluster has a munged of its own.
auth=none
[ "$(id -u)" -ne 0 ] || auth=munge

up() { svc-devcluster up -q --dir="$PWD/c" "$@"; }
down() { svc-devcluster down -q --dir="$PWD/c"; }

# in_slurm DIR CMD...: with the cluster in DIR; status, output and pipes are CMD's.
in_slurm() { SLURM_CONF=$1/slurm.conf "${@:2}"; }

# cluster_pids DIR: every process with that cluster in its arguments or
# environment. The patterns come from a file, or grep would find itself.
cluster_pids() {
	printf '%s\n' "$1/slurm.conf" "SLURM_CONF=$1/slurm.conf" >pattern
	grep -lszxF -f pattern /proc/[0-9]*/cmdline /proc/[0-9]*/environ || :
}

nothing_left() {
	[ -z "$(cluster_pids "$1")" ] && [ ! -e "$1" ]
}

# submit DIR NAME OPTION... <commands: a batch job that has started, with the
# pid of its shell in the file NAME; sets job.
submit() {
	{ echo '#!/bin/sh'; echo "echo \$\$ >$PWD/$2.new && mv $PWD/$2.new $PWD/$2"; cat; } >"$2.sh"
	job=$(in_slurm "$1" sbatch --parsable -o "$PWD/$2.out" "${@:3}" "$2.sh")
	await 20 test -s "$2"
}

job_state() { in_slurm "$1" squeue -h -t all -j "$2" -o %T; }
job_is() { [ "$(job_state "$1" "$2")" = "$3" ]; }

# refused STATUS LINE OPTION...: the first line of stderr, and nothing on stdout.
refused() {
	run -"$1" --separate-stderr svc-devcluster "${@:3}"
	diff -u <(echo "$2") <(head -n 1 <<<"$stderr")
	[ -z "$output" ]
}

@test "devcluster: wrong usage is 2 and says what is wrong" {
	local p='svc-devcluster: '
	refused 2 "${p}say one of up, down, status, env"
	refused 2 "${p}start: not one of up, down, status, env" start
	refused 2 "${p}down: one of up, down, status, env, please" up down
	refused 2 "${p}--frob: no such option" up --frob
	refused 2 "${p}--nodes=0: not a number from 1 to 64" up --nodes=0
	refused 2 "${p}--nodes=4x: not a number from 1 to 64" up --nodes 4x
	refused 2 "${p}--cpus=-1: not a number from 1 to 1024" up --cpus=-1
	refused 2 "${p}--gpus=1000000000000: not a number from 0 to 64" \
		up --gpus=1000000000000
	refused 2 "${p}--nodes: needs a value" up --nodes
	refused 2 "${p}--dir: needs a directory" up --dir=
	refused 2 "${p}only up takes --nodes --accounting" \
		down --nodes=2 --accounting
	[ -z "$(ls -A)" ]
}

@test "devcluster: help and version, also through a symbolic link" {
	ln -s "$root/bin/svc-devcluster" devcluster
	run -0 --separate-stderr ./devcluster --version
	[ "$output" = "devcluster (berth) $berth_version" ]
	run -0 --separate-stderr ./devcluster -h
	[ "${lines[0]%% [*}" = "usage: devcluster up" ]
	[ -z "$stderr" ]
}

@test "devcluster: a directory Slurm cannot use is refused before it is made" {
	refused 2 "svc-devcluster: $PWD/a b: Slurm's configuration cannot hold a path with spaces, quotes or any of % , [ ] # = ; & | < > * ? \$ ( )" \
		up --dir="a b"
	local long=$PWD/0123456789012345678901234567890123456789012345678901234567890
	refused 2 "svc-devcluster: $long: longer than 70 bytes: the sockets in it would have names too long for the system" \
		up --dir="$long"
	mkdir mine && echo precious >mine/file
	refused 2 "svc-devcluster: $PWD/mine: has files that are not a cluster's: give another --dir" \
		up --dir=mine
	run -0 svc-devcluster down --dir=mine
	[ "$output" = "svc-devcluster: no cluster in $PWD/mine" ]
	[ "$(ls -A . mine)" = "$(printf '.:\nmine\n\nmine:\nfile')" ]
}

@test "devcluster: what is not installed is named with its package" {
	local PATH=$root/bin:/usr/bin:/bin
	export BERTH_SBIN=
	refused 2 "svc-devcluster: slurmctld is not installed: apt-get install slurmctld" \
		up --dir=c
	mkdir sbin
	ln -s /usr/sbin/slurmctld /usr/sbin/slurmd sbin
	export BERTH_SBIN=$PWD/sbin
	refused 2 "svc-devcluster: slurmdbd is not installed: apt-get install slurmdbd" \
		up --dir=c --accounting
	[ ! -e c ]
}

@test "devcluster: nothing there is down, and has no environment" {
	run -1 --separate-stderr svc-devcluster status --dir=c
	[ "$output" = "down: $PWD/c" ]
	refused 1 "svc-devcluster: no cluster runs in $PWD/c: 'svc-devcluster up --dir=c' starts one" \
		env --dir=c
	run -0 svc-devcluster down -q --dir=c
	[ -z "$output" ]
	[ -z "$(ls -A)" ]
}

@test "devcluster: up runs jobs on all nodes, down leaves nothing" {
	up --nodes=3 --cpus=2 --gpus=1
	run -0 svc-devcluster status --dir=c
	[ "${lines[-1]}" = "up: $PWD/c: 3 nodes, 2 CPUs and 1 GPUs each, auth/$auth" ]
	run -0 --separate-stderr svc-devcluster env --dir=c
	[ "$output" = "export SLURM_CONF='$PWD/c/slurm.conf'" ]
	[ "$(eval "$output"; sinfo -h -N -o '%N %T %c %G')" = \
		"$(printf 'n%d idle 2 gpu:1\n' 1 2 3)" ]
	run -0 in_slurm "$PWD/c" srun -Q -N3 -n3 sh -c 'echo $SLURMD_NODENAME'
	[ "$(sort <<<"$output")" = "$(printf 'n%d\n' 1 2 3)" ]
	run -0 in_slurm "$PWD/c" srun -Q --gres=gpu:1 sh -c 'echo $SLURM_GPUS_ON_NODE'
	[ "$output" = 1 ]
	down
	nothing_left "$PWD/c"
}

@test "devcluster: up twice is one cluster; other options are refused" {
	up --nodes=1
	local before; before=$(cat c/*.pid)
	run -0 svc-devcluster up --dir=c
	[ "$output" = "svc-devcluster: already up: $PWD/c" ]
	run -0 svc-devcluster up --dir=c --nodes=1 --cpus=8
	refused 2 "svc-devcluster: $PWD/c: is up with other options: --nodes (has 1, asked 2) --gpus (has 4, asked 0): 'svc-devcluster down --dir=c' first, or give another --dir" \
		up --dir=c --nodes=2 --gpus=0
	[ "$(cat c/*.pid)" = "$before" ]
}

@test "devcluster: two started at once live and end side by side" {
	spawn svc-devcluster up -q --dir=c1 --nodes=2
	svc-devcluster up -q --dir=c2 --nodes=2
	wait "$pid"
	submit "$PWD/c1" one <<<'exec sleep 600'
	submit "$PWD/c2" two <<<'exec sleep 600'
	svc-devcluster down -q --dir=c1
	nothing_left "$PWD/c1"
	pids_dead "$(cat one)"
	pid_alive "$(cat two)"
	run -0 svc-devcluster status --dir=c2
}

# clumsy PORT: a PATH in which a cluster first tries the ports from PORT on, and
# does not see, the first time it looks, that somebody has them.
clumsy() {
	mkdir clumsy
	cat >clumsy/od <<-EOF
	#!/bin/sh
	case \$* in *-N2*) echo $(($1 - 10000)) && exit ;; esac
	exec /usr/bin/od "\$@"
	EOF
	cat >clumsy/cat <<-'EOF'
	#!/bin/sh
	case $* in */proc/net/tcp*) mkdir "$0.looked" 2>/dev/null && exit ;; esac
	exec /usr/bin/cat "$@"
	EOF
	chmod +x clumsy/*
	PATH=$PWD/clumsy:$PATH
}

@test "devcluster: ports lost to somebody quicker are replaced by others" {
	local port
	svc-devcluster up -q --dir=c1 --nodes=1
	port=$(sed -n 's/^SlurmctldPort=//p' c1/slurm.conf)
	clumsy "$port"
	run -0 svc-devcluster up -v --dir=c2 --nodes=1
	grep -qx "svc-devcluster: ports $port-$((port + 2)) were taken meanwhile" \
		<<<"$output"
	run -0 svc-devcluster status --dir=c1
	run -0 svc-devcluster status --dir=c2
	run -0 in_slurm "$PWD/c1" srun -Q true
	run -0 in_slurm "$PWD/c2" srun -Q true
}

@test "devcluster: down ends a job that ignores SIGTERM, and its children" {
	up --nodes=1
	submit "$PWD/c" job <<-'EOF'
	trap '' TERM
	setsid sleep 600 &
	echo $! >child
	while :; do sleep 600; done
	EOF
	await 10 test -s child
	local pids; pids="$(cat job child)"
	# shellcheck disable=SC2086
	run -1 pids_dead $pids
	down
	# shellcheck disable=SC2086
	pids_dead $pids
	nothing_left "$PWD/c"
}

@test "devcluster: down in a job of the cluster is refused" {
	up --nodes=1
	run -2 --separate-stderr in_slurm "$PWD/c" srun -Q \
		svc-devcluster down --dir="$PWD/c"
	[ "$(grep '^svc-devcluster' <<<"$stderr")" = "svc-devcluster: a job of the cluster cannot end the cluster" ]
	run -0 svc-devcluster status --dir=c
}

@test "devcluster: up after a crash of everything starts afresh" {
	up --nodes=2
	submit "$PWD/c" job <<-'EOF'
	trap '' TERM
	setsid sleep 600 &
	echo $! >child
	while :; do sleep 600; done
	EOF
	await 10 test -s child
	local job pids; job=$(cat job) pids=$(cat job child)
	local stepd; stepd=$(awk '{ sub(/.*\) /, ""); print $2 }' "/proc/$job/stat")
	pid_is "$stepd" slurmstepd
	# shellcheck disable=SC2046
	kill -9 $(cat c/*.pid) "$stepd"
	await 10 pids_dead "$stepd"
	run -1 svc-devcluster status --dir=c
	[ "$output" = "down: $PWD/c" ]
	up --nodes=1
	# shellcheck disable=SC2086
	pids_dead $pids
	run -0 in_slurm "$PWD/c" squeue -h -t all
	[ -z "$output" ]
	run -0 in_slurm "$PWD/c" srun -Q true
	down
	nothing_left "$PWD/c"
}

# saved FILE: has slurmctld written its state after FILE was? It does so within
# five seconds of a change, but the start of a job alone is no such change.
saved() { [ c/ctld/job_state -nt "$1" ]; }

@test "devcluster: up repairs what is half dead, and jobs live on" {
	up --nodes=2
	submit "$PWD/c" job -w n1 <<<'exec sleep 600'
	in_slurm "$PWD/c" scontrol update "JobId=$job" Comment=running
	touch updated
	await 20 saved updated
	kill -9 "$(cat c/slurmctld.pid)" "$(cat c/slurmd-n1.pid)"
	local n2; n2=$(cat c/slurmd-n2.pid)
	await 10 pids_dead "$(cat c/slurmctld.pid)" "$(cat c/slurmd-n1.pid)"
	run -1 svc-devcluster status --dir=c
	[ "${lines[-1]}" = "not all up: $PWD/c: 'svc-devcluster up --dir=c' repairs it" ]
	run -0 svc-devcluster up --dir=c
	[ "$output" = "svc-devcluster: up again: $PWD/c: restarted slurmctld slurmd-n1" ]
	job_is "$PWD/c" "$job" RUNNING
	pid_alive "$(cat job)"
	[ "$(cat c/slurmd-n2.pid)" = "$n2" ]
	in_slurm "$PWD/c" scancel "$job"
	await 20 pids_dead "$(cat job)"
	await 20 job_is "$PWD/c" "$job" CANCELLED
}

@test "devcluster: a stopped slurmctld is told from a dead one" {
	up --nodes=1
	local ctld; ctld=$(cat c/slurmctld.pid)
	kill -STOP "$ctld"
	await 10 pid_stopped "$ctld"
	refused 75 "svc-devcluster: slurmctld: is stopped: kill -CONT $ctld lets it go on" \
		up --dir=c
	run -1 svc-devcluster status --dir=c
	grep -qx "slurmctld *	$ctld	stopped" <<<"$output"
	kill -CONT "$ctld"
	run -0 svc-devcluster up --dir=c
	kill -STOP "$ctld"
	down
	nothing_left "$PWD/c"
}

@test "devcluster: a pid file that names somebody else's process is no daemon" {
	up --nodes=1
	spawn sleep 600
	local bystander=$pid ctld
	ctld=$(cat c/slurmctld.pid)
	kill -9 "$ctld"
	await 10 pids_dead "$ctld"
	echo "$bystander" >c/slurmctld.pid
	run -1 svc-devcluster status --dir=c
	down
	pid_alive "$bystander"
	nothing_left "$PWD/c"
}

@test "devcluster: a daemon that fails is quoted, its log stays, up then works" {
	mkdir broken
	printf '#!/bin/sh\necho "fatal: out of cheese" >&2\nexit 1\n' >broken/slurmctld
	chmod +x broken/slurmctld
	PATH=$PWD/broken:$PATH run -75 svc-devcluster up --dir=c
	[ "$output" = "$(printf '%s\n' \
		"svc-devcluster: slurmctld: did not start; the end of $PWD/c/log/slurmctld.err:" \
		"    fatal: out of cheese")" ]
	[ "$(cat c/log/slurmctld.err)" = "fatal: out of cheese" ]
	[ -z "$(cluster_pids "$PWD/c")" ]
	run -1 svc-devcluster status --dir=c
	up --nodes=1
	run -0 svc-devcluster status --dir=c
}

@test "devcluster: without a munged that runs it is auth/none" {
	mkdir broken
	printf '#!/bin/sh\nexit 1\n' >broken/munged
	chmod +x broken/munged
	PATH=$PWD/broken:$PATH up --nodes=1
	run -0 svc-devcluster status --dir=c
	[ "${lines[-1]}" = "up: $PWD/c: 1 nodes, 8 CPUs and 4 GPUs each, auth/none" ]
	run -0 in_slurm "$PWD/c" srun -Q true
}

# as_user CMD...: as somebody who is not root, from an installed copy, with
# nothing but a state directory in the environment.
as_user() {
	[ -n "${user_dir:-}" ] || {
		user_dir=$(mktemp -d "${TMPDIR:-/tmp}/berth-t.XXXXXX")
		mkdir -p "$user_dir/bin" "$user_dir/share/berth"
		cp "$root/bin/svc-devcluster" "$user_dir/bin"
		cp "$root/share/lib.sh" "$user_dir/share/berth"
		chmod 755 "$user_dir"
		mkdir -m 777 "$user_dir/state"
	}
	set -- env -i PATH="$user_dir/bin:/usr/bin:/bin" \
		XDG_STATE_HOME="$user_dir/state" \
		SLURM_CONF="$user_dir/state/berth/devcluster/slurm.conf" "$@"
	[ "$(id -u)" -ne 0 ] || set -- runuser -u nobody -- "$@"
	(cd / && exec "$@")
}

user_sees_finished() {
	[ "$(as_user sacct -n -P -X -j "$1" -o State,Comment,AllocCPUS)" = "$2" ]
}

@test "devcluster: as an ordinary user, in the default place" {
	as_user svc-devcluster up -q
	run -0 as_user svc-devcluster status
	[ "${lines[-1]}" = "up: $user_dir/state/berth/devcluster: 4 nodes, 8 CPUs and 4 GPUs each, auth/none" ]
	run -0 as_user srun -Q --gres=gpu:2 sh -c 'echo $(id -un) $SLURM_GPUS_ON_NODE'
	[ "$output" = "$(as_user id -un) 2" ]
	as_user svc-devcluster down -q
	nothing_left "$user_dir/state/berth"
}

@test "devcluster: as an ordinary user, with accounting" {
	as_user svc-devcluster up -q --nodes=1 --accounting
	job=$(as_user sbatch --parsable -o /dev/null -n2 --comment=mine --wrap true)
	await 60 user_sees_finished "$job" 'COMPLETED|mine|2'
	as_user svc-devcluster down -q
	nothing_left "$user_dir/state/berth"
}

sacct_sees() {
	[ "$(in_slurm "$PWD/c" sacct -n -P -X -j "$1" -o State,Comment,ReqTRES)" = "$2" ]
}

@test "devcluster: with accounting sacct sees a finished job; repair keeps it" {
	up --nodes=1 --accounting
	submit "$PWD/c" job --gres=gpu:1 --comment='a, b|c' <<<'exit 3'
	local want='FAILED|a, b|c|billing=1,cpu=1,gres/gpu=1,mem=512M,node=1'
	await 60 sacct_sees "$job" "$want"
	kill -9 "$(cat c/slurmdbd.pid)" "$(cat c/mariadbd.pid)"
	await 10 pids_dead "$(cat c/slurmdbd.pid)" "$(cat c/mariadbd.pid)"
	run -0 svc-devcluster up --dir=c
	[ "$output" = "svc-devcluster: up again: $PWD/c: restarted mariadbd slurmdbd" ]
	await 30 sacct_sees "$job" "$want"
	down
	nothing_left "$PWD/c"
}

# examples PAGE: the commands that a manual page shows under EXAMPLES, one
# example a file: example1, example2...
examples() {
	awk '/^\.Sh/ { on = /EXAMPLES/ }
	on && /^\.Bd -literal/ { file = "example" ++n; next }
	/^\.Ed/ { file = "" }
	file != "" { sub(/^\\&/, ""); print >file }' "$1"
}

@test "devcluster: the examples of the manual page work" {
	examples "$root/man/svc-devcluster.1"
	run -0 --separate-stderr sh -eu example1
	[ "${lines[-1]}" = "$(uname -n)" ]
	echo 'sinfo -h -o "%D %T %G"' >>example2
	TMPDIR=/tmp run -0 --separate-stderr sh -eu example2
	[ "$output" = '2 idle (null)' ]
	[ -z "$(ls -A "$XDG_STATE_HOME")" ]
}
