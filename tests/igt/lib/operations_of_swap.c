// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/* Memory is swapped out and in. */
#include "dmesg_patterns.h"
#include "igt_decl.h"
#include "operation.h"
#include "pagemap.h"
#include "zram_swap.h"

#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif

enum { SWAP_MIB = 64 };

static unsigned int swapped_out;

void require_swap(void)
{
	require_advice(MADV_PAGEOUT, "MADV_PAGEOUT");
	igt_require_f(zram_swap_available(), "no swap, or no zram: CONFIG_SWAP, CONFIG_ZRAM\n");
	igt_require_f(!geteuid(), "swap is root's\n");
}

void prepare_swap(struct scene *s)
{
	const int ret = zram_swap_begin(SWAP_MIB);

	(void)s;
	igt_assert_f(!ret, "swap on zram: %s\n", strerror(-ret));
	swapped_out = 0;
}

static void act_pageout(struct scene *s)
{
	int count;

	advise(s, MADV_PAGEOUT);
	count = pagemap_count_swap(s->part, s->model.nr);
	igt_assert_f(count >= 0, "pagemap: %s\n", strerror(-count));
	swapped_out += count;
}

void act_swapoff(struct scene *s)
{
	int ret;

	act_pageout(s);
	ret = zram_swap_empty();
	igt_assert_f(!ret, "swapoff: %s\n", strerror(-ret));
}

bool some_swapped(const struct scene *s)
{
	(void)s;
	return swapped_out;
}

void finish_swap(struct scene *s)
{
	int ret;

	igt_info("%u pages were swapped out\n", swapped_out);
	igt_assert_f(some_swapped(s), "nothing was swapped out\n");
	ret = zram_swap_end();
	igt_assert_f(!ret, "the end of swap: %s\n", strerror(-ret));
}

void abandon_swap(void)
{
	zram_swap_end();
}

#define ON_DEVICE "memory on the device is not swapped out"

const struct operation operations_of_swap[] = {
	{ "madvise-pageout", "A part is swapped out", {}, ACCESS_WRITE, ACCESS_WRITE,
	  .machine = true, .host_only = ON_DEVICE, .require = require_swap, .dmesg = ZRAM_DMESG,
	  .prepare = prepare_swap, .act = act_pageout, .succeeded = some_swapped,
	  .finish = finish_swap, .abandon = abandon_swap },
	{ "swapoff", "A part is swapped out, and back in by the end of the swap space", {},
	  ACCESS_WRITE, ACCESS_WRITE, .machine = true, .host_only = ON_DEVICE,
	  .require = require_swap, .dmesg = ZRAM_DMESG, .prepare = prepare_swap, .act = act_swapoff,
	  .succeeded = some_swapped, .finish = finish_swap, .abandon = abandon_swap },
	{}
};
