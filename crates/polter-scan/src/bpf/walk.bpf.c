/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * The kernel walk: every fd in every table, and every registration, each read in two ways.
 *
 *   iter/task_file ─▶ an fd ─▶ file ─▶ f_ep: how many registrations, and their sum
 *                               └─ an instance? ─▶ its tree, in order: each registration
 *
 * The walk takes none of epoll's locks, so a list that changes meanwhile can be read torn. The
 * tree is read by ascending keys only, so the walk ends. A torn read shows, because the two ways
 * disagree. Every registration that does not fit is asked about again (`confirm`).
 *
 * Records go through a ring. When it is full, the program returns 1, is called again with the
 * same fd, and continues behind the last key. Nothing is kept by address between two calls.
 */
#include "../../../polter-bpf/src/bpf/files.h"
#include "../../../polter-bpf/src/bpf/tasks.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Registrations followed from one file; a file with more of them is not checked. */
#define MAX_LINKS 4096
/* The depth of a tree that was made by insertion: 2 * log2 of all memory. */
#define MAX_DEPTH 64
#define MAX_STEPS (1 << 20)

#define ANON_INODE_FS_MAGIC 0x09041934
#define PID_FS_MAGIC 0x50494446

/* The reader has the same kinds and layouts: src/bpf/record.rs. */
enum { SLOT = 1, ITEMS = 2, END = 3, ANSWER = 4, LINK = 5, DESCRIBED = 6 };
enum { SOCKET, PIPE, EPOLL, EVENTFD, TIMERFD, SIGNALFD, ANONYMOUS, PATH };

struct about {
	u64 ino;
	u32 dev;
	u32 kind;
};

struct slot {
	u32 what;
	s32 fd;
	u32 pid;
	u32 tid;
	u64 table;
	u64 file;
	u64 instance;
	u64 link_sum;
	u32 links;
	u32 is_cloexec;
	struct about about;
};

/* A registration, whose instance or file the record says. */
struct item {
	s32 fd;
	u32 events;
	u64 file;
	u64 item;
	u64 data;
};

/* Many registrations of one instance: a record costs as much as its content. */
#define BATCH 64

struct items {
	u32 what;
	u32 count;
	u64 instance;
	struct item items[BATCH];
};

/* A registration in a file's own list. */
struct link {
	u32 what;
	u32 pad;
	u64 instance;
	struct item item;
};

/* A file that no fd names in the table that its registration was read from. */
struct described {
	u32 what;
	u32 pad;
	u64 file;
	struct about about;
};

struct end {
	u32 what;
	u32 is_torn;
	u64 instance;
};

struct answer {
	u32 what;
	u32 index;
	u64 table;
	u64 named;
	u32 is_present;
	u32 pad;
	u64 refs;
};

struct key {
	u64 file;
	s32 fd;
	u32 pad;
};

/* A registration to confirm, and the fd of its instance in the table that is asked. */
struct question {
	struct key key;
	u64 instance;
	u64 epfd;
};

struct range {
	u32 from;
	u32 len;
	/* The run in which the table was asked. */
	u32 run;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_RINGBUF);
	NUMBER(max_entries, 1 << 22);
} records SEC(".maps");

/* Set before each run. */
struct settings {
	/* Tells the runs apart. */
	u32 run;
	/* Whether each registration of each file's own list is reported too. */
	u32 with_links;
	/* The reader's own fds, one of each kind that only a file's operations tell. */
	s32 own_epoll;
	s32 own_eventfd;
	s32 own_timerfd;
	s32 own_signalfd;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_ARRAY);
	NUMBER(max_entries, 1);
	TYPE(key, u32);
	TYPE(value, struct settings);
} settings SEC(".maps");

/* The last run in which an instance was walked. */
struct {
	NUMBER(type, BPF_MAP_TYPE_HASH);
	NUMBER(map_flags, BPF_F_NO_PREALLOC);
	NUMBER(max_entries, 1 << 16);
	TYPE(key, u64);
	TYPE(value, u32);
} walked SEC(".maps");

