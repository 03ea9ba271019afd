// SPDX-License-Identifier: MIT
/* Shared virtual memory: the device works in a process's memory by its addresses. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "clock.h"
#include "pagemap.h"
#include "smoke.h"

enum { N = 256, SIZE = N * PAGE, WORDS = SIZE / 4, FEW = 4, ROUNDS = 8 };

static void svm_init(void)
{
	struct chan chan;
	struct gpu gpu;
	int ret;

	if (expect == PLAIN) {
		ret = gpu_open(&gpu, smoke_node());
		if (ret == -ENOSYS)
			smoke_skip("the kernel has no SVM: SVM_INIT says ENOSYS");
		CHECK(ret, "the kernel has SVM; say --expect stock or --expect patched");
		smoke_fail("SVM_INIT says %s, not that there is no SVM", strerror(-ret));
	}
	/* All that follows looks for stale accesses. */
	BOARD(board_oracle_wait(&board, WAIT_MS));
	svm_open(&gpu, &chan);
	/* It takes 5.3 with it: its error path unregisters a mirror that it has not registered. */
	if (expect == PATCHED || smoke_kernel() >= 504) {
		ret = gpu_svm_init(&gpu, GPU_WINDOW_ADDR, GPU_WINDOW_SIZE);
		CHECK(ret == -EBUSY, "SVM_INIT a second time: %s",
		      ret ? strerror(-ret) : "it works");
	}
	chan_close(&chan);
	gpu_close(&gpu);
}

static void fill(uint32_t *p, unsigned int pages, uint32_t seed)
{
	uint32_t i;

	for (i = 0; i < pages * (PAGE / 4); i++)
		p[i] = i * 40503u + seed;
}

static void must_be(const uint32_t *p, unsigned int pages, uint32_t seed, const char *what)
{
	uint32_t i;

	for (i = 0; i < pages * (PAGE / 4); i++) {
		if (p[i] != i * 40503u + seed)
			smoke_fail("%s: word %u is %#x, not %#x", what, i, p[i], i * 40503u + seed);
	}
}

/* Every page of two MiB faults once: one has been written by the process, the other has not. */
static void faults(void)
{
	uint32_t *src = small_pages(N), *dst = small_pages(N);
	struct counts before, first, second;
	struct chan chan;
	struct gpu gpu;

	svm_open(&gpu, &chan);
	fill(src, N, 1);
	before = counts_now();
	must_copy(&chan, dst, src, SIZE, "a copy of memory that faults");
	first = counts_since(&before);
	must_be(dst, N, 1, "copied with faults");
	CHECK(first.faults, "the copy has not faulted once");

	fill(src, N, 2);
	before = counts_now();
	must_copy(&chan, dst, src, SIZE, "a copy of memory that is mapped");
	second = counts_since(&before);
	must_be(dst, N, 2, "copied without faults");
	CHECK(!second.faults, "%llu faults of memory that is mapped",
	      (unsigned long long)second.faults);

	figure("pages", 2 * N);
	counts_figures("first", &first);
	counts_figures("again", &second);
	chan_close(&chan);
	gpu_close(&gpu);
}

static void atomic(void)
{
	uint32_t *word = small_pages(1);
	struct chan chan;
	struct gpu gpu;
	int i, ret;

	svm_open(&gpu, &chan);
	*word = 5;
	for (i = 0; i < 10; i++) {
		ret = chan_add(&chan, (uintptr_t)word, 3);
		if (!ret)
			ret = chan_wait(&chan);
		CHECK(!ret, "an atomic addition: %s", chan_said(ret));
	}
	CHECK(*word == 35, "5 and ten times 3 are %u", *word);
	chan_close(&chan);
	gpu_close(&gpu);
}

