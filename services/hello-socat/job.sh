#!/bin/sh
#SBATCH --job-name=hello-socat
#SBATCH --time=8:00:00
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --output=hello-socat-%j.out

# A path may hold what socat's addresses cannot, so answer.sh is named from its
# own folder: SVC_DIR when svc-keepalive ordered the job, else where sbatch was
# called.
cd "${SVC_DIR:-$SLURM_SUBMIT_DIR}" || exit 2
exec svc-run --drain=10s -- \
	socat 'TCP-LISTEN:{port},bind={host},reuseaddr,fork,backlog=128' \
	EXEC:./answer.sh
