// SPDX-License-Identifier: MIT
/* The ways in which pages go from a process. */
#include "truth.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "write_file.h"

#ifndef MADV_COLD
#define MADV_COLD 20
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* In one go. */
#define BATCH 64

static bool not_here(struct kind *kind)
{
	kind->absent = true;
	return true;
}

/* All are right; of one the owner is known: which. */
static size_t all_right(const uint8_t *p, size_t n, uint64_t *pfn)
{
	const size_t marked = dice(n);

	frames(p, n, pfn);
	for (size_t i = 0; i < n; i++)
		if (i != marked)
			judge_right(p + i * PAGE, pfn[i], true, "false alarm");
	judge_and_mark(p + marked * PAGE, pfn[marked]);
	return marked;
}

static void all_gone(struct kind *kind, size_t n, const uint64_t *pfn, size_t marked, enum now now)
{
	judge_gone(kind, pfn[marked], now);
	unmark();
	for (size_t i = 0; i < n; i++)
		if (i != marked)
			judge_gone(kind, pfn[i], now);
}

static bool anon_unmapped(struct kind *kind)
{
	const size_t n = 1 + dice(BATCH);
	uint8_t *p = region(n);
	uint64_t pfn[BATCH];
	size_t marked;

	touch(p, n);
	marked = all_right(p, n, pfn);
	forget(p, n);
	all_gone(kind, n, pfn, marked, NOW_FREE);
	return true;
}

static bool anon_dropped(struct kind *kind)
{
	const size_t n = 1 + dice(BATCH);
	uint8_t *p = region(n);
	uint64_t pfn[BATCH];
	size_t marked;

	touch(p, n);
	marked = all_right(p, n, pfn);
	if (madvise(p, n * PAGE, MADV_DONTNEED))
		die("MADV_DONTNEED: %s", strerror(errno));
	all_gone(kind, n, pfn, marked, NOW_FREE);
	forget(p, n);
	return true;
}

/* Some pages of a large one. */
#define SOME 4

static size_t some_right(const uint8_t *p, uint64_t *pfn)
{
	size_t at[SOME];

	for (size_t i = 0; i < SOME; i++) {
		at[i] = i ? dice(HUGE_PAGES) : 0;
		pfn[i] = frame(p + at[i] * PAGE);
		judge_right(p + at[i] * PAGE, pfn[i], true, "false alarm");
	}
	judge_and_mark(p + at[1] * PAGE, pfn[1]);
	return 1;
}

static bool thp_unmapped(struct kind *kind)
{
	uint8_t *p = huge_map();
	uint64_t pfn[SOME];
	size_t marked;

	if (!p)
		return false;
	marked = some_right(p, pfn);
	huge_unmap(p);
	all_gone(kind, SOME, pfn, marked, NOW_FREE);
	return true;
}

static bool hugetlb_unmapped(struct kind *kind)
{
	const int shared = dice(2) ? MAP_SHARED : MAP_PRIVATE;
	uint8_t *p = mmap(NULL, HUGE, PROT_READ | PROT_WRITE,
			  shared | MAP_ANONYMOUS | MAP_HUGETLB | (21 << 26), -1, 0);
	uint64_t pfn[SOME];
	size_t marked;

	if (p == MAP_FAILED)
		return not_here(kind);
	touch(p, HUGE_PAGES);
	marked = some_right(p, pfn);
	huge_unmap(p);
	all_gone(kind, SOME, pfn, marked, NOW_FREE);
	return true;
}

static bool file_gone(struct kind *kind, bool truncated)
{
	const size_t n = 1 + dice(BATCH);
	const int fd = file_new(dice(2));
	uint8_t *p = file_map(fd, dice(8), n);
	uint64_t pfn[BATCH];
	size_t marked;

	touch(p, n);
	marked = all_right(p, n, pfn);
	if (truncated) {
		if (ftruncate(fd, 0))
			die("ftruncate: %s", strerror(errno));
		all_gone(kind, n, pfn, marked, NOW_FREE);
		munmap(p, n * PAGE);
	} else {
		munmap(p, n * PAGE);
		all_gone(kind, n, pfn, marked, NOW_KEPT);
	}
	close(fd);
	return true;
}

