/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * Counts what waits bring, by process, and what CPU time processes have used.
 *
 *   tp_btf/sys_exit ─▶ a wait has returned ─▶ wakes (process) ─▶ how often with events, and how often in vain
 *   iter/task       ─▶ a line for each task ─▶ its process, and the CPU time that it has used
 *
 * A wake-up is in vain if the thread's next call is a wait again. The reader attaches the first program for a tenth of the time.
 */
#include "../../../polter-bpf/src/bpf/registers.h"
#include "../../../polter-bpf/src/bpf/tasks.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Linux: include/uapi/linux/bpf.h */
static long (*bpf_seq_write)(void *file, const void *data, u32 size) = (void *)127;

#define MAX_CALLS 512

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sched_entity {
	u64 sum_exec_runtime;
};

struct task_struct___timed {
	struct sched_entity se;
};

struct signal_struct___summed {
	unsigned long long sum_sched_runtime;
};

struct bpf_iter_meta {
	void *seq;
};

#pragma clang attribute pop

enum { WAITS = 1 };

struct {
	NUMBER(type, BPF_MAP_TYPE_ARRAY);
	NUMBER(max_entries, MAX_CALLS);
	TYPE(key, u32);
	TYPE(value, u32);
} kinds SEC(".maps");

struct wakes {
	u64 count;
	u64 in_vain;
};

/* By the process, as the kernel calls it. */
struct {
	NUMBER(type, BPF_MAP_TYPE_PERCPU_HASH);
	NUMBER(max_entries, 1 << 12);
	TYPE(key, u32);
	TYPE(value, struct wakes);
} wakes SEC(".maps");

/* Threads that have waited: 1 if they have made no call since they woke. Those that waited longest ago make room. */
struct {
	NUMBER(type, 9 /* BPF_MAP_TYPE_LRU_HASH */);
	NUMBER(max_entries, 1 << 14);
	TYPE(key, u32);
	TYPE(value, u32);
} woken SEC(".maps");

u32 own_level;
u32 has_learnt;

SEC("tp_btf/sys_exit") int returned(u64 *context)
{
	struct pt_regs *regs = (struct pt_regs *)context[0];
	u64 id = bpf_get_current_pid_tgid();
	u32 tid = id, tgid = id >> 32, one = 1, number, *kind, *is_woken;
	long result = context[1], nr = number_in(regs);
	struct wakes *known, first = {};

	if (nr < 0 || nr >= MAX_CALLS)
		return 0;
	number = nr;
	kind = bpf_map_lookup_elem(&kinds, &number);
	if (!kind)
		return 0;
	is_woken = bpf_map_lookup_elem(&woken, &tid);
	if (*kind != WAITS) {
		if (is_woken)
			*is_woken = 0;
		return 0;
	}
	if (result <= 0)
		return 0;
	known = bpf_map_lookup_elem(&wakes, &tgid);
	if (!known) {
		bpf_map_update_elem(&wakes, &tgid, &first, BPF_NOEXIST);
		known = bpf_map_lookup_elem(&wakes, &tgid);
		if (!known)
			return 0;
	}
	known->count++;
	if (!is_woken) {
		bpf_map_update_elem(&woken, &tid, &one, BPF_ANY);
		return 0;
	}
	/* Of the wake-up before this one it is known now. */
	known->in_vain += *is_woken;
	*is_woken = 1;
	return 0;
}

/* A task, as the reader takes it: two words and two numbers. */
struct used {
	u32 host;
	u32 pid;
	u64 own;
	u64 of_dead;
};

SEC("iter/task") int used(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	struct signal_struct *signal = 0;
	struct pid *pid = 0;
	struct used used = {};
	struct bpf_iter_meta *meta = context->meta;
	u32 tid = 0;

	if (!task)
		return 0;
	if (!has_learnt) {
		READ(pid, bpf_get_current_task_btf(), thread_pid);
		READ(own_level, pid, level);
		has_learnt = 1;
	}
	READ(used.host, task, tgid);
	READ(tid, task, pid);
	READ(signal, task, signal);
	READ(pid, signal, pids[PIDTYPE_TGID]);
	used.pid = number_of((u64)pid, own_level);
	READ(used.own, (struct task_struct___timed *)task, se.sum_exec_runtime);
	/* The leader tells for those that have ended. */
	if (tid == used.host)
		READ(used.of_dead, (struct signal_struct___summed *)signal, sum_sched_runtime);
	bpf_seq_write(meta->seq, &used, sizeof(used));
	return 0;
}
