/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * A system call in the registers of its caller.
 *
 * They are read through the tracepoint's own pointer, which the verifier knows: no helper is called for each.
 */
#ifndef POLTER_REGISTERS_H
#define POLTER_REGISTERS_H

#include "kernel.h"

/* Linux: __USER32_CS, the code segment of a 32-bit program on x86. */
#define USER32_CS 0x23

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* x86-64 */
struct pt_regs {
	unsigned long bp;
	unsigned long r10;
	unsigned long r9;
	unsigned long r8;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
	unsigned long ip;
	unsigned long cs;
	unsigned long sp;
};

/* aarch64 */
struct pt_regs___arm64 {
	u64 regs[31];
	u64 sp;
	u64 pc;
	u64 orig_x0;
	s32 syscallno;
};

#pragma clang attribute pop

/* A call's number; -1 for what is none, such as the return from a signal handler; -2 for a 32-bit program's. */
INLINE long number_in(struct pt_regs *regs)
{
	if (EXISTS(struct pt_regs, orig_ax))
		return regs->cs == USER32_CS ? -2 : (int)regs->orig_ax;
	return ((struct pt_regs___arm64 *)regs)->syscallno;
}

INLINE u64 first_of(struct pt_regs *regs)
{
	return EXISTS(struct pt_regs, orig_ax) ? regs->di : ((struct pt_regs___arm64 *)regs)->orig_x0;
}

INLINE u64 second_of(struct pt_regs *regs)
{
	return EXISTS(struct pt_regs, orig_ax) ? regs->si : ((struct pt_regs___arm64 *)regs)->regs[1];
}

INLINE u64 third_of(struct pt_regs *regs)
{
	return EXISTS(struct pt_regs, orig_ax) ? regs->dx : ((struct pt_regs___arm64 *)regs)->regs[2];
}

INLINE u64 fourth_of(struct pt_regs *regs)
{
	return EXISTS(struct pt_regs, orig_ax) ? regs->r10 : ((struct pt_regs___arm64 *)regs)->regs[3];
}

INLINE u64 fifth_of(struct pt_regs *regs)
{
	return EXISTS(struct pt_regs, orig_ax) ? regs->r8 : ((struct pt_regs___arm64 *)regs)->regs[4];
}

INLINE u64 sixth_of(struct pt_regs *regs)
{
	return EXISTS(struct pt_regs, orig_ax) ? regs->r9 : ((struct pt_regs___arm64 *)regs)->regs[5];
}

#endif
