// SPDX-License-Identifier: MIT
/* The device sleeps, and wakes up. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "smoke.h"
#include "write_file.h"

#define PM_TEST		"/sys/power/pm_test"
#define PM_STATE	"/sys/power/state"

enum { N = 64, SIZE = N * PAGE };

/* All processes are frozen and all devices suspended, and both undone: no timer has to wake it. */
static void suspend_devices(void)
{
	int ret = write_text(PM_TEST, "devices"), restored;

	CHECK(!ret, "devices to " PM_TEST ": %s", strerror(-ret));
	ret = write_text(PM_STATE, "freeze");
	restored = write_text(PM_TEST, "none");
	CHECK(!ret, "freeze to " PM_STATE ": %s", strerror(-ret));
	CHECK(!restored, "none to " PM_TEST ": %s", strerror(-restored));
}

static bool can_freeze(void)
{
	char states[64] = "";
	FILE *file = fopen(PM_STATE, "re");

	if (file) {
		if (!fgets(states, sizeof(states), file))
			states[0] = 0;
		fclose(file);
	}
	return strstr(states, "freeze") && !access(PM_TEST, F_OK);
}

/*
 * Channels, what is in VRAM, and what is mapped of a process are there after a suspend, though
 * VRAM has lost its contents meanwhile; and what the process gives away afterwards is not used
 * any more.
 */
static void suspend(void)
{
	const uint64_t changes = stat_now("power_changes");
	unsigned char *src = small_pages(N), *dst = small_pages(N);
	struct copied copied;
	struct chan chan;
	struct gpu gpu;
	int64_t us;
	int ret;

	if (!can_freeze())
		smoke_skip("the kernel has no " PM_TEST " (CONFIG_SUSPEND, CONFIG_PM_SLEEP_DEBUG)");
	if (expect == PLAIN)
		plain_open(&gpu, &chan);
	else
		svm_open(&gpu, &chan);
	put_in_vram(&gpu, &chan, &copied, 7);
	ret = chan_wait(&chan);
	CHECK(!ret, "a copy to VRAM: %s", chan_said(ret));
	if (expect != PLAIN) {
		memset(src, 1, SIZE);
		must_copy(&chan, dst, src, SIZE, "a copy before the suspend");
	}

	BOARD(board_knob_set(&board, "lose_vram", 1));
	us = now_us();
	suspend_devices();
	us = now_us() - us;
	BOARD(board_knob_set(&board, "lose_vram", 0));
	CHECK(stat_now("power_changes") == changes + 2,
	      "the device has changed its power state %llu times, not to D3hot and back",
	      (unsigned long long)(stat_now("power_changes") - changes));

	get_from_vram(&chan, &copied);
	end_round(&chan, &copied);
	if (expect != PLAIN) {
		memset(src, 2, SIZE);
		must_copy(&chan, dst, src, SIZE, "a copy after the suspend");
		CHECK(!memcmp(dst, src, SIZE), "other data than the process has after the suspend");
		CHECK(!madvise(src, SIZE, MADV_DONTNEED), "MADV_DONTNEED: %s", strerror(errno));
		memset(src, 3, SIZE);
		must_copy(&chan, dst, src, SIZE, "a copy after MADV_DONTNEED");
		CHECK(!memcmp(dst, src, SIZE),
		      "the device reads what was given away after the suspend");
	}
	figure("us", us);
	chan_close(&chan);
	gpu_close(&gpu);
}

const struct step power_steps[] = {
	{ "suspend", suspend, "the device sleeps in D3hot; channels, VRAM and mappings are kept",
	  .limit = 600 },
	{}
};
