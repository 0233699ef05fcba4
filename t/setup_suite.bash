# setup_suite.bash: what one whole run of bats shares: a development cluster.
#
# It is started by the first test that asks for it (use_cluster in helper.bash)
# and ended here, so that a run without such tests needs no Slurm.

setup_suite() {
	bats_require_minimum_version 1.5.0
	export BERTH_T_CLUSTER=$BATS_SUITE_TMPDIR/slurm
	# one hanging test must not hang the run
	export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-$((600 * ${BERTH_PATIENCE:-1}))}
}

teardown_suite() {
	"${BASH_SOURCE[0]%/*}/../bin/svc-devcluster" down -q \
		--dir="$BERTH_T_CLUSTER"
}
