// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

/* Entries: aperture 1 of a directory and 0 of a PTE are VRAM, 2 the guest's memory. */
#define PTE_VRAM(addr)	(((uint64_t)(addr) >> 12) << 8 | 0x1)
#define PTE_SYS(addr)	(((uint64_t)(addr) >> 12) << 8 | 0x5)
#define PDE_VRAM(addr)	(((uint64_t)(addr) >> 12) << 8 | 0x2)

static uint64_t *word64(struct bench *bench, uint64_t at)
{
	return (uint64_t *)(bench->image + at);
}

static uint32_t *word32(struct bench *bench, uint64_t at)
{
	return (uint32_t *)(bench->image + at);
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

static bool message(void *arg)
{
	(void)arg;
	return true;
}

static bool intx(void *arg)
{
	(void)arg;
	return false;
}

static void bar_tables(struct bench *bench, uint64_t at, uint64_t shows, unsigned int pages)
{
	*word64(bench, at + 0x200) = (at + 0x1000) | 0xc00;
	*word64(bench, at + 0x208) = (1ULL << 49) - 1;
	for (unsigned int level = 1; level <= 3; level++)
		*word64(bench, at + level * 0x1000) = PDE_VRAM(at + (level + 1) * 0x1000);
	word64(bench, at + 0x4000)[1] = PDE_VRAM(at + 0x5000);
	for (unsigned int i = 0; i < pages; i++)
		word64(bench, at + 0x5000)[i] = PTE_VRAM(shows + i * PAGE_SIZE);
}

static void address_space(struct bench *bench)
{
	word64(bench, AT_PD3)[BENCH_VA >> 47 & 3] = PDE_VRAM(AT_PD2);
	word64(bench, AT_PD2)[BENCH_VA >> 38 & 0x1ff] = PDE_VRAM(AT_PD1);
	word64(bench, AT_PD1)[BENCH_VA >> 29 & 0x1ff] = PDE_VRAM(AT_PD0);
	word64(bench, AT_PD0)[(BENCH_VA >> 21 & 0xff) * 2 + 1] = PDE_VRAM(AT_SPT);
	for (unsigned int i = 0; i < BENCH_PAGES; i++)
		word64(bench, AT_SPT)[i] = PTE_SYS(BENCH_IOVA + i * PAGE_SIZE);
	word64(bench, AT_PD2)[0] = PDE_VRAM(AT_OWN_PD1);
	word64(bench, AT_OWN_PD1)[0] = PDE_VRAM(AT_OWN_PD0);
	word64(bench, AT_OWN_PD0)[3] = PDE_VRAM(AT_OWN_SPT);
	word64(bench, AT_OWN_SPT)[0] = PTE_VRAM(AT_GP);
	word64(bench, AT_OWN_SPT)[1] = PTE_VRAM(AT_SEM);
	for (unsigned int i = 0; i < PUSH_SIZE / PAGE_SIZE; i++)
		word64(bench, AT_OWN_SPT)[2 + i] = PTE_VRAM(AT_PUSH + i * PAGE_SIZE);

	*word64(bench, AT_INST + 0x200) = AT_PD3 | 0xc30;
	*word64(bench, AT_INST + 0x208) = (1ULL << 49) - 1;
	*word32(bench, AT_INST + 0x08) = AT_USERD + BENCH_CHAN * 0x200;
	*word32(bench, AT_INST + 0x48) = GP_VA;
	*word32(bench, AT_INST + 0x4c) = 4 << 16;
	/* Its runlist: a group of one. */
	word32(bench, AT_RUNLIST)[0] = 1 << 26 | 1 << 13 | BENCH_CHAN;
	word32(bench, AT_RUNLIST)[2] = BENCH_CHAN;
}

struct bench *bench_new(bool bar2_mapped)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	must(bench, "out of memory");
	events_init(&bench->events, NULL);
	must(!gpu_init(&bench->gpu, &bench->events, BENCH_VRAM, bar2_mapped, 0), "gpu_init()");
	bench->gpu.interrupt = message;
	bench->gpu.intx = intx;
	control_init(&bench->control, &bench->gpu, 0);
	bench->fd = memfd_create("guest", MFD_ALLOW_SEALING);
	must(bench->fd >= 0 && !ftruncate(bench->fd, BENCH_GUEST) &&
	     !fcntl(bench->fd, F_ADD_SEALS, F_SEAL_SHRINK), "memfd_create()");
	bench->guest = mmap(NULL, BENCH_GUEST, PROT_READ | PROT_WRITE, MAP_SHARED, bench->fd, 0);
	must(bench->guest != MAP_FAILED, "mmap()");
	address_space(bench);
	bar_tables(bench, AT_BAR1, AT_USERD, 64);
	bar_tables(bench, AT_BAR2, AT_BAR2_SHOWS, 64);
	return bench;
}

