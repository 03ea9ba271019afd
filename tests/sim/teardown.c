// SPDX-License-Identifier: MIT
/*
 * Ends that come at the wrong moment: of the device, of its file, of the process's memory.
 */
#include "gpu.h"
#include "sim.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <nouveau/nouveau.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { PAGE = 4096, N = 256 * PAGE };

static struct gpu gpu;
static struct chan chan;

static const char * const gates[] = { "replay", "notify", "fault" };

static void begin(void)
{
	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!chan_open(&gpu, &chan), "no channel");
}

static void end(void)
{
	chan_close(&chan);
	gpu_close(&gpu);
}

static void *shared(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED, "mmap: %s", strerror(errno));
	return p;
}

/* Somebody else can use the device. */
static void it_works(void)
{
	uint8_t *buf = pages(2 * PAGE);

	begin();
	buf[PAGE] = 9;
	CHECK(!chan_memcpy(&chan, buf, buf + PAGE, 1) && buf[0] == 9, "copied %u", buf[0]);
	end();
}

/* For minutes, or at a closed gate. */
static void copy_for_long(void)
{
	uint8_t *buf = pages(2 * N);

	CHECK(!chan_copy(&chan, &(struct copy) { .dst = (uintptr_t)buf,
		.src = (uintptr_t)buf + N, .length = N, .lines = 1 << 24 }), "copy");
}

/*
 * The device is unbound while a client has it open, with a channel and memory mapped. The
 * client is idle, or in a copy, or has a fault at a gate, which makes its channel end by a
 * time-out. Then it tries to go on, or is killed. What it has mapped of its buffers is zeroes
 * by then, and one of them outlives it, exported.
 */
static void unbind(const char *gate, bool copies, bool killed)
{
	const uint64_t bytes = sim_stat("copied_bytes");
	const char *what = gate ? gate : copies ? "copies" : "idle";
	uint8_t *buf = pages(2 * PAGE);
	int pid, ready[2], go[2], exported = -1;
	uint64_t start;
	char c = 0;

	CHECK(!pipe(ready) && !pipe(go), "pipe");
	if (gate)
		sim_gate(gate, true);
	pid = child();
	if (!pid) {
		close(go[1]);
		begin();
		if (!gate)
			CHECK(!chan_memcpy(&chan, buf, buf + PAGE, PAGE), "copy");
		CHECK(!nouveau_bo_set_prime(chan.sem, &exported), "export");
		if (gate || copies)
			copy_for_long();
		CHECK(write(ready[1], "r", 1) == 1, "pipe");
		CHECK(read(go[0], &c, 1) == 1, "the parent is gone");
		CHECK(chan_memcpy(&chan, buf, buf + PAGE, 1), "a copy without a device");
		CHECK(!*chan.seen, "a buffer without a device has %u in it", *chan.seen);
		*chan.seen = 1;
		end();
		close(exported);
		fflush(stdout);
		_exit(0);
	}
	close(ready[1]);
	close(go[0]);
	CHECK(read(ready[0], &c, 1) == 1, "the child has failed");
	start = now_ms();
	if (gate)
		CHECK(sim_gate_holds(gate, 1), "nothing is held at %s", gate);
	while (copies && sim_stat("copied_bytes") < bytes + 4 * N) {
		CHECK(now_ms() < start + patience_ms(), "it does not copy");
		usleep(1000);
	}
	start = now_ms();
	CHECK(!sim_bind(false), "unbind");
	REPORT("%s: unbound after %llu ms", what, (unsigned long long)(now_ms() - start));
	if (killed)
		CHECK(!kill(pid, SIGKILL) && reap(pid) == 128 + SIGKILL, "%s: the client", what);
	else
		CHECK(write(go[1], "g", 1) == 1 && reap(pid) == 0, "%s: the client", what);
	close(ready[0]);
	close(go[1]);
	CHECK(!sim_bind(true), "bind");
	it_works();
}

static void unbind_open(void)
{
	unbind(NULL, false, false);
	unbind(NULL, false, true);
}

static void unbind_in_copy(void)
{
	unbind(NULL, true, false);
	unbind(NULL, true, true);
}

static void unbind_in_fault(void)
{
	unbind(gates[0], false, false);
}

static void unbind_at_gates(void)
{
	unbind(gates[0], false, true);
	unbind(gates[1], false, false);
	unbind(gates[2], false, true);
}

