// SPDX-License-Identifier: MIT
/*
 * count SAMPLES WORK...: do each work so often, for tools/count, and print what the board has
 * counted of it, a line a sample. Instructions are counted from outside (tools/count-plugin.c),
 * between two marks.
 *
 * Every sample is a process of its own, with its own client and channel. The first one of each
 * work, in which the kernel also allocates what it keeps, is not printed and has no marks.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "smoke.h"

/* Pages of a buffer; a copy touches two buffers. */
enum { N = 256, SIZE = N * PAGE };
/* Milliseconds a sample may take, many times what a busy machine needs. */
enum { SAMPLE_MS = 300000 };
/*
 * The next fault comes when the guest is done with the last one and idles. If it came earlier,
 * which would be chance, the guest would save the way to idle and back.
 */
enum { DELAY_FAULT_US = 1000 };
/* What other tasks do with memory and files of the last sample is done by then. */
enum { SETTLE_MS = 100 };

/* prefetchnta of an absolute address, which does nothing; nobody else has that one. */
#define MARK(n) asm volatile(".byte 0x0f, 0x18, 0x04, 0x25, 'C', 'N', 'T', " #n ::: "memory")

struct board board;
enum expect expect = STOCK;

static struct gpu gpu;
static struct chan chan;
static uint32_t *src, *dst;
static int ret;

void smoke_fail(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fputs("count: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	_exit(1);
}

void figure(const char *key, uint64_t value)
{
	printf(" %s=%llu", key, (unsigned long long)value);
}

static void untouched(void)
{
	src = small_pages(2 * N);
}

/* The control: no device. */
static void touch(void)
{
	unsigned int i;

	for (i = 0; i < 2 * N; i++)
		src[i * PAGE / 4] = 1;
}

/* One buffer the process has written, the other nobody has touched. */
static void unmapped(void)
{
	svm_open(&gpu, &chan);
	src = small_pages(N);
	dst = small_pages(N);
	memset(src, 1, SIZE);
}

static void copy(void)
{
	ret = chan_memcpy(&chan, dst, src, SIZE);
}

static void mapped(void)
{
	unmapped();
	copy();
	CHECK(!ret, "a copy before the work: %s", chan_said(ret));
}

static void bind(void)
{
	ret = gpu_svm_migrate(&gpu, src, SIZE);
}

static void bound(void)
{
	mapped();
	bind();
	CHECK(!ret, "SVM_BIND before the work: %s", strerror(-ret));
}

static const struct work {
	const char *name;
	unsigned int pages;
	void (*prepare)(void);
	void (*work)(void);
	const char *what;
} works[] = {
	{ "touch", 2 * N, untouched, touch, "the CPU writes to 512 new pages (no device)" },
	{ "faults", 2 * N, unmapped, copy, "the device copies 256 pages to 256 new ones, each faults" },
	{ "bind", N, mapped, bind, "SVM_BIND of 1 MiB which the device has mapped" },
	{ "access", N, bound, copy, "the device copies that 1 MiB afterwards" },
};

static void settle(void)
{
	const struct timespec t = { .tv_nsec = SETTLE_MS * 1000000 };

	nanosleep(&t, NULL);
}

static void __attribute__((noreturn)) sample(const struct work *work, unsigned int nr)
{
	struct counts counts;

	work->prepare();
	settle();
	counts = counts_now();
	if (nr) {
		MARK(0);
		work->work();
		MARK(1);
	} else {
		work->work();
	}
	counts = counts_since(&counts);
	CHECK(!ret, "%s: %s", work->name, chan_said(ret));
	if (nr) {
		printf("%s %u pages=%u", work->name, nr, work->pages);
		counts_figures("n", &counts);
		figure("n_stale", counts.stale);
		putchar('\n');
		fflush(stdout);
	}
	if (chan.object) {
		chan_close(&chan);
		gpu_close(&gpu);
	}
	_exit(0);
}

static void run(const struct work *work, unsigned int samples)
{
	unsigned int nr;

	for (nr = 0; nr <= samples; nr++) {
		const int pid = fork();
		int status;

		CHECK(pid >= 0, "fork fails");
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			sample(work, nr);
		}
		status = reap_within(pid, SAMPLE_MS);
		/* If it failed, it has said why. */
		if (status == 1)
			_exit(1);
		CHECK(status != -ETIME, "waited %d s for sample %u of %s", SAMPLE_MS / 1000, nr,
		      work->name);
		CHECK(!status, "sample %u of %s: status %d", nr, work->name, status);
	}
}

static void __attribute__((noreturn)) usage(void)
{
	unsigned int i;

	fputs("usage: count SAMPLES WORK...; works are:\n", stderr);
	for (i = 0; i < sizeof(works) / sizeof(*works); i++)
		fprintf(stderr, "  %-8s %s\n", works[i].name, works[i].what);
	exit(2);
}

static const struct work *find(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(works) / sizeof(*works); i++) {
		if (!strcmp(works[i].name, name))
			return &works[i];
	}
	fprintf(stderr, "count: no work '%s'\n", name);
	usage();
}

int main(int argc, char **argv)
{
	char *end;
	unsigned long samples;
	int i;

	if (argc < 3)
		usage();
	samples = strtoul(argv[1], &end, 10);
	if (!samples || samples > 1000 || *end) {
		fprintf(stderr, "count: '%s' is no number of samples, 1 to 1000\n", argv[1]);
		usage();
	}
	for (i = 2; i < argc; i++)
		find(argv[i]);
	if (board_open(&board, NULL))
		smoke_fail("%s", board.why);
	BOARD(board_knob_set(&board, "delay_fault", DELAY_FAULT_US));
	for (i = 2; i < argc; i++)
		run(find(argv[i]), samples);
	return 0;
}
