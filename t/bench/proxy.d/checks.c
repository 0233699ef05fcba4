/*
 * checks.c - the least that checks can cost: checks PORT SECONDS keeps 100
 * connections open; every five seconds each of them takes the answer to its
 * last request and sends another. Prints seconds of CPU. No timer, no parser,
 * nothing watched: two system calls a check, and one wake-up for all.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNS = 100, INTERVAL_S = 5 };

static const char request[] = "GET / HTTP/1.1\r\nHost: h\r\n"
    "User-Agent: svc-proxy (health check)\r\nAccept: */*\r\n\r\n";

static double
cpu_s(void)
{
	struct rusage r;

	(void)getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static int
dial(const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_port = htons((unsigned short)strtol(port, NULL, 10)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    send(fd, request, sizeof(request) - 1, 0) < 0) {
		perror("checks");
		exit(75);
	}
	return fd;
}

int
main(int argc, char **argv)
{
	long seconds = argc == 3 ? strtol(argv[2], NULL, 10) : 0, t;
	int fds[CONNS], i;
	char answer[4096];
	double before;

	for (i = 0; argc == 3 && i < CONNS; i++)
		fds[i] = dial(argv[1]);
	before = cpu_s();
	for (t = 0; t < seconds / INTERVAL_S; t++) {
		(void)sleep(INTERVAL_S);
		for (i = 0; i < CONNS; i++) {
			if (recv(fds[i], answer, sizeof(answer),
			    MSG_DONTWAIT) <= 0 || send(fds[i], request,
			    sizeof(request) - 1, 0) < 0) {
				perror("checks");
				return 75;
			}
		}
	}
	printf("%f\n", cpu_s() - before);
	return 0;
}
