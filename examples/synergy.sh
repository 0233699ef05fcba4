#!/bin/sh
# synergy.sh: the figure of Synergy's paper (OSDI'22), on a small scale: what a
# scheduler gains that gives each job the CPUs and the memory its model needs,
# rather than the same for each GPU, as the load grows. 32 GPUs instead of 128,
# and 500 jobs of each run instead of thousands.
#
#	examples/synergy.sh [DIR]
#
# The table is printed; DIR, or else ./synergy, gets it and the figures.
set -eu

here=$(dirname -- "$(readlink -f -- "$0")")
PATH=${here%/*}/bin:$PATH
dir=${1:-synergy}

mkdir -p "$dir"
cat >"$dir/cluster.ini" <<END
[CLUSTER]
racks = 1
servers_per_rack = 4
gpus_per_server = 8
cpus_per_server = 24
dram_per_server = 500
sspeed_per_server = 500
END
exec sim-compare -t -c "$dir/cluster.ini" --sim=--compat=synergy \
	-p fifo+fair,fifo+tune,srtf+fair,srtf+tune,las+fair,las+tune \
	--rates=1.5,1.75,2,2.25 --seeds=1 --jobs=500 --window=150:350 \
	--figures="$dir"
