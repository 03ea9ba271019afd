/* SPDX-License-Identifier: MIT */
#ifndef CGROUP_H
#define CGROUP_H
/* Memory cgroups. */
#include <stdint.h>

/* Make one, with a limit in MiB or 0 for none. */
void cgroup_make(const char *name, unsigned int max_mib);
void cgroup_join(const char *name);
/* What is charged to it, in bytes. */
uint64_t cgroup_current(const char *name);
void cgroup_remove(const char *name);
#endif
