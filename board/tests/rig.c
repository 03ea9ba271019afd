// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "rig.h"

/* ---- the clock ---- */

static bool clock_is_ours;
static uint64_t clock_ns;

int __real_clock_gettime(clockid_t id, struct timespec *t);
int __wrap_clock_gettime(clockid_t id, struct timespec *t);

int __wrap_clock_gettime(clockid_t id, struct timespec *t)
{
	if (!clock_is_ours)
		return __real_clock_gettime(id, t);
	t->tv_sec = clock_ns / 1000000000;
	t->tv_nsec = clock_ns % 1000000000;
	return 0;
}

void rig_advance(uint64_t ns)
{
	clock_ns += ns;
}

/* ---- memory ---- */

uint64_t *vram64(struct rig *rig, uint64_t addr)
{
	return (uint64_t *)(rig->memory->vram + addr);
}

uint32_t *vram32(struct rig *rig, uint64_t addr)
{
	return (uint32_t *)(rig->memory->vram + addr);
}

uint32_t *userd(struct rig *rig, uint32_t offset)
{
	return vram32(rig, AT_USERD + RIG_CHAN * USERD_SIZE + offset);
}

uint8_t *byte(struct rig *rig, uint64_t offset)
{
	return rig->guest + offset;
}

uint32_t *word(struct rig *rig, uint64_t offset)
{
	return (uint32_t *)(rig->guest + offset);
}

uint64_t *spt(struct rig *rig, unsigned int index)
{
	return vram64(rig, AT_SPT) + index;
}

uint64_t *lpt(struct rig *rig, unsigned int index)
{
	return vram64(rig, AT_LPT) + index;
}

uint64_t *pd0(struct rig *rig)
{
	return vram64(rig, AT_PD0) + (RIG_VA >> 21 & 0xff) * 2;
}

uint64_t *own_spt(struct rig *rig, unsigned int index)
{
	return vram64(rig, AT_OWN_SPT) + index;
}

/* ---- page tables ---- */

static void address_space(struct rig *rig)
{
	vram64(rig, AT_PD3)[RIG_VA >> 47 & 3] = PDE_VRAM(AT_PD2);
	vram64(rig, AT_PD2)[RIG_VA >> 38 & 0x1ff] = PDE_VRAM(AT_PD1);
	vram64(rig, AT_PD1)[RIG_VA >> 29 & 0x1ff] = PDE_VRAM(AT_PD0);
	pd0(rig)[1] = PDE_VRAM(AT_SPT);
	for (unsigned int i = 0; i < RIG_PAGES; i++)
		*spt(rig, i) = PTE_SYS(RIG_IOVA + i * PAGE_SIZE);

	vram64(rig, AT_PD2)[0] = PDE_VRAM(AT_OWN_PD1);
	vram64(rig, AT_OWN_PD1)[0] = PDE_VRAM(AT_OWN_PD0);
	vram64(rig, AT_OWN_PD0)[1 * 2 + 1] = PDE_VRAM(AT_OWN_SPT);
	*own_spt(rig, 0) = PTE_VRAM(AT_GP);
	*own_spt(rig, 1) = PTE_VRAM(AT_SEM);
	for (unsigned int i = 0; i < PUSH_SIZE / PAGE_SIZE; i++)
		*own_spt(rig, 2 + i) = PTE_VRAM(AT_PUSH + i * PAGE_SIZE);

	/* The instance block: directory (faults are replayed), limit, USERD, GPFIFO. */
	*vram64(rig, AT_INST + 0x200) = AT_PD3 | 0xc30;
	*vram64(rig, AT_INST + 0x208) = LIMIT;
	*vram32(rig, AT_INST + 0x08) = AT_USERD + RIG_CHAN * USERD_SIZE;
	*vram32(rig, AT_INST + 0x10) = 0xface;
	*vram32(rig, AT_INST + 0x48) = LO(GP_VA);
	*vram32(rig, AT_INST + 0x4c) = 4 << 16;
}