static bool file_truncated(struct kind *kind)
{
	return file_gone(kind, true);
}

static bool file_unmapped(struct kind *kind)
{
	return file_gone(kind, false);
}

/* A child that has pages, and is killed. */
struct victim {
	uint64_t pfn[BATCH];
	size_t marked;
	unsigned int right_asked, false_alarms;
};

static uint64_t victim_serve(uint64_t order, void *arg)
{
	struct victim *victim = arg;
	uint8_t *p = region(BATCH);

	right_asked = false_alarms = 0;
	touch(p, BATCH);
	victim->marked = all_right(p, BATCH, victim->pfn);
	victim->right_asked = right_asked;
	victim->false_alarms = false_alarms;
	return order;
}

static void *shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	return p;
}

static bool process_killed(struct kind *kind)
{
	static struct victim *victim;
	struct child child;

	if (!victim)
		victim = shared(sizeof(*victim));
	child = child_new(victim_serve, victim);
	child_order(&child, 0);
	right_asked += victim->right_asked;
	false_alarms += victim->false_alarms;
	child_end(&child);
	all_gone(kind, BATCH, victim->pfn, victim->marked, NOW_FREE);
	return true;
}

/* It is on no list of pages that are to go to the LRU: when it is free, it is free. */
static void settle(void *p)
{
	/* EINVAL: 5.3 does not know it, and needs no help. */
	if (madvise(p, PAGE, MADV_COLD) && errno != EINVAL)
		die("MADV_COLD: %s", strerror(errno));
}

/* A page of a file, marked, then truncated: of the kind that the kernel takes for itself. */
static uint64_t kernel_like_page(void)
{
	const int fd = file_new(true);
	uint8_t *p = file_map(fd, 0, 1);
	uint64_t pfn;

	touch(p, 1);
	pfn = frame(p);
	judge_and_mark(p, pfn);
	if (ftruncate(fd, 0))
		die("ftruncate: %s", strerror(errno));
	munmap(p, PAGE);
	close(fd);
	return pfn;
}

/* And of the kind that processes have. */
static uint64_t process_like_page(void)
{
	uint8_t *p = region(1);
	uint64_t pfn;

	touch(p, 1);
	settle(p);
	pfn = frame(p);
	judge_and_mark(p, pfn);
	forget(p, 1);
	return pfn;
}

static bool taken(struct kind *kind, uint64_t pfn, enum page_truth_what what, enum now now)
{
	const int ret = truth_take(pfn, what);

	if (ret && ret != -ENOENT)
		die("the module cannot take page %#llx: %s", (unsigned long long)pfn, strerror(-ret));
	if (!ret)
		judge_gone(kind, pfn, now);
	truth(PAGE_TRUTH_DROP, 0);
	return !ret;
}

static bool to_slab(struct kind *kind)
{
	return taken(kind, kernel_like_page(), PAGE_TRUTH_FOR_SLAB, NOW_SLAB);
}

static bool to_kernel(struct kind *kind)
{
	return taken(kind, kernel_like_page(), PAGE_TRUTH_FOR_KERNEL, NOW_KEPT);
}

static bool to_cache(struct kind *kind)
{
	return taken(kind, process_like_page(), PAGE_TRUTH_FOR_CACHE, NOW_KEPT);
}

