/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * Records the calls that matter to epoll, of some processes, into a ring.
 *
 *   tp_btf/sys_enter ─▶ what a call is about to end: the file at close, who registered it, the stack that leads here
 *   tp_btf/sys_exit  ─▶ what a call has made: numbers, files, events, messages
 *   tp_btf/sched_process_{fork,exec,exit}, signal_deliver ─▶ the life of processes
 *
 * Records stand in the ring in the order in which they were reserved. What a call does happens between its two records, or,
 * where nobody else has its table and its instance, at its only one.
 *
 * A file that has no poll cannot be registered (EPERM): its opens, uses and closes are left out. Servers open one for each
 * request.
 *
 * The first two tracepoints are passed by every call on the machine. A call of another kind, or of another process, leaves
 * after one or two looks into tables.
 */
#include "../../../polter-bpf/src/bpf/registers.h"
#include "../../../polter-bpf/src/bpf/tasks.h"
#include "files.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The helpers used by this program alone. Linux: include/uapi/linux/bpf.h */
static long (*bpf_map_delete_elem)(void *map, const void *key) = (void *)3;
static u64 (*bpf_ktime_get_ns)(void) = (void *)5;
static u64 (*bpf_jiffies64)(void) = (void *)118;
static u64 (*bpf_get_current_ancestor_cgroup_id)(int level) = (void *)123;
static struct pt_regs *(*bpf_task_pt_regs)(struct task_struct *task) = (void *)175;

enum { BPF_RB_FORCE_WAKEUP = 2 };

#define EBADF 9
#define EAGAIN 11
#define F_DUPFD 0
#define F_DUPFD_CLOEXEC 1030
#define F_SETFD 2
#define FIONCLEX 0x5450
#define FIOCLEX 0x5451
#define EPOLL_CTL_DEL 2

/* The reader has the same numbers and layouts: src/kernel/raw.rs, src/kernel/calls.rs. */
#define MAX_CALLS 512
enum { ENTER = 1, EXIT = 2, USE = 3, FORK = 4, EXEC = 5, GONE = 6, SIGNAL = 7, CLOSED = 8 };

/* What is recorded of a call; 0: nothing. */
enum {
	/* A use of the file at the first argument; one that repeats the last is left out. The argument says which way. */
	USES = 1,
	/* The result and the arguments. */
	PLAIN = 2,
	/* The result is a new fd. */
	OPENS = 3,
	/* Two new fds, in the array at an argument. */
	OPENS_TWO = 4,
	CLOSES = 5,
	/* dup2(2), dup3(2) */
	REPLACES = 6,
	CLOSES_RANGE = 7,
	CONTROLS = 8,
	WAITS = 9,
	SENDS = 10,
	RECEIVES = 11,
	SENDS_MANY = 12,
	RECEIVES_MANY = 13,
	/* fcntl(2) */
	FCNTL = 14,
	/* Bytes behind an argument: signalfd(2), io_uring_register(2), waitid(2). */
	BYTES = 15,
	/* exit(2), exit_group(2): it does not return. */
	LEAVES = 16,
	/* Only an error is recorded: a success is told by another record. */
	FAILS = 17,
	/* Only EBADF is recorded. */
	HITS_NOTHING = 18,
	/* connect(2), bind(2): the file is described, for it is called something else now. */
	NAMES = 19,
	/* The result is a new fd, of whatever the path leads to. */
	OPENS_PATH = 20,
	/* ioctl(2): a use, or it decides what an exec closes. */
	IOCTL = 21,
};

/* What a use does with the file. Two processes can know of each other by what one writes and another reads. */
enum { READS = 0, WRITES = 1, ELSE = 2 };

/* How a call of a kind is read: the kind, an argument, a size. */
struct shape {
	u8 kind;
	u8 argument;
	u16 size;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_RINGBUF);
	NUMBER(max_entries, 1 << 25);
} records SEC(".maps");

