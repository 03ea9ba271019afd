// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/* The kernel has pages elsewhere: compaction, NUMA nodes, device memory, merging. */
#include "igt_decl.h"
#include "ksm.h"
#include "leave.h"
#include "operation.h"
#include "pagemap.h"
#include "svm_gpu.h"
#include "svm_wait.h"
#include "write_file.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t entries_before[MODEL_PAGES], entries_after[MODEL_PAGES];
static unsigned int pages_moved;

static void read_pagemap(struct scene *s, uint64_t *entries)
{
	const int ret = pagemap_read(s->part, s->model.nr, entries);

	igt_assert_f(!ret, "pagemap: %s\n", strerror(-ret));
}

/* How many pages are elsewhere now; some may have been replaced by others meanwhile. */
static void count_moved(struct scene *s)
{
	unsigned int i;

	read_pagemap(s, entries_after);
	for (i = 0; i < s->model.nr; i++)
		pages_moved += (entries_before[i] & entries_after[i] & PAGEMAP_PRESENT) &&
			       (entries_before[i] ^ entries_after[i]) & PAGEMAP_PFN;
}

static bool some_moved(const struct scene *s)
{
	(void)s;
	return pages_moved;
}

static void finish_moved(struct scene *s)
{
	igt_info("%u pages were moved\n", pages_moved);
	igt_assert_f(some_moved(s), "not a page was moved\n");
}

#define COMPACT "/proc/sys/vm/compact_memory"

/*
 * Which fraction of all pages a CPU may keep in its list of free pages, where compaction does not
 * look; 0 is the kernel's default.
 */
#define KEPT "/proc/sys/vm/percpu_pagelist_high_fraction"
#define KEPT_FEW "1000000000\n"

/* The part gets its pages from a pool. The rest of the pool has holes to compact. */
enum { POOL_MIB = 16, POOL = (POOL_MIB << 20) / MODEL_PAGE };

static void write_setting(const char *path, const char *text)
{
	const int ret = write_text(path, text);

	igt_assert_f(!ret, "%s: %s\n", path, strerror(-ret));
}

static void compact(void)
{
	write_setting(COMPACT, "1");
}

static void require_compaction(void)
{
	igt_require_f(!access(COMPACT, W_OK), "no " COMPACT ", or not root's to write\n");
	igt_require_f(!geteuid(), "where pages are is root's to see\n");
	igt_require_f(!access(KEPT, W_OK), "no " KEPT ", or not root's to write\n");
}

struct pool_page {
	uint64_t pfn;
	uint8_t *at;
};

static int by_pfn(const void *a, const void *b)
{
	const uint64_t x = ((const struct pool_page *)a)->pfn;
	const uint64_t y = ((const struct pool_page *)b)->pfn;

	return x < y ? -1 : x > y;
}