/*
 * Three clients, each with a fault at another gate, which stays closed. Then for all of them
 * comes their end, which may wait for their channels, but not for ever.
 */
static void at_each_gate(void (*ending)(void))
{
	const int channels = sim_channels();
	int i, pid[3], ready[2], go[2];
	uint64_t start;
	char c = 0;

	CHECK(!pipe(go), "pipe");
	for (i = 0; i < 3; i++) {
		CHECK(!pipe(ready), "pipe");
		/* What comes first in the way of a fault is closed last. */
		sim_gate(gates[i], true);
		pid[i] = child();
		if (!pid[i]) {
			close(go[1]);
			begin();
			copy_for_long();
			CHECK(write(ready[1], "r", 1) == 1, "pipe");
			CHECK(read(go[0], &c, 1) == 0, "pipe");
			ending();
			fflush(stdout);
			_exit(0);
		}
		close(ready[1]);
		CHECK(read(ready[0], &c, 1) == 1, "a child has failed");
		close(ready[0]);
		CHECK(sim_gate_holds(gates[i], 1), "nothing is held at %s", gates[i]);
	}
	start = now_ms();
	close(go[0]);
	close(go[1]);
	for (i = 0; i < 3; i++)
		CHECK(!reap(pid[i]), "with a fault at %s", gates[i]);
	REPORT("after %llu ms with faults that are held", (unsigned long long)(now_ms() - start));
	/* What was held is let go, and concerns nobody any more. */
	for (i = 0; i < 3; i++)
		sim_gate(gates[i], false);
	CHECK(sim_channels_are(channels), "%d channels are left", sim_channels() - channels);
	it_works();
}

static void close_in_fault(void)
{
	at_each_gate(end);
}

/* The program that replaces it is this one, which lists its scenarios. */
static void exec(void)
{
	const int null = open("/dev/null", O_WRONLY);

	CHECK(null >= 0 && dup2(null, 1) == 1, "/dev/null");
	execl("/proc/self/exe", "sim-test", "-l", NULL);
	_exit(1);
}

static void exec_in_fault(void)
{
	at_each_gate(exec);
}

/* One process, two devices: each has its own mappings of the same memory. */
static void two_devices(void)
{
	uint32_t *src = pages(N), *mid = pages(N), *dst = pages(N), state = seed;
	struct chan chan2;
	struct gpu gpu2;

	begin();
	CHECK(!gpu_open(&gpu2, "/dev/dri/renderD129") && !chan_open(&gpu2, &chan2),
	      "no second device");
	fill_random(src, N, &state);
	CHECK(!chan_memcpy(&chan, mid, src, N) && !chan_memcpy(&chan2, dst, mid, N), "copy");
	CHECK(!memcmp(src, dst, N), "they differ");
	CHECK(!munmap(mid, N), "munmap");
	CHECK(chan_memcpy(&chan, dst, mid, N) == -EIO && chan_memcpy(&chan2, dst, mid, N) == -EIO,
	      "unmapped memory was copied");
	chan_close(&chan2);
	gpu_close(&gpu2);
	end();
}

/* An atomic access takes the page from the other device, and from the CPU. */
static void two_atomic(void)
{
	volatile uint32_t *word = pages(PAGE);
	struct chan chan2;
	struct gpu gpu2;
	int i;

	begin();
	CHECK(!gpu_open(&gpu2, "/dev/dri/renderD129") && !chan_open(&gpu2, &chan2),
	      "no second device");
	for (i = 0; i < 20; i++) {
		CHECK(!chan_add(&chan, (uintptr_t)word, 1), "add %d", i);
		DEFECT(!chan_wait(&chan), "the first device's channel has ended at add %d", i);
		CHECK(!chan_add(&chan2, (uintptr_t)word, 1000), "add %d", i);
		DEFECT(!chan_wait(&chan2), "the second device's channel has ended at add %d", i);
		if (i % 2)
			__atomic_add_fetch(word, 1000000, __ATOMIC_RELAXED);
	}
	CHECK(*word == 10020020, "the sum is %u", *word);
	chan_close(&chan2);
	gpu_close(&gpu2);
	end();
}

/*
 * Parent and child use one device file, each a channel of its own. Both have the parent's
 * memory before them.
 */
