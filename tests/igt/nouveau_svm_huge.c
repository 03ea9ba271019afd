// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/**
 * TEST: nouveau svm huge
 * Category: Core
 * Mega feature: Shared virtual memory
 * Sub-category: nouveau
 * Functionality: huge pages
 * Test category: functionality test
 * Description: What the device has mapped as one page of 2 MiB, and what becomes of it when a part
 *	is unmapped, protected, dropped, moved or replaced; faults are counted
 *
 * SUBTEST: copy
 * Description: memory of 2 MiB pages takes a fault for each, not for each 4 KiB
 *
 * SUBTEST: partial
 * Description: a part of a 2 MiB page is unmapped
 *
 * SUBTEST: mprotect
 * Description: a part of a 2 MiB page becomes read-only
 *
 * SUBTEST: dontneed
 * Description: a part of a 2 MiB page is dropped
 *
 * SUBTEST: dropped
 * Description: a 2 MiB page is dropped part by part, until it is free
 *
 * SUBTEST: mremap
 * Description: a part of a 2 MiB page is moved
 *
 * SUBTEST: mixed
 * Description: a 2 MiB page between small ones is replaced together with them
 *
 * SUBTEST: collapse
 * Description: small pages of which the device has mapped every second become a 2 MiB page
 *
 * SUBTEST: zero-page
 * Description: reads and a write of an untouched 2 MiB page, in one batch
 */
#include "board_scenario.h"
#include "igt_decl.h"
#include "random.h"
#include "svm_options.h"
#include "svm_require.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

IGT_TEST_DESCRIPTION("Huge pages that nouveau's shared virtual memory has mapped as such, and what "
		     "becomes of them");

enum { PAGE = 4096, HUGE = SCENARIO_HUGE, SEED = 20261130 };

static struct gpu gpu;
static struct chan chan;

static bool write_one(const void *at, uint32_t value)
{
	return access_one(&chan, BOARD_WRITE, at, &value);
}

static bool read_one(const void *at, uint32_t *value)
{
	*value = 0;
	return access_one(&chan, BOARD_READ, at, value);
}

/* Have the device map 2 MiB as one page, to read and to write. */
static void map_huge(const uint8_t *p)
{
	uint64_t faults = counted("faults_write");

	CHILD_CHECK(write_one(p, 0x01010101) && write_one(p + HUGE - 4, 0x01010101), "a write");
	faults = counted("faults_write") - faults;
	CHILD_CHECK(faults == 1, "%llu faults: that is no page of 2 MiB",
		    (unsigned long long)faults);
}

static void copy(void)
{
	enum { N = 4 * HUGE };
	uint8_t *src = huge_pages(N, 1), *dst = huge_pages(N, 2);
	uint64_t faults = counted_faults();

	scenario_open(&gpu, &chan);
	fill_random(src, N, SEED);
	CHILD_CHECK(!chan_memcpy(&chan, dst + 1, src, N - 1), "a copy");
	CHILD_CHECK(!memcmp(dst + 1, src, N - 1), "they differ");
	faults = counted_faults() - faults;
	/* A fault for each of 2 * 4 pages, not for each of 2 * 2048. */
	CHILD_CHECK(faults < 100, "%llu faults", (unsigned long long)faults);
	printf("%llu faults for 2 x 8 MiB\n", (unsigned long long)faults);
	scenario_close(&gpu, &chan);
}

static void partial(void)
{
	uint8_t *src = huge_pages(HUGE, 1), *out = small_pages(PAGE);
	int ret;

	scenario_open(&gpu, &chan);
	CHILD_CHECK(!chan_memcpy(&chan, out, src, PAGE) && out[0] == 1, "copied %u", out[0]);
	CHILD_CHECK(!munmap(src + PAGE, PAGE), "munmap: %s", strerror(errno));
	ret = chan_memcpy(&chan, out, src + PAGE, PAGE);
	CHILD_CHECK(ret == -EIO, "a copy of unmapped memory: %s", ret ? strerror(-ret) : "done");
	scenario_close(&gpu, &chan);
}

