// SPDX-License-Identifier: MIT
/* What the copy engine does to the memory of a process. */
#include "gpu.h"
#include "sim.h"
#include "test.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Around each destination, to see what is written beside it. */
#define MARGIN 64

static void one_copy(struct chan *chan, size_t n, size_t dst_offset, size_t src_offset)
{
	uint8_t *src = pages(n + 4096), *dst = pages(n + 4096 + 2 * MARGIN);
	uint8_t *d = dst + MARGIN + dst_offset;
	uint32_t state = seed + n;
	size_t i;
	int ret;

	fill_random(src + src_offset, n, &state);
	memset(dst, 0xa5, n + 4096 + 2 * MARGIN);
	ret = chan_memcpy(chan, d, src + src_offset, n);
	CHECK(!ret, "%zu bytes from +%zu to +%zu: error %d", n, src_offset, dst_offset, ret);
	CHECK(!memcmp(d, src + src_offset, n), "%zu bytes from +%zu to +%zu differ", n,
	      src_offset, dst_offset);
	for (i = 1; i <= MARGIN; i++)
		CHECK(d[-i] == 0xa5 && d[n + i - 1] == 0xa5,
		      "%zu bytes from +%zu to +%zu: written beside it", n, src_offset, dst_offset);
	munmap(src, n + 4096);
	munmap(dst, n + 4096 + 2 * MARGIN);
}

static void copy_sizes(void)
{
	static const size_t size[] = { 1, 2, 3, 4, 7, 64, 255, 4095, 4096, 4097, 65536, 65537,
				       1 << 20, (1 << 20) + 3, (16 << 20) + 1, 64 << 20 };
	uint64_t faults = sim_stat("faults_read") + sim_stat("faults_write");
	uint64_t start = now_ms(), ms;
	struct chan chan;
	struct gpu gpu;
	unsigned int i;

	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!chan_open(&gpu, &chan), "no channel");
	for (i = 0; i < sizeof(size) / sizeof(*size); i++) {
		one_copy(&chan, size[i], 1, 3);
		if (size[i] >= 16 << 20)
			continue;
		one_copy(&chan, size[i], 0, 0);
		one_copy(&chan, size[i], 4096 - MARGIN - 1, 2049);
	}
	ms = now_ms() - start;
	faults = sim_stat("faults_read") + sim_stat("faults_write") - faults;
	REPORT("%llu faults in %llu ms: %llu a second", (unsigned long long)faults,
	       (unsigned long long)ms, (unsigned long long)(faults * 1000 / (ms ? ms : 1)));
	chan_close(&chan);
	gpu_close(&gpu);
}

/* With nothing to fault in: the copy engine and the TLB alone. */
static void copy_rate(void)
{
	const size_t n = 16 << 20;
	uint8_t *src = pages(n), *dst = pages(n);
	uint64_t start, ms, hits, misses;
	struct chan chan;
	struct gpu gpu;

	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!chan_open(&gpu, &chan), "no channel");
	memset(src, 1, n);
	CHECK(!chan_memcpy(&chan, dst, src, n), "copy");
	hits = sim_stat("tlb_hits");
	misses = sim_stat("tlb_misses");
	start = now_ms();
	CHECK(!chan_memcpy(&chan, dst, src, n), "copy");
	ms = now_ms() - start;
	REPORT("16 MiB, mapped already, in %llu ms; TLB: %llu hits, %llu misses",
	       (unsigned long long)ms, (unsigned long long)(sim_stat("tlb_hits") - hits),
	       (unsigned long long)(sim_stat("tlb_misses") - misses));
	chan_close(&chan);
	gpu_close(&gpu);
}

