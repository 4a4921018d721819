/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * Counts the calls of a few processes, by thread, call and fd, and what each epoll_wait(2) reported.
 *
 *   iter/task      ─▶ once: which tasks are the ones asked for
 *   tp_btf/sys_exit ─▶ a call has returned ─┬─▶ calls    (thread, call, fd)      ─▶ how often, and with what result
 *                                           └─▶ reports  (process, instance, data) ─▶ how often, and which events
 *
 * The tracepoint is passed by every call on the machine. All but those of the processes asked for cost one look into a
 * hash table. Only exits are used: a call's arguments are still in the registers then. The reader attaches the program
 * for slices of its window where the calls are many.
 */
#include "../../../polter-bpf/src/bpf/registers.h"
#include "../../../polter-bpf/src/bpf/tasks.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define EAGAIN 11

/* Calls that are told apart. The reader has the same numbers: src/calls/kinds.rs. */
#define MAX_CALLS 512
/* Events of one wait that are read. */
#define MAX_EVENTS 64

/* What a call's arguments mean; set before the programs run. */
enum { NO_FD = 0, FD_FIRST = 1, FD_SECOND = 2, CONTROL = 3, WAIT = 4, WAIT_SPAN = 5 };

struct {
	NUMBER(type, BPF_MAP_TYPE_ARRAY);
	NUMBER(max_entries, MAX_CALLS);
	TYPE(key, u32);
	TYPE(value, u32);
} kinds SEC(".maps");

/* The processes asked for, as the reader calls them. */
struct {
	NUMBER(type, BPF_MAP_TYPE_HASH);
	NUMBER(max_entries, 1 << 12);
	TYPE(key, u32);
	TYPE(value, u32);
} wanted SEC(".maps");

/* The same, as the kernel calls them, with the reader's name. */
struct {
	NUMBER(type, BPF_MAP_TYPE_HASH);
	NUMBER(max_entries, 1 << 12);
	TYPE(key, u32);
	TYPE(value, u32);
} targets SEC(".maps");

struct call {
	u32 pid;
	u32 tid;
	s32 fd;
	/* epoll_ctl's operation, or 0. */
	u16 operation;
	u16 number;
};

struct results {
	u64 count;
	/* EAGAIN */
	u64 again;
	/* Any other error. */
	u64 failed;
	/* A result of 0: an end of file, or nothing to report. */
	u64 zero;
	/* The last other error. */
	u32 error;
	/* Waits only: how many had a timeout of zero. */
	u32 at_once;
	/* Waits only: events reported, and those of them that were not read. */
	u64 events;
	u64 events_left_out;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_PERCPU_HASH);
	NUMBER(max_entries, 1 << 15);
	TYPE(key, struct call);
	TYPE(value, struct results);
} calls SEC(".maps");

struct reported {
	u32 pid;
	s32 epfd;
	u64 data;
};

struct reports {
	u64 count;
	/* The events reported, or-ed. */
	u32 events;
	u32 pad;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_PERCPU_HASH);
	NUMBER(max_entries, 1 << 15);
	TYPE(key, struct reported);
	TYPE(value, struct reports);
} reports SEC(".maps");

/* Calls seen; what did not fit into the tables; and calls of 32-bit programs, which have other numbers. */
struct totals {
	u64 seen;
	u64 lost;
	u64 foreign;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	NUMBER(max_entries, 1);
	TYPE(key, u32);
	TYPE(value, struct totals);
} totals SEC(".maps");

/* As epoll_wait(2) writes them: 12 bytes on x86-64, 16 elsewhere. */
struct batch {
	u32 words[MAX_EVENTS * 4];
};

struct {
	NUMBER(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	NUMBER(max_entries, 1);
	TYPE(key, u32);
	TYPE(value, struct batch);
} batches SEC(".maps");

u32 own_level;
u32 has_learnt;

SEC("iter/task") int choose(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	struct signal_struct *signal = 0;
	struct pid *pid = 0;
	u32 tgid = 0, number;

	if (!task)
		return 0;
	if (!has_learnt) {
		READ(pid, bpf_get_current_task_btf(), thread_pid);
		READ(own_level, pid, level);
		has_learnt = 1;
	}
	READ(tgid, task, tgid);
	READ(signal, task, signal);
	READ(pid, signal, pids[PIDTYPE_TGID]);
	number = number_of((u64)pid, own_level);
	if (bpf_map_lookup_elem(&wanted, &number))
		bpf_map_update_elem(&targets, &tgid, &number, BPF_ANY);
	return 0;
}

INLINE struct totals *totals_here(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&totals, &zero);
}

INLINE void lose(void)
{
	struct totals *all = totals_here();

	if (all)
		all->lost++;
}

