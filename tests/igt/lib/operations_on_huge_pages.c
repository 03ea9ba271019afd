// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/* What becomes of huge pages, and of small ones that become a huge page. */
#include "dmesg_patterns.h"
#include "igt_decl.h"
#include "operation.h"
#include "svm_require.h"
#include "write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

enum { HUGE = 2 << 20 };

static void require_collapse(void)
{
	uint8_t *p, *aligned;
	int ret, error;

	require_thp();
	p = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(p != MAP_FAILED);
	aligned = (uint8_t *)(((uintptr_t)p + HUGE - 1) & -(uintptr_t)HUGE);
	*aligned = 1;
	ret = madvise(aligned, HUGE, MADV_COLLAPSE);
	error = errno;
	munmap(p, 2 * HUGE);
	igt_require_f(!ret || error != EINVAL, "no MADV_COLLAPSE in this kernel\n");
}

/* The device may be in the way. A page that it has exclusively is EINVAL. */
static bool collapse(struct scene *s)
{
	unsigned int tries;

	MUST(!madvise(s->memory, s->size, MADV_HUGEPAGE));
	for (tries = 0; tries < 100; tries++) {
		if (!madvise(s->memory, s->size, MADV_COLLAPSE))
			return true;
		igt_assert_f(errno == EAGAIN || errno == EBUSY || errno == ENOMEM ||
			     errno == EINVAL, "MADV_COLLAPSE: %s\n", strerror(errno));
	}
	return false;
}

static unsigned int nr_collapsed, nr_split;

static void make_huge(struct scene *s)
{
	nr_collapsed = 0;
	igt_assert_f(scene_is_huge(s) || collapse(s), "MADV_COLLAPSE: %s\n", strerror(errno));
}

/* With the device at work it need not succeed every time. */
static void make_huge_again(struct scene *s)
{
	nr_collapsed += collapse(s) && scene_is_huge(s);
}

/* A device that has pages exclusively may always be in the way. */
static bool was_collapsed(const struct scene *s)
{
	return nr_collapsed || s->storm.adds;
}

static void finish_collapse(struct scene *s)
{
	igt_info("%u times it became a huge page\n", nr_collapsed);
	igt_assert_f(was_collapsed(s), "it never became a huge page\n");
}

static void make_small(struct scene *s)
{
	MUST(!madvise(s->memory, s->size, MADV_NOHUGEPAGE) &&
	     !madvise(s->memory, s->size, MADV_DONTNEED));
	scene_write_cpu(s, 0, s->model.pages);
	igt_assert(!scene_is_huge(s));
	nr_collapsed = 0;
}

/* The part becomes another mapping, so the huge page is split. Its contents stay. */
static void undo_collapse(struct scene *s)
{
	advise(s, MADV_NOHUGEPAGE);
}

#define SPLIT "/sys/kernel/debug/split_huge_pages"

static void require_split(void)
{
	int fd;

	require_collapse();
	/* A kernel that is locked down has it, and refuses. */
	fd = open(SPLIT, O_WRONLY | O_CLOEXEC);
	igt_require_f(fd >= 0, SPLIT ": %s (CONFIG_DEBUG_FS; lockdown forbids it)\n",
		      strerror(errno));
	close(fd);
}

static void prepare_split(struct scene *s)
{
	make_huge(s);
	nr_split = 0;
}

static void act_split(struct scene *s)
{
	const bool was_huge = scene_is_huge(s);
	char text[64];
	int ret;

	snprintf(text, sizeof(text), "%d,%#lx,%#lx", getpid(), (long)s->memory,
		 (long)(s->memory + s->size));
	ret = write_text(SPLIT, text);
	igt_assert_f(!ret, SPLIT ": %s\n", strerror(-ret));
	nr_split += was_huge && !scene_is_huge(s);
}

static bool was_split(const struct scene *s)
{
	(void)s;
	return nr_split;
}

static void finish_split(struct scene *s)
{
	igt_info("%u times the huge page was split\n", nr_split);
	igt_assert_f(was_split(s), "it never was split\n");
}

