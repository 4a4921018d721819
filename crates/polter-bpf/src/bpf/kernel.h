/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * The kernel's types, as far as our programs read them, and its helpers.
 *
 * The loader puts in the running kernel's offsets and sizes, from its BTF (CO-RE). So only names
 * matter here; the order does not, and fields may be left out.
 */
#ifndef POLTER_KERNEL_H
#define POLTER_KERNEL_H

typedef signed int s32;
typedef signed long long s64;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))
/* Verified once, not at every call: such a function takes and returns plain integers. */
#define ALONE __attribute__((noinline))

/* The helpers. Linux: include/uapi/linux/bpf.h */
static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*bpf_map_update_elem)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static u64 (*bpf_get_current_pid_tgid)(void) = (void *)14;
static long (*bpf_probe_read_user)(void *to, u32 size, const void *from) = (void *)112;
static long (*bpf_probe_read_kernel)(void *to, u32 size, const void *from) = (void *)113;
static long (*bpf_probe_read_kernel_str)(void *to, u32 size, const void *from) = (void *)115;
static long (*bpf_ringbuf_output)(void *ring, void *data, u64 size, u64 flags) = (void *)130;
static void *(*bpf_ringbuf_reserve)(void *ring, u64 size, u64 flags) = (void *)131;
static void (*bpf_ringbuf_submit)(void *record, u64 flags) = (void *)132;
static struct task_struct *(*bpf_get_current_task_btf)(void) = (void *)158;
static long (*bpf_loop)(u32 times, void *step, void *walk, u64 flags) = (void *)181;

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum { BPF_ANY = 0, BPF_NOEXIST = 1 };
enum { BPF_F_NO_PREALLOC = 1, BPF_RB_NO_WAKEUP = 1 };

/* A map's definition, as the loader finds it in BTF. */
#define NUMBER(name, value) int(*name)[value]
#define TYPE(name, value) typeof(value) *name

/* Reads `from->field` wherever the running kernel has it; zeros if it cannot be read. */
#define READ(to, from, field)                                                                       \
	({                                                                                          \
		typeof(from) from_ = (from);                                                        \
		bpf_probe_read_kernel(&(to), sizeof(to),                                            \
				      __builtin_preserve_access_index(&from_->field));              \
	})
/* Linux: enum pid_type */
#define PIDTYPE_TGID 1

#define OFFSET_OF(type, field) __builtin_preserve_field_info(((type *)0)->field, 0)
#define EXISTS(type, field) __builtin_preserve_field_info(((type *)0)->field, 2)

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct rb_node {
	unsigned long __rb_parent_color;
	struct rb_node *rb_right;
	struct rb_node *rb_left;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct rb_root_cached {
	struct rb_root rb_root;
	struct rb_node *rb_leftmost;
};

typedef struct {
	long counter;
} atomic_long_t;

typedef struct {
	atomic_long_t refcnt;
} file_ref_t;

struct super_block {
	u32 s_dev;
	unsigned long s_magic;
};

struct inode {
	struct super_block *i_sb;
	unsigned long i_ino;
};

struct file {
	const void *f_op;
	void *private_data;
	struct inode *f_inode;
	struct hlist_head *f_ep;
	file_ref_t f_ref;
};

/* Until Linux 6.12. */
struct file___before_6_13 {
	atomic_long_t f_count;
};

struct fdtable {
	u32 max_fds;
	struct file **fd;
	unsigned long *close_on_exec;
};

struct files_struct {
	struct fdtable *fdt;
};

struct upid {
	int nr;
};

struct pid {
	u32 level;
	struct upid numbers[1];
};

struct signal_struct {
	struct pid *pids[2];
};

struct task_struct {
	int pid;
	int tgid;
	struct files_struct *files;
	struct pid *thread_pid;
	struct signal_struct *signal;
};

struct epoll_event {
	u32 events;
	u64 data;
} __attribute__((packed));

struct epoll_filefd {
	struct file *file;
	int fd;
} __attribute__((packed));

struct eventpoll {
	struct rb_root_cached rbr;
};

struct epitem {
	struct rb_node rbn;
	struct epoll_filefd ffd;
	struct eventpoll *ep;
	struct hlist_node fllink;
	struct epoll_event event;
};

#pragma clang attribute pop

/* The arguments of an iterator over tasks' files; the layout is fixed. */
struct bpf_iter__task_file {
	void *meta __attribute__((aligned(8)));
	struct task_struct *task __attribute__((aligned(8)));
	u32 fd __attribute__((aligned(8)));
	struct file *file __attribute__((aligned(8)));
};

/* The arguments of an iterator over tasks. */
struct bpf_iter__task {
	void *meta __attribute__((aligned(8)));
	struct task_struct *task __attribute__((aligned(8)));
};

#endif
