// SPDX-License-Identifier: MIT
/* Pages of 2 MiB, where the kernel gives them. */
#include "gpu.h"
#include "sim.h"
#include "test.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE = 2 << 20, N = 4 * HUGE };

static struct gpu gpu;
static struct chan chan;

static void begin(void)
{
	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!chan_open(&gpu, &chan), "no channel");
}

/* Memory of huge pages, filled; or the end of the scenario. */
static uint8_t *huge(size_t n, uint8_t byte)
{
	uint8_t *p = pages(n + HUGE);

	p = (uint8_t *)(((uintptr_t)p + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
	CHECK(!madvise(p, n, MADV_HUGEPAGE), "madvise: %s", strerror(errno));
	memset(p, byte, n);
	return p;
}

static void huge_copy(void)
{
	uint8_t *src = huge(N, 1), *dst = huge(N, 2);
	uint64_t faults = sim_stat("faults_read") + sim_stat("faults_write");
	uint32_t state = seed;

	begin();
	fill_random(src, N, &state);
	CHECK(!chan_memcpy(&chan, dst + 1, src, N - 1), "copy");
	CHECK(!memcmp(dst + 1, src, N - 1), "they differ");
	faults = sim_stat("faults_read") + sim_stat("faults_write") - faults;
	/* A fault for each of 2 * 4 pages, not for each of 2 * 2048. */
	CHECK(faults < 100, "%llu faults", (unsigned long long)faults);
	REPORT("%llu faults for 2 x 8 MiB", (unsigned long long)faults);
	chan_close(&chan);
	gpu_close(&gpu);
}

/* Unmap a part of what the device has mapped as one page. */
static void huge_partial(void)
{
	uint8_t *src = huge(HUGE, 1), *out = pages(4096);

	begin();
	CHECK(!chan_memcpy(&chan, out, src, 4096) && out[0] == 1, "copy");
	CHECK(!munmap(src + 4096, 4096), "munmap");
	CHECK(chan_memcpy(&chan, out, src + 4096, 4096) == -EIO, "unmapped memory was copied");
	chan_close(&chan);
	gpu_close(&gpu);
}

const struct scenario huge_scenarios[] = {
	{ "huge-copy", huge_copy, "memory of 2 MiB pages", 60, .huge = true },
	{ "huge-partial", huge_partial, "a part of a 2 MiB page is unmapped", 60, .huge = true },
	{}
};