/* The reader looks at `records` now and then; what stands here wakes it. */
struct {
	NUMBER(type, BPF_MAP_TYPE_RINGBUF);
	NUMBER(max_entries, 1 << 12);
} urgent SEC(".maps");

struct {
	NUMBER(type, BPF_MAP_TYPE_ARRAY);
	NUMBER(max_entries, MAX_CALLS);
	TYPE(key, u32);
	TYPE(value, struct shape);
} shapes SEC(".maps");

/* The processes that are recorded, as the kernel calls them. */
struct {
	NUMBER(type, BPF_MAP_TYPE_HASH);
	NUMBER(max_entries, 1 << 16);
	TYPE(key, u32);
	TYPE(value, u32);
} targets SEC(".maps");

/* The processes asked for, as the reader calls them. */
struct {
	NUMBER(type, BPF_MAP_TYPE_HASH);
	NUMBER(max_entries, 1 << 12);
	TYPE(key, u32);
	TYPE(value, u32);
} wanted SEC(".maps");

enum { SOME = 0, ALL = 1, IN_CGROUP = 2 };

/* Set before the programs run. */
struct settings {
	u64 cgroup;
	u32 scope;
	u32 pad;
	/* Whether a child of a recorded process is recorded. */
	u32 follows;
	/* Bytes of the stack that are copied where a ghost is made. */
	u32 stack;
	/* Changed where the reader has dropped records: what was told is to be told again. */
	u64 turn;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_ARRAY);
	NUMBER(max_entries, 1);
	TYPE(key, u32);
	TYPE(value, struct settings);
} settings SEC(".maps");

/* Before every record. */
struct head {
	u64 time;
	/* The file at `fd`, which tells it from all others as long as it lives. */
	u64 file;
	s64 result;
	u32 pid;
	u32 tid;
	u16 what;
	u16 number;
	s32 fd;
	/* Records that found no room before this one. */
	u32 lost;
	/* CLOSED: the file's references, with the one that goes. */
	u32 references;
};

struct frame {
	u64 ip;
	u64 sp;
	u64 bp;
	u64 lr;
};

#define MAX_BYTES 16384
#define MAX_EVENTS 256
#define MAX_CONTROL 1056

/* What follows a close: who had registered the file, and where a ghost is made, the stack that leads to it. */
struct closing {
	struct registered registered;
	struct frame frame;
	u8 stack[MAX_BYTES];
};

struct call {
	struct head head;
	u64 arguments[6];
	/* Files that `about` describes. */
	u32 abouts;
	/* Bytes of what follows. */
	u32 size;
	/* Whether some of it was left out. */
	u32 is_cut;
	u32 has_frame;
	union {
		struct about about[2];
		struct closing closing;
		u8 bytes[sizeof(struct closing)];
	};
};

