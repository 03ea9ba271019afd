// SPDX-License-Identifier: MIT
/* Device-private memory. */
#include "gpu.h"
#include "sim.h"
#include "test.h"

#include <errno.h>
#include <signal.h>
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

/* So many pages that the kernel's pushbuffer goes round a few times, there and back. */
static void migrate_many(void)
{
	enum { MANY = 4096 };
	uint32_t *buf = pages(MANY * 4096);
	struct gpu gpu;
	int i;

	CHECK(!gpu_open(&gpu, node), "no device");
	for (i = 0; i < MANY; i++)
		buf[i * 1024] = i + 1;
	CHECK(!gpu_svm_migrate(&gpu, buf, MANY * 4096), "SVM_BIND");
	for (i = 0; i < MANY; i++)
		DEFECT(buf[i * 1024] == i + 1u, "page %d has come back with %u in it", i,
		       buf[i * 1024]);
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

/* What the device has mapped already is migrated: it has to go on at the new place. */
static void migrate_mapped(void)
{
	uint8_t *buf = pages(N);
	struct chan chan;
	struct gpu gpu;
	int i;

	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!chan_open(&gpu, &chan), "no channel");
	CHECK(!chan_fill(&chan, (uintptr_t)buf, 0x11111111, N / 4) && !chan_wait(&chan), "fill");
	CHECK(!gpu_svm_migrate(&gpu, buf, N), "SVM_BIND");
	CHECK(!chan_fill(&chan, (uintptr_t)buf, 0x22222222, N / 4) && !chan_wait(&chan), "fill");
	for (i = 0; i < N; i++)
		DEFECT(buf[i] == 0x22, "byte %#x: the CPU sees %#x", i, buf[i]);
	chan_close(&chan);
	gpu_close(&gpu);
}

/* Device memory that parent and child share after a fork: copy on write. */
static void migrate_fork(void)
{
	uint8_t *buf = pages(N);
	int pipe_[2], pid, i;
	struct chan chan;
	struct gpu gpu;
	char c = 0;

	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!chan_open(&gpu, &chan), "no channel");
	CHECK(!gpu_svm_migrate(&gpu, memset(buf, 0, N), N), "SVM_BIND");
	CHECK(!chan_fill(&chan, (uintptr_t)buf, 0x11111111, N / 4) && !chan_wait(&chan), "fill");
	CHECK(!pipe(pipe_), "pipe");
	pid = child();
	if (!pid) {
		close(pipe_[1]);
		CHECK(read(pipe_[0], &c, 1) == 1, "the parent is gone");
		for (i = 0; i < N; i++)
			CHECK(buf[i] == 0x11, "byte %#x: the child sees %#x", i, buf[i]);
		_exit(0);
	}
	CHECK(!chan_fill(&chan, (uintptr_t)buf, 0x22222222, N / 4) && !chan_wait(&chan), "fill");
	CHECK(write(pipe_[1], &c, 1) == 1 && reap(pid) == 0, "the child has failed");
	for (i = 0; i < N; i++)
		CHECK(buf[i] == 0x22, "byte %#x: the parent sees %#x", i, buf[i]);
	chan_close(&chan);
	gpu_close(&gpu);
}

/* The child of a process that has migrated and closed the device gets its memory back. */
static void migrate_orphan(void)
{
	uint8_t *buf = pages(N);
	int pipe_[2], pid, i;
	struct gpu gpu;
	char c = 0;

	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!gpu_svm_migrate(&gpu, memset(buf, 0x11, N), N), "SVM_BIND");
	CHECK(!pipe(pipe_), "pipe");
	pid = child();
	if (!pid) {
		/* Or the device would stay open. */
		close(gpu.fd);
		close(pipe_[1]);
		CHECK(read(pipe_[0], &c, 1) == 1, "the parent is gone");
		for (i = 0; i < N; i++)
			CHECK(buf[i] == 0x11, "byte %#x: the child sees %#x", i, buf[i]);
		_exit(0);
	}
	gpu_close(&gpu);
	CHECK(write(pipe_[1], &c, 1) == 1 && reap(pid) == 0, "the child has failed");
	for (i = 0; i < N; i++)
		CHECK(buf[i] == 0x11, "byte %#x: the parent sees %#x", i, buf[i]);
}

/*
 * The kernel's channels have ended. What is in the process's memory stays there; what is in
 * the device's is out of reach, and nothing else is to be had in its place.
 */
static void migrate_dead(void)
{
	uint8_t *buf = pages(N), *later = pages(N);
	const int channels = sim_channels();
	struct sim_access access = { .type = SIM_READ, .addr = 0x500000000000 };
	struct gpu gpu;
	int id, dead = 0, pid, i;

	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!gpu_svm_migrate(&gpu, memset(buf, 0x11, N), N), "SVM_BIND");
	for (id = 0; dead < channels; id++) {
		CHECK(id < 1024, "%d channels instead of %d", dead, channels);
		if (!*sim_channel_state(id))
			continue;
		access.chan = id;
		CHECK(!sim_access(&access, 1) && access.error == -EFAULT,
		      "an address that is nowhere: error %d", access.error);
		dead++;
	}
	gpu_svm_migrate(&gpu, memset(later, 0x22, N), N);
	for (i = 0; i < N; i++)
		CHECK(later[i] == 0x22, "byte %#x has become %#x", i, later[i]);
	for (i = 0; i < 2; i++) {
		pid = child();
		if (!pid)
			_exit(buf[N - 1] == 0x11 ? 0 : 1);
		CHECK(reap(pid) == 128 + SIGBUS, "there is something else now");
	}
	gpu_close(&gpu);
	CHECK(!sim_bind(false) && !sim_bind(true), "no new channels");
}

static void migrate_nowhere(void)
{
	uint8_t *buf = pages(N);
	struct gpu gpu;
	int ret;

	CHECK(!gpu_open(&gpu, node), "no device");
	ret = gpu_svm_migrate(&gpu, memset(buf, 1, N), N);
	DEFECT(ret < 0, "SVM_BIND to a device without memory: %d", ret);
	CHECK(buf[0] == 1 && buf[N - 1] == 1, "the memory has changed");
	gpu_close(&gpu);
}

const struct scenario vram_scenarios[] = {
	{ "migrate", migrate, "pages go to the device and come back", 60, .vram = true },
	{ "migrate-many", migrate_many, "thousands of pages go to the device and come back", 60,
	  .vram = true, .defect = "loses what was pushed when the end of the ring is near", .since = 703 },
	{ "migrate-exit", migrate_exit, "a process ends with its pages on the device", 60,
	  .vram = true },
	{ "migrate-mapped", migrate_mapped, "what the device has mapped is migrated", 60,
	  .vram = true, .since = 703, .defect = "goes on in pages that it has migrated" },
	{ "migrate-fork", migrate_fork, "device memory and copy on write", 15, .vram = true,
	  .defect = "maps a page read-only for a write, and replays that for ever" },
	{ "migrate-orphan", migrate_orphan, "who has migrated is gone, its child reads", 60,
	  .vram = true, .wrecks = true,
	  .defect = "device memory remembers a client that is gone, and the kernel crashes" },
	{ "migrate-dead", migrate_dead, "the kernel's channels have ended", 60,
	  .vram = true, .wrecks = true,
	  .defect = "waits for a fence that there is not, and the kernel crashes" },
	{ "migrate-nowhere", migrate_nowhere, "migration to a device without memory", 30,
	  .no_vram = true, .defect = "warns, and says that it has migrated" },
	{}
};