static void fork_file(void)
{
	enum { ROUNDS = 20, SIZE = 16 * PAGE };
	uint32_t *src = pages(SIZE), *seen = shared(2 * PAGE);
	struct chan theirs;
	int i, pid;

	begin();
	CHECK(!chan_open(&gpu, &theirs), "no second channel");
	src[0] = 1;
	pid = child();
	if (!pid) {
		src[0] = 2;
		for (i = 0; i < ROUNDS; i++) {
			seen[0] = 0;
			CHECK(!chan_memcpy(&theirs, seen, src, 4), "the child's copy");
			CHECK(seen[0] == 1 || seen[0] == 3, "the child's channel sees %u", seen[0]);
		}
		_exit(0);
	}
	src[0] = 3;
	for (i = 0; i < ROUNDS; i++) {
		madvise((uint8_t *)src + PAGE, SIZE - PAGE, MADV_DONTNEED);
		seen[PAGE / 4] = 0;
		CHECK(!chan_memcpy(&chan, seen + PAGE / 4, src, 4), "the parent's copy");
		CHECK(seen[PAGE / 4] == 3, "the parent's channel sees %u", seen[PAGE / 4]);
		CHECK(!chan_fill(&chan, (uintptr_t)src + PAGE, 4, (SIZE - PAGE) / 4), "fill");
	}
	CHECK(!reap(pid), "the child");
	CHECK(!chan_wait(&chan) && src[SIZE / 4 - 1] == 4, "filled with %u", src[SIZE / 4 - 1]);
	chan_close(&theirs);
	end();
}

/* The parent ends, and with it the memory that the child's channel has before it. */
static void fork_orphan(void)
{
	const int channels = sim_channels();
	int pid, told[2], go[2], ret;
	struct chan theirs;
	uint8_t *buf;

	CHECK(!pipe(told) && !pipe(go), "pipe");
	pid = child();
	if (!pid) {
		buf = pages(2 * N);
		begin();
		CHECK(!chan_open(&gpu, &theirs), "no second channel");
		/* It outlives us, but not for ever. */
		if (fork()) {
			/* What the device had mapped is gone since the fork. */
			CHECK(!chan_memcpy(&chan, buf, buf + N, N), "copy");
			_exit(0);
		}
		alarm(30);
		close(go[1]);
		CHECK(read(go[0], &ret, 1) == 0, "pipe");
		ret = chan_memcpy(&theirs, buf, buf + N, N);
		CHECK(write(told[1], &ret, sizeof(ret)) == sizeof(ret), "pipe");
		_exit(0);
	}
	close(told[1]);
	close(go[0]);
	CHECK(!reap(pid), "the parent");
	close(go[1]);
	CHECK(read(told[0], &ret, sizeof(ret)) == sizeof(ret), "the child has failed");
	DEFECT(ret == -EIO || ret == -ENODEV, "a copy in the memory of a process that is gone: %d",
	       ret);
	CHECK(sim_channels_are(channels), "%d channels are left", sim_channels() - channels);
}

const struct scenario teardown_scenarios[] = {
	{ "unbind-open", unbind_open, "the device is unbound while a client has it open", 60,
	  .defect = CLIENTS, .wrecks = true },
	{ "unbind-in-fault", unbind_in_fault, "the device is unbound with a fault held", 120,
	  .defect = CLIENTS, .wrecks = true },
	{ "unbind-at-gates", unbind_at_gates, "the same at each gate", 240,
	  .defect = CLIENTS, .wrecks = true, .extra = true },
	{ "unbind-in-copy", unbind_in_copy, "the device is unbound while it copies", 240,
	  .defect = CLIENTS, .wrecks = true, .extra = true },
	{ "close-in-fault", close_in_fault, "the device's file is closed with a fault held", 120 },
	{ "exec-in-fault", exec_in_fault, "another program is executed with a fault held", 120 },
	{ "two-devices", two_devices, "one process, two devices", 60, .second = true },
	{ "two-atomic", two_atomic, "atomic accesses of two devices to one word", 60,
	  .second = true, .defect = "cannot have a page for itself that a device has already" },
	{ "fork-file", fork_file, "parent and child use one device file", 60 },
	{ "fork-orphan", fork_orphan, "the parent ends, the child goes on with its file", 60,
	  .defect = "does not hear of an mm's end: the device goes on in pages that are freed" },
	{}
};