/* A BAR: instance block, PD3, PD2, PD1, PD0, and a table of small pages, one after the other. */
static void bar_tables(struct rig *rig, uint64_t at, uint64_t shows)
{
	*vram64(rig, at + 0x200) = (at + 0x1000) | 0xc00;
	*vram64(rig, at + 0x208) = LIMIT;
	for (unsigned int level = 1; level <= 3; level++)
		*vram64(rig, at + level * 0x1000) = PDE_VRAM(at + (level + 1) * 0x1000);
	vram64(rig, at + 0x4000)[1] = PDE_VRAM(at + 0x5000);
	for (unsigned int i = 0; i < BAR_PAGES; i++)
		vram64(rig, at + 0x5000)[i] = PTE_VRAM(shows + i * PAGE_SIZE);
}

/* ---- setting up ---- */

void rig_command(struct rig *rig, uint16_t command)
{
	gpu_write(rig->gpu, GPU_CONFIG, PCI_COMMAND, &command, 2);
}

static bool message(void *arg)
{
	struct rig *rig = arg;

	if (rig->deaf)
		return false;
	rig->messages++;
	return true;
}

static bool level(void *arg)
{
	return ((struct rig *)arg)->intx;
}

static int setup(void **state, bool mapped)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	clock_is_ours = true;
	clock_ns = 1000000000;
	rig->events = calloc(1, sizeof(*rig->events));
	rig->gpu = calloc(1, sizeof(*rig->gpu));
	assert_non_null(rig->events);
	assert_non_null(rig->gpu);
	events_init(rig->events, NULL);
	assert_int_equal(gpu_init(rig->gpu, rig->events, RIG_VRAM, mapped, 0), 0);
	rig->access = &rig->gpu->access;
	rig->memory = &rig->access->memory;
	rig->gpu->interrupt = message;
	rig->gpu->intx = level;
	rig->gpu->interrupt_arg = rig;
	rig->gpu->engine.budget = INT64_MAX;
	rig_command(rig, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);

	rig->fd = memfd_create("guest", MFD_ALLOW_SEALING);
	assert_true(rig->fd >= 0);
	assert_int_equal(ftruncate(rig->fd, RIG_GUEST), 0);
	assert_int_equal(fcntl(rig->fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	rig->guest = mmap(NULL, RIG_GUEST, PROT_READ | PROT_WRITE, MAP_SHARED, rig->fd, 0);
	assert_ptr_not_equal(rig->guest, MAP_FAILED);
	assert_null(gpu_dma_map(rig->gpu, RIG_IOVA, RIG_GUEST, rig->fd, 0, true));

	address_space(rig);
	bar_tables(rig, AT_BAR1, AT_USERD);
	bar_tables(rig, AT_BAR2, AT_BAR2_SHOWS);
	rig->chan = (struct channel) { .id = RIG_CHAN, .inst = AT_INST };
	assert_null(channel_load(&rig->chan, rig->memory));
	*state = rig;
	return 0;
}

int rig_setup(void **state)
{
	return setup(state, false);
}

int rig_setup_mapped(void **state)
{
	return setup(state, true);
}

int rig_teardown(void **state)
{
	struct rig *rig = *state;

	gpu_fini(rig->gpu);
	munmap(rig->guest, RIG_GUEST);
	close(rig->fd);
	free(rig->gpu);
	free(rig->events);
	free(rig);
	clock_is_ours = false;
	return 0;
}

/* ---- a channel ---- */

void rig_entry(struct rig *rig, uint32_t low, uint32_t high)
{
	vram32(rig, AT_GP)[2 * rig->put] = low;
	vram32(rig, AT_GP)[2 * rig->put + 1] = high;
	rig->put = (rig->put + 1) % GP_NR;
	*userd(rig, 0x8c) = rig->put;
}

void rig_submit(struct rig *rig, const uint32_t *words, unsigned int nr)
{
	if ((rig->pushed + nr) * 4 > PUSH_SIZE)
		rig->pushed = 0;
	memcpy(vram32(rig, AT_PUSH) + rig->pushed, words, nr * 4);
	rig_entry(rig, LO(PUSH_VA + rig->pushed * 4), nr << 10);
	rig->pushed += nr;
}

enum channel_went rig_run(struct rig *rig)
{
	for (unsigned int i = 0; i < 100000; i++) {
		enum channel_went went;

		rig->gpu->engine.time = event_now(rig->events) + RIG_PTIMER;
		went = channel_step(&rig->gpu->engine, &rig->chan);

		if (went == WENT_INTERRUPTS)
			rig->non_stalls++;
		else if (went != WENT_ON)
			return went;
	}
	fail_msg("the channel still goes on after 100000 steps");
	return WENT_ON;
}

/* ---- the GPU ---- */

uint32_t rd(struct rig *rig, uint32_t addr)
{
	uint32_t value = 0;

	gpu_read(rig->gpu, GPU_BAR0, addr, &value, 4);
	return value;
}

void wr(struct rig *rig, uint32_t addr, uint32_t value)
{
	gpu_write(rig->gpu, GPU_BAR0, addr, &value, 4);
}

uint32_t bar_rd(struct rig *rig, unsigned int bar, uint64_t offset)
{
	uint32_t value = 0;

	gpu_read(rig->gpu, bar, offset, &value, 4);
	return value;
}

void bar_wr(struct rig *rig, unsigned int bar, uint64_t offset, uint32_t value)
{
	gpu_write(rig->gpu, bar, offset, &value, 4);
}

void rig_bind(struct rig *rig, unsigned int chan, uint32_t inst)
{
	wr(rig, 0x800000 + chan * 8, 0x80000000 | inst >> 12);
	wr(rig, 0x800004 + chan * 8, rd(rig, 0x800004 + chan * 8) | 0x400);
}

void rig_runlist(struct rig *rig, unsigned int runlist, const unsigned int *chans, unsigned int nr)
{
	uint32_t *entry = vram32(rig, AT_RUNLIST);

	/* A group's header each, as nouveau has it on GP100. */
	for (unsigned int i = 0; i < nr; i++) {
		*entry++ = 1 << 26 | 128 << 18 | 3 << 14 | 1 << 13 | chans[i];
		*entry++ = 0;
		*entry++ = chans[i];
		*entry++ = AT_INST >> 12;
	}
	wr(rig, 0x2270, AT_RUNLIST >> 12);
	wr(rig, 0x2274, runlist << 20 | nr * 2);
}

void rig_start(struct rig *rig)
{
	const unsigned int chan = RIG_CHAN;

	wr(rig, 0x200, 0xffffffff);
	wr(rig, 0x204, 3);
	for (unsigned int i = 0; i < 2; i++) {
		wr(rig, 0x40108 + i * 0x2000, 0xffffffff);
		wr(rig, 0x4010c + i * 0x2000, 0xfffffeff);
		wr(rig, 0x4014c + i * 0x2000, 0xffffffff);
	}
	wr(rig, 0x1704, 0x80000000 | AT_BAR1 >> 12);
	wr(rig, 0x1714, 0x80000000 | AT_BAR2 >> 12);
	wr(rig, 0x2254, 0x10000000);
	wr(rig, 0x2100, 0xffffffff);
	wr(rig, 0x2140, 0x7fffffff);
	wr(rig, 0x2a74, 0);
	wr(rig, 0x2a70, FAULT_BUFFER);
	wr(rig, 0x2a70, FAULT_BUFFER | 1);
	wr(rig, 0x160, 0xffffffff);
	wr(rig, 0x164, 0xffffffff);
	rig_bind(rig, RIG_CHAN, AT_INST);
	rig_runlist(rig, 0, &chan, 1);
	wr(rig, 0x2a00, 1);		/* the runlist is taken, that is known */
	wr(rig, 0x88704, 0);
	rig_work(rig);
	rig->messages = 0;
}

void rig_doorbell(struct rig *rig)
{
	bar_wr(rig, GPU_BAR1, RIG_CHAN * USERD_SIZE + 0x8c, rig->put);
}

void rig_flush(struct rig *rig, uint64_t pdb)
{
	wr(rig, 0x100cb8, pdb >> 12 << 4);
	wr(rig, 0x100cec, pdb >> 40);
	wr(rig, 0x100cbc, 0x80000001);
}

void rig_replay(struct rig *rig)
{
	wr(rig, 0x100cbc, 0x8000000b);
}

int64_t rig_work(struct rig *rig)
{
	for (unsigned int i = 0; i < 100000; i++) {
		const int64_t ns = gpu_work(rig->gpu);

		if (ns)
			return ns;
	}
	fail_msg("the engines still go on after 100000 pieces of work");
	return 0;
}

uint64_t stat_of(struct rig *rig, enum stat_id stat)
{
	return rig->events->stat[stat];
}