/* What is taken away is not used any more. */
static void refault(void)
{
	uint32_t *src = small_pages(N), *dst = small_pages(N);
	struct counts before, zapped, moved;
	struct chan chan;
	struct gpu gpu;
	uint32_t i;

	svm_open(&gpu, &chan);
	fill(src, N, 3);
	must_copy(&chan, dst, src, SIZE, "a copy");

	CHECK(!madvise(src, SIZE, MADV_DONTNEED), "MADV_DONTNEED: %s", strerror(errno));
	before = counts_now();
	must_copy(&chan, dst, src, SIZE, "a copy after MADV_DONTNEED");
	zapped = counts_since(&before);
	for (i = 0; i < WORDS; i++)
		CHECK(!dst[i], "word %u after MADV_DONTNEED is %#x, not 0", i, dst[i]);
	CHECK(zapped.faults, "no fault after MADV_DONTNEED");

	CHECK(!munmap(src, SIZE), "munmap: %s", strerror(errno));
	CHECK(mmap(src, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
		   MAP_FIXED_NOREPLACE, -1, 0) == src, "mmap at the same place: %s",
	      strerror(errno));
	CHECK(!madvise(src, SIZE, MADV_NOHUGEPAGE) || errno == EINVAL, "MADV_NOHUGEPAGE: %s",
	      strerror(errno));
	fill(src, N, 4);
	before = counts_now();
	must_copy(&chan, dst, src, SIZE, "a copy after munmap and mmap");
	moved = counts_since(&before);
	must_be(dst, N, 4, "copied after munmap and mmap");
	CHECK(moved.faults, "no fault after munmap");

	/* So few pages that the TLB has them all still: the flush is what counts. */
	for (i = 0; i < ROUNDS; i++) {
		memset(src, 0x55, FEW * PAGE);
		must_copy(&chan, dst, src, FEW * PAGE, "a copy of a few pages");
		CHECK(!madvise(src, FEW * PAGE, MADV_DONTNEED), "MADV_DONTNEED: %s",
		      strerror(errno));
		must_copy(&chan, dst, src, FEW * PAGE, "a copy of a few pages after MADV_DONTNEED");
		CHECK(!dst[0], "after MADV_DONTNEED of a few pages the device reads %#x, not 0",
		      dst[0]);
	}

	counts_figures("dontneed", &zapped);
	counts_figures("munmap", &moved);
	chan_close(&chan);
	gpu_close(&gpu);
}

/* To VRAM, used there by the device, and back by the CPU's access. */
static void svm_bind(void)
{
	/* nouveau_dmem_migrate_vma() of 5.3 writes beyond an array when it migrates more. */
	const unsigned int n = expect == PATCHED || smoke_kernel() >= 504 ? N : 128;
	const size_t size = n * PAGE;
	uint32_t *src = small_pages(n), *dst = small_pages(n);
	struct counts before, bound, used, back;
	struct chan chan;
	struct gpu gpu;
	int ret, moved;

	svm_open(&gpu, &chan);
	fill(src, n, 5);
	must_copy(&chan, dst, src, size, "a copy before SVM_BIND");
	memset(dst, 0, size);

	before = counts_now();
	ret = gpu_svm_migrate(&gpu, src, size);
	bound = counts_since(&before);
	CHECK(!ret, "SVM_BIND: %s", strerror(-ret));
	moved = pagemap_count(src, n, PAGEMAP_AWAY);
	CHECK(moved >= 0, "/proc/self/pagemap: %s", strerror(-moved));
	CHECK(moved, "SVM_BIND has moved none of %u pages to VRAM", n);

	before = counts_now();
	must_copy(&chan, dst, src, size, "a copy from VRAM");
	used = counts_since(&before);
	/* What is in pages that are somebody else's by now is not for us to say. */
	if (!used.stale)
		must_be(dst, n, 5, "copied from VRAM");

	before = counts_now();
	must_be(src, n, 5, "back from VRAM by the CPU's access");
	back = counts_since(&before);
	CHECK(!pagemap_count(src, n, PAGEMAP_AWAY), "pages are in VRAM after the CPU read them");

	figure("moved", moved);
	counts_figures("bind", &bound);
	counts_figures("access", &used);
	counts_figures("back", &back);
	chan_close(&chan);
	gpu_close(&gpu);
}

/* What a process hands over before it ends. */
struct handed {
	int chan;
	uint64_t addr;
};

