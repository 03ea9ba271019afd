// SPDX-License-Identifier: MIT
/* Device-private memory. */
#include "gpu.h"
#include "sim.h"
#include "test.h"

#include <string.h>

enum { N = 64 * 4096 };

static void migrate(void)
{
	uint8_t *buf = pages(N), *out = pages(N), *want = malloc(N);
	const uint64_t bytes = sim_stat("copied_bytes");
	uint32_t state = seed;
	struct chan chan;
	struct gpu gpu;
	int ret;

	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!chan_open(&gpu, &chan), "no channel");
	fill_random(buf, N, &state);
	memcpy(want, buf, N);
	ret = gpu_svm_migrate(&gpu, buf, N);
	CHECK(!ret, "SVM_BIND: error %d", ret);
	CHECK(sim_stat("copied_bytes") >= bytes + N, "nothing was copied to the device");
	/* The device sees it there, the CPU gets it back. */
	CHECK(!chan_memcpy(&chan, out, buf, N), "copy");
	CHECK(!memcmp(out, want, N), "the device sees something else");
	CHECK(!memcmp(buf, want, N), "the CPU gets something else back");
	/* Changed on the device, seen by the CPU. */
	CHECK(!gpu_svm_migrate(&gpu, buf, N), "SVM_BIND");
	CHECK(!chan_fill(&chan, (uintptr_t)buf, 0x5a5a5a5a, N / 4) && !chan_wait(&chan), "fill");
	memset(want, 0x5a, N);
	CHECK(!memcmp(buf, want, N), "the CPU does not see what the device wrote");
	chan_close(&chan);
	gpu_close(&gpu);
}

/* A process that ends with its pages on the device: they are given back. */
static void migrate_exit(void)
{
	const int channels = sim_channels();
	int i, pid;

	for (i = 0; i < 5; i++) {
		pid = child();
		if (!pid) {
			uint8_t *buf = pages(N);
			struct chan chan;
			struct gpu gpu;

			CHECK(!gpu_open(&gpu, node), "no device");
			CHECK(!chan_open(&gpu, &chan), "no channel");
			memset(buf, i + 1, N);
			CHECK(!gpu_svm_migrate(&gpu, buf, N), "SVM_BIND");
			_exit(0);
		}
		CHECK(!reap(pid), "the child");
	}
	CHECK(sim_channels_are(channels), "%d channels are left", sim_channels() - channels);
}

const struct scenario vram_scenarios[] = {
	{ "migrate", migrate, "pages go to the device and come back", 60, .vram = true },
	{ "migrate-exit", migrate_exit, "a process ends with its pages on the device", 60,
	  .vram = true },
	{}
};
