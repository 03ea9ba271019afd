// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/**
 * TEST: nouveau svm devices
 * Category: Core
 * Mega feature: Shared virtual memory
 * Sub-category: nouveau
 * Functionality: two devices
 * Test category: functionality test
 * Description: One process and two devices, which have the same memory mapped
 *
 * SUBTEST: copy
 * Description: what one device has copied is copied by the other, and unmapped for both
 *
 * SUBTEST: atomic
 * Description: atomic accesses of two devices and the CPU to one word
 */
#include "board_scenario.h"
#include "dmesg_patterns.h"
#include "igt_decl.h"
#include "random.h"
#include "svm_options.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

IGT_TEST_DESCRIPTION("One process and two devices with nouveau's shared virtual memory");

enum { PAGE = 4096, N = 256 * PAGE, ROUNDS = 20, SEED = 20261130 };

static struct gpu gpu[2];
static struct chan chan[2];

static void begin(void)
{
	scenario_open(&gpu[0], &chan[0]);
	scenario_open_client(&gpu[1], scenario_second_node());
	scenario_open_channel(&gpu[1], &chan[1]);
}

static void end(void)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		scenario_close(&gpu[i], &chan[i]);
}

/* Each has its own mappings of the same memory. */
static void copy(void)
{
	uint8_t *src = small_pages(N), *mid = small_pages(N), *dst = small_pages(N);
	unsigned int i;
	int ret;

	begin();
	fill_random(src, N, SEED);
	CHILD_CHECK(!chan_memcpy(&chan[0], mid, src, N) && !chan_memcpy(&chan[1], dst, mid, N),
		    "a copy");
	CHILD_CHECK(!memcmp(src, dst, N), "they differ");
	CHILD_CHECK(!munmap(mid, N), "munmap: %s", strerror(errno));
	for (i = 0; i < 2; i++) {
		ret = chan_memcpy(&chan[i], dst, mid, N);
		CHILD_CHECK(ret == -EIO, "device %u copies unmapped memory: %s", i,
			    ret ? strerror(-ret) : "done");
	}
	end();
}

/* An atomic access takes the page from the other device, and from the CPU. */
static void atomic(void)
{
	volatile uint32_t *word = small_pages(PAGE);
	unsigned int i, device;

	begin();
	for (i = 0; i < ROUNDS; i++) {
		for (device = 0; device < 2; device++)
			CHILD_CHECK(!chan_add(&chan[device], (uintptr_t)word, device ? 1000 : 1) &&
				    !chan_wait(&chan[device]),
				    "device %u's channel has ended at add %u", device, i);
		if (i % 2)
			__atomic_add_fetch(word, 1000000, __ATOMIC_RELAXED);
	}
	CHILD_CHECK(*word == ROUNDS * 1001 + ROUNDS / 2 * 1000000, "the sum is %u", *word);
	end();
}

int igt_main_args("", svm_long_options, svm_help, svm_option, NULL)
{
	igt_fixture() {
		scenario_require_board();
		scenario_require_second_board();
		igt_info("Seed %d\n", SEED);
	}

	igt_describe("What one device has copied is copied by the other, and unmapped for both");
	igt_subtest("copy") {
		igt_emit_ignore_dmesg_regex(NOUVEAU_DEAD_QUEUE_DMESG);
		scenario_run(copy);
	}

	igt_describe("Atomic accesses of two devices and the CPU to one word");
	igt_subtest("atomic")
		scenario_run(atomic);

	igt_fixture()
		child_kill_all(SVM_WAIT_MS);
}
