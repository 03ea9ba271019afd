// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/**
 * TEST: nouveau svm clients
 * Category: Core
 * Mega feature: Shared virtual memory
 * Sub-category: nouveau
 * Functionality: ends of clients
 * Test category: functionality test
 * Description: Clients and channels that come and go, and ends that come at the wrong moment: of
 *	the process, of its file, of the device
 *
 * SUBTEST: open-close
 * Description: clients and channels leave nothing behind
 *
 * SUBTEST: load
 * Description: many processes with many channels, all at once, and what they copy is right
 *
 * SUBTEST: exit-in-fault
 * Description: a process is killed while its fault is held
 *
 * SUBTEST: kill-any-time
 * Description: processes are killed within their work, at random times
 *
 * SUBTEST: exit-in-copy
 * Description: a process ends while a transfer of minutes goes on
 *
 * SUBTEST: hostile
 * Description: submissions that no driver would make end their channel only
 *
 * SUBTEST: window-edges
 * Description: the driver's window is at the highest place that will do, and at the lowest
 *
 * SUBTEST: window-misfit
 * Description: windows that do not fit are refused
 *
 * SUBTEST: window-straddle
 * Description: memory beside the window is unmapped together with it
 *
 * SUBTEST: unbind-open
 * Description: the device is unbound while a client has it open
 *
 * SUBTEST: unbind-in-fault
 * Description: the device is unbound while a fault is held
 *
 * SUBTEST: unbind-at-gates
 * Description: the same where a report, an interrupt and a replay are held, and the client is
 *	killed
 *
 * SUBTEST: unbind-in-copy
 * Description: the device is unbound while it copies
 *
 * SUBTEST: close-in-fault
 * Description: the device's file is closed while a fault is held
 *
 * SUBTEST: exec-in-fault
 * Description: another program is executed while a fault is held
 *
 * SUBTEST: fork-file
 * Description: parent and child use one device file
 *
 * SUBTEST: fork-orphan
 * Description: the parent ends, and its child goes on with its file
 */
#include "board_scenario.h"
#include "igt_decl.h"
#include "random.h"
#include "svm_options.h"

#include <errno.h>
#include <fcntl.h>
#include <nouveau/nouveau.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

IGT_TEST_DESCRIPTION("Clients of nouveau's shared virtual memory that come and go, and ends that "
		     "come at the wrong moment");

/* More pages than may wait in a CPU's list to be freed. */
enum { PAGE = 4096, N = 256 * PAGE };
enum { ROUNDS = 20, SEED = 20261130 };
/* Of a line that is copied again and again: for minutes. */
enum { FOR_LONG = 1 << 24 };

static struct gpu gpu;
static struct chan chan;

/* Begin a copy that takes minutes, or stops at a closed gate. */
static void copy_for_long(void *dst, const void *src, uint32_t n)
{
	const struct copy copy = {
		.dst = (uintptr_t)dst, .src = (uintptr_t)src, .length = n, .lines = FOR_LONG,
	};

	CHILD_CHECK(!chan_copy(&chan, &copy), "a copy");
}

/* A new client can use the device. */
static void it_works(void)
{
	uint8_t *buf = small_pages(2 * PAGE);

	scenario_open(&gpu, &chan);
	buf[PAGE] = 9;
	CHILD_CHECK(!chan_memcpy(&chan, buf, buf + PAGE, 1) && buf[0] == 9, "copied %u", buf[0]);
	scenario_close(&gpu, &chan);
}

static void open_close(void)
{
	const unsigned int channels = channels_now();
	struct chan more[4];
	unsigned int i, j;

	for (i = 0; i < ROUNDS; i++) {
		scenario_open_client(&gpu, scenario_node());
		for (j = 0; j < 4; j++)
			scenario_open_channel(&gpu, &more[j]);
		CHILD_CHECK(channels_now() == channels + 4, "%u channels beside the 4",
			    channels_now() - 4);
		for (j = 0; j < 4; j++)
			chan_close(&more[j]);
		gpu_close(&gpu);
	}
	wait_channels(channels);
}