static void protect(void)
{
	uint8_t *p = huge_pages(HUGE, 1), *part = p + 16 * PAGE;

	scenario_open(&gpu, &chan);
	map_huge(p);
	CHILD_CHECK(!mprotect(part, PAGE, PROT_READ), "mprotect: %s", strerror(errno));
	CHILD_CHECK(write_one(p, 7) && p[0] == 7, "beside it: wrote %u", p[0]);
	refused_one(&chan, BOARD_WRITE, part, 7, "a write to read-only memory");
	CHILD_CHECK(part[0] == 1, "read-only memory was written: %u", part[0]);
	scenario_close(&gpu, &chan);
}

/*
 * MADV_DONTNEED of a part calls the notifier with the part, and splits the page then, which
 * calls it again for all of the page.
 */
static void dontneed(void)
{
	uint8_t *p = huge_pages(HUGE, 1), *part = p + 16 * PAGE;
	uint32_t value;

	scenario_open(&gpu, &chan);
	map_huge(p);
	CHILD_CHECK(!madvise(part, PAGE, MADV_DONTNEED), "madvise: %s", strerror(errno));
	CHILD_CHECK(read_one(part, &value) && !value, "what was dropped is read: %#x", value);
	CHILD_CHECK(write_one(part, 7) && part[0] == 7, "wrote %u", part[0]);
	CHILD_CHECK(read_one(part + PAGE, &value) && value == 0x01010101, "beside it: %#x", value);
	scenario_close(&gpu, &chan);
}

/* Drop all parts of the page: then it is free. */
static void dropped(void)
{
	uint8_t *p = huge_pages(HUGE, 1);
	size_t i;

	scenario_open(&gpu, &chan);
	map_huge(p);
	for (i = 0; i < HUGE; i += HUGE / 4)
		CHILD_CHECK(!madvise(p + i, HUGE / 4, MADV_DONTNEED), "madvise: %s",
			    strerror(errno));
	CHILD_CHECK(write_one(p + 16 * PAGE, 7), "a write");
	CHILD_CHECK(p[16 * PAGE] == 7, "the CPU does not see what was written: %u", p[16 * PAGE]);
	scenario_close(&gpu, &chan);
}

