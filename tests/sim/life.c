// SPDX-License-Identifier: MIT
/* Clients, channels and devices that come and go. */
#include "gpu.h"
#include "sim.h"
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <xf86drm.h>

/* How often. */
enum { ROUNDS = 20 };

/* More pages than may wait in a CPU's list to be freed. */
enum { N = 256 * 4096 };

static void getparam(void)
{
	struct gpu gpu;

	drmVersionPtr version;

	CHECK(!gpu_open_plain(&gpu, "/dev/dri/card0"), "no /dev/dri/card0");
	gpu_close(&gpu);
	CHECK(!gpu_open_plain(&gpu, node), "no device");
	CHECK(gpu_chipset(&gpu) == 0x13f, "chipset %#x", gpu_chipset(&gpu));
	version = drmGetVersion(gpu.fd);
	CHECK(version && !strcmp(version->name, "nouveau"), "it is no nouveau");
	drmFreeVersion(version);
	gpu_close(&gpu);
}

static void open_close(void)
{
	const int channels = sim_channels();
	struct chan chan[4];
	struct gpu gpu;
	int i, j;

	for (i = 0; i < ROUNDS; i++) {
		CHECK(!gpu_open(&gpu, node), "no device");
		for (j = 0; j < 4; j++)
			CHECK(!chan_open(&gpu, &chan[j]), "no channel");
		CHECK(sim_channels() == channels + 4, "%d channels", sim_channels());
		for (j = 0; j < 4; j++)
			chan_close(&chan[j]);
		gpu_close(&gpu);
	}
	CHECK(sim_channels_are(channels), "%d channels are left", sim_channels() - channels);
}

/* A process that is killed with a fault held, at each stage of the fault. */
static void exit_in_fault(void)
{
	static const char * const gate[] = { "fault", "notify", "replay" };
	const int channels = sim_channels();
	struct chan chan;
	struct gpu gpu;
	uint8_t *buf;
	int i, pid;

	for (i = 0; i < 3; i++) {
		sim_gate(gate[i], true);
		pid = child();
		if (!pid) {
			buf = pages(64 * 4096);
			CHECK(!gpu_open(&gpu, node), "no device");
			CHECK(!chan_open(&gpu, &chan), "no channel");
			chan_copy(&chan, &(struct copy) { .dst = (uintptr_t)buf,
				  .src = (uintptr_t)buf + 32 * 4096, .length = 32 * 4096,
				  .lines = 1 });
			/* Until it is killed. */
			for (;;)
				pause();
		}
		CHECK(sim_gate_holds(gate[i], 1), "nothing is held at %s", gate[i]);
		CHECK(!kill(pid, SIGKILL), "kill");
		/* Its channel is idled first, which waits for what the gate holds. */
		sim_gate(gate[i], false);
		CHECK(reap(pid) == 128 + SIGKILL, "the child");
	}
	CHECK(sim_channels_are(channels), "%d channels are left", sim_channels() - channels);
}

/* Many processes that are killed at any time. */
static void kill_any_time(void)
{
	const int channels = sim_channels();
	uint32_t state = seed;
	struct chan chan;
	struct gpu gpu;
	int i, pid, pipe_[2];
	uint8_t *buf;
	char c;

	for (i = 0; i < ROUNDS; i++) {
		CHECK(!pipe(pipe_), "pipe");
		pid = child();
		if (!pid) {
			buf = pages(256 * 4096);
			CHECK(!gpu_open(&gpu, node), "no device");
			CHECK(!chan_open(&gpu, &chan), "no channel");
			CHECK(write(pipe_[1], "r", 1) == 1, "pipe");
			for (;;) {
				madvise(buf, 256 * 4096, MADV_DONTNEED);
				if (chan_memcpy(&chan, buf, buf + 128 * 4096, 128 * 4096))
					_exit(1);
			}
		}
		close(pipe_[1]);
		CHECK(read(pipe_[0], &c, 1) == 1, "the child has failed");
		close(pipe_[0]);
		/* Somewhere within its work: a random time is what is tested here. */
		usleep(rnd(&state) % 20000);
		CHECK(!kill(pid, SIGKILL), "kill");
		CHECK(reap(pid) == 128 + SIGKILL, "the child");
	}
	CHECK(sim_channels_are(channels), "%d channels are left", sim_channels() - channels);
}

/*
 * A process that ends while a long transfer goes on: from then on, its pages are not the
 * device's any more.
 */
