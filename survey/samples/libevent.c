// A base with an event; forked; event_reinit() in the child; then the parent hears of what comes after the child has gone.
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int heard;

static void on_read(evutil_socket_t fd, short what, void *base)
{
	char byte;

	if (what & EV_TIMEOUT) {
		fprintf(stderr, "nothing heard\n");
		exit(1);
	}
	heard += read(fd, &byte, 1) == 1;
	event_base_loopbreak(base);
}

static void turn(struct event_base *base, int fd)
{
	if (write(fd, "x", 1) != 1)
		exit(2);
	event_base_dispatch(base);
}

int main(void)
{
	struct timeval patience = { 20, 0 };
	struct event_base *base = event_base_new();
	struct event *event;
	int fds[2], mine[2], status;
	pid_t pid;

	if (pipe(fds) || pipe(mine))
		return 3;
	event = event_new(base, fds[0], EV_READ | EV_PERSIST, on_read, base);
	event_add(event, &patience);
	turn(base, fds[1]);
	pid = fork();
	if (pid == 0) {
		if (event_reinit(base))
			_exit(4);
		event_del(event);
		event = event_new(base, mine[0], EV_READ | EV_PERSIST, on_read, base);
		event_add(event, &patience);
		turn(base, mine[1]);
		exit(heard == 2 ? 0 : 5);
	}
	waitpid(pid, &status, 0);
	turn(base, fds[1]);
	if (heard != 2 || status)
		return 6;
	puts("well");
	return 0;
}
