// SPDX-License-Identifier: MIT
/*
 * Registers and page tables. An input is a script: what a driver writes and reads, in both modes of
 * BAR2, what it puts into page tables and instance blocks, the client's memory coming and going,
 * configuration space, the control function.
 */
#include "bench.h"

#define STEPS	200	/* of a script */

/* Registers with an effect; any other is reached by its address. */
static const uint32_t reg[] = {
	0x000100, 0x000140, 0x000160, 0x000180, 0x000200, 0x000204, 0x001100, 0x001140, 0x001700,
	0x001704, 0x001714, 0x002004, 0x002100, 0x002140, 0x002254, 0x002270, 0x002274, 0x002284,
	0x00252c, 0x00256c, 0x00259c, 0x0025a0, 0x00262c, 0x002630, 0x002634, 0x002640, 0x002648,
	0x002800, 0x002950, 0x002a00, 0x002a30, 0x002a34, 0x002a70, 0x002a74, 0x002a78, 0x002a7c,
	0x002a80, 0x002a84, 0x003080, 0x009100, 0x009140, 0x009400, 0x009410, 0x009420, 0x021c04,
	0x022700, 0x040108, 0x04010c, 0x0400c0, 0x042148, 0x070000, 0x088000, 0x088704, 0x100c80,
	0x100cb8, 0x100cbc, 0x100cec, 0x300000, 0x409500, 0x409504, 0x409804, 0x409b00, 0x700000,
	0x800000, 0x800004, 0x800018, 0x80001c,
};

static struct bench *benches[2];

static uint32_t address(struct input *input)
{
	const uint8_t nr = take8(input);

	if (nr < sizeof(reg) / sizeof(reg[0]))
		return reg[nr];
	return take32(input) % PRI_SIZE;
}

/* A word of a table, an instance block, a runlist, USERD. */
static void table(struct bench *bench, struct input *input)
{
	const uint16_t at = take16(input);
	uint64_t value = take64(input);
	static const uint64_t base[] = { AT_PD3, AT_INST + 0x200, AT_RUNLIST, AT_BAR1, AT_BAR2,
					 AT_USERD + BENCH_CHAN * 0x200, AT_GP, AT_INST };
	const uint64_t addr = base[at & 7] + (at >> 3) % 0x1200 * 8;

	/* Most entries lead to another table. */
	if (value & 0x10)
		value = (value & 0xffff000000000fffULL) |
			(AT_PD3 + (value >> 12 & 0xf) * PAGE_SIZE) >> 12 << 8;
	memcpy(bench->gpu.access.memory.vram + addr, &value, 8);
}

static void dma(struct bench *bench, struct input *input)
{
	const uint8_t what = take8(input);
	const uint64_t iova = BENCH_IOVA + (uint64_t)(what >> 2 & 0xf) * PAGE_SIZE;
	const uint64_t size = take16(input) % (2 * BENCH_GUEST);

	switch (what & 3) {
	case 0:
		gpu_dma_unmap(&bench->gpu, iova, size);
		break;
	case 1:
		gpu_dma_map(&bench->gpu, iova, size, bench->fd, take16(input), what & 0x40);
		break;
	case 2:
		gpu_dma_unmap(&bench->gpu, 0, UINT64_MAX);
		break;
	case 3:
		gpu_dma_map(&bench->gpu, take64(input), take64(input), bench->fd, take64(input), true);
		break;
	}
}

static void step(struct bench *bench, struct input *input)
{
	struct gpu *gpu = &bench->gpu;
	const uint8_t op = take8(input);
	const uint32_t len = (op >> 4) + 1;
	uint8_t bytes[16];

	switch (op & 0xf) {
	case 0: case 1: case 2: {
		const uint32_t addr = address(input);

		bench_write(bench, addr, take32(input));
		break;
	}
	case 3:
		bench_read(bench, address(input));
		break;
	case 4:		/* in pieces of any size */
		gpu_read(gpu, GPU_BAR0, take32(input) % (PRI_SIZE - 16), bytes, len);
		break;
	case 5:
		take(input, bytes, len);
		gpu_write(gpu, GPU_BAR0, take32(input) % (PRI_SIZE - 16), bytes, len);
		break;
	case 6:
		take(input, bytes, len);
		gpu_write(gpu, GPU_BAR1, take32(input) % (GPU_BAR1_SIZE - 16), bytes, len);
		break;
	case 7:
		gpu_read(gpu, GPU_BAR1, take32(input) % (GPU_BAR1_SIZE - 16), bytes, len);
		break;
	case 8:
		take(input, bytes, len);
		gpu_write(gpu, GPU_BAR2, take32(input) % (GPU_BAR2_SIZE - 16), bytes, len);
		break;
	case 9:
		gpu_read(gpu, GPU_BAR2, take32(input) % (GPU_BAR2_SIZE - 16), bytes, len);
		break;
	case 10: case 11:
		table(bench, input);
		break;
	case 12:
		bench_work(bench, len);
		break;
	case 13:
		dma(bench, input);
		break;
	case 14:
		take(input, bytes, len);
		gpu_write(gpu, GPU_CONFIG, take16(input) % (PCI_CONFIG_SIZE - 16), bytes, len);
		bench->events.start -= take32(input);
		break;
	case 15: {
		const uint16_t addr = take16(input) & 0xfffc;
		const uint32_t value = take32(input);

		/* A delay is real time here. */
		if (addr >= CONTROL_KNOB_BASE + 8 * KNOB_delay_fault &&
		    addr < CONTROL_KNOB_BASE + 8 * (KNOB_delay_flush + 1))
			break;
		control_write(&bench->control, 0, addr, &value, 4);
		control_read(&bench->control, 0, addr, bytes, 4);
		break;
	}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	/* Seldom: laying BAR2 out takes its time. */
	const bool mapped = (take8(&input) & 7) == 1;
	struct bench *bench;

	if (!benches[mapped])
		benches[mapped] = bench_new(mapped);
	bench = benches[mapped];
	bench_reset(bench);
	for (unsigned int i = 0; i < STEPS && input.left; i++)
		step(bench, &input);
	bench_work(bench, 32);
	return 0;
}