static void exit_in_copy(void)
{
	const int channels = sim_channels();
	const uint64_t bytes = sim_stat("copied_bytes");
	struct chan chan;
	struct gpu gpu;
	uint8_t *buf;
	int pid;

	pid = child();
	if (!pid) {
		buf = pages(2 * N);
		memset(buf, 1, 2 * N);
		CHECK(!gpu_open(&gpu, node), "no device");
		CHECK(!chan_open(&gpu, &chan), "no channel");
		/* The same line again and again, for minutes. */
		CHECK(!chan_copy(&chan, &(struct copy) { .dst = (uintptr_t)buf,
			.src = (uintptr_t)buf + N, .length = N, .lines = 1 << 24 }), "copy");
		while (sim_stat("copied_bytes") < bytes + 4 * N)
			usleep(1000);
		_exit(0);
	}
	CHECK(!reap(pid), "the child");
	CHECK(sim_channels_are(channels), "%d channels are left", sim_channels() - channels);
}

/* Submissions that no driver would make: each ends its channel and nothing else. */
static void hostile(void)
{
	static const struct {
		const char *what;
		uint32_t word[8];
		unsigned int nr;
	} bad[] = {
		{ "a method that host has not", { 0x20010000 | 0x00fc >> 2, 0 }, 2 },
		{ "a method that the engine has not", { 0x20010000 | 4 << 13 | 0x0ffc >> 2, 0 }, 2 },
		{ "a reserved header", { 0xc0010000, 0 }, 2 },
		{ "a method of no class", { 0x20010000 | 2 << 13 | 0x0300 >> 2, 0 }, 2 },
		{ "a count past the end", { 0x20010000 | 0x1fff << 16 | 0x0010 >> 2, 0, 0 }, 3 },
		{ "a semaphore at no address",
		  { 0x20040000 | 0x0010 >> 2, 0x12, 0x3456789c & ~3, 1, 0x01000002 }, 5 },
		{ "a semaphore that is misaligned",
		  { 0x20040000 | 0x0010 >> 2, 0x12, 0x34567894, 1, 0x00000002 }, 5 },
		{ "a semaphore operation that is none",
		  { 0x20040000 | 0x0010 >> 2, 0x12, 0x34567890, 1, 0x00000003 }, 5 },
		{ "physical addresses",
		  { 0x20010000 | 4 << 13 | 0x0300 >> 2, 0x00003182 }, 2 },
		{ "block-linear memory",
		  { 0x20010000 | 4 << 13 | 0x0300 >> 2, 0x00000002 }, 2 },
	};
	uint8_t *buf = pages(8192);
	struct chan chan, other;
	struct gpu gpu, gpu2;
	unsigned int i;
	int ret;

	/* A client for each: libdrm does not go on when one of its submissions has failed. */
	CHECK(!gpu_open(&gpu2, node) && !chan_open(&gpu2, &other), "no second client");
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const uint64_t killed = sim_stat("channels_killed");

		CHECK(!gpu_open(&gpu, node) && !chan_open(&gpu, &chan), "no channel");
		chan_push(&chan, bad[i].word, bad[i].nr);
		/* Something that would show whether it still works. */
		ret = chan_memcpy(&chan, buf, buf + 4096, 1);
		CHECK(ret == -EIO || ret == -ENODEV, "%s: the channel works: %d", bad[i].what, ret);
		CHECK(sim_stat("channels_killed") == killed + 1, "%s: %llu channels were ended",
		      bad[i].what, (unsigned long long)(sim_stat("channels_killed") - killed));
		chan_close(&chan);
		gpu_close(&gpu);
		CHECK(!chan_memcpy(&other, buf, buf + 4096, 1), "%s: another channel has suffered",
		      bad[i].what);
	}
	chan_close(&other);
	gpu_close(&gpu2);
}

static void svm_init_twice(void)
{
	struct gpu gpu;

	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(gpu_svm_init(&gpu, 0x4000000000ULL, 0x100000000ULL) == -EBUSY, "twice");
	gpu_close(&gpu);
}

/* Channels need addresses of 40 bits. */
static void window_high(void)
{
	static const struct {
		uint64_t addr, size;
	} bad[] = {
		{ 1ULL << 40, 1ULL << 32 },
		{ (1ULL << 40) - (1ULL << 31), 1ULL << 32 },
		{ (1ULL << 47) - (1ULL << 32), 1ULL << 32 },
	};
	struct gpu gpu;
	unsigned int i;
	int ret;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK(!gpu_open_plain(&gpu, node), "no device");
		ret = gpu_svm_init(&gpu, bad[i].addr, bad[i].size);
		DEFECT(ret == -EINVAL, "a window at %#llx: %d", (unsigned long long)bad[i].addr,
		       ret);
		gpu_close(&gpu);
	}
}

/* The highest that will do, and the lowest. */
static void window_edges(void)
{
	static const uint64_t addr[] = { (1ULL << 40) - (1ULL << 32), 1ULL << 32 };
	uint8_t *buf = pages(8192);
	struct chan chan;
	struct gpu gpu;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		CHECK(!gpu_open_plain(&gpu, node), "no device");
		CHECK(!gpu_svm_init(&gpu, addr[i], 1ULL << 32), "no window at %#llx",
		      (unsigned long long)addr[i]);
		CHECK(!chan_open(&gpu, &chan), "no channel");
		buf[0] = i + 1;
		CHECK(!chan_memcpy(&chan, buf + 4096, buf, 1) && buf[4096] == i + 1, "copy");
		chan_close(&chan);
		gpu_close(&gpu);
	}
}