/* Registrations to confirm; those of one table stand together. */
struct {
	NUMBER(type, BPF_MAP_TYPE_ARRAY);
	NUMBER(max_entries, 1 << 13);
	TYPE(key, u32);
	TYPE(value, struct question);
} accused SEC(".maps");

struct {
	NUMBER(type, BPF_MAP_TYPE_HASH);
	NUMBER(map_flags, BPF_F_NO_PREALLOC);
	NUMBER(max_entries, 1 << 16);
	TYPE(key, u64);
	TYPE(value, struct range);
} accused_in SEC(".maps");

/* The operations of the reader's files; learnt at the first fd. */
u64 epoll_ops, eventfd_ops, timerfd_ops, signalfd_ops;
u32 own_level;
u32 has_learnt;

/* Where the program continues when it is called again. */
struct {
	u64 table;
	u64 instance;
	struct key after;
	s32 fd;
	/* The run it belongs to; 0 if the last call was completed. */
	u32 run;
	u32 next;
} cursor;

/* The file at an fd of a table; 0 if the fd is closed. */
ALONE u64 file_at(u64 files, s32 fd)
{
	struct fdtable *table = 0;
	struct file **numbers = 0, *file = 0;
	u32 max = 0;

	READ(table, (struct files_struct *)files, fdt);
	READ(max, table, max_fds);
	if ((u32)fd >= max)
		return 0;
	READ(numbers, table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), numbers + (u32)fd);
	return (u64)file;
}

ALONE u32 is_cloexec(u64 files, u32 fd)
{
	struct fdtable *table = 0;
	unsigned long *words = 0, word = 0;

	READ(table, (struct files_struct *)files, fdt);
	READ(words, table, close_on_exec);
	bpf_probe_read_kernel(&word, sizeof(word), words + fd / 64);
	return word >> (fd % 64) & 1;
}

INLINE u64 operations_of(u64 files, s32 fd)
{
	u64 file = file_at(files, fd);
	u64 operations = 0;

	READ(operations, (struct file *)file, f_op);
	return operations;
}

ALONE int learn(struct settings *own)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct pid *pid = 0;
	u64 files = 0;

	if (!own)
		return 0;
	READ(files, current, files);
	epoll_ops = operations_of(files, own->own_epoll);
	eventfd_ops = operations_of(files, own->own_eventfd);
	timerfd_ops = operations_of(files, own->own_timerfd);
	signalfd_ops = operations_of(files, own->own_signalfd);
	READ(pid, current, thread_pid);
	READ(own_level, pid, level);
	has_learnt = 1;
	return 0;
}

ALONE u32 kind_of(u64 operations, u64 magic)
{
	if (magic == SOCKFS_MAGIC)
		return SOCKET;
	if (magic == PIPEFS_MAGIC)
		return PIPE;
	if (magic == PID_FS_MAGIC)
		return ANONYMOUS;
	if (magic != ANON_INODE_FS_MAGIC)
		return PATH;
	if (operations == epoll_ops)
		return EPOLL;
	if (operations == eventfd_ops)
		return EVENTFD;
	if (operations == timerfd_ops)
		return TIMERFD;
	return operations == signalfd_ops ? SIGNALFD : ANONYMOUS;
}

ALONE int describe(u64 address, struct about *about)
{
	struct file *file = (struct file *)address;
	struct inode *inode = 0;
	struct super_block *sb = 0;
	unsigned long ino = 0, magic = 0;
	u64 operations = 0;
	u32 dev = 0;

	if (!about)
		return 1;
	READ(operations, file, f_op);
	READ(inode, file, f_inode);
	READ(sb, inode, i_sb);
	READ(ino, inode, i_ino);
	READ(dev, sb, s_dev);
	READ(magic, sb, s_magic);
	about->ino = ino;
	about->dev = dev;
	about->kind = kind_of(operations, magic);
	return 0;
}