static void undo_thp_munmap(struct scene *s)
{
	undo_munmap(s);
	make_huge_again(s);
}

static void undo_thp_mprotect(struct scene *s)
{
	make_writable(s);
	make_huge_again(s);
}

static void undo_thp_mremap(struct scene *s)
{
	undo_mremap_move(s);
	make_huge_again(s);
}

static void prepare_thp_fork(struct scene *s)
{
	make_huge(s);
	prepare_fork(s);
}

static void finish_thp_fork(struct scene *s)
{
	finish_fork(s);
	finish_collapse(s);
}

static void require_thp_swap(void)
{
	require_collapse();
	require_swap();
}

static void prepare_thp_swap(struct scene *s)
{
	make_huge(s);
	prepare_swap(s);
}

static bool was_swapped_and_collapsed(const struct scene *s)
{
	return some_swapped(s) && was_collapsed(s);
}

static void finish_thp_swap(struct scene *s)
{
	finish_swap(s);
	finish_collapse(s);
}

const struct operation operations_on_huge_pages[] = {
	{ "thp-collapse", "Small pages become a huge page", { .huge = true }, ACCESS_WRITE,
	  ACCESS_WRITE, .require = require_collapse, .prepare = make_small,
	  .act = make_huge_again, .undo = undo_collapse, .succeeded = was_collapsed,
	  .finish = finish_collapse },
	{ "thp-split", "A huge page is split", { .huge = true }, ACCESS_WRITE, ACCESS_WRITE,
	  .host_only = "memory on the device is not split by that",
	  .require = require_split, .prepare = prepare_split, .act = act_split,
	  .undo = make_huge_again, .succeeded = was_split, .finish = finish_split },
	{ "thp-munmap", "A part of a huge page is unmapped",
	  { .huge = true, .effect = MODEL_DROPS }, ACCESS_WRITE, ACCESS_NONE,
	  .require = require_collapse, .prepare = make_huge, .act = act_munmap,
	  .undo = undo_thp_munmap, .finish = finish_collapse },
	{ "thp-mprotect-down", "A part of a huge page becomes read-only", { .huge = true },
	  ACCESS_WRITE, ACCESS_READ, .require = require_collapse, .prepare = make_huge,
	  .act = make_read_only, .undo = undo_thp_mprotect, .finish = finish_collapse },
	{ "thp-mremap-move", "A part of a huge page is moved to another address",
	  { .huge = true }, ACCESS_WRITE, ACCESS_NONE, .require = require_collapse,
	  .prepare = make_huge, .act = act_mremap_move, .check = check_moved,
	  .undo = undo_thp_mremap, .finish = finish_collapse },
	{ "thp-dontneed", "What a part of a huge page has is dropped",
	  { .huge = true, .effect = MODEL_DROPS }, ACCESS_WRITE, ACCESS_WRITE,
	  .require = require_collapse, .prepare = make_huge, .act = act_dontneed,
	  .undo = make_huge_again, .succeeded = was_collapsed, .finish = finish_collapse },
	{ "thp-fork-cow", "A process that has a huge page is forked", { .huge = true },
	  ACCESS_WRITE, ACCESS_WRITE, .require = require_collapse,
	  .prepare = prepare_thp_fork, .act = act_fork, .check = check_fork,
	  .undo = make_huge_again, .succeeded = was_collapsed, .finish = finish_thp_fork },
	{ "thp-swapoff", "A huge page is swapped out, and back in", { .huge = true },
	  ACCESS_WRITE, ACCESS_WRITE, .machine = true,
	  .host_only = "memory on the device is not swapped out", .require = require_thp_swap,
	  .dmesg = ZRAM_DMESG, .prepare = prepare_thp_swap, .act = act_swapoff,
	  .undo = make_huge_again, .succeeded = was_swapped_and_collapsed,
	  .finish = finish_thp_swap, .abandon = abandon_swap },
	{}
};
