// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/* What a process tells the kernel of its memory. */
#include "igt_decl.h"
#include "operation.h"

#include <sys/mman.h>

#ifndef MADV_COLD
#define MADV_COLD	20
#define MADV_PAGEOUT	21
#endif

void advise(struct scene *s, int advice)
{
	MUST(!madvise(s->part, s->part_size, advice));
}

void require_advice(int advice, const char *name)
{
	void *p = mmap(NULL, MODEL_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	const int ret = madvise(p, MODEL_PAGE, advice);
	const int error = errno;

	munmap(p, MODEL_PAGE);
	igt_require_f(!ret || error != EINVAL, "no %s in this kernel\n", name);
}

void act_dontneed(struct scene *s)
{
	advise(s, MADV_DONTNEED);
}

static void act_free(struct scene *s)
{
	advise(s, MADV_FREE);
	/* Have it reclaimed. */
	advise(s, MADV_PAGEOUT);
}

/* Have it reclaimed again: what was written since may not be dropped. */
static void check_free(struct scene *s, bool idle)
{
	(void)idle;
	advise(s, MADV_PAGEOUT);
}

static void require_pageout(void)
{
	require_advice(MADV_PAGEOUT, "MADV_PAGEOUT");
}

static void act_cold(struct scene *s)
{
	advise(s, MADV_COLD);
}

static void require_cold(void)
{
	require_advice(MADV_COLD, "MADV_COLD");
}

const struct operation operations_by_advice[] = {
	{ "madvise-dontneed", "What a part has is dropped",
	  { .effect = MODEL_DROPS }, ACCESS_WRITE, ACCESS_WRITE, .act = act_dontneed },
	{ "madvise-free", "What a part has may be dropped, unless it is written",
	  { .effect = MODEL_MAY_DROP }, ACCESS_WRITE, ACCESS_WRITE, .require = require_pageout,
	  .act = act_free, .check = check_free },
	{ "madvise-cold", "A part is marked as not used for long", {}, ACCESS_WRITE,
	  ACCESS_WRITE, .require = require_cold, .act = act_cold },
	{}
};