enum { PROCESSES = 8, CHANNELS = 4, AREA = 64 * PAGE, WORK_ROUNDS = 8 };

/* One process: copies on all its channels, and something happens to the memory. */
static void work(uint32_t state)
{
	uint8_t *src[CHANNELS], *dst[CHANNELS];
	size_t n[CHANNELS], at[CHANNELS], to[CHANNELS];
	struct chan own[CHANNELS];
	unsigned int i, round;
	int ret;

	scenario_open_client(&gpu, scenario_node());
	for (i = 0; i < CHANNELS; i++) {
		scenario_open_channel(&gpu, &own[i]);
		src[i] = small_pages(AREA);
		dst[i] = small_pages(AREA);
	}
	for (round = 0; round < WORK_ROUNDS; round++) {
		for (i = 0; i < CHANNELS; i++) {
			n[i] = next_random(&state) % (AREA / 2) + 1;
			at[i] = next_random(&state) % (AREA - n[i]);
			to[i] = next_random(&state) % (AREA - n[i]);
			fill_random(src[i] + at[i], n[i], next_random(&state));
			switch (next_random(&state) % 4) {
			case 0:
				CHILD_CHECK(!madvise(dst[i], AREA, MADV_DONTNEED), "madvise: %s",
					    strerror(errno));
				break;
			case 1:
				munmap(dst[i], AREA);
				dst[i] = small_pages(AREA);
				break;
			case 2:
				CHILD_CHECK(!mprotect(src[i], AREA, PROT_READ), "mprotect: %s",
					    strerror(errno));
				break;
			}
			copy_begin(&own[i], dst[i] + to[i], src[i] + at[i], n[i]);
		}
		for (i = 0; i < CHANNELS; i++) {
			ret = chan_wait(&own[i]);
			CHILD_CHECK(!ret, "round %u, channel %u: %s", round, i, strerror(-ret));
			CHILD_CHECK(!memcmp(dst[i] + to[i], src[i] + at[i], n[i]),
				    "round %u, channel %u: %zu bytes differ", round, i, n[i]);
			CHILD_CHECK(!mprotect(src[i], AREA, PROT_READ | PROT_WRITE),
				    "mprotect: %s", strerror(errno));
		}
	}
	for (i = 0; i < CHANNELS; i++)
		chan_close(&own[i]);
	gpu_close(&gpu);
}

static void load(void)
{
	const uint64_t faults = counted_faults(), copies = counted("copies");
	pid_t pid[PROCESSES];
	unsigned int i;
	int ret;

	for (i = 0; i < PROCESSES; i++) {
		pid[i] = scenario_child();
		if (!pid[i]) {
			work(SEED + i);
			child_exit(0);
		}
	}
	for (i = 0; i < PROCESSES; i++) {
		ret = scenario_reap(pid[i]);
		CHILD_CHECK(!ret, "process %u: status %d", i, ret);
	}
	printf("%d processes x %d channels: %llu faults, %llu copies\n", PROCESSES, CHANNELS,
	       (unsigned long long)(counted_faults() - faults),
	       (unsigned long long)(counted("copies") - copies));
}

static void exit_in_fault(void)
{
	static const char * const gate[] = { "fault", "notify", "replay" };
	unsigned int i;
	uint8_t *buf;
	pid_t pid;
	int ret;

	for (i = 0; i < 3; i++) {
		close_gate(gate[i]);
		pid = scenario_child();
		if (!pid) {
			buf = small_pages(64 * PAGE);
			scenario_open(&gpu, &chan);
			copy_begin(&chan, buf, buf + 32 * PAGE, 32 * PAGE);
			for (;;)
				pause();
		}
		wait_gate(gate[i]);
		CHILD_CHECK(!kill(pid, SIGKILL), "kill: %s", strerror(errno));
		/* Its channel is idled first, which waits for what the gate holds. */
		open_gate(gate[i]);
		ret = scenario_reap(pid);
		CHILD_CHECK(ret == 128 + SIGKILL, "the client's status is %d", ret);
	}
}

