// A loop that is forked; ev_loop_fork() in the child; both hear of what they watch.
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int heard;

static void on_io(struct ev_loop *loop, ev_io *w, int events)
{
	char byte;

	heard += read(w->fd, &byte, 1) == 1;
	ev_break(loop, EVBREAK_ALL);
}
static void on_time(struct ev_loop *loop, ev_timer *w, int events) { fprintf(stderr, "nothing heard\n"); exit(1); }

static void turn(struct ev_loop *loop, int fd)
{
	if (write(fd, "x", 1) != 1)
		exit(2);
	ev_run(loop, 0);
}

int main(void)
{
	struct ev_loop *loop = ev_default_loop(EVBACKEND_EPOLL);
	int theirs[2], mine[2], status;
	ev_timer timer;
	ev_io io;
	pid_t pid;

	if (pipe(theirs) || pipe(mine))
		return 3;
	ev_timer_init(&timer, on_time, 20, 0);
	ev_timer_start(loop, &timer);
	ev_io_init(&io, on_io, mine[0], EV_READ);
	ev_io_start(loop, &io);
	turn(loop, mine[1]);
	pid = fork();
	if (pid == 0) {
		ev_loop_fork(loop);
		ev_io_stop(loop, &io);
		ev_io_set(&io, theirs[0], EV_READ);
		ev_io_start(loop, &io);
		turn(loop, theirs[1]);
		exit(heard == 2 ? 0 : 4);
	}
	waitpid(pid, &status, 0);
	turn(loop, mine[1]);
	if (heard != 2 || status)
		return 5;
	puts("well");
	return 0;
}
