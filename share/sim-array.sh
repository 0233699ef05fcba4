#!/bin/sh
# sim-array.sh: one task of sim-compare's job array.
#
#	sim-array.sh SIM-COMPARE LIST
#
# The task's number is the line of LIST that names its run.
set -eu
exec "$1" --run="$(sed -n "${SLURM_ARRAY_TASK_ID}p" "$2")"
