#!/bin/sh
#SBATCH --job-name=hello
#SBATCH --time=8:00:00
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --output=hello-%j.out

# Slurm runs a copy of this script, so its own folder is told: by svc-keepalive
# in SVC_DIR; submitted by hand, it is where sbatch was called.
exec svc-run --drain=10s -- \
	python3 "${SVC_DIR:-$SLURM_SUBMIT_DIR}/hello.py" \
	'--port={port}' '--host={host}'