struct reading {
	struct batch *batch;
	struct reported key;
	u32 count;
	/* Words of an event. */
	u32 step;
};

static long count_report(u32 index, struct reading *reading)
{
	struct reports *known, first = {};
	struct batch *batch = reading->batch;
	u32 at = index * reading->step;
	u32 events, low, high;

	if (index >= reading->count || index >= MAX_EVENTS)
		return 1;
	if (at + 3 >= MAX_EVENTS * 4)
		return 1;
	events = batch->words[at & (MAX_EVENTS * 4 - 1)];
	/* Packed: the data follows at once. Else it is aligned. */
	at += reading->step == 3 ? 1 : 2;
	low = batch->words[at & (MAX_EVENTS * 4 - 1)];
	high = batch->words[(at + 1) & (MAX_EVENTS * 4 - 1)];
	reading->key.data = (u64)high << 32 | low;
	known = bpf_map_lookup_elem(&reports, &reading->key);
	if (!known) {
		first.count = 1;
		first.events = events;
		if (bpf_map_update_elem(&reports, &reading->key, &first, BPF_NOEXIST))
			lose();
		return 0;
	}
	known->count++;
	known->events |= events;
	return 0;
}

ALONE u32 count_reports(u64 events, u32 count, u32 pid, s32 epfd)
{
	struct reading reading = {};
	u32 zero = 0;

	reading.batch = bpf_map_lookup_elem(&batches, &zero);
	if (!reading.batch)
		return 0;
	if (count > MAX_EVENTS)
		count = MAX_EVENTS;
	reading.step = EXISTS(struct pt_regs, orig_ax) ? 3 : 4;
	if (bpf_probe_read_user(reading.batch, count * reading.step * 4, (void *)events))
		return 0;
	reading.count = count;
	reading.key.pid = pid;
	reading.key.epfd = epfd;
	bpf_loop(MAX_EVENTS, count_report, &reading, 0);
	return count;
}

ALONE u32 is_at_once(u64 span)
{
	u64 parts[2];

	/* No timeout at all. */
	if (!span)
		return 0;
	/* Not initialised as one: that would be a constant in a map of its own. */
	parts[0] = 1;
	parts[1] = 1;
	if (bpf_probe_read_user(parts, sizeof(parts), (void *)span))
		return 0;
	return !parts[0] && !parts[1];
}

INLINE void note(struct results *results, long result, u32 at_once, u32 events, u32 left_out)
{
	results->count++;
	if (result == -EAGAIN)
		results->again++;
	else if (result < 0 && result >= -4095) {
		results->failed++;
		results->error = -result;
	} else if (!result)
		results->zero++;
	results->at_once += at_once;
	results->events += events;
	results->events_left_out += left_out;
}

SEC("tp_btf/sys_exit") int returned(u64 *context)
{
	u64 id = bpf_get_current_pid_tgid();
	u32 host = id >> 32, *pid = bpf_map_lookup_elem(&targets, &host);
	struct results *known, first = {};
	struct pt_regs *regs = (struct pt_regs *)context[0];
	struct call key = {};
	struct pid *thread = 0;
	u32 at_once = 0, events = 0, left_out = 0, number, *kind;
	long result = context[1], nr;
	struct totals *all;

	if (!pid)
		return 0;
	all = totals_here();
	if (!all)
		return 0;
	all->seen++;
	nr = number_in(regs);
	if (nr < 0 || nr >= MAX_CALLS) {
		if (nr == -2)
			all->foreign++;
		return 0;
	}
	number = nr;
	kind = bpf_map_lookup_elem(&kinds, &number);
	if (!kind)
		return 0;
	key.pid = *pid;
	key.number = number;
	key.fd = -1;
	key.tid = (u32)id;
	if (own_level) {
		READ(thread, bpf_get_current_task_btf(), thread_pid);
		key.tid = number_of((u64)thread, own_level);
	}
	if (*kind != NO_FD)
		key.fd = *kind == FD_SECOND ? second_of(regs) : first_of(regs);
	if (*kind == CONTROL) {
		key.fd = third_of(regs);
		key.operation = second_of(regs);
	} else if (*kind == WAIT || *kind == WAIT_SPAN) {
		at_once = *kind == WAIT ? !(u32)fourth_of(regs) : is_at_once(fourth_of(regs));
		if (result > 0) {
			events = result;
			left_out = events - count_reports(second_of(regs), events, key.pid, key.fd);
		}
	}
	known = bpf_map_lookup_elem(&calls, &key);
	if (known) {
		note(known, result, at_once, events, left_out);
		return 0;
	}
	note(&first, result, at_once, events, left_out);
	if (bpf_map_update_elem(&calls, &key, &first, BPF_NOEXIST))
		lose();
	return 0;
}