/* Each 2 MiB of address space that is touched needs a page table. */
static bool to_table(struct kind *kind)
{
	enum { TABLES = 64 };
	uint8_t *all = mmap(NULL, (TABLES + 1) * (size_t)HUGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *p = (uint8_t *)(((uintptr_t)all + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
	const uint64_t pfn = kernel_like_page();
	bool got = false;

	if (all == MAP_FAILED)
		die("no address space: %s", strerror(errno));
	madvise(p, TABLES * (size_t)HUGE, MADV_NOHUGEPAGE);
	for (int i = 0; i < TABLES && !got; i++) {
		touch(p + i * (size_t)HUGE, 1);
		got = look(pfn).flags & PAGE_TRUTH_TABLE;
	}
	if (got)
		judge_gone(kind, pfn, NOW_TABLE);
	munmap(all, (TABLES + 1) * (size_t)HUGE);
	return got;
}

/* ---- another owner ---- */

/* What a child is asked for: that frame, at that address or anywhere. */
struct grab {
	uint64_t pfn;
	uint8_t *at;
	uint8_t *had;
	size_t n;
};

#define GRAB_MAX 128

static uint64_t grab(uint64_t order, void *arg)
{
	struct grab *grab = arg;

	if (!order) {	/* give back */
		if (grab->had && grab->at)
			munmap(grab->had, PAGE);
		else if (grab->had)
			forget(grab->had, GRAB_MAX);
		grab->had = NULL;
		return 0;
	}
	if (grab->at) {
		grab->had = mmap(grab->at, PAGE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (grab->had == MAP_FAILED)
			die("no address space: %s", strerror(errno));
		if (grab->had != grab->at)	/* it has something there */
			return 0;
		touch(grab->had, 1);
		return frame(grab->had) == grab->pfn;
	}
	grab->had = region(GRAB_MAX);
	for (size_t i = 0; i < GRAB_MAX; i++) {
		touch(grab->had + i * PAGE, 1);
		if (frame(grab->had + i * PAGE) == grab->pfn)
			return 1;
	}
	return 0;
}

static struct grab *grab_arg;
static struct child grabber;

/* The page is dropped, or unmapped with all that the kernel knows of the memory around it. */
static bool to_process(struct kind *kind, bool same_address, bool unmap)
{
	uint8_t *p = region(1);
	bool got;

	touch(p, 1);
	settle(p);
	*grab_arg = (struct grab){ .pfn = frame(p), .at = same_address ? p : NULL };
	judge_and_mark(p, grab_arg->pfn);
	if (unmap)
		forget(p, 1);
	else if (madvise(p, PAGE, MADV_DONTNEED))
		die("MADV_DONTNEED: %s", strerror(errno));
	got = child_order(&grabber, 1);
	if (got)
		judge_gone(kind, grab_arg->pfn, NOW_OTHERS);
	child_order(&grabber, 0);
	if (!unmap)
		forget(p, 1);
	return got;
}

static bool to_process_elsewhere(struct kind *kind)
{
	return to_process(kind, false, dice(2));
}

static bool to_process_there(struct kind *kind)
{
	return to_process(kind, true, false);
}

/* The anon_vma goes with the page, and may be the one that the other process gets. */
static bool to_process_all(struct kind *kind)
{
	return to_process(kind, true, true);
}

static bool to_itself_elsewhere(struct kind *kind)
{
	struct grab here = { .pfn = process_like_page() };
	const bool got = grab(1, &here);

	if (got)
		judge_gone(kind, here.pfn, NOW_OTHERS);
	grab(0, &here);
	return got;
}

static bool to_file(struct kind *kind)
{
	/* Of tmpfs: page tables and the like come from other memory. */
	const int from = file_new(false), to = file_new(false);
	const size_t first = dice(4);
	uint8_t *p = file_map(from, first, 1), *q = file_map(to, dice(2) ? first : 0, BATCH);
	uint64_t pfn;
	bool got = false;

	touch(p, 1);
	settle(p);
	pfn = frame(p);
	judge_and_mark(p, pfn);
	if (ftruncate(from, 0))
		die("ftruncate: %s", strerror(errno));
	for (size_t i = 0; i < BATCH && !got; i++) {
		touch(q + i * PAGE, 1);
		got = frame(q + i * PAGE) == pfn;
	}
	if (got)
		judge_gone(kind, pfn, NOW_OTHERS);
	munmap(p, PAGE);
	munmap(q, BATCH * PAGE);
	close(from);
	close(to);
	return got;
}

/* ---- drivers' memory ---- */

static bool blocks(struct kind *kind, bool compound)
{
	struct page_truth_block block = { .order = 3, .compound = compound };
	uint8_t *p = region(1);
	int ret;

	/* Something was there before. */
	touch(p, 1);
	judge_and_mark(p, frame(p));
	ret = truth(PAGE_TRUTH_BLOCK, (uintptr_t)&block);
	if (ret)
		die("the module has no memory: %s", strerror(-ret));
	for (unsigned int i = 0; i < 1U << block.order; i++)
		judge_gone(kind, block.pfn + i, NOW_UNMAPPED);
	truth(PAGE_TRUTH_DROP, 0);
	forget(p, 1);
	return true;
}

static bool ttm_s(struct kind *kind)
{
	return blocks(kind, false);
}

static bool compound(struct kind *kind)
{
	return blocks(kind, true);
}

static bool kept_by_a_pin(struct kind *kind)
{
	uint8_t *p = region(1);
	uint64_t pfn;
	int ret;

	touch(p, 1);
	pfn = frame(p);
	judge_and_mark(p, pfn);
	ret = truth(PAGE_TRUTH_PIN, (uintptr_t)p);
	if (ret)
		die("the module cannot pin a page: %s", strerror(-ret));
	judge_and_mark(p, pfn);
	forget(p, 1);
	judge_gone(kind, pfn, NOW_KEPT);
	truth(PAGE_TRUTH_DROP, 0);
	return true;
}

/* Copied into a huge page. */
static bool collapsed(struct kind *kind)
{
	uint8_t *all = region(2 * HUGE_PAGES);
	uint8_t *p = (uint8_t *)(((uintptr_t)all + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
	uint64_t pfn[BATCH];
	const size_t first = dice(HUGE_PAGES - BATCH);
	size_t marked;

	touch(p, HUGE_PAGES);
	marked = all_right(p + first * PAGE, BATCH, pfn);
	madvise(p, HUGE, MADV_HUGEPAGE);
	if (madvise(p, HUGE, MADV_COLLAPSE)) {
		const bool absent = errno == EINVAL;

		forget(all, 2 * HUGE_PAGES);
		return absent ? not_here(kind) : false;
	}
	all_gone(kind, BATCH, pfn, marked, NOW_FREE);
	forget(all, 2 * HUGE_PAGES);
	return true;
}

/* ---- what it cannot know ---- */

/* After fork, a write gives the parent another page; the one that it had is the child's. */
static bool left_to_a_child(struct kind *kind)
{
	uint8_t *p = region(1);
	struct child child;
	uint64_t pfn;

	touch(p, 1);
	pfn = frame(p);
	judge_and_mark(p, pfn);
	child = child_new(child_waits, NULL);
	child_order(&child, 0);
	touch(p, 1);
	if (frame(p) == pfn)
		die("a write after fork did not copy the page");
	judge_gone(kind, pfn, NOW_OTHERS);
	child_end(&child);
	forget(p, 1);
	return true;
}

static uint64_t touch_again(uint64_t order, void *arg)
{
	if (!order) {
		madvise(arg, PAGE, MADV_DONTNEED);
		return 0;
	}
	touch(arg, 1);
	return frame(arg) == order;
}

/* The parent's page becomes the child's, at the same address of both. */
static bool to_its_child_there(struct kind *kind)
{
	uint8_t *p = region(1);
	struct child child;
	uint64_t pfn;
	bool got;

	touch(p, 1);
	child = child_new(touch_again, p);
	child_order(&child, 0);
	touch(p, 1);
	settle(p);
	pfn = frame(p);
	judge_and_mark(p, pfn);
	madvise(p, PAGE, MADV_DONTNEED);
	got = child_order(&child, pfn);
	if (got)
		judge_gone(kind, pfn, NOW_OTHERS);
	child_end(&child);
	forget(p, 1);
	return got;
}

static bool part_of_a_thp(struct kind *kind)
{
	uint8_t *p = huge_map();
	const uint64_t at = dice(HUGE_PAGES / 2);
	uint64_t pfn;

	if (!p)
		return false;
	pfn = frame(p + at * PAGE);
	judge_and_mark(p + at * PAGE, pfn);
	munmap(p, HUGE / 2);
	judge_gone(kind, pfn, NOW_ANY);
	munmap(p + HUGE / 2, HUGE / 2);
	return true;
}

/* One page of a file that is unmapped here, and still mapped there. */
static bool mapped_by_others(struct kind *kind)
{
	const int fd = file_new(false);
	uint8_t *p = file_map(fd, 0, 1);
	struct child child;
	uint64_t pfn;

	touch(p, 1);
	pfn = frame(p);
	judge_and_mark(p, pfn);
	child = child_new(touch_again, p);
	child_order(&child, pfn);
	munmap(p, PAGE);
	judge_gone(kind, pfn, NOW_OTHERS);
	child_end(&child);
	close(fd);
	return true;
}

static bool nobody_s_zeros(struct kind *kind)
{
	struct page_truth_block block = { .order = 0 };
	const int ret = truth(PAGE_TRUTH_BLOCK, (uintptr_t)&block);

	if (ret)
		die("the module has no memory: %s", strerror(-ret));
	unmark();
	judge_gone(kind, block.pfn, NOW_KEPT);
	truth(PAGE_TRUTH_DROP, 0);
	return true;
}

struct kind kinds[] = {
	{ "4 KiB, unmapped", anon_unmapped, 2000 },
	{ "4 KiB, dropped by MADV_DONTNEED", anon_dropped, 1000 },
	{ "4 KiB, its process killed", process_killed, 1000 },
	{ "huge page, unmapped", thp_unmapped, 1000 },
	{ "4 KiB, collapsed into a huge page", collapsed, 400 },
	{ "hugetlb, unmapped", hugetlb_unmapped, 500 },
	{ "page cache, truncated", file_truncated, 1300 },
	{ "page cache, unmapped, the file is kept", file_unmapped, 500 },
	{ "reused by the slab allocator", to_slab, 500 },
	{ "reused as a page table", to_table, 200 },
	{ "reused by the kernel", to_kernel, 300 },
	{ "reused by the kernel, from movable memory", to_cache, 300 },
	{ "reused by another process", to_process_elsewhere, 300 },
	{ "reused by another process, same address", to_process_there, 300 },
	{ "reused by the same process elsewhere", to_itself_elsewhere, 200 },
	{ "reused by another file", to_file, 200 },
	{ "a driver's, 8 pages with one reference (TTM)", ttm_s, 400 },
	{ "a driver's, 8 pages as a compound page", compound, 200 },
	{ "kept by a reference", kept_by_a_pin, 200 },
	{ "kept by a list of pages for the LRU", NULL, 0 },
	{ "reused by another process with its anon_vma", to_process_all, 50,
	  "the owner may look the same" },
	{ "left to a child by fork and write", left_to_a_child, 50,
	  "the owner looks the same" },
	{ "reused by its child, same address", to_its_child_there, 50,
	  "the owner looks the same" },
	{ "a part of a huge page, unmapped", part_of_a_thp, 50,
	  "the other part is mapped" },
	{ "page cache, unmapped here, mapped elsewhere", mapped_by_others, 50,
	  "another process maps it" },
	{ "nobody's zeros, owner not known", nobody_s_zeros, 50,
	  "reads are taken for such of the zero page" },
	{ 0 }
};

void kinds_prepare(void)
{
	const unsigned int version = kernel_version();

	/* Fewer than that, or none: then there is no hugetlb. */
	write_file("/proc/sys/vm/nr_hugepages", "4", 1);
	grab_arg = shared(sizeof(*grab_arg));
	/* Before there is any memory that it could have from here. */
	grabber = child_new(grab, grab_arg);
	for (struct kind *kind = kinds; kind->name; kind++) {
		if (!kind->run)
			kept_kind = kind;
		else if (kind->run != kept_by_a_pin)
			continue;
		if (version >= 514 && version < 615)
			kind->may_miss = "device-exclusive pages look the same until 6.14";
	}
}
