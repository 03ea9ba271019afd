// SPDX-License-Identifier: MIT
/* Pages of 2 MiB, where the kernel gives them. */
#include "gpu.h"
#include "sim.h"
#include "test.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

enum { N = 4 * HUGE };

static struct gpu gpu;
static struct chan chan;

static void begin(void)
{
	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!chan_open(&gpu, &chan), "no channel");
}

static void huge_copy(void)
{
	uint8_t *src = huge_pages(N, 1), *dst = huge_pages(N, 2);
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
	uint8_t *src = huge_pages(HUGE, 1), *out = pages(4096);

	begin();
	CHECK(!chan_memcpy(&chan, out, src, 4096) && out[0] == 1, "copy");
	CHECK(!munmap(src + 4096, 4096), "munmap");
	CHECK(chan_memcpy(&chan, out, src + 4096, 4096) == -EIO, "unmapped memory was copied");
	chan_close(&chan);
	gpu_close(&gpu);
}

/* One access by hand. 0 or -errno. */
static int access_one(enum sim_type type, const uint8_t *addr, uint32_t *value)
{
	struct sim_access a = { chan.id, type, (uintptr_t)addr, *value, 1 };
	const int ret = sim_access(&a, 1);

	CHECK(!ret, "error %d", ret);
	*value = a.value;
	return a.error;
}

/* Have the device map 2 MiB as one page, to read and to write. */
static void map_huge(const uint8_t *p)
{
	uint64_t faults = sim_stat("faults_write");
	uint32_t value = 0x01010101;

	CHECK(!access_one(SIM_WRITE, p, &value) && !access_one(SIM_WRITE, p + HUGE - 4, &value),
	      "a write");
	faults = sim_stat("faults_write") - faults;
	CHECK(faults == 1, "%llu faults: that is no page of 2 MiB", (unsigned long long)faults);
}

/*
 * MADV_DONTNEED of a part calls the notifier with the part, and splits the page then, which
 * calls it again for all of the page.
 */
static void huge_dontneed(void)
{
	uint8_t *p = huge_pages(HUGE, 1), *part = p + 16 * 4096;
	uint32_t value = 0;
	int ret;

	begin();
	map_huge(p);
	CHECK(!madvise(part, 4096, MADV_DONTNEED), "madvise: %s", strerror(errno));
	ret = access_one(SIM_READ, part, &value);
	DEFECT(!ret && !value, "what was dropped is read: %d, %#x", ret, value);
	value = 7;
	CHECK(!access_one(SIM_WRITE, part, &value) && part[0] == 7, "wrote %u", part[0]);
	ret = access_one(SIM_READ, part + 4096, &value);
	CHECK(!ret && value == 0x01010101, "beside it: %d, %#x", ret, value);
	chan_close(&chan);
	gpu_close(&gpu);
}

/* The same, and nothing of the page is left: it is free then. */
static void huge_dropped(void)
{
	uint8_t *p = huge_pages(HUGE, 1);
	uint32_t value = 7;
	size_t i;

	begin();
	map_huge(p);
	for (i = 0; i < HUGE; i += HUGE / 4)
		CHECK(!madvise(p + i, HUGE / 4, MADV_DONTNEED), "madvise: %s", strerror(errno));
	CHECK(!access_one(SIM_WRITE, p + 16 * 4096, &value), "a write");
	DEFECT(p[16 * 4096] == 7, "the CPU does not see what was written: %u", p[16 * 4096]);
	chan_close(&chan);
	gpu_close(&gpu);
}