/* Linux: ep_cmp_ffd */
INLINE int is_less(struct key a, struct key b)
{
	return a.file < b.file || (a.file == b.file && a.fd < b.fd);
}

INLINE struct epitem *item_of(struct rb_node *node)
{
	return (struct epitem *)((char *)node - OFFSET_OF(struct epitem, rbn));
}

INLINE struct key key_of(struct epitem *item)
{
	struct epoll_filefd ffd = {};
	struct key key = {};

	READ(ffd, item, ffd);
	key.file = (u64)ffd.file;
	key.fd = ffd.fd;
	return key;
}

struct search {
	struct rb_node *at;
	/* The first registration that is greater than the key. */
	struct rb_node *greater;
	struct rb_node *equal;
	struct key key;
};

static long descend(u64 index, struct search *search)
{
	struct rb_node *node = search->at;
	struct key key;

	if (!node)
		return 1;
	key = key_of(item_of(node));
	if (is_less(search->key, key)) {
		search->greater = node;
		READ(search->at, node, rb_left);
		return 0;
	}
	if (!is_less(key, search->key))
		search->equal = node;
	READ(search->at, node, rb_right);
	return 0;
}

/* Linux: ep_find */
ALONE int find(u64 instance, struct search *search)
{
	struct search local = {};

	if (!search)
		return 0;
	local.key = search->key;
	READ(local.at, (struct eventpoll *)instance, rbr.rb_root.rb_node);
	bpf_loop(MAX_DEPTH, descend, &local, 0);
	*search = local;
	return 0;
}

/* Linux: eventpoll_init, which limits an epitem to this size. */
#define ITEM_SIZE 128

/*
 * The place in a tree. One reader at a time has a walk made, so there is one place:
 *
 *   above: the greater nodes passed on the way to the left;  at: the next node
 *
 * It is in a map, not on the stack, so that the verifier does not follow its values: it would
 * verify every step again for each of them.
 */
struct {
	u64 above[MAX_DEPTH];
	u64 at;
	u64 files;
	/* The table's fds, valid during this call only. */
	u64 numbers;
	struct key last;
	u32 max;
	u32 depth;
	u32 is_full;
	u32 is_torn;
} tree;

/* The registrations since the last record, which held those up to `before`. */
struct items items;
struct key before;

/* A field of an epitem that was read as a whole. */
#define FIELD(type, bytes, field) (*(type *)((bytes) + OFFSET_OF(struct epitem, field)))

/* Goes to the left of a node, and keeps the node for later; 1 if no tree is so deep. */
INLINE int pass(struct rb_node *node)
{
	u32 depth = tree.depth;

	if (depth >= MAX_DEPTH) {
		tree.is_torn = 1;
		return 1;
	}
	tree.above[depth] = (u64)node;
	tree.depth = depth + 1;
	READ(tree.at, node, rb_left);
	return 0;
}

/* Goes to the first registration that is greater than the last one. */
static long seek(u64 index, void *unused)
{
	struct rb_node *node = (struct rb_node *)tree.at;
	struct key last = tree.last;

	if (!node)
		return 1;
	if (is_less(last, key_of(item_of(node))))
		return pass(node);
	READ(tree.at, node, rb_right);
	return 0;
}

/* Writes the collected registrations as a record; 1 if the ring is full. */
ALONE int hand_over(void)
{
	u32 count = items.count;

	if (!count)
		return 0;
	if (count > BATCH)
		count = BATCH;
	if (bpf_ringbuf_output(&records, &items, __builtin_offsetof(struct items, items) + count * sizeof(struct item),
			       BPF_RB_NO_WAKEUP)) {
		tree.is_full = 1;
		return 1;
	}
	items.count = 0;
	before = tree.last;
	return 0;
}

/* Writes a file's inode and kind; 1 if the ring is full. */
ALONE int tell_about(u64 file)
{
	struct described *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	struct about about = {};

	if (!record) {
		tree.is_full = 1;
		return 1;
	}
	describe(file, &about);
	record->what = DESCRIBED;
	record->pad = 0;
	record->file = file;
	record->about = about;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 0;
}

