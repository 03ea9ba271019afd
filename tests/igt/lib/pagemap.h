/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef PAGEMAP_H
#define PAGEMAP_H
/* What the kernel tells of a process's own pages. */
#include <stddef.h>
#include <stdint.h>

/* Bits of an entry: Documentation/admin-guide/mm/pagemap.rst. */
#define PAGEMAP_SOFT_DIRTY	(1ULL << 55)
#define PAGEMAP_AWAY		(1ULL << 62)	/* in swap, in device memory, or on its way */
#define PAGEMAP_PRESENT		(1ULL << 63)
#define PAGEMAP_PFN		((1ULL << 55) - 1)	/* of one that is present; root's to see */

/* The entries of pages [p, p + n * 4096). 0 or -errno. */
int pagemap_read(const void *p, unsigned int n, uint64_t *entries);
/* How many of them have a bit set, or -errno. */
int pagemap_count(const void *p, unsigned int n, uint64_t bit);
/* How many of them are in swap, or -errno. */
int pagemap_count_swap(const void *p, unsigned int n);
/* The bytes of huge pages in the mapping that p is in; -errno. */
int64_t pagemap_huge(const void *p);
#endif