static void copy_lines(void)
{
	enum { LINES = 37, LENGTH = 1001, SRC_PITCH = 1500, DST_PITCH = 1027 };
	uint8_t *src = pages(LINES * SRC_PITCH), *dst = pages(LINES * DST_PITCH);
	const struct copy copy = {
		.dst = (uintptr_t)dst, .src = (uintptr_t)src, .length = LENGTH, .lines = LINES,
		.dst_pitch = DST_PITCH, .src_pitch = SRC_PITCH,
	};
	uint32_t state = seed;
	struct chan chan;
	struct gpu gpu;
	int y, x;

	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!chan_open(&gpu, &chan), "no channel");
	fill_random(src, LINES * SRC_PITCH, &state);
	CHECK(!chan_copy(&chan, &copy) && !chan_wait(&chan), "copy");
	for (y = 0; y < LINES; y++) {
		CHECK(!memcmp(dst + y * DST_PITCH, src + y * SRC_PITCH, LENGTH), "line %d", y);
		for (x = LENGTH; x < DST_PITCH; x++)
			CHECK(!dst[y * DST_PITCH + x], "written behind line %d", y);
	}
	chan_close(&chan);
	gpu_close(&gpu);
}

static void fill_words(void)
{
	enum { WORDS = 5000 };
	uint32_t *dst = pages(4 * WORDS + 4096) + 4;
	struct chan chan;
	struct gpu gpu;
	int i;

	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!chan_open(&gpu, &chan), "no channel");
	CHECK(!chan_fill(&chan, (uintptr_t)dst, 0x12345678, WORDS) && !chan_wait(&chan), "fill");
	for (i = 0; i < WORDS; i++)
		CHECK(dst[i] == 0x12345678, "word %d is %#x", i, dst[i]);
	CHECK(!dst[-1] && !dst[WORDS], "written beside it");
	chan_close(&chan);
	gpu_close(&gpu);
}

static void atomic_add(void)
{
	volatile uint32_t *word = pages(4096);
	struct chan chan;
	struct gpu gpu;
	int i;

	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!chan_open(&gpu, &chan), "no channel");
	*word = 41;
	for (i = 0; i < 100; i++)
		CHECK(!chan_add(&chan, (uintptr_t)word, 3), "add %d", i);
	CHECK(!chan_wait(&chan), "adds");
	CHECK(*word == 341, "41 + 100 * 3 is %u", *word);
	CHECK(sim_stat("faults_atomic"), "no atomic fault");
	chan_close(&chan);
	gpu_close(&gpu);
}

/* Without shared virtual memory, between buffer objects: no fault is allowed. */
static void no_svm(void)
{
	const uint64_t faults = sim_stat("faults_read") + sim_stat("faults_write");
	struct chan chan;
	struct gpu gpu;

	CHECK(!gpu_open_plain(&gpu, node), "no device");
	CHECK(!chan_open(&gpu, &chan), "no channel");
	/* Its own semaphore's buffer, from one half to the other. */
	chan.seen[256] = 0xcafe;
	CHECK(!chan_copy(&chan, &(struct copy) {
		.src = chan_sem_addr(&chan) + 1024, .dst = chan_sem_addr(&chan) + 2048,
		.length = 4, .lines = 1 }), "copy");
	CHECK(!chan_wait(&chan), "wait");
	CHECK(chan.seen[512] == 0xcafe, "it is %#x", chan.seen[512]);
	CHECK(sim_stat("faults_read") + sim_stat("faults_write") == faults, "there were faults");
	/* And what is not mapped ends the channel: nothing here is replayable. */
	CHECK(chan_memcpy(&chan, pages(4096), pages(4096), 4) == -EIO, "unmapped memory copied");
	chan_close(&chan);
	gpu_close(&gpu);
}

const struct scenario copy_scenarios[] = {
	{ "copy-sizes", copy_sizes, "1 B to 64 MiB at odd offsets, byte by byte", 300 },
	{ "copy-rate", copy_rate, "16 MiB that are mapped already", 60 },
	{ "copy-lines", copy_lines, "lines of one pitch to lines of another", 30 },
	{ "fill", fill_words, "words from a constant", 30 },
	{ "atomic-add", atomic_add, "reductions by atomic access", 30 },
	{ "no-svm", no_svm, "a client without shared virtual memory", 30 },
	{}
};
