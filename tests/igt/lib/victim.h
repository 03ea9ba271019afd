/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef VICTIM_H
#define VICTIM_H
/*
 * A process that has its memory mapped on the device and page faults under way, to be killed
 * and reaped.
 *
 * The reaper has to find its mm, or exit_mmap() has done the reaper's work. So it has a
 * keeper, a process that traces its first thread with PTRACE_O_TRACEEXIT: killed, that
 * thread stops in do_exit(), before it lets go of its mm and of the device's file, until the
 * keeper ends. That is what a thread does that hangs, and what the reaper is there for.
 */
#include "memcg.h"

#include <stddef.h>
#include <sys/types.h>

struct svm_gpu;
struct svm_queue;

/* What its memory has in each byte. */
#define VICTIM_BYTE	1

/* What a victim knows of itself. */
struct victim_self {
	struct svm_gpu *gpu;
	struct svm_queue *queue;
	/* Its memory: of huge pages where the kernel gives them, and of small ones. */
	uint8_t *huge, *small;
	size_t huge_size, small_size;
	void *data;		/* of the plan */
};

/* What a victim is to be. Its functions use CHILD_CHECK(). */
struct victim_plan {
	unsigned int huge_mib, small_mib;
	unsigned int max_mib;	/* its cgroup's limit, if not 0 */
	bool off_device;	/* it has nothing to do with the device */
	/* Its page faults may end before it does: without memory, or a device. */
	bool faults_may_end;
	void *data;
	/* Once its memory is there and before the device has it mapped. */
	void (*prepare)(struct victim_self *self);
	/* When victim_go() is called. */
	void (*work)(struct victim_self *self);
};

struct victim {
	pid_t pid, keeper, reaper;
	int pidfd, go, reaped;
	struct memcg memcg;
	int64_t charged;	/* to its cgroup when it was ready, bytes */
};

/* What became of reaping it. */
struct victim_reap {
	int ret;		/* 0, or -errno */
	unsigned int refusals;
	uint64_t us;		/* until then */
	int64_t freed;		/* bytes */
};

/* Set this process's oom_score_adj. A victim sets its own to 1000. 0 or -errno. */
int victim_oom_score(int score);

/* These assert that a victim can be made. */
void victim_start(struct victim *v, const struct victim_plan *plan);
void victim_go(struct victim *v);
/*
 * Kill it and call process_mrelease(), again and again while it says EAGAIN, for ms at most. A
 * process of its own does it, for it may get stuck. What came of it: -ETIME if it did.
 */
void victim_mrelease(struct victim *v, unsigned int ms);
struct victim_reap victim_mreleased(struct victim *v, unsigned int ms);
/* How many bytes of what was charged are free now; less than 0: it has taken more. 0 or -errno. */
int victim_freed(const struct victim *v, int64_t *freed);
/* Its keeper lets go of it: it ends. */
void victim_let_go(struct victim *v);
/*
 * That, and wait for it; freed may be NULL. 0; -ETIME: it does not end within ms, which has
 * been reported; -EBUSY: somebody stays in its cgroup; -ECHILD: it was not killed, but has
 * failed before, and said why; or another -errno.
 */
int victim_end(struct victim *v, unsigned int ms, int64_t *freed);
/* Those that a failure has left: they are killed, and their cgroups are removed. */
void victims_abandon(unsigned int ms);
#endif