/* Fill the pool, and sort it by PFN, the lowest first: compaction moves pages up. */
static void fill_pool(uint8_t *at, struct pool_page *pool)
{
	static uint64_t entries[POOL];
	unsigned int i;
	int ret;

	MUST(mmap(at, POOL_MIB << 20, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
	madvise(at, POOL_MIB << 20, MADV_NOHUGEPAGE);
	for (i = 0; i < POOL; i++)
		*(volatile uint8_t *)(at + i * MODEL_PAGE) = 0;
	ret = pagemap_read(at, POOL, entries);
	igt_assert_f(!ret, "pagemap: %s\n", strerror(-ret));
	for (i = 0; i < POOL; i++)
		pool[i] = (struct pool_page) { entries[i] & PAGEMAP_PFN, at + i * MODEL_PAGE };
	qsort(pool, POOL, sizeof(*pool), by_pfn);
}

static char kept_before[32];

static void keep_as_before(void)
{
	if (*kept_before)
		write_text(KEPT, kept_before);
}

static void free_every_second(const struct pool_page *pool, unsigned int nr)
{
	int ret = read_text(KEPT, kept_before, sizeof(kept_before));
	unsigned int i;

	igt_assert_f(!ret, KEPT ": %s\n", strerror(-ret));
	leave_with(keep_as_before);
	write_setting(KEPT, KEPT_FEW);
	for (i = 0; i < nr && !ret; i += 2)
		ret = madvise(pool[i].at, MODEL_PAGE, MADV_DONTNEED) ? -errno : 0;
	write_setting(KEPT, kept_before);
	igt_assert_f(!ret, "madvise: %s\n", strerror(-ret));
}

/* The part gets the lowest of them, in place of what it had; of the rest, half are freed. */
static void put_low(struct scene *s)
{
	static struct pool_page pool[POOL];
	unsigned int i;

	fill_pool(s->elsewhere, pool);
	model_op_begin(&s->model);
	for (i = 0; i < s->model.nr; i++) {
		uint8_t *page = s->part + i * MODEL_PAGE;

		MUST(mremap(pool[i].at, MODEL_PAGE, MODEL_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			    page) == page);
	}
	model_op_end(&s->model);
	free_every_second(pool + i, POOL - i);
}

static void prepare_compaction(struct scene *s)
{
	pages_moved = 0;
	/* First compact the rest, or other pages would fill the holes. */
	compact();
	put_low(s);
	scene_write_cpu(s, s->model.first, s->model.nr);
}

static void act_compaction(struct scene *s)
{
	unsigned int i;

	/* Compaction does not move what a device has exclusively: the CPU takes it back. */
	for (i = 0; i < s->model.nr; i++)
		(void)*(volatile uint8_t *)(s->part + i * MODEL_PAGE);
	read_pagemap(s, entries_before);
	compact();
	count_moved(s);
}

static bool node_has_memory(int n)
{
	char path[64], line[128];
	long kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo", n);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file) && !kib)
		sscanf(line, "Node %*d MemFree: %ld kB", &kib);
	fclose(file);
	return kib > 0;
}

static void require_nodes(void)
{
	igt_require_f(node_has_memory(0) && node_has_memory(1),
		      "no second NUMA node with memory (CONFIG_NUMA_EMU: numa=fake=2)\n");
}

static void prepare_nodes(struct scene *s)
{
	(void)s;
	pages_moved = 0;
}

/* As move_pages(2), for which there is no function in the C library. */
static void move_pages(void **page, unsigned int nr, const int *nodes, int *status)
{
	enum { MOVE = 1 << 1 };

	igt_assert_f(syscall(SYS_move_pages, 0, (long)nr, page, nodes, status, MOVE) >= 0,
		     "move_pages: %s\n", strerror(errno));
}

static void act_move_pages(struct scene *s)
{
	static void *page[MODEL_PAGES];
	static int nodes[MODEL_PAGES], status[MODEL_PAGES];
	unsigned int i;

	for (i = 0; i < s->model.nr; i++)
		page[i] = s->part + i * MODEL_PAGE;
	/* To the other node: without nodes, move_pages() tells where they are. */
	move_pages(page, s->model.nr, NULL, status);
	for (i = 0; i < s->model.nr; i++)
		nodes[i] = !status[0];
	read_pagemap(s, entries_before);
	move_pages(page, s->model.nr, nodes, status);
	count_moved(s);
}

static void act_migrate_device(struct scene *s)
{
	int ret;

	read_pagemap(s, entries_before);
	ret = svm_gpu_migrate(s->gpu, s->part, s->part_size);
	igt_assert_f(!ret, "SVM_BIND: %s\n", strerror(-ret));
	/* Then they are not present. */
	ret = pagemap_count(s->part, s->model.nr, PAGEMAP_AWAY);
	igt_assert_f(ret >= 0, "pagemap: %s\n", strerror(-ret));
	pages_moved += ret;
}

/* The CPU gets them back. */
static void undo_migrate_device(struct scene *s)
{
	unsigned int i;

	for (i = 0; i < s->model.nr; i++)
		(void)*(volatile uint8_t *)(s->part + i * MODEL_PAGE);
}

static void prepare_migrate_device(struct scene *s)
{
	igt_require_f(svm_gpu_has(s->gpu, SVM_MIGRATE), "the device has no memory of its own\n");
	pages_moved = 0;
}

/* Merging. */

static uint8_t *twins, *twins_are;
static unsigned int pages_merged;

static void require_ksm(void)
{
	igt_require_f(ksm_available(), "no /sys/kernel/mm/ksm, or not root's to write\n");
}

static void prepare_ksm(struct scene *s)
{
	const int ret = ksm_begin();

	igt_assert_f(!ret, "/sys/kernel/mm/ksm: %s\n", strerror(-ret));
	pages_merged = 0;
	MUST(mmap(s->elsewhere, 2 * s->part_size, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == s->elsewhere);
	twins = s->elsewhere;
	twins_are = twins + s->part_size;
	MUST(!madvise(twins, s->part_size, MADV_MERGEABLE));
	advise(s, MADV_MERGEABLE);
}

static void act_ksm(struct scene *s)
{
	unsigned int i;
	int ret;

	memcpy(twins, s->part, s->part_size);
	memcpy(twins_are, twins, s->part_size);
	/* KSM merges a page if it has not changed between two scans. */
	ret = ksm_scan(2, SVM_WAIT_MS);
	igt_assert_f(!ret, "the kernel does not look for pages to merge: %s\n", strerror(-ret));
	read_pagemap(s, entries_before);
	ret = pagemap_read(twins, s->model.nr, entries_after);
	igt_assert_f(!ret, "pagemap: %s\n", strerror(-ret));
	for (i = 0; i < s->model.nr; i++)
		pages_merged += (entries_before[i] & PAGEMAP_PRESENT) &&
				!((entries_before[i] ^ entries_after[i]) & PAGEMAP_PFN);
}

/* What the device writes does not show in the pages that were merged with its own. */
static void check_ksm(struct scene *s, bool idle)
{
	(void)idle;
	igt_assert_f(!memcmp(twins, twins_are, s->part_size),
		     "a page has changed that was merged with one that the device wrote\n");
}

static bool some_merged(const struct scene *s)
{
	(void)s;
	return pages_merged;
}

static void finish_ksm(struct scene *s)
{
	ksm_end();
	igt_info("%u pages were merged\n", pages_merged);
	igt_assert_f(some_merged(s), "not a page was merged\n");
}

const struct operation operations_that_move[] = {
	{ "compaction", "Memory is compacted", { .effect = MODEL_DROPS }, ACCESS_WRITE,
	  ACCESS_WRITE, .machine = true, .undo_drops = true,
	  .host_only = "memory on the device is not compacted", .require = require_compaction,
	  .prepare = prepare_compaction, .act = act_compaction, .undo = put_low,
	  .succeeded = some_moved, .finish = finish_moved },
	{ "migrate-node", "A part is moved to another NUMA node", {}, ACCESS_WRITE,
	  ACCESS_WRITE, .host_only = "memory on the device is not moved to another node",
	  .require = require_nodes, .prepare = prepare_nodes,
	  .act = act_move_pages, .succeeded = some_moved, .finish = finish_moved },
	{ "migrate-device", "A part is moved to device memory", {}, ACCESS_WRITE, ACCESS_WRITE,
	  .prepare = prepare_migrate_device, .act = act_migrate_device,
	  .undo = undo_migrate_device, .succeeded = some_moved, .finish = finish_moved },
	{ "ksm-merge", "Pages that have the same are merged", {}, ACCESS_WRITE, ACCESS_WRITE,
	  .machine = true, .require = require_ksm, .prepare = prepare_ksm, .act = act_ksm,
	  .check = check_ksm, .succeeded = some_merged, .finish = finish_ksm,
	  .abandon = ksm_end },
	{}
};
