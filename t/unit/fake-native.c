/*
 * fake-native.c - a program under valgrind that looks as if it were not: loaded
 * into it (LD_PRELOAD) by t/valgrind. It and its children see nothing of
 * valgrind's in the environment, its name is its own, and what was closed when
 * it was started (BERTH_CLOSED: digits), and had to be open for valgrind, is
 * closed again. A program that is not there is seen where it should be started:
 * valgrind forks for vfork, and leaves the error with the child.
 */
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <valgrind/valgrind.h>

__attribute__((constructor)) static void
look_native(void)
{
	const char *closed = getenv("BERTH_CLOSED");

	if (!RUNNING_ON_VALGRIND)	/* what starts it */
		return;
	for (; closed != NULL && *closed != '\0'; closed++)
		(void)close(*closed - '0');
	(void)unsetenv("BERTH_CLOSED");
	/* a svc-proxy that takes over is under valgrind, and so with us, too */
	if (strcmp(program_invocation_short_name, "svc-proxy") != 0)
		(void)unsetenv("LD_PRELOAD");
	(void)prctl(PR_SET_NAME, program_invocation_short_name);
}

/* The next of PATH, whose dirs go on at *dirs, with name; 0: no more. */
static int
next_path(const char **dirs, const char *name, char *path, size_t size)
{
	int n = (int)strcspn(*dirs, ":");

	if (**dirs == '\0')
		return 0;
	(void)snprintf(path, size, "%.*s/%s", n, *dirs, name);
	*dirs += n + ((*dirs)[n] == ':');
	return 1;
}

int
posix_spawnp(pid_t *pid, const char *name,
    const posix_spawn_file_actions_t *files, const posix_spawnattr_t *attr,
    char *const argv[], char *const envp[])
{
	const char *dirs = getenv("PATH");
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s", name);
	if (strchr(name, '/') == NULL && dirs != NULL)
		while (next_path(&dirs, name, path, sizeof(path)) &&
		    access(path, X_OK) < 0)
			continue;
	if (access(path, X_OK) < 0)
		return errno;
	return posix_spawn(pid, path, files, attr, argv, envp);
}
