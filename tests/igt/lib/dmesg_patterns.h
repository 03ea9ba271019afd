/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef DMESG_PATTERNS_H
#define DMESG_PATTERNS_H
/*
 * What a test may cause in the kernel's log at warning or error level, for
 * igt_emit_ignore_dmesg_regex(). Each pattern is one of whole messages, from their beginning on:
 * a WARNING, a BUG or a sanitizer's report names functions as well, and must not be ignored
 * because a stack within an expected report does. There are no backslashes, for the log that
 * igt_runner reads has them escaped. tests/tools/dmesg-patterns tries them.
 */

/* nouveau, of a queue that dies. */
#define NOUVEAU_DEAD_QUEUE_DMESG \
	"^nouveau[^ ]* [^ ]+: (fifo:.*(fault|rc scheduled|errored)|.*channel [0-9]+ killed)"

/* A stack, with registers. */
#define STACK_DMESG \
	"CPU: [0-9]+ |Tainted: |Hardware name: |Workqueue: |Call Trace:$| *</?TASK>$|" \
	"( [?])? [A-Za-z_0-9.]+[+]0x[0-9a-f]+/0x[0-9a-f]+( [[][^ ]+[]])?$|" \
	"RIP: [0-9a-f]+:|Code: |R[A-Z0-9][A-Z0-9]: "

/* The OOM killer's report, and the reaper. */
#define OOM_DMESG \
	"^([^ ]+ invoked oom-killer: |oom-kill:|oom_reaper: |(Memory cgroup o|O)ut of memory: |" \
	"Memory cgroup min protection |" STACK_DMESG ")"

/* A page fault of the kernel's that cannot be tried again, with CONFIG_DEBUG_VM. */
#define USERFAULT_DMESG \
	"^(FAULT_FLAG_ALLOW_RETRY missing |handle_userfault: [0-9]+ callbacks suppressed|" \
	STACK_DMESG ")"

/* A page fault of the CPU's for which there is no memory. */
#define NO_MEMORY_DMESG	"^Huh VM_FAULT_OOM leaked out to the #PF handler"

/* Disks that come and go. */
#define ZRAM_DMESG	"^set_capacity_and_notify: [0-9]+ callbacks suppressed"
#endif
