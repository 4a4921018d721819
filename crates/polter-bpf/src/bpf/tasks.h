/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* Tasks by the numbers that the reader knows. */
#ifndef POLTER_TASKS_H
#define POLTER_TASKS_H

#include "kernel.h"

/* A pid as a pid namespace at this level has it; 0 if that does not see it. */
ALONE u32 number_of(u64 pid, u32 level)
{
	u32 its = 0;
	int number = 0;

	READ(its, (struct pid *)pid, level);
	if (level > 32 || its < level)
		return 0;
	bpf_probe_read_kernel(&number, sizeof(number),
			      (char *)pid + OFFSET_OF(struct pid, numbers) +
				      level * __builtin_preserve_type_info(*(struct upid *)0, 1) +
				      OFFSET_OF(struct upid, nr));
	return number;
}

#endif