static void copies_until_killed(int ready)
{
	uint8_t *buf = small_pages(N);

	scenario_open(&gpu, &chan);
	CHILD_CHECK(write(ready, "r", 1) == 1, "pipe");
	for (;;) {
		madvise(buf, N, MADV_DONTNEED);
		CHILD_CHECK(!chan_memcpy(&chan, buf, buf + N / 2, N / 2), "a copy");
	}
}

static void kill_any_time(void)
{
	uint32_t state = SEED;
	unsigned int i;
	int ready[2];
	pid_t pid;
	char c;

	for (i = 0; i < ROUNDS; i++) {
		CHILD_CHECK(!pipe(ready), "pipe: %s", strerror(errno));
		pid = scenario_child();
		if (!pid)
			copies_until_killed(ready[1]);
		close(ready[1]);
		CHILD_CHECK(read(ready[0], &c, 1) == 1, "the client has failed");
		close(ready[0]);
		/* Somewhere within its work: a random time is what is tested here. */
		usleep(next_random(&state) % 20000);
		scenario_kill(pid);
	}
}

/* From the end of the process on, its pages are not the device's any more. */
static void exit_in_copy(void)
{
	const uint64_t bytes = counted("copied_bytes");
	uint8_t *buf;
	pid_t pid;
	int ret;

	pid = scenario_child();
	if (!pid) {
		buf = memset(small_pages(2 * N), 1, 2 * N);
		scenario_open(&gpu, &chan);
		copy_for_long(buf, buf + N, N);
		WAIT_UNTIL(counted("copied_bytes") >= bytes + 4 * N, "it copies");
		child_exit(0);
	}
	ret = scenario_reap(pid);
	CHILD_CHECK(!ret, "the client's status is %d", ret);
}

/* Headers of host's methods: one word, four words; subchannel 4 is the copy engine's. */
#define HOST(mthd)	(0x20010000 | (mthd) >> 2)
#define HOST4(mthd)	(0x20040000 | (mthd) >> 2)
#define ENGINE(mthd)	(0x20010000 | 4 << 13 | (mthd) >> 2)

/* A method of an empty subchannel is none of these: software may be meant, and host goes on. */
static const struct {
	const char *what;
	uint32_t word[5];
	unsigned int nr;
} bad[] = {
	{ "a method that host has not", { HOST(0x00fc), 0 }, 2 },
	{ "a method that the engine has not", { ENGINE(0x0ffc), 0 }, 2 },
	{ "a reserved header", { 0xc0010000, 0 }, 2 },
	{ "a count past the end", { 0x20010000 | 0x1fff << 16 | 0x0010 >> 2, 0, 0 }, 3 },
	{ "a semaphore at no address", { HOST4(0x0010), 0x12, 0x34567898, 1, 0x01000002 }, 5 },
	{ "a semaphore that is misaligned", { HOST4(0x0010), 0x12, 0x34567894, 1, 0x00000002 }, 5 },
	{ "a semaphore operation that is none",
	  { HOST4(0x0010), 0x12, 0x34567890, 1, 0x00000003 }, 5 },
	{ "physical addresses", { ENGINE(0x0300), 0x00003182 }, 2 },
	{ "block-linear memory", { ENGINE(0x0300), 0x00000002 }, 2 },
};

static void hostile(void)
{
	uint8_t *buf = small_pages(2 * PAGE);
	struct chan other;
	struct gpu gpu2;
	uint64_t killed;
	unsigned int i;
	int ret;

	/* A client for each: libdrm does not go on when one of its submissions has failed. */
	scenario_open(&gpu2, &other);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		scenario_open(&gpu, &chan);
		killed = counted("channels_killed");
		chan_push(&chan, bad[i].word, bad[i].nr);
		/* Something that would show whether it still works. */
		ret = chan_memcpy(&chan, buf, buf + PAGE, 1);
		CHILD_CHECK(ret == -EIO || ret == -ENODEV, "%s: the channel goes on: %s",
			    bad[i].what, ret ? strerror(-ret) : "done");
		CHILD_CHECK(counted("channels_killed") == killed + 1,
			    "%s: %llu channels have ended", bad[i].what,
			    (unsigned long long)(counted("channels_killed") - killed));
		scenario_close(&gpu, &chan);
		CHILD_CHECK(!chan_memcpy(&other, buf, buf + PAGE, 1),
			    "%s: another channel has suffered", bad[i].what);
	}
	scenario_close(&gpu2, &other);
}

