// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#include "pagemap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PAGE = 4096 };

int pagemap_read(const void *p, unsigned int n, uint64_t *entries)
{
	const int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	const ssize_t size = n * sizeof(*entries);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (pread(fd, entries, size, (uintptr_t)p / PAGE * sizeof(*entries)) != size)
		ret = -EIO;
	close(fd);
	return ret;
}

static bool has_bit(uint64_t entry, uint64_t bit)
{
	return entry & bit;
}

/* The lowest five bits of such an entry are the swap type. The highest types are not swap space. */
static bool in_swap(uint64_t entry, uint64_t spaces)
{
	return (entry & PAGEMAP_AWAY) && (entry & 31) < spaces;
}

static int count(const void *p, unsigned int n, bool (*is)(uint64_t entry, uint64_t arg),
		 uint64_t arg)
{
	uint64_t *entries = calloc(n, sizeof(*entries));
	unsigned int i;
	int ret;

	if (!entries)
		return -ENOMEM;
	ret = pagemap_read(p, n, entries);
	for (i = 0; i < n && ret >= 0; i++)
		ret += is(entries[i], arg);
	free(entries);
	return ret;
}

int pagemap_count(const void *p, unsigned int n, uint64_t bit)
{
	return count(p, n, has_bit, bit);
}

int pagemap_count_swap(const void *p, unsigned int n)
{
	return count(p, n, in_swap, 16);
}

int64_t pagemap_huge(const void *p)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	uintptr_t start, end;
	int64_t kib, ret = -ENOENT;
	bool in = false;
	char line[512];

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &start, &end) == 2)
			in = (uintptr_t)p >= start && (uintptr_t)p < end;
		else if (in && sscanf(line, "AnonHugePages: %" SCNd64 " kB", &kib) == 1)
			ret = kib * 1024;
	}
	fclose(file);
	return ret;
}
