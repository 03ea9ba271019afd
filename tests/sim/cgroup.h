/* SPDX-License-Identifier: MIT */
#ifndef CGROUP_H
#define CGROUP_H
/* Memory cgroups, and the kernel's log, where the OOM killer tells what it does. */
#include <stdint.h>

/* Make one, with a limit in MiB or 0 for none. */
void cgroup_make(const char *name, unsigned int max_mib);
void cgroup_join(const char *name);
/* What is charged to it, in bytes. */
uint64_t cgroup_current(const char *name);
void cgroup_remove(const char *name);

/* The log from now on. */
int kmsg_open(void);
/* Wait for a line with one of two texts, for so long: 0 or 1, or -1 if none came. */
int kmsg_wait(int fd, const char *first, const char *second, unsigned int ms);
#endif
