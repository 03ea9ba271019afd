// SPDX-License-Identifier: MIT
/* Many processes with many channels, all at once. */
#include "gpu.h"
#include "sim.h"
#include "test.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { PROCESSES = 8, CHANNELS = 4, N = 64 * 4096 };

/* One process: copies on all its channels, and something happens to the memory. */
static void work(uint32_t state, uint64_t end)
{
	uint8_t *src[CHANNELS], *dst[CHANNELS];
	struct chan chan[CHANNELS];
	struct gpu gpu;
	int i, round;

	CHECK(!gpu_open(&gpu, node), "no device");
	for (i = 0; i < CHANNELS; i++) {
		CHECK(!chan_open(&gpu, &chan[i]), "no channel");
		src[i] = pages(N);
		dst[i] = pages(N);
	}
	/* Once at least, whatever the time is. */
	for (round = 0; !round || now_ms() < end; round++) {
		size_t n[CHANNELS], at[CHANNELS], to[CHANNELS];

		for (i = 0; i < CHANNELS; i++) {
			n[i] = rnd(&state) % (N / 2) + 1;
			at[i] = rnd(&state) % (N - n[i]);
			to[i] = rnd(&state) % (N - n[i]);
			fill_random(src[i] + at[i], n[i], &state);
			switch (rnd(&state) % 4) {
			case 0:
				CHECK(!madvise(dst[i], N, MADV_DONTNEED), "madvise");
				break;
			case 1:
				munmap(dst[i], N);
				dst[i] = pages(N);
				break;
			case 2:
				CHECK(!mprotect(src[i], N, PROT_READ), "mprotect");
				break;
			}
			CHECK(!chan_copy(&chan[i], &(struct copy) {
				.dst = (uintptr_t)dst[i] + to[i], .src = (uintptr_t)src[i] + at[i],
				.length = n[i], .lines = 1 }), "copy");
		}
		for (i = 0; i < CHANNELS; i++) {
			int ret = chan_wait(&chan[i]);

			CHECK(!ret, "round %d, channel %d: error %d", round, i, ret);
			CHECK(!memcmp(dst[i] + to[i], src[i] + at[i], n[i]),
			      "round %d, channel %d: %zu bytes differ", round, i, n[i]);
			CHECK(!mprotect(src[i], N, PROT_READ | PROT_WRITE), "mprotect");
		}
	}
	for (i = 0; i < CHANNELS; i++)
		chan_close(&chan[i]);
	gpu_close(&gpu);
}

static void load(void)
{
	const uint64_t start = now_ms(), end = start + load_seconds * 1000ULL;
	uint64_t faults = sim_stat("faults_read") + sim_stat("faults_write");
	uint64_t copies = sim_stat("copies"), bytes = sim_stat("copied_bytes"), ms;
	const int channels = sim_channels();
	int pid[PROCESSES], i, failed = 0;

	for (i = 0; i < PROCESSES; i++) {
		pid[i] = child();
		if (!pid[i]) {
			work(seed * 1000 + i + 1, end);
			fflush(stdout);
			_exit(0);
		}
	}
	for (i = 0; i < PROCESSES; i++)
		failed += reap(pid[i]) != 0;
	CHECK(!failed, "%d of %d processes failed", failed, PROCESSES);
	ms = now_ms() - start;
	faults = sim_stat("faults_read") + sim_stat("faults_write") - faults;
	copies = sim_stat("copies") - copies;
	bytes = sim_stat("copied_bytes") - bytes;
	REPORT("%d processes x %d channels, %llu ms: %llu faults a second, %llu copies a second, %llu KiB a second",
	       PROCESSES, CHANNELS, (unsigned long long)ms,
	       (unsigned long long)(faults * 1000 / ms), (unsigned long long)(copies * 1000 / ms),
	       (unsigned long long)(bytes / 1024 * 1000 / ms));
	CHECK(sim_channels_are(channels), "%d channels are left", sim_channels() - channels);
}

const struct scenario load_scenarios[] = {
	{ "load", load, "8 processes x 4 channels", 600 },
	{}
};