INLINE int tell_item(u64 item, char *bytes)
{
	struct key key = { .file = FIELD(u64, bytes, ffd.file), .fd = FIELD(s32, bytes, ffd.fd) };
	struct key last = tree.last;
	u32 count;
	u64 named = 0;

	/* The node was moved while the walk stood on it. */
	if (!is_less(last, key)) {
		tree.is_torn = 1;
		return 1;
	}
	if (items.count >= BATCH && hand_over())
		return 1;
	/* A file that an fd of this table names is described with that fd. */
	if ((u32)key.fd < tree.max)
		bpf_probe_read_kernel(&named, sizeof(named), (u64 *)tree.numbers + (u32)key.fd);
	if (named != key.file && tell_about(key.file))
		return 1;
	count = items.count;
	if (count >= BATCH)
		return 1;
	items.items[count].fd = key.fd;
	items.items[count].events = FIELD(u32, bytes, event.events);
	items.items[count].file = key.file;
	items.items[count].item = item;
	/* In two halves: the field is not aligned to 8 bytes. */
	items.items[count].data =
		FIELD(u32, bytes, event.data) | (u64)FIELD(u32, bytes + 4, event.data) << 32;
	items.count = count + 1;
	tree.last = key;
	return 0;
}

/* Goes to the left as far as possible; else writes the last node passed, and goes to its right. */
static long step(u64 index, void *unused)
{
	struct rb_node *node = (struct rb_node *)tree.at;
	char bytes[ITEM_SIZE] __attribute__((aligned(8)));
	u32 depth = tree.depth - 1;
	struct epitem *item;

	if (node)
		return pass(node);
	if (depth >= MAX_DEPTH)
		return 1;
	tree.depth = depth;
	item = item_of((struct rb_node *)tree.above[depth]);
	bpf_probe_read_kernel(bytes, sizeof(bytes), item);
	tree.at = FIELD(u64, bytes, rbn.rb_right);
	return tell_item((u64)item, bytes);
}

/* Writes an instance's registrations behind a key; 1 if the ring is full before the end. */
ALONE int tell_items(u64 instance, u64 files, struct key *from)
{
	struct fdtable *table = 0;
	struct end *end;

	if (!from)
		return 0;
	tree.last = before = *from;
	tree.depth = tree.is_full = tree.is_torn = 0;
	items.what = ITEMS;
	items.count = 0;
	items.instance = instance;
	READ(table, (struct files_struct *)files, fdt);
	READ(tree.max, table, max_fds);
	READ(tree.numbers, table, fd);
	READ(tree.at, (struct eventpoll *)instance, rbr.rb_root.rb_node);
	bpf_loop(MAX_DEPTH, seek, 0, 0);
	bpf_loop(MAX_STEPS, step, 0, 0);
	if (!tree.is_full && !hand_over() && (tree.is_torn || !(tree.at || tree.depth))) {
		end = bpf_ringbuf_reserve(&records, sizeof(*end), 0);
		if (end) {
			end->what = END;
			end->is_torn = tree.is_torn;
			end->instance = instance;
			bpf_ringbuf_submit(end, BPF_RB_NO_WAKEUP);
			return 0;
		}
	}
	cursor.after = before;
	return 1;
}

/* The iterator's task, table and file, as plain integers. */
struct visit {
	u64 files;
	u64 file;
	u64 instance;
	u64 task;
	/* The first registration in the file's own list, and whether there are more. */
	u64 first_link;
	u64 second_link;
	u64 operations;
	u64 magic;
	struct about about;
	u32 run;
	u32 with_links;
	u32 pid;
	u32 tid;
};

