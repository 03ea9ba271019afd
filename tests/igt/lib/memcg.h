/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef MEMCG_H
#define MEMCG_H
/*
 * Memory cgroups, version 2, beside those that the system has, for children of the test. Those
 * that are left when the test ends are removed. For root. 0 or -errno.
 */
#include <stdbool.h>
#include <stdint.h>

struct memcg {
	char path[128];
};

/* Is there a memory controller of version 2? */
bool memcg_available(void);
/* Has it memory.reclaim? It came later. */
bool memcg_can_reclaim(void);
/* Make one; max_mib: its limit, without swap, or 0. */
int memcg_create(struct memcg *cg, const char *name, unsigned int max_mib);
/* Go into it; NULL: into the root. What was charged before stays where it was. */
int memcg_join(const struct memcg *cg);
/* What is charged to it, in bytes, or -errno. */
int64_t memcg_current(const struct memcg *cg);
/* A value of its memory.stat, or -errno. */
int64_t memcg_stat(const struct memcg *cg, const char *name);
/* Reclaim so much of what is charged to it, as far as that can be. */
int memcg_reclaim(const struct memcg *cg, uint64_t bytes);
/* Wait until nobody is in it, and remove it. */
int memcg_remove(const struct memcg *cg, unsigned int ms);
/* All that this process has made and not removed, as far as it can be. */
void memcg_remove_all(unsigned int ms);
#endif
