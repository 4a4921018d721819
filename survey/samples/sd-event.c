// sd-event with a pipe, a signal, a timer and children; one child is forked by hand and exits, closing nothing.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-event.h>
#include <unistd.h>

static int heard, ended, signalled;

static int on_io(sd_event_source *s, int fd, uint32_t what, void *data)
{
	char byte;

	heard += read(fd, &byte, 1) == 1;
	return 0;
}
static int on_child(sd_event_source *s, const siginfo_t *si, void *data) { ended++; return 0; }
static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *data) { signalled++; return 0; }
static int on_time(sd_event_source *s, uint64_t usec, void *data)
{
	fprintf(stderr, "heard %d, ended %d, signalled %d\n", heard, ended, signalled);
	exit(1);
}

int main(void)
{
	sd_event *event;
	sigset_t set;
	int fds[2], n;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (pipe(fds) || sd_event_default(&event) < 0)
		return 2;
	sd_event_add_io(event, NULL, fds[0], EPOLLIN, on_io, NULL);
	sd_event_add_signal(event, NULL, SIGUSR1, on_signal, NULL);
	sd_event_add_time_relative(event, NULL, CLOCK_MONOTONIC, 20000000, 0, on_time, NULL);
	for (n = 1; n <= 3; n++) {
		pid_t pid = fork();

		if (pid == 0)
			exit(0);
		sd_event_add_child(event, NULL, pid, WEXITED, on_child, NULL);
		while (ended < n)
			sd_event_run(event, UINT64_MAX);
		kill(getpid(), SIGUSR1);
		if (write(fds[1], "x", 1) != 1)
			return 3;
		while (heard < n || signalled < n)
			sd_event_run(event, UINT64_MAX);
	}
	puts("well");
	return 0;
}