void bench_write(struct bench *bench, uint32_t addr, uint32_t value)
{
	gpu_write(&bench->gpu, GPU_BAR0, addr, &value, 4);
}

uint32_t bench_read(struct bench *bench, uint32_t addr)
{
	uint32_t value;

	gpu_read(&bench->gpu, GPU_BAR0, addr, &value, 4);
	return value;
}

void bench_reset(struct bench *bench)
{
	const uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	struct gpu *gpu = &bench->gpu;
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	bench->events.start = t.tv_sec * 1000000000ULL + t.tv_nsec;
	bench->events.nr = 0;
	for (unsigned int i = 0; i < EVENT_ONCES; i++)
		bench->events.said[i].nr = 0;
	knobs_init(&gpu->knobs);
	memset(&gpu->gates, 0, sizeof(gpu->gates));
	memset(gpu->hand, 0, sizeof(gpu->hand));
	gpu->hands = gpu->pending = 0;
	control_init(&bench->control, gpu, 0);
	gpu_reset(gpu);
	memcpy(gpu->access.memory.vram, bench->image, BENCH_VRAM);
	tlb_resize(&gpu->access.tlb, gpu->knobs.value[KNOB_tlb_size]);
	gpu_dma_unmap(gpu, 0, UINT64_MAX);
	must(!gpu_dma_map(gpu, BENCH_IOVA, BENCH_GUEST, bench->fd, 0, true), "gpu_dma_map()");
	gpu_write(gpu, GPU_CONFIG, PCI_COMMAND, &command, 2);
	memset(bench->guest, 0, BENCH_CANARY);
	memset(bench->guest + BENCH_CANARY, 0x5a, PAGE_SIZE);

	bench_write(bench, 0x200, 0xffffffff);
	bench_write(bench, 0x1704, 0x80000000 | AT_BAR1 >> 12);
	bench_write(bench, 0x1714, 0x80000000 | AT_BAR2 >> 12);
	bench_write(bench, 0x2254, 0x10000000);
	bench_write(bench, 0x2140, 0xffffffff);
	bench_write(bench, 0x2a70, FAULT_BUFFER);
	bench_write(bench, 0x2a70, FAULT_BUFFER | 1);
	bench_write(bench, 0x160, 0xffffffff);
	bench_write(bench, 0x800000 + BENCH_CHAN * 8, 0x80000000 | AT_INST >> 12);
	bench_write(bench, 0x800004 + BENCH_CHAN * 8, 0x400);
	bench_write(bench, 0x2270, AT_RUNLIST >> 12);
	bench_write(bench, 0x2274, 2);
}

void bench_work(struct bench *bench, unsigned int times)
{
	for (unsigned int i = 0; i < times; i++)
		if (gpu_work(&bench->gpu))
			return;
}

void bench_check(const struct bench *bench)
{
	uint8_t canary[PAGE_SIZE];

	memset(canary, 0x5a, sizeof(canary));
	must(!memcmp(bench->guest + BENCH_CANARY, canary, sizeof(canary)),
	     "memory that no page table leads to was written");
}