static void __attribute__((noreturn)) short_life(struct gpu *gpu, int to)
{
	void *window = mmap((void *)GPU_WINDOW_ADDR, GPU_WINDOW_SIZE, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			    MAP_FIXED_NOREPLACE, -1, 0);
	uint32_t *src = small_pages(N), *dst = small_pages(N);
	struct handed handed = { .addr = (uintptr_t)src };
	struct chan chan;
	int ret;

	CHECK(window != MAP_FAILED, "no room for the driver's window: %s", strerror(errno));
	ret = gpu_svm_init(gpu, GPU_WINDOW_ADDR, GPU_WINDOW_SIZE);
	CHECK(!ret, "SVM_INIT: %s", strerror(-ret));
	more_open(gpu, &chan);
	BOARD(board_exclude(&board, chan.id, GPU_WINDOW_ADDR, GPU_WINDOW_SIZE));
	fill(src, N, 6);
	must_copy(&chan, dst, src, SIZE, "a copy of the process that ends");
	handed.chan = chan.id;
	CHECK(write(to, &handed, sizeof(handed)) == sizeof(handed), "pipe: %s", strerror(errno));
	_exit(0);
}

/*
 * A process ends, its channel does not: somebody else has the device's file open as well. Its
 * pages are not the device's any more.
 */
static void exit_(void)
{
	struct board_access access[N] = {};
	struct handed handed;
	struct gpu gpu;
	unsigned int i, done = 0;
	int fd[2], ret, pid;

	ret = gpu_open_plain(&gpu, smoke_node());
	CHECK(!ret, "%s does not open: %s", smoke_node(), strerror(-ret));
	CHECK(!pipe(fd), "pipe: %s", strerror(errno));
	pid = fork();
	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		short_life(&gpu, fd[1]);
	}
	ret = reap_within(pid, WAIT_MS);
	/* If it failed, it has said why. */
	if (ret == 1)
		_exit(1);
	CHECK(ret != -ETIME, "waited %d ms for a process to copy 1 MiB and to end", WAIT_MS);
	CHECK(!ret, "the process that has to end: status %d", ret);
	CHECK(read(fd[0], &handed, sizeof(handed)) == sizeof(handed), "pipe: %s", strerror(errno));

	for (i = 0; i < N; i++) {
		access[i].chan = handed.chan;
		access[i].va = handed.addr + i * PAGE;
	}
	BOARD(board_access(&board, access, N, WAIT_MS));
	for (i = 0; i < N; i++)
		done += access[i].state == CONTROL_DONE;
	figure("pages", N);
	figure("accesses_done", done);
	CHECK(expect == STOCK || !done, "the device still reads %u of %d pages of a process that has ended",
	      done, N);
	gpu_close(&gpu);
}

/* An access to nothing ends its channel, and no other. */
static void cancel(void)
{
	uint32_t *gone = small_pages(1), *src = small_pages(N), *dst = small_pages(N);
	struct chan chan, same, other, again;
	const uint64_t cancels = stat_now("cancels"), killed = stat_now("channels_killed");
	struct gpu gpu, gpu2;
	int ret;

	svm_open(&gpu, &chan);
	more_open(&gpu, &same);
	svm_open(&gpu2, &other);
	*gone = 7;
	must_copy(&chan, dst, gone, 4, "a copy of what will be unmapped");
	CHECK(!munmap(gone, PAGE), "munmap: %s", strerror(errno));

	ret = chan_memcpy(&chan, dst, gone, 4);
	CHECK(ret == -EIO, "a copy of what is unmapped: %s", chan_said(ret));
	CHECK(stat_now("cancels") > cancels, "the channel ended without a cancel");
	CHECK(stat_now("channels_killed") == killed + 1, "%llu channels ended of it, not one",
	      (unsigned long long)(stat_now("channels_killed") - killed));

	fill(src, N, 8);
	must_copy(&other, dst, src, SIZE, "another client's channel");
	must_be(dst, N, 8, "another client's copy");
	fill(src, N, 9);
	must_copy(&same, dst, src, SIZE, "another channel of the same client");
	must_be(dst, N, 9, "another channel's copy");
	fill(src, N, 10);
	more_open(&gpu, &again);
	must_copy(&again, dst, src, SIZE, "a new channel");
	must_be(dst, N, 10, "a new channel's copy");

	chan_close(&again);
	chan_close(&other);
	chan_close(&same);
	chan_close(&chan);
	gpu_close(&gpu2);
	gpu_close(&gpu);
}

