/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* What the recorder tells of a file: what it is called, and who has registered it. */
#ifndef POLTER_RECORD_FILES_H
#define POLTER_RECORD_FILES_H

#include "../../../polter-bpf/src/bpf/files.h"

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

struct files_struct___counted {
	atomic_t count;
};

struct signal_struct___live {
	atomic_t live;
};

struct task_struct___more {
	int exit_code;
	void *mm;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct qstr d_name;
};

struct path {
	struct dentry *dentry;
};

struct file_operations {
	void *poll;
};

struct file___operations {
	const struct file_operations *f_op;
};

struct file___path {
	struct path f_path;
};

struct in6_addr {
	u8 bytes[16];
};

struct sock_common {
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport;
	u16 skc_num;
	u16 skc_family;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct socket {
	short type;
	struct sock *sk;
	struct file *file;
};

struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
};

struct unix_sock {
	struct sock *peer;
};

struct kernel_siginfo {
	int si_code;
};

struct linux_binprm {
	const char *filename;
};

#pragma clang attribute pop

/* A file, as its reader will call it. */
struct about {
	u64 file;
	u64 inode;
	/* A unix socket: its peer's inode. */
	u64 peer;
	u32 magic;
	u32 pad;
	u16 family;
	u16 type;
	u16 port;
	u16 peer_port;
	u8 address[16];
	u8 peer_address[16];
	char name[32];
};

/* Registrations of a file under one fd that are told. */
#define MAX_MATCHING 4

struct match {
	u64 instance;
	u64 data;
	u32 events;
	u32 pad;
};

struct registered {
	u64 references;
	/* Registrations of the file under this fd, and under any. */
	u32 matching;
	u32 all;
	struct match matches[MAX_MATCHING];
};

/* The file at an fd of the current task; 0 if the fd is closed. */
INLINE u64 file_at(s32 fd)
{
	struct fdtable *table = bpf_get_current_task_btf()->files->fdt;
	struct file *file = 0;

	if ((u32)fd >= table->max_fds)
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), table->fd + (u32)fd);
	return (u64)file;
}

/* True if nobody but the current task has its table. */
INLINE int is_alone(void)
{
	struct files_struct___counted *files = (void *)bpf_get_current_task_btf()->files;

	return files->count.counter == 1;
}

INLINE u64 operations_of(u64 address)
{
	const struct file_operations *operations = 0;

	READ(operations, (struct file___operations *)address, f_op);
	return (u64)operations;
}

INLINE u32 has_poll(u64 operations)
{
	void *poll = 0;

	READ(poll, (const struct file_operations *)operations, poll);
	return poll != 0;
}

/* Linux: file_can_poll */
ALONE u32 can_poll(u64 address)
{
	return has_poll(operations_of(address));
}

ALONE u32 is_instance(u64 address)
{
	struct dentry *dentry = 0;
	const unsigned char *name = 0;
	u64 word[2] = {};

	READ(dentry, (struct file___path *)address, f_path.dentry);
	READ(name, dentry, d_name.name);
	bpf_probe_read_kernel(word, sizeof(word), name);
	/* "[eventpoll]", and with "anon_inode:" before it until Linux 6.15. */
	return (word[0] == 0x6f70746e6576655bULL) || (word[0] == 0x646f6e695f6e6f6eULL);
}

ALONE int describe(u64 address, struct about *about)
{
	struct file *file = (struct file *)address;
	struct inode *inode = 0;
	struct super_block *sb = 0;
	struct dentry *dentry = 0;
	struct socket *socket = 0;
	struct sock *sock = 0, *peer = 0;
	const unsigned char *name = 0;
	unsigned long value = 0;
	short type = 0;
	u32 word = 0;
	u16 half = 0;

	if (!about)
		return 0;
	about->file = address;
	READ(inode, file, f_inode);
	READ(sb, inode, i_sb);
	READ(value, inode, i_ino);
	about->inode = value;
	value = 0;
	READ(value, sb, s_magic);
	about->magic = value;
	about->family = 0;
	about->peer = 0;
	READ(dentry, (struct file___path *)file, f_path.dentry);
	READ(name, dentry, d_name.name);
	about->name[0] = 0;
	bpf_probe_read_kernel_str(about->name, sizeof(about->name), name);
	if (about->magic != SOCKFS_MAGIC)
		return 0;
	READ(socket, file, private_data);
	READ(type, socket, type);
	READ(sock, socket, sk);
	READ(half, sock, __sk_common.skc_family);
	about->family = half;
	about->type = type;
	if (about->family == AF_UNIX) {
		READ(peer, (struct unix_sock *)sock, peer);
		if (!peer)
			return 0;
		socket = 0;
		READ(socket, peer, sk_socket);
		if (!socket)
			return 0;
		file = 0;
		READ(file, socket, file);
		inode = 0;
		READ(inode, file, f_inode);
		value = 0;
		READ(value, inode, i_ino);
		about->peer = value;
		return 0;
	}
	READ(half, sock, __sk_common.skc_num);
	about->port = half;
	READ(half, sock, __sk_common.skc_dport);
	about->peer_port = half;
	if (about->family == AF_INET) {
		READ(word, sock, __sk_common.skc_rcv_saddr);
		*(u32 *)about->address = word;
		READ(word, sock, __sk_common.skc_daddr);
		*(u32 *)about->peer_address = word;
	} else if (about->family == AF_INET6) {
		struct in6_addr address6 = {};

		READ(address6, sock, __sk_common.skc_v6_rcv_saddr);
		__builtin_memcpy(about->address, &address6, 16);
		READ(address6, sock, __sk_common.skc_v6_daddr);
		__builtin_memcpy(about->peer_address, &address6, 16);
	}
	return 0;
}

struct look {
	struct hlist_node *at;
	struct registered *into;
	s32 fd;
};

static long look_at(u32 index, struct look *look)
{
	struct epitem *item;
	struct epoll_filefd ffd = {};
	struct epoll_event event = {};
	struct eventpoll *instance = 0;

	if (!look->at)
		return 1;
	item = (struct epitem *)((char *)look->at - OFFSET_OF(struct epitem, fllink));
	READ(ffd, item, ffd);
	look->into->all++;
	if (ffd.fd == look->fd) {
		u32 at = look->into->matching++;

		if (at < MAX_MATCHING) {
			struct match *match = &look->into->matches[at & (MAX_MATCHING - 1)];

			READ(instance, item, ep);
			READ(event, item, event);
			match->instance = (u64)instance;
			match->events = event.events;
			match->data = event.data;
		}
	}
	READ(look->at, look->at, next);
	return 0;
}

/* The registrations of a file that is about to be closed. */
ALONE int look_for(u64 address, s32 fd, struct registered *into)
{
	struct look look = {};
	struct hlist_head *list = 0;

	if (!into)
		return 0;
	into->matching = 0;
	into->all = 0;
	into->references = references(address);
	READ(list, (struct file *)address, f_ep);
	if (!list)
		return 0;
	READ(look.at, list, first);
	look.into = into;
	look.fd = fd;
	bpf_loop(1024, look_at, &look, 0);
	return 0;
}

#endif