static void window_edges(void)
{
	static const uint64_t addr[] = { (1ULL << 40) - (1ULL << 32), 1ULL << 32 };
	uint8_t *buf = small_pages(2 * PAGE);
	unsigned int i;
	int ret;

	for (i = 0; i < 2; i++) {
		ret = gpu_open_plain(&gpu, scenario_node());
		if (!ret)
			ret = gpu_svm_init(&gpu, addr[i], 1ULL << 32);
		CHILD_CHECK(!ret, "a window at %#llx: %s", (unsigned long long)addr[i],
			    strerror(-ret));
		scenario_open_channel(&gpu, &chan);
		buf[0] = i + 1;
		CHILD_CHECK(!chan_memcpy(&chan, buf + PAGE, buf, 1) && buf[PAGE] == i + 1,
			    "copied %u", buf[PAGE]);
		scenario_close(&gpu, &chan);
	}
}

/* Windows that do not fit, or that nothing fits into. */
static void window_misfit(void)
{
	static const struct {
		uint64_t addr, size;
		bool may_do;	/* but no channel fits into it */
	} window[] = {
		{ 1ULL << 49, PAGE },
		{ (1ULL << 49) - PAGE, 2 * PAGE },
		{ 1ULL << 32, -(uint64_t)PAGE },
		{ -(uint64_t)PAGE, PAGE },
		{ -(uint64_t)PAGE, 2 * PAGE },
		{ 0, -1ULL },
		{ 0x4000000800ULL, 1ULL << 32 },
		{ 0x4000000000ULL, 0x800 },
		{ 0x4000000000ULL, 0, true },
		{ 0x4000000000ULL, PAGE, true },
		{ 0, 0, true },
	};
	unsigned int i;
	int ret;

	for (i = 0; i < sizeof(window) / sizeof(*window); i++) {
		ret = gpu_open_plain(&gpu, scenario_node());
		CHILD_CHECK(!ret, "a client: %s", strerror(-ret));
		ret = gpu_svm_init(&gpu, window[i].addr, window[i].size);
		CHILD_CHECK(ret == -EINVAL || (window[i].may_do && !ret),
			    "a window of %#llx at %#llx: %s", (unsigned long long)window[i].size,
			    (unsigned long long)window[i].addr, ret ? strerror(-ret) : "done");
		CHILD_CHECK(ret || chan_open(&gpu, &chan) < 0, "a channel in a window of %#llx",
			    (unsigned long long)window[i].size);
		gpu_close(&gpu);
	}
}

/* Unmap what reaches into the driver's window, from both sides. */
static void window_straddle(void)
{
	const uint64_t edge[] = { GPU_WINDOW_ADDR, GPU_WINDOW_ADDR + GPU_WINDOW_SIZE };
	const size_t n = 16 * PAGE;
	uint8_t *p[2], *buf = small_pages(2 * PAGE);
	struct chan other;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		p[i] = mmap((void *)(edge[i] - n), 2 * n, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		CHILD_CHECK(p[i] != MAP_FAILED, "mmap: %s", strerror(errno));
	}
	scenario_open(&gpu, &chan);
	scenario_open_channel(&gpu, &other);
	for (i = 0; i < 2; i++) {
		uint8_t *own = p[i] + (i ? n : n - PAGE);

		*own = i + 1;
		CHILD_CHECK(!chan_memcpy(&chan, buf, own, 1) && buf[0] == i + 1, "copied %u",
			    buf[0]);
		CHILD_CHECK(!munmap(p[i], 2 * n), "munmap: %s", strerror(errno));
		/* The driver's buffers are where they were. */
		buf[PAGE] = 5;
		CHILD_CHECK(!chan_memcpy(&chan, buf, buf + PAGE, 1) && buf[0] == 5, "copied %u",
			    buf[0]);
		refused_one(&other, BOARD_READ, own, 0, "a read of unmapped memory");
		chan_close(&other);
		scenario_open_channel(&gpu, &other);
	}
	chan_close(&other);
	scenario_close(&gpu, &chan);
}

