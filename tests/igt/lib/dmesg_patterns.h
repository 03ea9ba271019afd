/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef DMESG_PATTERNS_H
#define DMESG_PATTERNS_H
/*
 * What a test may cause in the kernel's log at warning or error level, for
 * igt_emit_ignore_dmesg_regex(). Each pattern is one of whole messages, from their beginning on:
 * a WARNING, a BUG or a sanitizer's report names functions as well, and must not be ignored
 * because a stack within an expected report does. tests/tools/dmesg-patterns tries them.
 */

/* nouveau, of a queue that dies. */
#define NOUVEAU_DEAD_QUEUE_DMESG \
	"^nouveau[^ ]* [^ ]+: (fifo:.*(fault|rc scheduled|errored)|.*channel [0-9]+ killed)"

/* The OOM killer's report, with its stack and registers, and the reaper. */
#define OOM_DMESG \
	"^([^ ]+ invoked oom-killer: |oom-kill:|oom_reaper: |(Memory cgroup o|O)ut of memory: |" \
	"CPU: [0-9]+ |Tainted: |Hardware name: |Call Trace:$| *</?TASK>$|" \
	"( \\?)? [A-Za-z_0-9.]+\\+0x[0-9a-f]+/0x[0-9a-f]+( \\[[^ ]+\\])?$|" \
	"RIP: [0-9a-f]+:|Code: |R[A-Z0-9][A-Z0-9]: )"
#endif