/* A fault waits at each of its gates, and goes on when that opens. */
static void gates(void)
{
	static const char * const gate[] = { "fault", "notify", "replay" };
	uint32_t *src = small_pages(1), *dst = small_pages(1);
	const struct copy copy = {
		.dst = (uintptr_t)dst, .src = (uintptr_t)src, .length = 4, .lines = 1,
	};
	struct chan chan;
	struct gpu gpu;
	unsigned int i;
	int ret;

	svm_open(&gpu, &chan);
	for (i = 0; i < sizeof(gate) / sizeof(*gate); i++) {
		CHECK(!madvise(src, PAGE, MADV_DONTNEED), "MADV_DONTNEED: %s", strerror(errno));
		*src = 11 + i;
		BOARD(board_gate_close(&board, gate[i]));
		ret = chan_copy(&chan, &copy);
		CHECK(!ret, "a copy is not accepted: %s", strerror(-ret));
		BOARD(board_gate_wait_held(&board, gate[i], 1, WAIT_MS));
		CHECK(!chan_done(&chan), "the copy is done with gate %s closed", gate[i]);
		BOARD(board_gate_open(&board, gate[i]));
		ret = chan_wait(&chan);
		CHECK(!ret, "the copy that was held at gate %s: %s", gate[i], chan_said(ret));
		CHECK(*dst == 11 + i, "the copy that was held at gate %s: %u, not %u", gate[i],
		      *dst, 11 + i);
	}
	chan_close(&chan);
	gpu_close(&gpu);
}

/* Longer than the driver's patience, which is 2 s; and it has looked so often. */
#define HELD_US	3000000
#define LOOKS	100

static int drop(void *page)
{
	return madvise(page, PAGE, MADV_DONTNEED) ? 1 : 0;
}

/* madvise() waits for a TLB flush that is held, however long: the driver's timer stands. */
static void gate_flush(void)
{
	uint32_t *src = small_pages(1), *dst = small_pages(1);
	struct chan chan;
	uint64_t reads;
	int64_t held;
	struct gpu gpu;
	char *stack;
	int pid, status;

	svm_open(&gpu, &chan);
	*src = 12;
	must_copy(&chan, dst, src, 4, "a copy of what will be unmapped");
	/*
	 * The name is known from here on: to keep it is a write, which may be a copy on write, an
	 * invalidation, and wait for the gate.
	 */
	stat_now("mmio_reads");
	BOARD(board_gate_close(&board, "flush"));
	/* A process with the same mm. No thread: 5.3.0's clone3() uses the stack's wrong end. */
	stack = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(stack != MAP_FAILED, "mmap: %s", strerror(errno));
	pid = clone(drop, stack + 16 * PAGE, CLONE_VM | SIGCHLD, src);
	CHECK(pid > 0, "clone: %s", strerror(errno));
	BOARD(board_gate_wait_held(&board, "flush", 1, WAIT_MS));
	/* It looks whether the flush is done, again and again. */
	held = now_us();
	reads = stat_now("mmio_reads");
	while (now_us() - held < HELD_US || stat_now("mmio_reads") - reads < LOOKS) {
		CHECK(!waitpid(pid, &status, WNOHANG),
		      "MADV_DONTNEED returned with its flush held");
		CHECK(now_us() - held < WAIT_MS * 1000LL, "no %d reads of a register in %d s",
		      LOOKS, WAIT_MS / 1000);
		usleep(1000);
	}
	BOARD(board_gate_open(&board, "flush"));
	status = reap_within(pid, WAIT_MS);
	CHECK(!status, "MADV_DONTNEED in another process: status %d", status);
	must_copy(&chan, dst, src, 4, "a copy after that");
	CHECK(!*dst, "the device reads %u of a page that was given away", *dst);
	chan_close(&chan);
	gpu_close(&gpu);
}

const struct step svm_steps[] = {
	{ "svm-init", svm_init, "SVM_INIT works once", true, 180 },
	{ "faults", faults, "512 pages are mapped by faults", true, 240 },
	{ "atomic", atomic, "atomic additions to the process's memory", true, 120 },
	{ "refault", refault, "after MADV_DONTNEED and munmap the device faults anew", true, 300 },
	{ "svm-bind", svm_bind, "memory moves to VRAM, is used there, comes back", true, 300 },
	{ "exit", exit_, "the device leaves the pages of a process that ends", true, 300 },
	{ "cancel", cancel, "an access to nothing ends its channel and no other", true, 300 },
	{ "gates", gates, "a fault waits at each of its gates", true, 240 },
	{ "gate-flush", gate_flush, "MADV_DONTNEED waits for a TLB flush that is held", true, 240 },
	{}
};
