/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* What is asked of a file. */
#ifndef POLTER_FILES_H
#define POLTER_FILES_H

#include "kernel.h"

#define PIPEFS_MAGIC 0x50495045
#define SOCKFS_MAGIC 0x534f434b

/* How many references a file has. */
ALONE u64 references(u64 address)
{
	struct file *file = (struct file *)address;
	long count = 0;

	if (EXISTS(struct file, f_ref)) {
		READ(count, file, f_ref.refcnt.counter);
		/* Linux: FILE_REF_ONEREF is 0. */
		return count + 1;
	}
	READ(count, (struct file___before_6_13 *)file, f_count.counter);
	return count;
}

#endif