/* mremap() of a part goes about it like MADV_DONTNEED. */
static void move_part(void)
{
	uint8_t *p = huge_pages(HUGE, 1), *part = p + 16 * PAGE, *to = small_pages(PAGE), *moved;

	scenario_open(&gpu, &chan);
	map_huge(p);
	moved = mremap(part, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	CHILD_CHECK(moved == to, "mremap: %s", strerror(errno));
	CHILD_CHECK(write_one(moved, 7) && moved[0] == 7, "wrote %u", moved[0]);
	refused_one(&chan, BOARD_WRITE, part, 8, "a write by the old address");
	CHILD_CHECK(moved[0] == 7, "written by its old address: %u", moved[0]);
	scenario_close(&gpu, &chan);
}

static void mixed(void)
{
	static const size_t at[] = { HUGE - PAGE, HUGE, 2 * HUGE - PAGE, 2 * HUGE };
	const size_t size = HUGE + 2 * PAGE;
	uint8_t *p = huge_pages(3 * HUGE, 1), *again;
	uint32_t value;
	unsigned int i;

	CHILD_CHECK(!madvise(p, HUGE, MADV_NOHUGEPAGE) && !madvise(p, HUGE, MADV_DONTNEED) &&
		    !madvise(p + 2 * HUGE, HUGE, MADV_NOHUGEPAGE) &&
		    !madvise(p + 2 * HUGE, HUGE, MADV_DONTNEED), "madvise: %s", strerror(errno));
	scenario_open(&gpu, &chan);
	for (i = 0; i < 4; i++)
		CHILD_CHECK(write_one(p + at[i], i + 1) && p[at[i]] == i + 1, "wrote %u",
			    p[at[i]]);
	CHILD_CHECK(!munmap(p + HUGE - PAGE, size), "munmap: %s", strerror(errno));
	again = mmap(p + HUGE - PAGE, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	CHILD_CHECK(again == p + HUGE - PAGE, "mmap: %s", strerror(errno));
	memset(again, 0x33, size);
	for (i = 0; i < 4; i++)
		CHILD_CHECK(read_one(p + at[i], &value) && value == 0x33333333, "at +%#zx: %#x",
			    at[i], value);
	scenario_close(&gpu, &chan);
}

static void collapse(void)
{
	uint8_t *src = huge_pages(2 * HUGE, 1), *pattern = small_pages(HUGE);
	uint8_t *out = small_pages(HUGE);
	uint64_t faults;
	size_t i;

	CHILD_CHECK(!madvise(src, 2 * HUGE, MADV_NOHUGEPAGE) &&
		    !madvise(src, 2 * HUGE, MADV_DONTNEED), "madvise: %s", strerror(errno));
	scenario_open(&gpu, &chan);
	memset(src, 0, 2 * HUGE);
	fill_random(pattern, HUGE, SEED);
	CHILD_CHECK(!chan_copy(&chan, &(struct copy) {
				.dst = (uintptr_t)src, .src = (uintptr_t)pattern, .length = PAGE,
				.lines = HUGE / (2 * PAGE), .dst_pitch = 2 * PAGE,
				.src_pitch = 2 * PAGE }) && !chan_wait(&chan), "a copy");
	CHILD_CHECK(!madvise(src, 2 * HUGE, MADV_HUGEPAGE) && !madvise(src, HUGE, MADV_COLLAPSE),
		    "MADV_COLLAPSE: %s", strerror(errno));
	faults = counted("faults_read");
	CHILD_CHECK(!chan_memcpy(&chan, out, src, HUGE), "a copy");
	faults = counted("faults_read") - faults;
	CHILD_CHECK(faults == 1, "%llu faults for 2 MiB", (unsigned long long)faults);
	for (i = 0; i < HUGE; i++)
		CHILD_CHECK(out[i] == (i & PAGE ? 0 : pattern[i]), "byte %#zx is %#x", i, out[i]);
	scenario_close(&gpu, &chan);
}

/* For a write, kernels before 7.0 split the huge zero page: one of the reads faults again. */
static bool splits_zero_page(void)
{
	struct utsname uts;
	unsigned int major;

	CHILD_CHECK(!uname(&uts) && sscanf(uts.release, "%u.", &major) == 1, "uname");
	return major < 7;
}

/* The huge zero page is read-only: a write beside what is read is a fault of its own. */
static void zero_page(void)
{
	uint8_t *p = huge_pages(HUGE, 1);
	struct board_access access[3];
	const uint64_t count = counted_faults();
	unsigned int i;
	uint64_t faults;

	CHILD_CHECK(!madvise(p, HUGE, MADV_DONTNEED), "madvise: %s", strerror(errno));
	scenario_open(&gpu, &chan);
	for (i = 0; i < 3; i++)
		access[i] = access_of(&chan, i == 1 ? BOARD_WRITE : BOARD_READ, p + i * PAGE, 7);
	accesses_in_one_batch(access, 3);
	for (i = 0; i < 3; i++)
		CHILD_CHECK(access[i].state == CONTROL_DONE, "access %u: %s", i,
			    board_access_state(access[i].state));
	faults = counted_faults() - count;
	CHILD_CHECK(p[PAGE] == 7 && !access[0].value && !access[2].value,
		    "wrote %u, read %#x and %#x", p[PAGE], access[0].value, access[2].value);
	CHILD_CHECK(faults == 3 || (faults == 4 && splits_zero_page()),
		    "%llu faults for 3 accesses", (unsigned long long)faults);
	scenario_close(&gpu, &chan);
}

static const struct scenario scenario[] = {
	{ "copy", "Memory of 2 MiB pages takes a fault for each, not for each 4 KiB", copy },
	{ "partial", "A part of a 2 MiB page is unmapped", partial, .kills = true },
	{ "mprotect", "A part of a 2 MiB page becomes read-only", protect, .kills = true },
	{ "dontneed", "A part of a 2 MiB page is dropped", dontneed },
	{ "dropped", "A 2 MiB page is dropped part by part, until it is free", dropped },
	{ "mremap", "A part of a 2 MiB page is moved", move_part, .kills = true },
	{ "mixed", "A 2 MiB page between small ones is replaced together with them", mixed },
	{ "collapse", "Small pages of which the device has mapped every second become a 2 MiB page",
	  collapse },
	{ "zero-page", "Reads and a write of an untouched 2 MiB page, in one batch", zero_page },
};

int igt_main_args("", svm_long_options, svm_help, svm_option, NULL)
{
	igt_fixture() {
		scenario_require_board();
		require_thp();
		igt_info("Seed %d\n", SEED);
	}

	scenario_subtests(scenario, sizeof(scenario) / sizeof(*scenario));

	igt_fixture()
		child_kill_all(SVM_WAIT_MS);
}
