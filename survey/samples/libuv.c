// A loop with a pipe and a child process; forked; both sides go on, the child after uv_loop_fork().
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

static uv_loop_t *loop;
static int heard, ended;

static void on_exit_(uv_process_t *p, int64_t status, int sig) { ended++; uv_close((uv_handle_t *)p, NULL); }
static void on_poll(uv_poll_t *p, int status, int events)
{
	char byte;
	int *fd = p->data;

	if (status == 0 && read(*fd, &byte, 1) == 1)
		heard++;
	uv_poll_stop(p);
}
static void on_time(uv_timer_t *t) { fprintf(stderr, "heard %d, ended %d\n", heard, ended); exit(1); }

static void spawn(void)
{
	static uv_process_t child;
	char *args[] = { "true", NULL };
	uv_process_options_t options = { .file = "true", .args = args, .exit_cb = on_exit_ };

	if (uv_spawn(loop, &child, &options))
		exit(2);
}

static void turn(int *fds)
{
	static uv_poll_t poll;
	static uv_timer_t timer;

	uv_timer_init(loop, &timer);
	uv_timer_start(&timer, on_time, 20000, 0);
	uv_unref((uv_handle_t *)&timer);
	poll.data = fds;
	uv_poll_init(loop, &poll, fds[0]);
	uv_poll_start(&poll, UV_READABLE, on_poll);
	spawn();
	if (write(fds[1], "x", 1) != 1)
		exit(3);
	uv_run(loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&poll, NULL);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(loop, UV_RUN_DEFAULT);
}

int main(void)
{
	int fds[2], status;
	pid_t pid;

	if (pipe(fds))
		return 4;
	loop = uv_default_loop();
	turn(fds);
	pid = fork();
	if (pid == 0) {
		if (uv_loop_fork(loop))
			_exit(5);
		turn(fds);
		_exit(heard == 2 && ended == 2 ? 0 : 6);
	}
	waitpid(pid, &status, 0);
	turn(fds);
	if (heard != 2 || ended != 2 || status)
		return 7;
	puts("well");
	return 0;
}
