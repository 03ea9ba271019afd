/* SPDX-License-Identifier: GPL-2.0 */
/* What the machine offers: a clock, messages, the kernel log, cgroups. */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>

#define CGROUP_ROOT	"/sys/fs/cgroup"
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define MIB		(1024 * 1024LL)

/* Of the monotonic clock, in nanoseconds. */
long long now_ns(void);
long long in_ms(long long ms);
/* How long to poll(2) until @deadline, in milliseconds, 0 when it is past. */
int ms_until(long long deadline);

/* Says what is missing or went wrong. Always returns -1. */
[[gnu::format(printf, 1, 2)]] int complain(const char *fmt, ...);

/* The kernel log from now on; returns a descriptor or -1. */
int kmsg_open(void);
/*
 * Waits for a record that contains one of @n @texts. Returns which, or -1 when
 * there was none by @deadline.
 */
int kmsg_wait(int fd, const char *const *texts, int n, long long deadline);

struct cgroup {
	char path[128];
};

/* Checks that there is a memory controller to use. */
int cgroup_usable(void);
/* @max: memory.max, in the notation of that file. */
int cgroup_make(struct cgroup *cg, const char *name, const char *max);
int cgroup_join(const struct cgroup *cg);
/* memory.current, in bytes, or -1. */
long long cgroup_memory(const struct cgroup *cg);
void cgroup_remove(struct cgroup *cg);

#endif