/* The part that takes more than reading. The caller's pointers are integers from here on. */
ALONE int classify(struct visit *at)
{
	struct settings *set;
	u32 zero = 0;

	if (!at)
		return 0;
	set = bpf_map_lookup_elem(&settings, &zero);
	if (!set)
		return 0;
	if (!has_learnt)
		learn(set);
	at->run = set->run;
	at->with_links = set->with_links;
	at->about.kind = kind_of(at->operations, at->magic);
	if (at->about.kind == EPOLL)
		READ(at->instance, (struct file *)at->file, private_data);
	return 0;
}

/* Typed pointers are read directly, which costs almost nothing. */
INLINE void visit(struct visit *at, struct task_struct *task, struct file *file)
{
	struct inode *inode = file->f_inode;
	struct super_block *sb = inode->i_sb;
	struct hlist_node *first_link = file->f_ep->first;

	at->files = (u64)task->files;
	at->file = (u64)file;
	at->task = (u64)task;
	at->pid = task->tgid;
	at->tid = task->pid;
	at->first_link = (u64)first_link;
	at->second_link = (u64)first_link->next;
	at->operations = (u64)file->f_op;
	at->magic = sb->s_magic;
	at->about.ino = inode->i_ino;
	at->about.dev = sb->s_dev;
	classify(at);
}

struct links {
	struct hlist_node *at;
	u64 sum;
	u32 count;
	u32 is_full;
};

static long count_link(u64 index, struct links *links)
{
	struct epitem *item;

	if (!links->at)
		return 1;
	item = (struct epitem *)((char *)links->at - OFFSET_OF(struct epitem, fllink));
	links->count++;
	links->sum += (u64)item;
	READ(links->at, links->at, next);
	return 0;
}

static long tell_link(u64 index, struct links *links)
{
	struct epoll_event event = {};
	struct epitem *item;
	struct link *record;
	struct key key;

	if (!links->at)
		return 1;
	item = (struct epitem *)((char *)links->at - OFFSET_OF(struct epitem, fllink));
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record) {
		links->is_full = 1;
		return 1;
	}
	key = key_of(item);
	READ(event, item, event);
	record->what = LINK;
	record->pad = 0;
	READ(record->instance, item, ep);
	record->item.fd = key.fd;
	record->item.events = event.events;
	record->item.file = key.file;
	record->item.item = (u64)item;
	record->item.data = event.data;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	READ(links->at, links->at, next);
	return 0;
}

/* A task's pid and tid in the reader's own pid namespace. */
ALONE int number(struct visit *at)
{
	struct signal_struct *signal = 0;
	u64 group = 0, thread = 0;

	if (!at)
		return 0;
	READ(signal, (struct task_struct *)at->task, signal);
	READ(group, signal, pids[PIDTYPE_TGID]);
	READ(thread, (struct task_struct *)at->task, thread_pid);
	at->pid = number_of(group, own_level);
	at->tid = number_of(thread, own_level);
	return 0;
}

/* Writes an fd; 1 if the ring is full. */
ALONE int tell_slot(s32 fd, struct visit *at)
{
	struct links links = {};
	struct slot *slot;

	if (!at)
		return 0;
	if (own_level)
		number(at);
	links.at = (struct hlist_node *)at->first_link;
	if (links.at && !at->second_link) {
		/* Most files have one registration. */
		links.count = 1;
		links.sum = at->first_link - OFFSET_OF(struct epitem, fllink);
		links.at = 0;
	} else if (links.at) {
		bpf_loop(MAX_LINKS, count_link, &links, 0);
	}
	if (at->first_link && at->with_links) {
		struct links told = { .at = (struct hlist_node *)at->first_link };

		bpf_loop(MAX_LINKS, tell_link, &told, 0);
		if (told.is_full)
			return 1;
	}
	slot = bpf_ringbuf_reserve(&records, sizeof(*slot), 0);
	if (!slot)
		return 1;
	slot->what = SLOT;
	slot->fd = fd;
	slot->pid = at->pid;
	slot->tid = at->tid;
	slot->table = at->files;
	slot->file = at->file;
	slot->instance = at->instance;
	slot->link_sum = links.sum;
	slot->links = links.at ? -1 : links.count;
	slot->is_cloexec = at->instance ? is_cloexec(at->files, fd) : 0;
	slot->about = at->about;
	bpf_ringbuf_submit(slot, BPF_RB_NO_WAKEUP);
	return 0;
}