/* Windows that do not fit, or that nothing fits into. */
static void window_misfit(void)
{
	static const struct {
		uint64_t addr, size;
		bool may_do;	/* but no channel fits into it */
	} bad[] = {
		{ 1ULL << 49, 4096 },
		{ (1ULL << 49) - 4096, 8192 },
		{ 1ULL << 32, -4096ULL },
		{ -4096ULL, 4096 },
		{ -4096ULL, 8192 },
		{ 0, -1ULL },
		{ 0x4000000800ULL, 1ULL << 32 },
		{ 0x4000000000ULL, 0x800 },
		{ 0x4000000000ULL, 0, true },
		{ 0x4000000000ULL, 4096, true },
		{ 0, 0, true },
	};
	struct chan chan;
	struct gpu gpu;
	unsigned int i;
	int ret;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK(!gpu_open_plain(&gpu, node), "no device");
		ret = gpu_svm_init(&gpu, bad[i].addr, bad[i].size);
		CHECK(ret == -EINVAL || (bad[i].may_do && !ret), "a window of %#llx at %#llx: %d",
		      (unsigned long long)bad[i].size, (unsigned long long)bad[i].addr, ret);
		if (!ret)
			CHECK(chan_open(&gpu, &chan) < 0, "a channel in a window of %#llx",
			      (unsigned long long)bad[i].size);
		gpu_close(&gpu);
	}
}

/* Unmap what reaches into the driver's window, from both sides. */
static void window_straddle(void)
{
	const uint64_t edge[] = { GPU_WINDOW_ADDR, GPU_WINDOW_ADDR + GPU_WINDOW_SIZE };
	const size_t n = 16 * 4096;
	struct sim_access a;
	struct chan chan[2];
	struct gpu gpu;
	uint8_t *p[2], *buf = pages(8192);
	int i;

	for (i = 0; i < 2; i++) {
		p[i] = mmap((void *)(edge[i] - n), 2 * n, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		CHECK(p[i] != MAP_FAILED, "mmap: %s", strerror(errno));
	}
	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!chan_open(&gpu, &chan[0]) && !chan_open(&gpu, &chan[1]), "no channel");
	for (i = 0; i < 2; i++) {
		uint8_t *own = p[i] + (i ? n : n - 4096);

		*own = i + 1;
		CHECK(!chan_memcpy(&chan[0], buf, own, 1) && buf[0] == i + 1, "copied %u", buf[0]);
		CHECK(!munmap(p[i], 2 * n), "munmap");
		/* The driver's buffers are where they were. */
		buf[4096] = 5;
		CHECK(!chan_memcpy(&chan[0], buf, buf + 4096, 1) && buf[0] == 5, "copied %u",
		      buf[0]);
		a = (struct sim_access) { chan[1].id, SIM_READ, (uintptr_t)own, 0, 1 };
		CHECK(!sim_access(&a, 1) && a.error == -EFAULT, "unmapped memory was read: %d",
		      a.error);
		chan_close(&chan[1]);
		CHECK(!chan_open(&gpu, &chan[1]), "no channel");
	}
	chan_close(&chan[1]);
	chan_close(&chan[0]);
	gpu_close(&gpu);
}

#define NO_RELEASE "does not hear of an mm's end: the device goes on in pages that are freed"

const struct scenario life_scenarios[] = {
	{ "getparam", getparam, "it says what it is", 10 },
	{ "open-close", open_close, "clients and channels leave nothing behind", 60 },
	{ "exit-in-fault", exit_in_fault, "a process is killed with a fault held", 120 },
	{ "kill-any-time", kill_any_time, "processes are killed within their work", 120,
	  .defect = NO_RELEASE, .sometimes = true },
	{ "exit-in-copy", exit_in_copy, "a process ends while a transfer goes on", 90,
	  .defect = NO_RELEASE },
	{ "hostile", hostile, "malformed submissions end their channel only", 120 },
	{ "svm-init-twice", svm_init_twice, "SVM_INIT works once for a client", 10 },
	{ "window-high", window_high, "a window where no channel works is refused", 30,
	  .defect = "accepts a window that GPFIFOs and semaphores have not the bits for" },
	{ "window-edges", window_edges, "the highest window that will do", 60 },
	{ "window-misfit", window_misfit, "windows that do not fit are refused", 60,
	  .wrecks = true, .defect = "frees what was never made of an address space" },
	{ "window-straddle", window_straddle, "memory beside the window is unmapped with it", 60 },
	{}
};