/* What the device is at when it is unbound. */
struct moment {
	const char *gate;	/* a fault is held there; NULL: none */
	bool copies;		/* for minutes */
	bool killed;		/* then; or the client tries to go on */
};

/*
 * A client whose device is unbound. Its mappings of buffers are zeroes afterwards. One buffer is
 * exported, and outlives the device.
 */
static void outlives_device(const struct moment *moment, int ready, int go)
{
	uint8_t *buf = small_pages(2 * PAGE), *more = small_pages(2 * N);
	int exported = -1;
	char c;

	scenario_open(&gpu, &chan);
	CHILD_CHECK(moment->gate || !chan_memcpy(&chan, buf, buf + PAGE, PAGE), "a copy");
	CHILD_CHECK(!nouveau_bo_set_prime(chan.sem, &exported), "export of a buffer");
	if (moment->gate || moment->copies)
		copy_for_long(more, more + N, N);
	CHILD_CHECK(write(ready, "r", 1) == 1, "pipe");
	CHILD_CHECK(read(go, &c, 1) == 1, "the parent is gone");
	CHILD_CHECK(chan_memcpy(&chan, buf, buf + PAGE, 1), "a copy without a device is done");
	CHILD_CHECK(!*chan.seen, "a buffer without a device has %u in it", *chan.seen);
	*chan.seen = 1;
	scenario_close(&gpu, &chan);
	close(exported);
	child_exit(0);
}

static void unbind(const struct moment *moment)
{
	const uint64_t bytes = counted("copied_bytes");
	int ready[2], go[2], ret;
	int64_t start;
	pid_t pid;
	char c;

	CHILD_CHECK(!pipe(ready) && !pipe(go), "pipe: %s", strerror(errno));
	if (moment->gate)
		close_gate(moment->gate);
	pid = scenario_child();
	if (!pid) {
		close(go[1]);
		outlives_device(moment, ready[1], go[0]);
	}
	close(ready[1]);
	close(go[0]);
	CHILD_CHECK(read(ready[0], &c, 1) == 1, "the client has failed");
	if (moment->gate)
		wait_gate(moment->gate);
	WAIT_UNTIL(!moment->copies || counted("copied_bytes") >= bytes + 4 * N, "it copies");
	start = now_ms();
	scenario_bind(false);
	printf("%s: unbound after %lld ms\n", moment->gate ? moment->gate :
	       moment->copies ? "copies" : "idle", (long long)(now_ms() - start));
	/* One that is held belongs to a channel that is gone. */
	if (moment->gate)
		open_gate(moment->gate);
	if (moment->killed) {
		scenario_kill(pid);
	} else {
		CHILD_CHECK(write(go[1], "g", 1) == 1, "the client is gone");
		ret = scenario_reap(pid);
		CHILD_CHECK(!ret, "the client's status is %d", ret);
	}
	close(ready[0]);
	close(go[1]);
	scenario_bind(true);
	it_works();
}

static void unbind_open(void)
{
	unbind(&(struct moment) { .killed = false });
	unbind(&(struct moment) { .killed = true });
}

static void unbind_in_copy(void)
{
	unbind(&(struct moment) { .copies = true });
	unbind(&(struct moment) { .copies = true, .killed = true });
}

static void unbind_in_fault(void)
{
	unbind(&(struct moment) { .gate = "replay" });
}

static void unbind_at_gates(void)
{
	unbind(&(struct moment) { .gate = "replay", .killed = true });
	unbind(&(struct moment) { .gate = "notify" });
	unbind(&(struct moment) { .gate = "fault", .killed = true });
}

/*
 * Three clients, each with a fault that another closed gate holds. Then all of them end. That may
 * wait for their channels, but not for ever.
 */