/* mremap() of a part goes about it like MADV_DONTNEED. */
static void huge_mremap(void)
{
	uint8_t *p = huge_pages(HUGE, 1), *part = p + 16 * 4096, *to = pages(4096), *moved;
	uint32_t value = 7;
	int ret;

	begin();
	map_huge(p);
	moved = mremap(part, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	CHECK(moved == to, "mremap: %s", strerror(errno));
	CHECK(!access_one(SIM_WRITE, moved, &value) && moved[0] == 7, "wrote %u", moved[0]);
	value = 8;
	ret = access_one(SIM_WRITE, part, &value);
	DEFECT(ret == -EFAULT && moved[0] == 7, "written by its old address: %d, %u", ret,
	       moved[0]);
	chan_close(&chan);
	gpu_close(&gpu);
}

static void huge_mprotect(void)
{
	uint8_t *p = huge_pages(HUGE, 1), *part = p + 16 * 4096;
	uint32_t value = 7;
	int ret;

	begin();
	map_huge(p);
	CHECK(!mprotect(part, 4096, PROT_READ), "mprotect: %s", strerror(errno));
	CHECK(!access_one(SIM_WRITE, p, &value) && p[0] == 7, "beside it: wrote %u", p[0]);
	ret = access_one(SIM_WRITE, part, &value);
	CHECK(ret == -EFAULT && part[0] == 1, "read-only memory was written: %d, %u", ret, part[0]);
	chan_close(&chan);
	gpu_close(&gpu);
}

/* A page of 2 MiB between small ones; then all of it is replaced. */
static void huge_mixed(void)
{
	uint8_t *p = huge_pages(3 * HUGE, 1), *again;
	static const size_t at[] = { HUGE - 4096, HUGE, 2 * HUGE - 4096, 2 * HUGE };
	const size_t size = HUGE + 2 * 4096;
	uint32_t value;
	unsigned int i;
	int ret;

	CHECK(!madvise(p, HUGE, MADV_NOHUGEPAGE) && !madvise(p, HUGE, MADV_DONTNEED) &&
	      !madvise(p + 2 * HUGE, HUGE, MADV_NOHUGEPAGE) &&
	      !madvise(p + 2 * HUGE, HUGE, MADV_DONTNEED), "madvise: %s", strerror(errno));
	begin();
	for (i = 0; i < 4; i++) {
		value = i + 1;
		CHECK(!access_one(SIM_WRITE, p + at[i], &value) && p[at[i]] == i + 1, "wrote %u",
		      p[at[i]]);
	}
	CHECK(!munmap(p + HUGE - 4096, size), "munmap");
	again = mmap(p + HUGE - 4096, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	CHECK(again == p + HUGE - 4096, "mmap: %s", strerror(errno));
	memset(again, 0x33, size);
	for (i = 0; i < 4; i++) {
		ret = access_one(SIM_READ, p + at[i], &value);
		DEFECT(!ret && value == 0x33333333, "at +%#zx: %d, %#x", at[i], ret, value);
	}
	chan_close(&chan);
	gpu_close(&gpu);
}

/* Small pages become a large one under the device, which has every second of them mapped. */
static void huge_collapse(void)
{
	uint8_t *src = huge_pages(2 * HUGE, 1), *pattern = pages(HUGE), *out = pages(HUGE);
	uint32_t state = seed;
	uint64_t faults;

	CHECK(!madvise(src, 2 * HUGE, MADV_NOHUGEPAGE) && !madvise(src, 2 * HUGE, MADV_DONTNEED),
	      "madvise: %s", strerror(errno));
	begin();
	memset(src, 0, 2 * HUGE);
	fill_random(pattern, HUGE, &state);
	CHECK(!chan_copy(&chan, &(struct copy) { .dst = (uintptr_t)src, .src = (uintptr_t)pattern,
			 .length = 4096, .lines = HUGE / 8192, .dst_pitch = 8192,
			 .src_pitch = 8192 }) && !chan_wait(&chan), "copy");
	CHECK(!madvise(src, 2 * HUGE, MADV_HUGEPAGE) &&
	      !madvise(src, HUGE, MADV_COLLAPSE), "collapse: %s", strerror(errno));
	faults = sim_stat("faults_read");
	CHECK(!chan_memcpy(&chan, out, src, HUGE), "copy");
	faults = sim_stat("faults_read") - faults;
	DEFECT(faults == 1, "%llu faults for 2 MiB", (unsigned long long)faults);
	for (size_t i = 0; i < HUGE; i++)
		CHECK(out[i] == (i & 4096 ? 0 : pattern[i]), "byte %#zx is %#x", i, out[i]);
	chan_close(&chan);
	gpu_close(&gpu);
}

/* The huge zero page is read-only: a write beside what is read is a fault of its own. */
static void huge_zero_page(void)
{
	uint8_t *p = huge_pages(HUGE, 1);
	struct sim_access a[3];
	uint64_t faults;
	int ret;

	CHECK(!madvise(p, HUGE, MADV_DONTNEED), "madvise: %s", strerror(errno));
	begin();
	faults = sim_stat("faults_read") + sim_stat("faults_write");
	a[0] = (struct sim_access) { chan.id, SIM_READ, (uintptr_t)p, 0, 1 };
	a[1] = (struct sim_access) { chan.id, SIM_WRITE, (uintptr_t)p + 4096, 7, 1 };
	a[2] = (struct sim_access) { chan.id, SIM_READ, (uintptr_t)p + 2 * 4096, 0, 1 };
	ret = sim_access(a, 3);
	CHECK(!ret && !a[0].error && !a[1].error && !a[2].error, "error %d", ret);
	faults = sim_stat("faults_read") + sim_stat("faults_write") - faults;
	CHECK(p[4096] == 7 && !a[0].value && !a[2].value, "wrote %u", p[4096]);
	/* To write to the huge zero page, older kernels take it apart: one is read again. */
	DEFECT(faults == 3 || (faults == 4 && release() < 703), "%llu faults for 3 accesses",
	       (unsigned long long)faults);
	chan_close(&chan);
	gpu_close(&gpu);
}

#define PARTIAL "marks a part of a 2 MiB mapping as not mapped, and leaves all of it mapped"
#define AREAS "keeps small mappings and 2 MiB ones in areas of one page size"

const struct scenario huge_scenarios[] = {
	{ "huge-copy", huge_copy, "memory of 2 MiB pages", 60, .huge = true },
	{ "huge-partial", huge_partial, "a part of a 2 MiB page is unmapped", 60, .huge = true },
	{ "huge-mprotect", huge_mprotect, "a part of a 2 MiB page becomes read-only", 60,
	  .huge = true },
	{ "huge-dontneed", huge_dontneed, "a part of a 2 MiB page is dropped", 60, .huge = true,
	  .defect = PARTIAL },
	{ "huge-dropped", huge_dropped, "a 2 MiB page is dropped part by part", 60, .huge = true,
	  .defect = PARTIAL },
	{ "huge-mremap", huge_mremap, "a part of a 2 MiB page is moved", 60, .huge = true,
	  .defect = PARTIAL },
	{ "huge-mixed", huge_mixed, "a 2 MiB page between small ones is replaced", 60,
	  .huge = true, .defect = AREAS, .wrecks = true },
	{ "huge-collapse", huge_collapse, "small pages become a 2 MiB page", 30, .huge = true,
	  .defect = AREAS, .wrecks = true },
	{ "huge-zero-page", huge_zero_page, "reads and a write of an untouched 2 MiB page", 30,
	  .huge = true, .since = 703,
	  .defect = "swallows a write beside a read of the same 2 MiB" },
	{}
};
