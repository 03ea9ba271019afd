// SPDX-License-Identifier: MIT
/*
 * Pushbuffers. An input is flags, a number of GPFIFO entries, the entries, and what the pushbuffer
 * is filled with. The driver's part is played too: what faults is mapped, replayed or cancelled.
 * Each comes to an end, and nothing is written but what the channel's page tables lead to.
 */
#include "bench.h"

#define ROUNDS	16
#define WORK	32	/* pieces of it in a round; a transfer of gigabytes is not waited for */

enum { STRICT = 1, NO_TLB = 2, MAPS = 4, CANCELS = 8, PACED = 16, CLOSED = 32, RAW = 64 };

static struct bench *bench;

static void entries(struct input *input, unsigned int nr, bool raw)
{
	uint32_t *gp = (uint32_t *)(bench->gpu.access.memory.vram + AT_GP);

	for (unsigned int i = 0; i < nr; i++) {
		const uint32_t low = take32(input), high = take32(input);

		/* Most of them point into the pushbuffer. */
		gp[2 * i] = raw ? low : PUSH_VA + low % PUSH_SIZE;
		gp[2 * i + 1] = raw ? high : high & 0x003ffe00;
	}
}

/* The page that a fault names, mapped; or what of it can be. */
static void map(uint32_t nr)
{
	uint8_t *vram = bench->gpu.access.memory.vram;
	const uint32_t *entry = (const uint32_t *)(vram + AT_BAR2_SHOWS + FAULT_BUFFER) +
				nr % 256 * 8;
	const uint64_t va = (uint64_t)entry[3] << 32 | entry[2];

	if (va >> 21 == BENCH_VA >> 21)
		((uint64_t *)(vram + AT_SPT))[va >> 12 & 0x1ff] =
			(BENCH_IOVA + (va >> 12 & 7) * PAGE_SIZE) >> 12 << 8 | 0x5;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	const uint8_t flags = take8(&input), nr = take8(&input) % GP_NR;
	uint32_t put = 0;

	if (!bench)
		bench = bench_new(false);
	bench_reset(bench);
	gpu_knob(&bench->gpu, KNOB_strict, !!(flags & STRICT));
	if (flags & NO_TLB)
		gpu_knob(&bench->gpu, KNOB_tlb_size, 0);
	if (flags & PACED)
		gpu_knob(&bench->gpu, KNOB_pace, 1);
	gpu_gate(&bench->gpu, GATE_copy, flags & CLOSED);
	entries(&input, nr, flags & RAW);
	take(&input, bench->gpu.access.memory.vram + AT_PUSH, PUSH_SIZE);
	put = nr;
	gpu_write(&bench->gpu, GPU_BAR1, BENCH_CHAN * 0x200 + 0x8c, &put, 4);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		const uint32_t faults = bench_read(bench, 0x2a80);

		bench_work(bench, WORK);
		bench_read(bench, 0x100);
		bench_write(bench, 0x88704, 0);
		if (bench_read(bench, 0x2a80) == faults && round)
			break;
		if (flags & MAPS && bench_read(bench, 0x2a80))
			map(bench_read(bench, 0x2a80) - 1);
		bench_write(bench, 0x2a7c, bench_read(bench, 0x2a80));
		bench_write(bench, 0x100cbc, flags & CANCELS && round > 2 ? 0x8000001b : 0x8000000b);
	}
	gpu_gate(&bench->gpu, GATE_copy, false);
	bench_work(bench, WORK);
	bench_check(bench);
	return 0;
}