static void at_each_gate(void (*ending)(void))
{
	static const char * const gate[] = { "replay", "notify", "fault" };
	int ready[2], go[2], ret;
	int64_t start;
	unsigned int i;
	pid_t pid[3];
	uint8_t *buf;
	char c = 0;

	CHILD_CHECK(!pipe(go), "pipe: %s", strerror(errno));
	for (i = 0; i < 3; i++) {
		CHILD_CHECK(!pipe(ready), "pipe: %s", strerror(errno));
		/* A fault comes to the gates in the opposite order, so that gate is closed last. */
		close_gate(gate[i]);
		pid[i] = scenario_child();
		if (!pid[i]) {
			close(go[1]);
			buf = small_pages(2 * N);
			scenario_open(&gpu, &chan);
			copy_for_long(buf, buf + N, N);
			CHILD_CHECK(write(ready[1], "r", 1) == 1, "pipe");
			CHILD_CHECK(!read(go[0], &c, 1), "pipe");
			ending();
			child_exit(0);
		}
		close(ready[1]);
		CHILD_CHECK(read(ready[0], &c, 1) == 1, "a client has failed");
		close(ready[0]);
		wait_gate(gate[i]);
	}
	start = now_ms();
	close(go[0]);
	close(go[1]);
	for (i = 0; i < 3; i++) {
		ret = scenario_reap(pid[i]);
		CHILD_CHECK(!ret, "with a fault at %s: status %d", gate[i], ret);
	}
	printf("ended after %lld ms, with faults that are held\n", (long long)(now_ms() - start));
	/* What was held is let go, and concerns nobody any more. */
	for (i = 0; i < 3; i++)
		open_gate(gate[i]);
	it_works();
}

static void close_client(void)
{
	scenario_close(&gpu, &chan);
}

static void close_in_fault(void)
{
	at_each_gate(close_client);
}

/* The program that replaces it is this one, which lists its subtests. */
static void exec(void)
{
	const int null = open("/dev/null", O_WRONLY);

	CHILD_CHECK(null >= 0 && dup2(null, 1) == 1, "/dev/null: %s", strerror(errno));
	execl("/proc/self/exe", "nouveau_svm_clients", "--list-subtests", NULL);
	CHILD_CHECK(false, "exec: %s", strerror(errno));
}

static void exec_in_fault(void)
{
	at_each_gate(exec);
}

/*
 * Parent and child use one device file, each a channel of its own. Both have the parent's
 * memory before them.
 */
static void fork_file(void)
{
	enum { SIZE = 16 * PAGE };
	uint32_t *src = small_pages(SIZE), *seen = shared_pages(2 * PAGE);
	struct chan theirs;
	unsigned int i;
	pid_t pid;
	int ret;

	scenario_open(&gpu, &chan);
	scenario_open_channel(&gpu, &theirs);
	src[0] = 1;
	pid = scenario_child();
	if (!pid) {
		src[0] = 2;
		for (i = 0; i < ROUNDS; i++) {
			seen[0] = 0;
			CHILD_CHECK(!chan_memcpy(&theirs, seen, src, 4), "the child's copy");
			CHILD_CHECK(seen[0] == 1 || seen[0] == 3, "the child's channel sees %u",
				    seen[0]);
		}
		child_exit(0);
	}
	src[0] = 3;
	for (i = 0; i < ROUNDS; i++) {
		madvise((uint8_t *)src + PAGE, SIZE - PAGE, MADV_DONTNEED);
		seen[PAGE / 4] = 0;
		CHILD_CHECK(!chan_memcpy(&chan, seen + PAGE / 4, src, 4), "the parent's copy");
		CHILD_CHECK(seen[PAGE / 4] == 3, "the parent's channel sees %u", seen[PAGE / 4]);
		CHILD_CHECK(!chan_fill(&chan, (uintptr_t)src + PAGE, 4, (SIZE - PAGE) / 4),
			    "a fill");
	}
	ret = scenario_reap(pid);
	CHILD_CHECK(!ret, "the child's status is %d", ret);
	CHILD_CHECK(!chan_wait(&chan) && src[SIZE / 4 - 1] == 4, "filled with %u",
		    src[SIZE / 4 - 1]);
	chan_close(&theirs);
	scenario_close(&gpu, &chan);
}

