/*
 * submit-floor.c - how fast slurm_submit_batch_job can be: a bare loop that
 * submits N held jobs and prints nothing. What svc-submit is measured against.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>

extern char **environ;

int
main(int argc, char *argv[])
{
	static char name[] = "bench-submit", dir[] = "/tmp", null[] =
	    "/dev/null", script[] = "#!/bin/sh\ntrue\n";
	char *job_argv[] = { name, NULL };
	long n = argc > 1 ? strtol(argv[1], NULL, 10) : 500;
	submit_response_msg_t *answer;
	job_desc_msg_t d;

	slurm_init(NULL);
	for (; n > 0; n--) {
		slurm_init_job_desc_msg(&d);
		d.name = name;
		d.script = script;
		d.work_dir = dir;
		d.std_in = d.std_out = null;
		d.argc = 1;
		d.argv = job_argv;
		d.priority = 0;
		d.min_cpus = 1;
		d.user_id = getuid();
		d.group_id = getgid();
		d.environment = environ;
		for (d.env_size = 0; environ[d.env_size] != NULL; d.env_size++)
			;
		if (slurm_submit_batch_job(&d, &answer) != SLURM_SUCCESS) {
			slurm_perror("slurm_submit_batch_job");
			return 75;
		}
		slurm_free_submit_response_response_msg(answer);
	}
	return 0;
}