/* Where a record is put together: the program runs with preemption disabled. */
struct {
	NUMBER(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	NUMBER(max_entries, 2);
	TYPE(key, u32);
	TYPE(value, struct call);
} places SEC(".maps");

/* The last uses that were recorded: a use of the same file by the same thread and the same way tells nothing new until
 * another record is made; the end of a file always does. */
#define MEMORY 512

struct used {
	u64 after;
	/* The operations of a file that has a poll: most files of a program have the same. */
	u64 operations;
	u32 tid;
	/* The fd, and which way. */
	u32 what;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	NUMBER(max_entries, MEMORY);
	TYPE(key, u32);
	TYPE(value, struct used);
} uses SEC(".maps");

/* The thread whose close was told whole when it began, and whose return is not told. Should it move to another CPU
 * meanwhile, the reader drops what comes. */
struct {
	NUMBER(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	NUMBER(max_entries, 1);
	TYPE(key, u32);
	TYPE(value, u32);
} told SEC(".maps");

/* Who made the last call on this CPU, and whether it is recorded: mostly, the next one is made by the same. And what time it
 * was in this tick: a use does not read the clock again. */
struct caller {
	u64 turn;
	u32 host;
	u32 pid;
	u64 tick;
	u64 time;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	NUMBER(max_entries, 1);
	TYPE(key, u32);
	TYPE(value, struct caller);
} callers SEC(".maps");

/* The only variable, so that the reader knows where it is. */
struct {
	/* Records that are no uses, so far. */
	u64 made;
	/* Records that found no room. */
	u64 lost;
	/* Calls of 32-bit programs, which have other numbers. */
	u64 foreign;
	u32 own_level;
	u32 has_learnt;
	/* The reader, which is never recorded, as the kernel calls it. */
	u32 own;
	u32 pad;
	/* How often `targets` has changed, and one. */
	u64 turn;
} state;

INLINE u32 tid_of(u64 task)
{
	struct pid *pid = 0;
	u32 tid = 0;

	if (!state.own_level) {
		READ(tid, (struct task_struct *)task, pid);
		return tid;
	}
	READ(pid, (struct task_struct *)task, thread_pid);
	return number_of((u64)pid, state.own_level);
}

INLINE u32 tgid_of(u64 task)
{
	struct signal_struct *signal = 0;
	struct pid *pid = 0;
	u32 tgid = 0;

	if (!state.own_level) {
		READ(tgid, (struct task_struct *)task, tgid);
		return tgid;
	}
	READ(signal, (struct task_struct *)task, signal);
	READ(pid, signal, pids[PIDTYPE_TGID]);
	return number_of((u64)pid, state.own_level);
}

SEC("iter/task") int choose(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	struct pid *pid = 0;
	u32 tgid = 0, number;

	if (!task)
		return 0;
	if (!state.has_learnt) {
		READ(pid, bpf_get_current_task_btf(), thread_pid);
		READ(state.own_level, pid, level);
		state.own = bpf_get_current_pid_tgid() >> 32;
		state.has_learnt = 1;
	}
	READ(tgid, task, tgid);
	number = tgid_of((u64)task);
	if (bpf_map_lookup_elem(&wanted, &number))
		bpf_map_update_elem(&targets, &tgid, &number, BPF_ANY);
	return 0;
}

/* Cgroups are not nested deeper, as far as anybody records one. */
#define MAX_LEVELS 16

/* True if the current task is in this cgroup or below it. */
ALONE u32 is_in_cgroup(u64 cgroup)
{
	u32 level;

	for (level = 0; level < MAX_LEVELS; level++) {
		u64 id = bpf_get_current_ancestor_cgroup_id(level);

		if (id == cgroup)
			return 1;
		if (!id)
			return 0;
	}
	return 0;
}

/* The process as the reader calls it, if it is recorded; else 0. */
INLINE u32 recorded(u32 host, struct settings **told)
{
	u32 zero = 0, *pid;
	struct settings *set = bpf_map_lookup_elem(&settings, &zero);
	struct caller *last;
	u64 turn;

	if (!set)
		return 0;
	*told = set;
	if (set->scope == SOME) {
		last = bpf_map_lookup_elem(&callers, &zero);
		if (!last)
			return 0;
		turn = *(volatile u64 *)&state.turn + 1;
		if (last->host == host && last->turn == turn)
			return last->pid;
		pid = bpf_map_lookup_elem(&targets, &host);
		last->turn = turn;
		last->host = host;
		last->pid = pid ? *pid : 0;
		return last->pid;
	}
	if (set->scope == IN_CGROUP && !is_in_cgroup(set->cgroup))
		return 0;
	if (host == state.own)
		return 0;
	return state.own_level ? tgid_of((u64)bpf_get_current_task_btf()) : host;
}

INLINE struct call *place(u32 index)
{
	return bpf_map_lookup_elem(&places, &index);
}

/* The time, as it was the first time in this tick that somebody asked on this CPU. */
INLINE u64 coarse_time(void)
{
	u32 zero = 0;
	struct caller *here = bpf_map_lookup_elem(&callers, &zero);
	u64 tick = bpf_jiffies64();

	if (!here)
		return 0;
	if (here->tick != tick) {
		here->tick = tick;
		here->time = bpf_ktime_get_ns();
	}
	return here->time;
}

INLINE void begin(struct head *head, u64 time, u32 pid, u32 what, u32 number)
{
	u64 id = bpf_get_current_pid_tgid();

	head->time = time;
	head->file = 0;
	head->result = 0;
	head->pid = pid;
	head->tid = state.own_level ? tid_of((u64)bpf_get_current_task_btf()) : (u32)id;
	head->what = what;
	head->number = number;
	head->fd = -1;
	head->lost = state.lost;
	head->references = 0;
}

INLINE struct call *begin_call(u32 pid, u32 what, u32 number, struct pt_regs *regs)
{
	struct call *call = place(0);

	if (!call)
		return 0;
	begin(&call->head, bpf_ktime_get_ns(), pid, what, number);
	call->arguments[0] = first_of(regs);
	call->arguments[1] = second_of(regs);
	call->arguments[2] = third_of(regs);
	call->arguments[3] = fourth_of(regs);
	call->arguments[4] = fifth_of(regs);
	call->arguments[5] = sixth_of(regs);
	call->abouts = 0;
	call->size = 0;
	call->is_cut = 0;
	call->has_frame = 0;
	return call;
}

INLINE void send(struct call *call, u64 wakes)
{
	u32 size = call->size;

	if (size > sizeof(call->bytes))
		size = sizeof(call->bytes);
	__sync_fetch_and_add(&state.made, 1);
	if (bpf_ringbuf_output(&records, call, __builtin_offsetof(struct call, bytes) + size, BPF_RB_NO_WAKEUP))
		__sync_fetch_and_add(&state.lost, 1);
	/* If it is full, the reader is awake. */
	if (wakes)
		bpf_ringbuf_output(&urgent, &wakes, sizeof(wakes), BPF_RB_FORCE_WAKEUP);
}

/* A file at an fd, described. */
INLINE void tell_of(struct call *call, u32 at, s32 fd)
{
	u64 file = file_at(fd);

	/* Another thread may have closed it: then nothing is known of it. */
	if (file)
		describe(file, &call->about[at & 1]);
	else
		call->about[at & 1].file = 0;
	call->abouts = at + 1;
	call->size = (at + 1) * sizeof(struct about);
}

INLINE void copy(struct call *call, u64 from, u64 size)
{
	/* The compiler may know a bound, and leave the check out; the verifier of Linux 6.1 has lost it by then. */
	asm volatile("" : "+r"(size));
	if (size > MAX_BYTES) {
		size = MAX_BYTES;
		call->is_cut = 1;
	}
	if (!size)
		return;
	if (bpf_probe_read_user(call->bytes, size, (void *)from)) {
		call->is_cut = 1;
		return;
	}
	call->size = size;
}

/* The registers, and the stack from its top: what leads to a ghost. */
INLINE void copy_stack(struct call *call, struct pt_regs *regs, u32 size)
{
	struct closing *closing = &call->closing;
	u64 sp;

	if (EXISTS(struct pt_regs, orig_ax)) {
		closing->frame.ip = regs->ip;
		closing->frame.sp = regs->sp;
		closing->frame.bp = regs->bp;
		closing->frame.lr = 0;
	} else {
		struct pt_regs___arm64 *other = (struct pt_regs___arm64 *)regs;

		closing->frame.ip = other->pc;
		closing->frame.sp = other->sp;
		closing->frame.bp = other->regs[29];
		closing->frame.lr = other->regs[30];
	}
	call->has_frame = 1;
	call->size = sizeof(struct registered) + sizeof(struct frame);
	sp = closing->frame.sp;
	size &= MAX_BYTES - 1;
	/* The stack may end sooner: then its page. */
	if (bpf_probe_read_user(closing->stack, size, (void *)sp)) {
		size = (4096 - (sp & 4095)) & 4095;
		if (bpf_probe_read_user(closing->stack, size, (void *)sp))
			return;
	}
	call->size += size;
}

/* struct msghdr */
struct message {
	u64 name;
	u64 name_size;
	u64 parts;
	u64 part_count;
	u64 control;
	u64 control_size;
	u64 flags;
};

/* Copies a message's control part; 0 if it has none. */
INLINE int copy_control(struct call *call, u64 from)
{
	struct message message;

	message.control = 0;
	message.control_size = 0;
	if (bpf_probe_read_user(&message, sizeof(message), (void *)from))
		return 0;
	if (!message.control || !message.control_size)
		return 0;
	if (message.control_size > MAX_CONTROL) {
		message.control_size = MAX_CONTROL;
		call->is_cut = 1;
	}
	copy(call, message.control, message.control_size);
	return call->size;
}

/* A use of a file. One that repeats the last is left out. */
INLINE void use(struct pt_regs *regs, struct settings *set, u32 pid, u32 number, s64 result, u32 way)
{
	s32 fd = first_of(regs);
	u32 tid = (u32)bpf_get_current_pid_tgid();
	u32 what = (u32)fd << 2 | (way & 3), at = (tid * 31 + what) & (MEMORY - 1);
	struct used *used = bpf_map_lookup_elem(&uses, &at);
	struct head *head;
	u64 after = state.made + 1 + (set->turn << 48), file;

	if (!used)
		return;
	if (used->after == after && used->tid == tid && used->what == what && result != -EBADF && result != -EAGAIN &&
	    (result || way != READS))
		return;
	used->after = after;
	used->tid = tid;
	used->what = what;
	file = file_at(fd);
	if (file) {
		u64 operations = operations_of(file);

		if (operations != used->operations) {
			if (!has_poll(operations))
				return;
			used->operations = operations;
		}
	}
	head = bpf_ringbuf_reserve(&records, sizeof(*head), 0);
	if (!head) {
		__sync_fetch_and_add(&state.lost, 1);
		return;
	}
	begin(head, coarse_time(), pid, USE, number);
	head->fd = fd;
	head->file = file;
	head->result = result;
	bpf_ringbuf_submit(head, BPF_RB_NO_WAKEUP);
}

/* True for the kinds of calls that others can see in the middle, or that do not return. */
INLINE int begins_with_a_record(u32 kind)
{
	return (kind >= CLOSES && kind <= WAITS) || kind == SENDS || kind == SENDS_MANY || kind == LEAVES;
}

SEC("tp_btf/sys_enter") int entered(u64 *context)
{
	struct pt_regs *regs = (struct pt_regs *)context[0];
	u32 number = context[1], pid;
	struct settings *set = 0;
	struct shape *shape = bpf_map_lookup_elem(&shapes, &number);
	struct call *call;
	u64 file, wakes = 0;
	s32 fd;

	if (!shape || !begins_with_a_record(shape->kind))
		return 0;
	pid = recorded(bpf_get_current_pid_tgid() >> 32, &set);
	if (!pid || !set)
		return 0;
	if (number_in(regs) < 0)
		return 0;
	fd = first_of(regs);
	if (shape->kind == REPLACES)
		fd = second_of(regs);
	if (shape->kind == WAITS && is_alone()) {
		file = file_at(fd);
		if (!file || references(file) == 1)
			return 0;
	}
	if (shape->kind == CLOSES && is_alone()) {
		file = file_at(fd);
		if (file && !can_poll(file)) {
			u32 zero = 0, *closer = bpf_map_lookup_elem(&told, &zero);

			if (closer)
				*closer = (u32)bpf_get_current_pid_tgid();
			return 0;
		}
	}
	if (shape->kind == CONTROLS) {
		if (is_alone()) {
			file = file_at(fd);
			if (!file || references(file) == 1)
				return 0;
		}
	}
	call = begin_call(pid, ENTER, number, regs);
	if (!call)
		return 0;
	call->head.fd = fd;
	switch (shape->kind) {
	case CONTROLS:
		call->head.fd = call->arguments[2];
		call->head.file = file_at(call->head.fd);
		if ((u32)call->arguments[1] != EPOLL_CTL_DEL)
			copy(call, call->arguments[3], EXISTS(struct pt_regs, orig_ax) ? 12 : 16);
		break;
	case WAITS:
		call->head.file = file_at(fd);
		break;
	case CLOSES:
	case REPLACES:
		file = file_at(fd);
		call->head.file = file;
		if (file) {
			look_for(file, fd, &call->closing.registered);
			if (shape->kind == CLOSES && is_alone() && !call->closing.registered.all && !is_instance(file))
				call->head.what = CLOSED;
			call->head.references = call->closing.registered.references;
			if (call->head.what != CLOSED)
				call->size = sizeof(struct registered);
			if (call->closing.registered.matching && call->closing.registered.references > 1 && set->stack) {
				copy_stack(call, regs, set->stack);
				wakes = 1;
			}
		} else if (shape->kind == CLOSES && is_alone()) {
			call->head.what = CLOSED;
			call->head.result = -EBADF;
		}
		break;
	case SENDS:
	case SENDS_MANY:
		call->head.file = file_at(fd);
		if (!copy_control(call, call->arguments[1]))
			return 0;
		break;
	}
	if (shape->kind == CLOSES) {
		u32 zero = 0, *closer = bpf_map_lookup_elem(&told, &zero);

		if (closer)
			*closer = call->head.what == CLOSED ? (u32)bpf_get_current_pid_tgid() : 0;
	}
	send(call, wakes);
	return 0;
}

SEC("tp_btf/sys_exit") int returned(u64 *context)
{
	struct pt_regs *regs = (struct pt_regs *)context[0];
	long nr = number_in(regs);
	s64 result = context[1];
	u32 number, pid, kind, command, wakes = 0;
	struct settings *set = 0;
	struct shape *shape;
	struct call *call;
	s32 fds[2] = {};
	s32 fd;

	if (nr < 0 || nr >= MAX_CALLS) {
		if (nr == -2 && recorded(bpf_get_current_pid_tgid() >> 32, &set))
			__sync_fetch_and_add(&state.foreign, 1);
		return 0;
	}
	number = nr;
	shape = bpf_map_lookup_elem(&shapes, &number);
	if (!shape || !shape->kind)
		return 0;
	kind = shape->kind;
	if ((kind == FAILS && result >= 0) || (kind == HITS_NOTHING && result != -EBADF))
		return 0;
	pid = recorded(bpf_get_current_pid_tgid() >> 32, &set);
	if (!pid || !set)
		return 0;
	fd = first_of(regs);
	if (kind == FCNTL) {
		command = second_of(regs);
		if (command != F_DUPFD && command != F_DUPFD_CLOEXEC && command != F_SETFD)
			kind = USES;
		else if (command == F_SETFD && result >= 0 && !can_poll(file_at(fd)))
			return 0;
	}
	if (kind == IOCTL) {
		command = second_of(regs);
		kind = command == FIOCLEX || command == FIONCLEX ? PLAIN : USES;
		if (kind == PLAIN && result >= 0 && !can_poll(file_at(fd)))
			return 0;
	}
	if (kind == USES || kind == HITS_NOTHING) {
		use(regs, set, pid, number, result, shape->kind == USES ? shape->argument : ELSE);
		return 0;
	}
	if (kind == CLOSES) {
		u32 zero = 0, *closer = bpf_map_lookup_elem(&told, &zero);

		if (closer && *closer == (u32)bpf_get_current_pid_tgid()) {
			*closer = 0;
			return 0;
		}
	}
	if (kind == OPENS_PATH) {
		u64 file = result >= 0 ? file_at(result) : 0;

		if (!file || !can_poll(file))
			return 0;
		kind = OPENS;
	}
	call = begin_call(pid, EXIT, number, regs);
	if (!call)
		return 0;
	call->head.result = result;
	call->head.fd = fd;
	switch (kind) {
	case OPENS:
	case REPLACES:
		if (result >= 0) {
			call->head.fd = result;
			tell_of(call, 0, result);
			call->head.file = call->about[0].file;
			/* The reader looks at the process while it lives. */
			wakes = kind == OPENS && shape->argument;
		}
		break;
	case FCNTL:
		if (result >= 0 && command != F_SETFD) {
			if (!can_poll(file_at(result)))
				return 0;
			call->head.fd = result;
			tell_of(call, 0, result);
			call->head.file = call->about[0].file;
		}
		break;
	case OPENS_TWO:
		if (result < 0)
			break;
		bpf_probe_read_user(fds, sizeof(fds), (void *)call->arguments[shape->argument & 3]);
		tell_of(call, 0, fds[0]);
		tell_of(call, 1, fds[1]);
		call->arguments[4] = fds[0];
		call->arguments[5] = fds[1];
		break;
	case CONTROLS: {
		u64 instance = file_at(fd);
		void *address = 0;

		/* Which instance it is, whatever its fd. */
		READ(address, (struct file *)instance, private_data);
		call->arguments[4] = (u64)address;
		call->head.fd = call->arguments[2];
		call->head.file = file_at(call->head.fd);
		if ((u32)call->arguments[1] != EPOLL_CTL_DEL)
			copy(call, call->arguments[3], EXISTS(struct pt_regs, orig_ax) ? 12 : 16);
		break;
	}
	case WAITS:
		if (!is_alone())
			call->head.file = file_at(fd);
		if (result > 0) {
			u64 count = result;

			if (count > MAX_EVENTS) {
				count = MAX_EVENTS;
				call->is_cut = 1;
			}
			copy(call, call->arguments[1], count * (EXISTS(struct pt_regs, orig_ax) ? 12 : 16));
		}
		break;
	case SENDS:
	case SENDS_MANY: {
		struct message message;

		message.control = 0;
		bpf_probe_read_user(&message, sizeof(message), (void *)call->arguments[1]);
		if (!message.control) {
			use(regs, set, pid, number, result, WRITES);
			return 0;
		}
		break;
	}
	case RECEIVES:
	case RECEIVES_MANY:
		if (result < 0 || !copy_control(call, call->arguments[1])) {
			use(regs, set, pid, number, result, READS);
			return 0;
		}
		/* Of a message with files, the first one: who has it now. */
		call->arguments[4] = -1;
		call->arguments[5] = 0;
		if (call->size >= 20 && *(u64 *)(call->bytes + 8) == 0x100000001ULL) {
			call->arguments[4] = *(s32 *)(call->bytes + 16);
			call->arguments[5] = file_at(call->arguments[4]);
		}
		break;
	case NAMES:
		tell_of(call, 0, fd);
		call->head.file = call->about[0].file;
		break;
	case PLAIN:
		call->head.file = file_at(fd);
		break;
	case BYTES:
		call->head.file = file_at(fd);
		copy(call, call->arguments[shape->argument & 3], shape->size);
		break;
	}
	send(call, wakes);
	return 0;
}

/* Prepares a record of the life of a process. */
INLINE struct call *begin_event(u32 pid, u32 what)
{
	struct call *call = place(1);
	u32 i;

	if (!call)
		return 0;
	begin(&call->head, bpf_ktime_get_ns(), pid, what, 0);
	for (i = 0; i < 6; i++)
		call->arguments[i] = 0;
	call->abouts = 0;
	call->size = 0;
	call->is_cut = 0;
	call->has_frame = 0;
	return call;
}

SEC("tp_btf/sched_process_fork") int forked(u64 *context)
{
	struct task_struct *parent = (struct task_struct *)context[0];
	struct task_struct *child = (struct task_struct *)context[1];
	struct settings *set = 0;
	u32 pid = recorded(bpf_get_current_pid_tgid() >> 32, &set), host, its;
	struct pt_regs *regs;
	struct call *call;

	if (!pid || !set)
		return 0;
	host = child->tgid;
	its = tgid_of((u64)child);
	/* If there is no room, the child is not recorded, and that is told. */
	if (set->scope == SOME && set->follows) {
		if (bpf_map_update_elem(&targets, &host, &its, BPF_ANY))
			__sync_fetch_and_add(&state.lost, 1);
		__sync_fetch_and_add(&state.turn, 1);
	}
	call = begin_event(pid, FORK);
	if (!call)
		return 0;
	call->arguments[0] = tid_of((u64)child);
	call->arguments[1] = its;
	call->arguments[2] = parent->files == child->files;
	call->arguments[3] = ((struct task_struct___more *)parent)->mm == ((struct task_struct___more *)child)->mm;
	regs = bpf_task_pt_regs(parent);
	call->head.number = number_in(regs);
	call->arguments[4] = first_of(regs);
	/* clone3(2) has its flags in memory. */
	if (call->head.number == 435) {
		u64 flags = 0;

		bpf_probe_read_user(&flags, sizeof(flags), (void *)call->arguments[4]);
		call->arguments[4] = flags;
	}
	send(call, 0);
	return 0;
}

SEC("tp_btf/sched_process_exec") int executed(u64 *context)
{
	struct linux_binprm *program = (struct linux_binprm *)context[2];
	struct settings *set = 0;
	u32 pid = recorded(bpf_get_current_pid_tgid() >> 32, &set);
	const char *name = 0;
	struct call *call;
	long size;

	if (!pid)
		return 0;
	call = begin_event(pid, EXEC);
	if (!call)
		return 0;
	/* The thread that called, if it is not the leader, whose number it takes over. In a pid namespace its own number is
	 * not known any more. */
	if ((u32)context[1] != (u32)bpf_get_current_pid_tgid())
		call->arguments[0] = state.own_level ? 0 : context[1];
	else
		call->arguments[0] = call->head.tid;
	READ(name, program, filename);
	size = bpf_probe_read_kernel_str(call->bytes, 256, name);
	call->size = size > 0 && size <= 256 ? size : 0;
	send(call, 0);
	return 0;
}

SEC("tp_btf/sched_process_exit") int gone(u64 *context)
{
	struct task_struct *task = (struct task_struct *)context[0];
	struct settings *set = 0;
	u32 host = bpf_get_current_pid_tgid() >> 32, pid = recorded(host, &set);
	struct call *call;
	int live = 0;

	if (!pid || !set)
		return 0;
	live = ((struct signal_struct___live *)task->signal)->live.counter;
	call = begin_event(pid, GONE);
	if (call) {
		call->arguments[0] = ((struct task_struct___more *)task)->exit_code;
		call->arguments[1] = live;
		send(call, 0);
	}
	if (!live && set->scope == SOME) {
		bpf_map_delete_elem(&targets, &host);
		__sync_fetch_and_add(&state.turn, 1);
	}
	return 0;
}

SEC("tp_btf/signal_deliver") int delivered(u64 *context)
{
	struct kernel_siginfo *info = (struct kernel_siginfo *)context[1];
	struct settings *set = 0;
	u32 pid = recorded(bpf_get_current_pid_tgid() >> 32, &set);
	struct call *call;
	s32 words[8] = {};

	/* SEND_SIG_NOINFO: the end that another signal has brought is delivered to each thread as a SIGKILL of nobody's. */
	if (!pid || !info)
		return 0;
	call = begin_event(pid, SIGNAL);
	if (!call)
		return 0;
	call->arguments[0] = (u32)context[0];
	/* signo, errno, code, pad, pid, uid, status */
	bpf_probe_read_kernel(words, sizeof(words), info);
	call->arguments[1] = words[2];
	call->arguments[2] = words[4];
	call->arguments[3] = words[6];
	send(call, 0);
	return 0;
}