/* Copy when the process is gone whose memory it was, and tell what the copy returns. */
static void orphan(struct chan *theirs, uint8_t *buf, int go, int told)
{
	int ret;
	char c;

	CHILD_CHECK(!read(go, &c, 1), "pipe");
	ret = chan_memcpy(theirs, buf, buf + N, N);
	CHILD_CHECK(write(told, &ret, sizeof(ret)) == sizeof(ret), "pipe");
	child_exit(0);
}

static void fork_orphan(void)
{
	const unsigned int channels = channels_now();
	int told[2], go[2], ret;
	struct chan theirs;
	pid_t pid, child;
	uint8_t *buf;

	CHILD_CHECK(!pipe(told) && !pipe(go), "pipe: %s", strerror(errno));
	pid = scenario_child();
	if (!pid) {
		buf = small_pages(2 * N);
		scenario_open(&gpu, &chan);
		scenario_open_channel(&gpu, &theirs);
		/* Not child_start(): it outlives us, but not the pipe's other end. */
		child = fork();
		CHILD_CHECK(child >= 0, "fork: %s", strerror(errno));
		if (!child) {
			close(go[1]);
			alarm(SVM_WAIT_MS / 1000);
			orphan(&theirs, buf, go[0], told[1]);
		}
		/* What the device had mapped is gone since the fork. */
		CHILD_CHECK(!chan_memcpy(&chan, buf, buf + N, N), "a copy");
		child_exit(0);
	}
	close(told[1]);
	close(go[0]);
	ret = scenario_reap(pid);
	CHILD_CHECK(!ret, "the parent's status is %d", ret);
	close(go[1]);
	CHILD_CHECK(read(told[0], &ret, sizeof(ret)) == sizeof(ret), "the child has failed");
	CHILD_CHECK(ret == -EIO || ret == -ENODEV,
		    "a copy in the memory of a process that is gone: %s",
		    ret ? strerror(-ret) : "done");
	wait_channels(channels);
}

static const struct scenario scenario[] = {
	{ "open-close", "Clients and channels leave nothing behind", open_close },
	{ "load", "Many processes with many channels, all at once, and what they copy is right",
	  load },
	{ "exit-in-fault", "A process is killed while its fault is held", exit_in_fault,
	  .kills = true },
	{ "kill-any-time", "Processes are killed within their work, at random times",
	  kill_any_time, .kills = true },
	{ "exit-in-copy", "A process ends while a transfer of minutes goes on", exit_in_copy,
	  .kills = true },
	{ "hostile", "Submissions that no driver would make end their channel only", hostile,
	  .kills = true },
	{ "window-edges", "The driver's window is at the highest place that will do, and at the "
	  "lowest", window_edges },
	{ "window-misfit", "Windows that do not fit are refused", window_misfit },
	{ "window-straddle", "Memory beside the window is unmapped together with it",
	  window_straddle, .kills = true },
	{ "unbind-open", "The device is unbound while a client has it open", unbind_open,
	  .kills = true, .unbinds = true },
	{ "unbind-in-fault", "The device is unbound while a fault is held", unbind_in_fault,
	  .kills = true, .unbinds = true },
	{ "unbind-at-gates", "The same where a report, an interrupt and a replay are held, and the "
	  "client is killed", unbind_at_gates, .kills = true, .unbinds = true },
	{ "unbind-in-copy", "The device is unbound while it copies", unbind_in_copy,
	  .kills = true, .unbinds = true },
	{ "close-in-fault", "The device's file is closed while a fault is held", close_in_fault,
	  .kills = true },
	{ "exec-in-fault", "Another program is executed while a fault is held", exec_in_fault,
	  .kills = true },
	{ "fork-file", "Parent and child use one device file", fork_file },
	{ "fork-orphan", "The parent ends, and its child goes on with its file", fork_orphan,
	  .kills = true },
};

int igt_main_args("", svm_long_options, svm_help, svm_option, NULL)
{
	igt_fixture() {
		scenario_require_board();
		igt_info("Seed %d\n", SEED);
	}

	scenario_subtests(scenario, sizeof(scenario) / sizeof(*scenario));

	igt_fixture()
		child_kill_all(SVM_WAIT_MS);
}