INLINE int goes_on(struct visit *at, s32 fd)
{
	return cursor.run == at->run && cursor.table == at->files && cursor.fd == fd &&
	       cursor.instance == at->instance;
}

INLINE void stop_at(struct visit *at, s32 fd)
{
	cursor.table = at->files;
	cursor.fd = fd;
	cursor.instance = at->instance;
	cursor.run = at->run;
}

SEC("iter/task_file")
int walk(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct key after = {};
	struct visit at = {};
	u32 *run;

	if (!task || !file)
		return 0;
	visit(&at, task, file);
	if (goes_on(&at, ctx->fd)) {
		after = cursor.after;
	} else {
		if (tell_slot(ctx->fd, &at))
			return 1;
		if (!at.instance)
			return 0;
		run = bpf_map_lookup_elem(&walked, &at.instance);
		if (run && *run == at.run)
			return 0;
		if (bpf_map_update_elem(&walked, &at.instance, &at.run, 0))
			return 0;
	}
	cursor.run = 0;
	if (!tell_items(at.instance, at.files, &after))
		return 0;
	stop_at(&at, ctx->fd);
	return 1;
}

struct asked {
	u64 files;
	u32 at;
	u32 end;
	u32 is_full;
};

/* Whether an fd still names an instance: while it does, the instance exists. */
ALONE u32 is_held(u64 files, s32 epfd, u64 instance)
{
	struct file *file = (struct file *)file_at(files, epfd);
	u64 operations = 0, named = 0;

	READ(operations, file, f_op);
	READ(named, file, private_data);
	return operations == epoll_ops && named == instance;
}

/* Reads the registration, the fd, and the registration again, each without a lock. */
static long answer_one(u64 index, struct asked *asked)
{
	struct search before = {}, again = {};
	struct question *question;
	struct answer *record;
	u32 at = asked->at, is_there;
	u64 named;

	if (at >= asked->end)
		return 1;
	question = bpf_map_lookup_elem(&accused, &at);
	if (!question)
		return 1;
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record) {
		asked->is_full = 1;
		return 1;
	}
	before.key = again.key = question->key;
	is_there = is_held(asked->files, question->epfd, question->instance);
	find(question->instance, &before);
	named = file_at(asked->files, question->key.fd);
	record->refs = before.equal ? references(question->key.file) : 0;
	find(question->instance, &again);
	is_there &= is_held(asked->files, question->epfd, question->instance);
	record->what = ANSWER;
	record->index = at;
	record->table = asked->files;
	record->named = named;
	record->is_present = is_there && before.equal && before.equal == again.equal;
	record->pad = 0;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	asked->at = at + 1;
	return 0;
}

/* Goes over tasks, not their files: the walk has told which fds to ask about. */
SEC("iter/task")
int confirm(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct asked asked = {};
	struct settings *set;
	struct range *range;
	u64 files = 0;
	u32 zero = 0;

	if (!task)
		return 0;
	/* Read as an integer: read directly, it would be a pointer to the verifier. */
	READ(files, task, files);
	set = bpf_map_lookup_elem(&settings, &zero);
	range = bpf_map_lookup_elem(&accused_in, &files);
	if (!set || !range || range->run == set->run)
		return 0;
	asked.files = files;
	asked.at = cursor.run == set->run && cursor.table == files ? cursor.next : range->from;
	asked.end = range->from + range->len;
	cursor.run = 0;
	bpf_loop(MAX_STEPS, answer_one, &asked, 0);
	if (asked.is_full) {
		cursor.next = asked.at;
		cursor.table = files;
		cursor.run = set->run;
		return 1;
	}
	range->run = set->run;
	return 0;
}
