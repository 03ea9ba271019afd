// SPDX-License-Identifier: MIT
/*
 * The GPU from outside: registers, BARs, messages. What is expected of a register is written out
 * from the documents that pri/ names.
 */
#include <linux/pci_regs.h>

#include "../control_abi.h"
#include "rig.h"

#define INTR_FIFO_	0x00000100
#define INTR_FAULTS	0x00000200
#define INTR_TIMER_	0x00100000
#define MISSING		(RIG_VA + 8 * PAGE_SIZE)	/* an address without a page */

/* A copy of a word, from one address to another; SET_OBJECT each time. */
static void copy_word(struct rig *rig, uint64_t dst, uint64_t src)
{
	SUBMIT(rig, 0x20018000, 0xc0b5, 0x20088100, HI(src), LO(src), HI(dst), LO(dst), 4, 4, 4, 1,
	       0x200180c0, 0x182);
	rig_doorbell(rig);
}

/* A word at the semaphore's page, by host: the channel runs. */
static bool runs(struct rig *rig, uint32_t value)
{
	SUBMIT(rig, 0x20040004, 0, LO(SEM_VA), value, 0x01000002);
	rig_doorbell(rig);
	rig_work(rig);
	return *vram32(rig, AT_SEM) == value;
}

static void set_knob(struct rig *rig, enum knob nr, uint64_t value)
{
	assert_null(gpu_knob(rig->gpu, nr, value));
}

/* An entry of the fault buffer, as the CPU reads it through BAR2. */
static uint32_t entry(struct rig *rig, unsigned int nr, unsigned int at)
{
	return bar_rd(rig, GPU_BAR2, FAULT_BUFFER + nr * 32 + at * 4);
}

static void doorbell(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	SUBMIT(rig, 0x20040004, 0, LO(SEM_VA), 0x1234, 0x01000002);
	/* GP_PUT in memory is not looked at by itself. */
	assert_true(rig_work(rig) != 0);
	assert_int_equal(*vram32(rig, AT_SEM), 0);
	rig_doorbell(rig);
	rig_work(rig);
	assert_int_equal(*vram32(rig, AT_SEM), 0x1234);
	/* GP_GET, through BAR1. */
	assert_int_equal(bar_rd(rig, GPU_BAR1, RIG_CHAN * USERD_SIZE + 0x88), 1);
	assert_int_equal(rig->messages, 0);
}

/* fault -> fault buffer -> interrupt -> the driver maps a page -> replay -> done */
static void fault_and_replay(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	rig_advance(0x1234567000ULL - event_now(rig->events));
	copy_word(rig, RIG_VA, MISSING);
	rig_work(rig);
	assert_int_equal(rd(rig, 0x2a80), 1);
	assert_int_equal(rd(rig, 0x2a7c), 0);
	assert_int_equal(rig->messages, 1);
	assert_int_equal(entry(rig, 0, 0), AT_INST);
	assert_int_equal(entry(rig, 0, 1), 0);
	assert_int_equal(entry(rig, 0, 2), LO(MISSING));
	assert_int_equal(entry(rig, 0, 3), HI(MISSING));
	assert_int_equal(entry(rig, 0, 4), 0x34567000);
	assert_int_equal(entry(rig, 0, 5), 0x12);
	assert_int_equal(entry(rig, 0, 6), 0x15);
	/* Valid, HUB, a read, client GRCOPY, replayable, no PTE. */
	assert_int_equal(entry(rig, 0, 7), 0x80000000 | 0x00100000 | 0x18 << 8 | 0x80 | 0x2);
	/* The interrupt is there until it has been seen. */
	assert_int_equal(rd(rig, 0x100) & INTR_FAULTS, INTR_FAULTS);
	assert_int_equal(rd(rig, 0x100) & INTR_FAULTS, 0);
	/* It waits. */
	rig_work(rig);
	assert_int_equal(rd(rig, 0x2a80), 1);

	/* Replayed in vain, it faults again. */
	wr(rig, 0x88704, 0);
	wr(rig, 0x2a7c, 1);
	rig_replay(rig);
	rig_work(rig);
	assert_int_equal(rd(rig, 0x2a80), 2);
	assert_int_equal(rig->messages, 2);

	*spt(rig, 8) = PTE_SYS(RIG_IOVA + 7 * PAGE_SIZE);
	*word(rig, 7 * PAGE_SIZE) = 0xabcd;
	rig_flush(rig, AT_PD3);
	rig_work(rig);
	assert_int_equal(*word(rig, 0), 0);
	wr(rig, 0x2a7c, 2);
	rig_replay(rig);
	rig_work(rig);
	assert_int_equal(*word(rig, 0), 0xabcd);
	assert_int_equal(rd(rig, 0x2a80), 2);
	assert_int_equal(stat_of(rig, STAT_faults_read), 2);
	assert_int_equal(stat_of(rig, STAT_replays), 2);
	assert_int_equal(stat_of(rig, STAT_faults_fatal), 0);
	/* No fault of PFIFO's. */
	assert_int_equal(rd(rig, 0x2100), 0);
	assert_true(runs(rig, 1));
}

static void write_and_atomic_faults(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	copy_word(rig, MISSING, RIG_VA);
	rig_work(rig);
	/* Access 18:16: a write. */
	assert_int_equal(entry(rig, 0, 7) >> 16 & 0xf, 1);
	*spt(rig, 8) = PTE_SYS(RIG_IOVA) | NO_ATOMIC;
	rig_replay(rig);
	rig_work(rig);
	SUBMIT(rig, 0x20038090, HI(MISSING), LO(MISSING), 1, 0x200180c0, 0x08 | 5 << 14 | 1 << 19);
	rig_doorbell(rig);
	rig_work(rig);
	assert_int_equal(entry(rig, 1, 7) >> 16 & 0xf, 2);
	assert_int_equal(entry(rig, 1, 7) & 0x1f, 0xf);
	*spt(rig, 8) = PTE_SYS(RIG_IOVA);
	rig_replay(rig);
	rig_work(rig);
	assert_int_equal(*word(rig, 0), 1);
	assert_int_equal(stat_of(rig, STAT_faults_write), 1);
	assert_int_equal(stat_of(rig, STAT_faults_atomic), 1);
}

/* What a fatal fault leaves in PFIFO, and what the driver does about it. */
static void check_fatal(struct rig *rig, uint32_t bit, uint64_t va, uint32_t info)
{
	const uint32_t at = 0x2800 + 16 * bit;

	assert_int_equal(rd(rig, 0x100) & INTR_FIFO_, INTR_FIFO_);
	assert_int_equal(rd(rig, 0x2100), 0x10000000);
	assert_int_equal(rd(rig, 0x259c), 1U << bit);
	assert_int_equal(rd(rig, at), AT_INST >> 12);
	assert_int_equal(rd(rig, at + 4), LO(va));
	assert_int_equal(rd(rig, at + 8), HI(va));
	assert_int_equal(rd(rig, at + 12), info);
	/* The runlist does not go on, until that is cleared. */
	assert_int_equal(rd(rig, 0x262c), 1);
	/* 0x2100 says it as long as 0x259c does. */
	wr(rig, 0x2100, 0x10000000);
	assert_int_equal(rd(rig, 0x2100), 0x10000000);
	wr(rig, 0x259c, 1U << bit);
	assert_int_equal(rd(rig, 0x2100), 0);
	assert_int_equal(rd(rig, 0x100) & INTR_FIFO_, 0);
}

static void recover(struct rig *rig)
{
	const unsigned int chan = RIG_CHAN;

	/* Off, out of its runlist, the copy engine reset, unbound, and another in its place. */
	wr(rig, 0x2630, 1);
	wr(rig, 0x800004 + RIG_CHAN * 8, 0x800);
	rig_runlist(rig, 0, NULL, 0);
	wr(rig, 0x200, 0xffffffff & ~0x40);
	wr(rig, 0x200, 0xffffffff);
	assert_int_equal(rd(rig, 0x2648), 0);
	wr(rig, 0x262c, 1);
	wr(rig, 0x2630, 0);
	wr(rig, 0x800000 + RIG_CHAN * 8, 0);
	memset(userd(rig, 0), 0, USERD_SIZE);
	*vram32(rig, AT_INST + 0x14) = 0;
	rig->put = 0;
	rig_bind(rig, RIG_CHAN, AT_INST);
	rig_runlist(rig, 0, &chan, 1);
	wr(rig, 0x2a00, 1);
	rig_work(rig);
	assert_true(runs(rig, 0x99));
}

static void cancel(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	/* Nobody waits. */
	assert_int_equal(rd(rig, 0x409b00), 0);
	wr(rig, 0x100cbc, 0x8000001b);
	assert_int_equal(stat_of(rig, STAT_cancels_missed), 1);
	copy_word(rig, RIG_VA, MISSING);
	rig_work(rig);
	assert_int_equal(rd(rig, 0x2a80), 1);
	wr(rig, 0x2a7c, 1);
	/* As nouveau does: stop the context switching firmware, ask it, cancel, go on. */
	wr(rig, 0x409804, 0xffffffff);
	wr(rig, 0x409800, 0);
	wr(rig, 0x409500, 0xffffffff);
	wr(rig, 0x409504, 0x38);
	assert_int_equal(rd(rig, 0x409804), 1);
	assert_int_equal(rd(rig, 0x409b00), 0x80000000 | AT_INST >> 12);
	wr(rig, 0x100cbc, 0x8000001b | 1 << 20 | 0x18 << 9);
	wr(rig, 0x409504, 0x39);
	assert_int_equal(stat_of(rig, STAT_cancels), 1);
	check_fatal(rig, 21, MISSING, 0x00100000 | 0x18 << 8 | 0x2);
	/* The engine has the channel's context, so it is to be reset. */
	assert_int_equal(rd(rig, 0x2648), 0x3000 | RIG_CHAN);
	assert_int_equal(rd(rig, 0x409b00), 0);
	assert_false(runs(rig, 5));
	recover(rig);
	/* The copy that was cancelled was not made. */
	assert_int_equal(*word(rig, 0), 0);
}

/* Who is cancelled: the one whose fault was reported first. */
static void cancel_order(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	for (unsigned int i = 0; i < 2; i++)
		rig->gpu->hand[i] = (struct gpu_access) {
			.chan = RIG_CHAN, .type = ACCESS_WRITE, .va = MISSING + i * PAGE_SIZE,
		};
	gpu_access_start(rig->gpu, 0, 2);
	rig_work(rig);
	assert_int_equal(rd(rig, 0x2a80), 2);
	assert_int_equal(rd(rig, 0x409b00), 0x80000000 | AT_INST >> 12);
	wr(rig, 0x100cbc, 0x8000001b);
	assert_int_equal(rd(rig, 0x2804 + 16 * 21), LO(MISSING));
	/* Both ended with their channel. */
	assert_int_equal(rig->gpu->hand[0].state, ACCESS_CANCELLED);
	assert_int_equal(rig->gpu->hand[1].state, ACCESS_CANCELLED);
	assert_int_equal(rig->gpu->pending, 0);
}

/*
 * Without a fault buffer, without replay in the address space, or as silicon is (the knob strict),
 * a fault of the copy engine ends the channel.
 */
static void fatal_fault(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	set_knob(rig, KNOB_strict, 1);
	copy_word(rig, RIG_VA, MISSING);
	rig_work(rig);
	assert_int_equal(rd(rig, 0x2a80), 0);
	check_fatal(rig, 21, MISSING, 0x00100000 | 0x18 << 8 | 0x2);
	recover(rig);

	set_knob(rig, KNOB_strict, 0);
	wr(rig, 0x2a70, FAULT_BUFFER);
	copy_word(rig, RIG_VA, MISSING);
	rig_work(rig);
	check_fatal(rig, 21, MISSING, 0x00100000 | 0x18 << 8 | 0x2);
	wr(rig, 0x2a70, FAULT_BUFFER | 1);
	/* No replay: bits 5:4 of the directory's word. */
	*vram64(rig, AT_INST + 0x200) = AT_PD3 | 0xc00;
	recover(rig);
	copy_word(rig, RIG_VA, MISSING);
	rig_work(rig);
	check_fatal(rig, 21, MISSING, 0x00100000 | 0x18 << 8 | 0x2);
	recover(rig);
	/* And one of host's, whatever there is: MMU engine HOST0, client HOST. */
	*vram64(rig, AT_INST + 0x200) = AT_PD3 | 0xc30;
	recover(rig);
	SUBMIT(rig, 0x20040004, 0x12, 0x3000, 1, 0x01000002);
	rig_doorbell(rig);
	rig_work(rig);
	check_fatal(rig, 6, 0x1200003000ULL, 0x00100000 | 1 << 16 | 6 << 8);
	recover(rig);
	assert_int_equal(stat_of(rig, STAT_faults_fatal), 4);
	assert_int_equal(stat_of(rig, STAT_channels_killed), 4);
	assert_int_equal(rd(rig, 0x2a80), 0);
}

/* The second fault of a unit waits until the first is acknowledged. */
static void second_fault(void **state)
{
	struct rig *rig = *state;
	const unsigned int both[] = { RIG_CHAN, 7 };

	rig_start(rig);
	set_knob(rig, KNOB_strict, 1);
	rig_bind(rig, 7, AT_INST);
	rig_runlist(rig, 0, both, 2);
	wr(rig, 0x2a00, 1);
	rig->gpu->hand[0] = (struct gpu_access) { .chan = RIG_CHAN, .va = MISSING };
	rig->gpu->hand[1] = (struct gpu_access) { .chan = 7, .va = MISSING + 0x5000 };
	rig->gpu->hand[2] = (struct gpu_access) { .chan = 7, .type = ACCESS_WRITE, .va = RIG_VA };
	gpu_access_start(rig->gpu, 0, 3);
	/* The two channels have the same instance block: both end with the first. */
	rig_work(rig);
	assert_int_equal(rd(rig, 0x2100), 0x10000000);
	/* Bound anew, it faults again. */
	wr(rig, 0x800000 + 7 * 8, 0);
	rig_bind(rig, 7, AT_INST);
	rig->gpu->hand[0] = (struct gpu_access) { .chan = 7, .va = MISSING + 0x5000 };
	gpu_access_start(rig->gpu, 0, 1);
	rig_work(rig);
	/* The first is kept; the second is there when that has been acknowledged. */
	assert_int_equal(rd(rig, 0x2100), 0x10000000);
	assert_int_equal(rd(rig, 0x2804 + 16 * 21), LO(MISSING));
	assert_int_equal(stat_of(rig, STAT_faults_fatal), 1);
	assert_false(rig->gpu->chan[7].dead);
	rig_runlist(rig, 0, both, 2);
	wr(rig, 0x2a00, 1);
	wr(rig, 0x800004 + 7 * 8, 0x400);
	wr(rig, 0x259c, 1 << 21);
	wr(rig, 0x262c, 1);
	rig_work(rig);
	assert_int_equal(rd(rig, 0x259c), 1 << 21);
	assert_int_equal(rd(rig, 0x2804 + 16 * 21), LO(MISSING + 0x5000));
	assert_int_equal(stat_of(rig, STAT_faults_fatal), 2);
	assert_true(rig->gpu->chan[7].dead);
}

/* A fault that the driver triggers: the engine says that it has faulted, until it is reset. */
static void triggered_fault(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	assert_int_equal(rd(rig, 0x2648) & 0x40000000, 0);
	wr(rig, 0x2a34, 0x100 | 21);
	assert_int_equal(rd(rig, 0x2a34), 0x100 | 21);
	assert_int_equal(rd(rig, 0x2648) & 0x40000000, 0x40000000);
	assert_int_equal(rd(rig, 0x259c), 1 << 21);
	assert_int_equal(rd(rig, 0x2100), 0x10000000);
	/* Again, with the first not acknowledged: nothing is dropped. */
	wr(rig, 0x2a34, 0x100 | 21);
	assert_int_equal(rd(rig, 0x2100), 0x10000000);
	wr(rig, 0x259c, 1 << 21);
	assert_int_equal(rd(rig, 0x2100), 0);
	wr(rig, 0x200, 0xffffffff);
	wr(rig, 0x200, 0xffffffff & ~(1U << 6));
	assert_int_equal(rd(rig, 0x2648), 0);
}

/* Unbound and bound again, as for a suspend: it goes on where it was, and knows its classes. */
static void bound_again(void **state)
{
	struct rig *rig = *state;
	const unsigned int chan = RIG_CHAN;
	uint64_t entries;

	rig_start(rig);
	*word(rig, 0) = 1;
	copy_word(rig, RIG_VA + 0x1000, RIG_VA);
	rig_work(rig);
	assert_int_equal(*word(rig, 0x1000), 1);
	entries = stat_of(rig, STAT_gpfifo_entries);
	wr(rig, 0x800004 + RIG_CHAN * 8, 0x800);
	rig_runlist(rig, 0, NULL, 0);
	wr(rig, 0x800000 + RIG_CHAN * 8, 0);
	rig_bind(rig, RIG_CHAN, AT_INST);
	rig_runlist(rig, 0, &chan, 1);
	wr(rig, 0x2a00, 1);
	rig_work(rig);
	assert_int_equal(stat_of(rig, STAT_gpfifo_entries), entries);
	*word(rig, 0) = 2;
	copy_word(rig, RIG_VA + 0x1000, RIG_VA);
	rig_work(rig);
	assert_int_equal(stat_of(rig, STAT_gpfifo_entries), entries + 1);
	assert_int_equal(*word(rig, 0x1000), 2);
}

static void runlists(void **state)
{
	struct rig *rig = *state;
	const unsigned int chan = RIG_CHAN, other = 9;

	rig_start(rig);
	assert_true(runs(rig, 1));
	/* Taken at once: not pending, and 0x2a00 says so. */
	rig_runlist(rig, 0, NULL, 0);
	assert_int_equal(rd(rig, 0x2284), 0);
	assert_int_equal(rd(rig, 0x2a00), 1);
	assert_int_equal(rd(rig, 0x2100), 0x40000000);
	wr(rig, 0x2a00, 1);
	assert_int_equal(rd(rig, 0x2100), 0);
	/* Without the channel it does not run. */
	assert_false(runs(rig, 2));
	rig_runlist(rig, 0, &other, 1);
	rig_work(rig);
	assert_int_equal(*vram32(rig, AT_SEM), 1);
	/* On another, it does. */
	rig_runlist(rig, 2, &chan, 1);
	rig_work(rig);
	assert_int_equal(*vram32(rig, AT_SEM), 2);
	assert_int_equal(rd(rig, 0x2290), AT_RUNLIST >> 12);
	assert_int_equal(rd(rig, 0x2294), 2);
	/* Blocked by 0x2630. */
	wr(rig, 0x2630, 1 << 2);
	assert_false(runs(rig, 3));
	wr(rig, 0x2630, 0);
	rig_work(rig);
	assert_int_equal(*vram32(rig, AT_SEM), 3);
	/* None of that number; one that lies nowhere. Neither stops what runs. */
	wr(rig, 0x2274, 9 << 20 | 2);
	assert_true(runs(rig, 4));
	wr(rig, 0x2270, RIG_VRAM >> 12);
	wr(rig, 0x2274, 1 << 20 | 2);
	assert_true(runs(rig, 5));
	assert_int_equal(stat_of(rig, STAT_guest_errors), 2);
	/* In system memory (target 2), which is how others allocate it. */
	memcpy(rig->guest + 0x30000, vram32(rig, AT_RUNLIST), 16);
	rig_runlist(rig, 2, NULL, 0);
	wr(rig, 0x2270, 2U << 28 | (RIG_IOVA + 0x30000) >> 12);
	wr(rig, 0x2274, 2 << 20 | 2);
	assert_true(runs(rig, 6));
	assert_int_equal(stat_of(rig, STAT_guest_errors), 2);
}

static void groups(void **state)
{
	struct rig *rig = *state;
	uint32_t *entry_ = vram32(rig, AT_RUNLIST);

	rig_start(rig);
	rig_bind(rig, 7, AT_INST);
	rig_bind(rig, 8, AT_INST);
	/* A group 5 of two channels, and one without a group. */
	entry_[0] = 2 << 26 | 1 << 13 | 5;
	entry_[2] = RIG_CHAN;
	entry_[4] = 7;
	entry_[6] = 8;
	wr(rig, 0x2274, 4);
	assert_int_equal(rig->gpu->chan[RIG_CHAN].tsg, 5);
	assert_int_equal(rig->gpu->chan[7].tsg, 5);
	assert_int_equal(rig->gpu->chan[8].tsg, 8);
	/* A channel beyond those that there are. */
	entry_[2] = 0xfff;
	wr(rig, 0x2274, 4);
	assert_false(rig->gpu->chan[RIG_CHAN].listed);
	assert_true(rig->gpu->chan[7].listed);
}

static void enabling(void **state)
{
	struct rig *rig = *state;
	const uint32_t ccsr = 0x800000 + RIG_CHAN * 8;

	rig_start(rig);
	assert_int_equal(rd(rig, ccsr), 0x80000000 | AT_INST >> 12);
	/* Bits that set and clear read 0: read-modify-write works. */
	assert_int_equal(rd(rig, ccsr + 4), 1);
	wr(rig, ccsr + 4, rd(rig, ccsr + 4) | 0x800);
	assert_int_equal(rd(rig, ccsr + 4), 0);
	assert_false(runs(rig, 1));
	wr(rig, ccsr + 4, rd(rig, ccsr + 4) | 0x400);
	rig_work(rig);
	assert_int_equal(*vram32(rig, AT_SEM), 1);
	/* A preempted group is off at once. */
	wr(rig, 0x2634, 0x01000000 | RIG_CHAN);
	assert_int_equal(rd(rig, 0x2634) & 0x100000, 0);
	/* Bound twice. */
	wr(rig, ccsr, 0x80000000 | AT_INST >> 12);
	assert_int_equal(rd(rig, 0x2100), 1);
	assert_int_equal(rd(rig, 0x252c), 1);
	wr(rig, 0x2100, 1);
	assert_int_equal(rd(rig, 0x2100), 0);
	/* Unbound it does nothing more. */
	wr(rig, ccsr, 0);
	assert_false(runs(rig, 2));
	/* An instance block that there is not. */
	wr(rig, ccsr, 0x80000000 | RIG_VRAM >> 12);
	rig_doorbell(rig);
	rig_work(rig);
	assert_int_equal(*vram32(rig, AT_SEM), 1);
	assert_int_equal(stat_of(rig, STAT_guest_errors), 1);
}

/* PFIFO's reset: channels are off, its registers are those of power-on. */
static void fifo_reset_(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	wr(rig, 0x200, 0xffffffff & ~0x100);
	assert_int_equal(rd(rig, 0x800000 + RIG_CHAN * 8), 0);
	assert_int_equal(rd(rig, 0x800004 + RIG_CHAN * 8), 0);
	assert_int_equal(rd(rig, 0x2140), 0);
	assert_int_equal(rd(rig, 0x4010c), 0);
	assert_false(runs(rig, 1));
	wr(rig, 0x200, 0xffffffff);
	rig_start(rig);
	assert_true(runs(rig, 1));
}

/* What is no method: PBDMA 0 says so, and the channel waits until that is cleared. */
static void pbdma_interrupt(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	SUBMIT(rig, 0x20010001, 0x77, 0x20040004, 0, LO(SEM_VA), 0x1234, 0x01000002);
	rig_doorbell(rig);
	rig_work(rig);
	assert_int_equal(rig->messages, 1);
	assert_int_equal(rd(rig, 0x100) & INTR_FIFO_, INTR_FIFO_);
	assert_int_equal(rd(rig, 0x2100), 0x20000000);
	assert_int_equal(rd(rig, 0x25a0), 1);
	assert_int_equal(rd(rig, 0x40108), 1 << 21);
	assert_int_equal(rd(rig, 0x400c0), 4);
	assert_int_equal(rd(rig, 0x400c4), 0x77);
	assert_int_equal(rd(rig, 0x40120), RIG_CHAN);
	assert_int_equal(*vram32(rig, AT_SEM), 0);
	wr(rig, 0x2100, 0x20000000);
	assert_int_equal(rd(rig, 0x2100), 0x20000000);
	/* Masked, it is not said. */
	wr(rig, 0x4010c, 0);
	assert_int_equal(rd(rig, 0x2100), 0);
	wr(rig, 0x4010c, 0xfffffeff);
	/* nouveau puts a NOP in its place, and the rest goes on. */
	wr(rig, 0x400c0, 0x80600008);
	assert_int_equal(rd(rig, 0x400c0), 0x80600008);
	wr(rig, 0x40108, 1 << 21);
	assert_int_equal(rd(rig, 0x25a0), 0);
	rig_work(rig);
	assert_int_equal(*vram32(rig, AT_SEM), 0x1234);
	/* With a subchannel. */
	SUBMIT(rig, 0x2001e0c0, 5);
	rig_doorbell(rig);
	rig_work(rig);
	assert_int_equal(rd(rig, 0x40108), 1 << 23);
	assert_int_equal(rd(rig, 0x400c0), 7 << 16 | 0x300);
}

static void non_stall_interrupt(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	SUBMIT(rig, 0x20010008, 0);
	rig_doorbell(rig);
	rig_work(rig);
	/* Until somebody waits for it, it is masked. */
	assert_int_equal(rd(rig, 0x2100), 0x80000000);
	assert_int_equal(rig->messages, 0);
	wr(rig, 0x2140, 0xffffffff);
	assert_int_equal(rig->messages, 1);
	wr(rig, 0x2100, 0x80000000);
	assert_int_equal(rd(rig, 0x2100), 0);
}

/* A message is signalled once; the next when it is armed again. */
static void messages(void **state)
{
	struct rig *rig = *state;
	uint64_t before;

	rig_start(rig);
	before = stat_of(rig, STAT_interrupts);
	wr(rig, 0x180, 0xffffffff);
	copy_word(rig, RIG_VA, MISSING);
	rig_work(rig);
	assert_int_equal(rig->messages, 0);
	/* Read while masked: it has not been seen. */
	assert_int_equal(rd(rig, 0x100) & INTR_FAULTS, INTR_FAULTS);
	/* Unmasked, it comes. */
	wr(rig, 0x160, INTR_FAULTS);
	assert_int_equal(rig->messages, 1);
	assert_int_equal(rd(rig, 0x160), INTR_FAULTS);
	/* Not a second time, until it is armed: by 0x704 in the configuration space's mirror. */
	wr(rig, 0x2a7c, 0);
	assert_int_equal(rig->messages, 1);
	wr(rig, 0x88700, 0);
	assert_int_equal(rig->messages, 1);
	wr(rig, 0x88704, 0);
	assert_int_equal(rig->messages, 2);
	/* A client that has not enabled them gets it when it has. */
	wr(rig, 0x88704, 0);
	assert_int_equal(rig->messages, 3);
	rig->deaf = true;
	wr(rig, 0x88704, 0);
	rd(rig, 0);
	rig->deaf = false;
	wr(rig, 0x2a7c, 0);
	assert_int_equal(rig->messages, 4);
	assert_int_equal(stat_of(rig, STAT_interrupts) - before, 4);
}

/* With INTx there is nothing to be armed: opening the mask is the end of a handler. */
static void intx(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	rig->intx = true;
	/* It is no write to memory. */
	rig_command(rig, PCI_COMMAND_MEMORY);
	wr(rig, 0x9140, 1);
	wr(rig, 0x9420, rd(rig, 0x9400) + 1000);
	rig_advance(2000);
	rig_work(rig);
	assert_int_equal(rig->messages, 1);
	wr(rig, 0x9100, 1);
	wr(rig, 0x160, 0xffffffff);
	rig_command(rig, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	rig->messages = 0;
	copy_word(rig, RIG_VA, MISSING);
	rig_work(rig);
	assert_int_equal(rig->messages, 1);
	wr(rig, 0x180, 0xffffffff);
	wr(rig, 0x160, 0xffffffff);
	assert_int_equal(rig->messages, 2);
	wr(rig, 0x180, 0xffffffff);
	rd(rig, 0x100);
	wr(rig, 0x164, 0xffffffff);
	assert_int_equal(rig->messages, 2);
}

static void fault_level(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	set_knob(rig, KNOB_fault_level, 1);
	copy_word(rig, RIG_VA, MISSING);
	rig_work(rig);
	/* As long as GET is not PUT. */
	for (int i = 0; i < 3; i++)
		assert_int_equal(rd(rig, 0x100) & INTR_FAULTS, INTR_FAULTS);
	wr(rig, 0x2a7c, 1);
	assert_int_equal(rd(rig, 0x100) & INTR_FAULTS, 0);
}

/* ---- gates ---- */

static void gate_of_faults(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	gpu_gate(rig->gpu, GATE_fault, true);
	copy_word(rig, RIG_VA, MISSING);
	assert_true(rig_work(rig) > 0);
	assert_int_equal(rig->gpu->gates.held[GATE_fault], 1);
	assert_int_equal(rd(rig, 0x2a80), 0);
	/* What has not been reported is not replayed. */
	rig_replay(rig);
	rig_work(rig);
	assert_int_equal(rig->gpu->gates.held[GATE_fault], 1);
	assert_int_equal(rd(rig, 0x2a80), 0);
	gpu_gate(rig->gpu, GATE_fault, false);
	rig_work(rig);
	assert_int_equal(rd(rig, 0x2a80), 1);
	assert_int_equal(rig->gpu->gates.held[GATE_fault], 0);
}

static void gate_of_notifications(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	gpu_gate(rig->gpu, GATE_notify, true);
	copy_word(rig, RIG_VA, MISSING);
	rig_work(rig);
	assert_int_equal(rd(rig, 0x2a80), 1);
	assert_int_equal(rig->gpu->gates.held[GATE_notify], 1);
	assert_int_equal(rig->messages, 0);
	assert_int_equal(rd(rig, 0x100), 0);
	gpu_gate(rig->gpu, GATE_notify, false);
	assert_int_equal(rig->messages, 1);
	assert_int_equal(rig->gpu->gates.held[GATE_notify], 0);
	assert_int_equal(rd(rig, 0x100), INTR_FAULTS);
}

static void gate_of_replays(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	copy_word(rig, RIG_VA, MISSING);
	rig_work(rig);
	*spt(rig, 8) = PTE_SYS(RIG_IOVA + 7 * PAGE_SIZE);
	*word(rig, 7 * PAGE_SIZE) = 0xabcd;
	gpu_gate(rig->gpu, GATE_replay, true);
	rig_replay(rig);
	rig_replay(rig);
	rig_work(rig);
	assert_int_equal(*word(rig, 0), 0);
	assert_int_equal(rig->gpu->gates.held[GATE_replay], 2);
	assert_int_equal(stat_of(rig, STAT_replays), 0);
	gpu_gate(rig->gpu, GATE_replay, false);
	rig_work(rig);
	assert_int_equal(*word(rig, 0), 0xabcd);
	assert_int_equal(stat_of(rig, STAT_replays), 1);
}

static void gate_of_flushes(void **state)
{
	struct rig *rig = *state;
	uint32_t before;

	rig_start(rig);
	assert_int_equal(rd(rig, 0x100c80) & 0x00ff8000, 0x00ff8000);
	copy_word(rig, RIG_VA, RIG_VA + 0x1000);
	rig_work(rig);
	*spt(rig, 1) = PTE_SYS(RIG_IOVA + 7 * PAGE_SIZE);
	*word(rig, 7 * PAGE_SIZE) = 0xabcd;
	gpu_gate(rig->gpu, GATE_flush, true);
	rig_flush(rig, AT_PD3);
	assert_int_equal(rig->gpu->gates.held[GATE_flush], 1);
	/* No room, and not done. */
	assert_int_equal(rd(rig, 0x100c80) & 0x00ff8000, 0);
	/* The old translation is used. */
	copy_word(rig, RIG_VA, RIG_VA + 0x1000);
	rig_work(rig);
	assert_int_equal(*word(rig, 0), 0);
	/* The driver's time stands, but for a step a read. */
	before = rd(rig, 0x9400);
	rig_advance(1000000000);
	assert_int_equal(rd(rig, 0x9400), before + 32);
	gpu_gate(rig->gpu, GATE_flush, false);
	rig_work(rig);
	assert_int_equal(rd(rig, 0x100c80) & 0x00ff8000, 0x00ff8000);
	assert_true(rd(rig, 0x9400) - before < 1000);
	assert_int_equal(stat_of(rig, STAT_flushes), 1);
	copy_word(rig, RIG_VA, RIG_VA + 0x1000);
	rig_work(rig);
	assert_int_equal(*word(rig, 0), 0xabcd);
}

/* A gate that is forgotten opens: the driver holds locks meanwhile. */
static void gate_limit(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	set_knob(rig, KNOB_gate_limit, 500);
	gpu_gate(rig->gpu, GATE_flush, true);
	rig_flush(rig, AT_PD3);
	rig_advance(499000000);
	assert_true(rig_work(rig) > 0);
	assert_true(rig->gpu->gates.closed[GATE_flush]);
	rig_advance(1000000);
	rig_work(rig);
	assert_false(rig->gpu->gates.closed[GATE_flush]);
	assert_int_equal(stat_of(rig, STAT_flushes), 1);
	/* One that holds nothing stays. */
	gpu_gate(rig->gpu, GATE_flush, true);
	rig_advance(10000000000ULL);
	rig_work(rig);
	assert_true(rig->gpu->gates.closed[GATE_flush]);
}

/* As many as 0x100c80 has room for, and one more. */
static void too_many_flushes(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	gpu_gate(rig->gpu, GATE_flush, true);
	for (int i = 0; i < GPU_FLUSHES; i++)
		rig_flush(rig, AT_PD3);
	assert_int_equal(stat_of(rig, STAT_guest_errors), 0);
	rig_flush(rig, AT_PD3);
	assert_int_equal(stat_of(rig, STAT_guest_errors), 1);
	assert_int_equal(rig->gpu->gates.held[GATE_flush], GPU_FLUSHES);
	gpu_gate(rig->gpu, GATE_flush, false);
	rig_work(rig);
	assert_int_equal(stat_of(rig, STAT_flushes), GPU_FLUSHES);
	/* None of that number. */
	gpu_gate(rig->gpu, GATES, true);
}

static void gate_of_copies(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	*word(rig, 0x1000) = 7;
	gpu_gate(rig->gpu, GATE_copy, true);
	copy_word(rig, RIG_VA, RIG_VA + 0x1000);
	assert_true(rig_work(rig) > 0);
	assert_int_equal(rig->gpu->gates.held[GATE_copy], 1);
	assert_int_equal(*word(rig, 0), 0);
	gpu_gate(rig->gpu, GATE_copy, false);
	rig_work(rig);
	assert_int_equal(*word(rig, 0), 7);
}

/* ---- knobs ---- */

static void knob_fault_entries(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	set_knob(rig, KNOB_fault_entries, 3);
	for (unsigned int i = 0; i < 4; i++)
		rig->gpu->hand[i] = (struct gpu_access) {
			.chan = RIG_CHAN, .va = MISSING + i * PAGE_SIZE,
		};
	gpu_access_start(rig->gpu, 0, 4);
	rig_work(rig);
	assert_int_equal(rd(rig, 0x2a80), 2);
	assert_true(stat_of(rig, STAT_faults_put_off) >= 2);
	/* Those wait until there is room, and a replay is not theirs. */
	rig_replay(rig);
	wr(rig, 0x2a7c, 1);
	rig_work(rig);
	assert_int_equal(rd(rig, 0x2a80), 3);
	wr(rig, 0x2a7c, 3);
	rig_work(rig);
	assert_int_equal(rd(rig, 0x2a80), 5);
	assert_int_equal(rig->gpu->pending, 4);
}

static void knobs_that_drop(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	set_knob(rig, KNOB_drop_replays, 1);
	set_knob(rig, KNOB_drop_valid, 1);
	set_knob(rig, KNOB_drop_interrupts, 1);
	copy_word(rig, RIG_VA, MISSING);
	rig_work(rig);
	assert_int_equal(rig->messages, 0);
	assert_int_equal(rd(rig, 0x2a80), 1);
	assert_int_equal(entry(rig, 0, 7), 0x00100000 | 0x18 << 8 | 0x80 | 0x2);
	*spt(rig, 8) = PTE_SYS(RIG_IOVA + 7 * PAGE_SIZE);
	*word(rig, 7 * PAGE_SIZE) = 0xabcd;
	rig_replay(rig);
	rig_work(rig);
	assert_int_equal(*word(rig, 0), 0);
	assert_int_equal(stat_of(rig, STAT_replays_dropped), 1);
	rig_replay(rig);
	rig_work(rig);
	assert_int_equal(*word(rig, 0), 0xabcd);
	/* A flush: said to be done, and not. */
	set_knob(rig, KNOB_drop_flushes, 1);
	*spt(rig, 8) = PTE_SYS(RIG_IOVA + 6 * PAGE_SIZE);
	rig_flush(rig, AT_PD3);
	assert_int_equal(rd(rig, 0x100c80) & 0x00ff8000, 0x00ff8000);
	copy_word(rig, RIG_VA, MISSING);
	rig_work(rig);
	assert_int_equal(*word(rig, 0), 0xabcd);
	assert_int_equal(stat_of(rig, STAT_flushes_dropped), 1);
	rig_flush(rig, AT_PD3);
	copy_word(rig, RIG_VA, MISSING);
	rig_work(rig);
	assert_int_equal(*word(rig, 0), 0);
	/* Interrupts come again. */
	wr(rig, 0x88704, 0);
	copy_word(rig, RIG_VA, MISSING + PAGE_SIZE);
	rig_work(rig);
	assert_int_equal(rig->messages, 1);
	assert_int_equal(entry(rig, 1, 7) >> 31, 1);
}

static void knobs_that_delay(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	set_knob(rig, KNOB_delay_fault, 1000);
	copy_word(rig, RIG_VA, MISSING);
	rig_work(rig);
	rig_advance(999999);
	assert_true(rig_work(rig) > 0);
	assert_int_equal(rd(rig, 0x2a80), 0);
	rig_advance(1);
	rig_work(rig);
	assert_int_equal(rd(rig, 0x2a80), 1);

	*spt(rig, 8) = PTE_SYS(RIG_IOVA + 7 * PAGE_SIZE);
	*word(rig, 7 * PAGE_SIZE) = 0xabcd;
	set_knob(rig, KNOB_delay_replay, 2000);
	rig_replay(rig);
	rig_advance(1000000);
	/* The next does not put it off. */
	rig_replay(rig);
	rig_advance(999999);
	assert_true(rig_work(rig) > 0);
	assert_int_equal(stat_of(rig, STAT_replays), 0);
	rig_advance(1);
	rig_work(rig);
	assert_int_equal(stat_of(rig, STAT_replays), 1);
	assert_int_equal(*word(rig, 0), 0xabcd);

	set_knob(rig, KNOB_delay_flush, 3000);
	rig_flush(rig, AT_PD3);
	rig_advance(2999999);
	assert_true(rig_work(rig) > 0);
	assert_int_equal(stat_of(rig, STAT_flushes), 0);
	assert_int_equal(rd(rig, 0x100c80) & 0x8000, 0);
	rig_advance(1);
	rig_work(rig);
	assert_int_equal(stat_of(rig, STAT_flushes), 1);
}

static void knob_pace(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	memset(byte(rig, 0), 0x5a, 0x4000);
	set_knob(rig, KNOB_pace, 1);
	SUBMIT(rig, 0x20018000, 0xc0b5, 0x20088100, HI(RIG_VA), LO(RIG_VA), HI(RIG_VA),
	       LO(RIG_VA) + 0x4000, 0, 0, 0x4000, 1, 0x200180c0, 0x182);
	rig_doorbell(rig);
	for (unsigned int page = 0; page < 4; page++) {
		assert_true(rig_work(rig) > 0 || page == 3);
		assert_int_equal(*byte(rig, 0x4000 + page * 0x1000), 0x5a);
		if (page < 3)
			assert_int_equal(*byte(rig, 0x5000 + page * 0x1000), 0);
		rig_advance(1000000);
	}
	/* As fast as it goes, again. */
	set_knob(rig, KNOB_pace, 0);
	memset(byte(rig, 0), 0x6b, 0x4000);
	SUBMIT(rig, 0x200180c0, 0x182);
	rig_doorbell(rig);
	rig_work(rig);
	assert_int_equal(*byte(rig, 0x7fff), 0x6b);
}

static void knob_all_ones(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	set_knob(rig, KNOB_all_ones, 1);
	assert_int_equal(rd(rig, 0), 0xffffffff);
	assert_int_equal(bar_rd(rig, GPU_BAR1, 0), 0xffffffff);
	assert_int_equal(bar_rd(rig, GPU_BAR2, 0), 0xffffffff);
	wr(rig, 0x180, 0xffffffff);
	assert_false(runs(rig, 1));
	set_knob(rig, KNOB_all_ones, 0);
	assert_int_equal(rd(rig, 0), 0x130000a1);
	assert_int_equal(rd(rig, 0x160), 0xffffffff);
	assert_true(runs(rig, 2));
}

static void knob_bus_bits(void **state)
{
	struct rig *rig = *state;

	/* The guest's memory once more, where 47 bits do not reach. */
	assert_null(gpu_dma_map(rig->gpu, 1ULL << 47, RIG_GUEST, rig->fd, 0, true));
	rig_start(rig);
	*word(rig, 0x1000) = 9;
	*spt(rig, 8) = PTE_SYS((1ULL << 47) + 0x1000);
	copy_word(rig, RIG_VA, MISSING);
	rig_work(rig);
	assert_int_equal(*word(rig, 0), 0);
	assert_int_equal(stat_of(rig, STAT_bus_errors), 1);
	set_knob(rig, KNOB_bus_bits, 48);
	copy_word(rig, RIG_VA, MISSING);
	rig_work(rig);
	assert_int_equal(*word(rig, 0), 9);
	set_knob(rig, KNOB_bus_bits, 64);
	copy_word(rig, RIG_VA + 4, MISSING);
	rig_work(rig);
	assert_int_equal(*word(rig, 4), 9);
	assert_int_equal(stat_of(rig, STAT_bus_errors), 1);
}

/* The engines run between the two halves of an entry that is written through BAR2. */
static void knob_torn(void **state)
{
	struct rig *rig = *state;
	/* Its upper half is not 0: an address beyond 36 bits. */
	const uint64_t pte = PTE_SYS(0x5000002000ULL);

	assert_null(gpu_dma_map(rig->gpu, 0x5000000000ULL, RIG_GUEST, rig->fd, 0, true));
	rig_start(rig);
	set_knob(rig, KNOB_tlb_size, 0);
	/* BAR2's first page shows the table. */
	vram64(rig, AT_BAR2 + 0x5000)[0] = PTE_VRAM(AT_SPT);
	*spt(rig, 1) = 0;
	*word(rig, 0x2000) = 5;
	copy_word(rig, RIG_VA, RIG_VA + 0x1000);
	rig_work(rig);
	assert_int_equal(rd(rig, 0x2a80), 1);
	set_knob(rig, KNOB_torn, 1);
	rig_replay(rig);
	/* As nouveau writes it: the lower half first. It is valid then, at half an address. */
	bar_wr(rig, GPU_BAR2, 8, LO(pte));
	assert_int_equal(stat_of(rig, STAT_bus_errors), 1);
	assert_int_equal(*word(rig, 0), 0);
	bar_wr(rig, GPU_BAR2, 12, HI(pte));
	rig_work(rig);
	copy_word(rig, RIG_VA, RIG_VA + 0x1000);
	rig_work(rig);
	assert_int_equal(*word(rig, 0), 5);
	assert_int_equal(stat_of(rig, STAT_bus_errors), 1);
}

static void knob_replay_flushes(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	copy_word(rig, RIG_VA, RIG_VA + 0x1000);
	rig_work(rig);
	*spt(rig, 1) = PTE_SYS(RIG_IOVA + 7 * PAGE_SIZE);
	*word(rig, 7 * PAGE_SIZE) = 3;
	set_knob(rig, KNOB_replay_flushes, 0);
	rig_replay(rig);
	copy_word(rig, RIG_VA, RIG_VA + 0x1000);
	rig_work(rig);
	assert_int_equal(*word(rig, 0), 0);
	set_knob(rig, KNOB_replay_flushes, 1);
	rig_replay(rig);
	copy_word(rig, RIG_VA, RIG_VA + 0x1000);
	rig_work(rig);
	assert_int_equal(*word(rig, 0), 3);
}

/* The copy engine on another runlist: PTOP and the PBDMAs say so. */
static void knob_ce_runlist(void **state)
{
	struct rig *rig = *state;
	const unsigned int chan = RIG_CHAN;

	assert_int_equal(rd(rig, 0x2390), 1);
	assert_int_equal(rd(rig, 0x2394), 1);
	set_knob(rig, KNOB_ce_runlist, 1);
	assert_int_equal(rd(rig, 0x2390), 1);
	assert_int_equal(rd(rig, 0x2394), 2);
	assert_int_equal(rd(rig, 0x2270c) >> 21 & 0xf, 1);
	rig_start(rig);
	rig_runlist(rig, 1, &chan, 1);
	rig_work(rig);
	assert_true(runs(rig, 1));
	SUBMIT(rig, 0x20010001, 0);
	rig_doorbell(rig);
	rig_work(rig);
	assert_int_equal(rd(rig, 0x25a0), 2);
	assert_int_equal(rd(rig, 0x42108), 1 << 21);
	/* With channels there it is too late. */
	set_knob(rig, KNOB_ce_runlist, 2);
	assert_int_equal(rd(rig, 0x2394), 2);
}

static void bad_knobs(void **state)
{
	struct rig *rig = *state;

	assert_non_null(gpu_knob(rig->gpu, KNOBS, 0));
	assert_non_null(gpu_knob(rig->gpu, KNOB_strict, 2));
	assert_non_null(gpu_knob(rig->gpu, KNOB_tlb_size, 1025));
	assert_int_equal(rig->gpu->knobs.value[KNOB_strict], 0);
	assert_int_equal(rig->gpu->knobs.value[KNOB_tlb_size], 64);
}

/* ---- power, reset ---- */

static void config_write(struct rig *rig, uint32_t offset, uint16_t value)
{
	gpu_write(rig->gpu, GPU_CONFIG, offset, &value, 2);
}

static uint32_t config_read(struct rig *rig, uint32_t offset)
{
	uint32_t value;

	gpu_read(rig->gpu, GPU_CONFIG, offset, &value, 4);
	return value;
}

static void d3hot(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	assert_int_equal(config_read(rig, 0), GPU_DEVICE << 16 | GPU_VENDOR);
	/* PMCSR, 1:0. */
	config_write(rig, 0x64, 3);
	assert_int_equal(rd(rig, 0), 0xffffffff);
	assert_int_equal(bar_rd(rig, GPU_BAR1, 0), 0xffffffff);
	assert_int_equal(bar_rd(rig, GPU_BAR2, FAULT_BUFFER), 0xffffffff);
	wr(rig, 0x180, 0xffffffff);
	rig_doorbell(rig);
	assert_int_equal(rig_work(rig), -1);
	/* The configuration space is there. */
	assert_int_equal(config_read(rig, 0), GPU_DEVICE << 16 | GPU_VENDOR);
	/* What has not been reset is as it was. */
	config_write(rig, 0x64, 0);
	assert_int_equal(stat_of(rig, STAT_power_changes), 2);
	assert_int_equal(rd(rig, 0), 0x130000a1);
	assert_int_equal(rd(rig, 0x160), 0xffffffff);
	assert_true(runs(rig, 1));
}

static void flr(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	gpu_gate(rig->gpu, GATE_flush, true);
	rig_flush(rig, AT_PD3);
	gpu_gate(rig->gpu, GATE_flush, false);
	rig->gpu->hand[0] = (struct gpu_access) { .chan = RIG_CHAN, .va = MISSING };
	gpu_access_start(rig->gpu, 0, 1);
	rig_work(rig);
	/* Bit 15 of PCI Express' device control. */
	config_write(rig, 0x80, 0x8000);
	assert_int_equal(stat_of(rig, STAT_resets), 1);
	assert_int_equal(rig->gpu->pending, 0);
	assert_int_equal(rd(rig, 0x160), 0);
	assert_int_equal(rd(rig, 0x1704), 0);
	assert_int_equal(rd(rig, 0x2a70), 0);
	assert_int_equal(rd(rig, 0x800000 + RIG_CHAN * 8), 0);
	assert_int_equal(rd(rig, 0x100c80) & 0x00ff8000, 0x00ff8000);
	assert_int_equal(rd(rig, 0x100), 0);
	/* BAR1 shows VRAM from its beginning, which is kept. */
	assert_int_equal(bar_rd(rig, GPU_BAR1, AT_RUNLIST), *vram32(rig, AT_RUNLIST));
	/* The guest's memory is out of reach, by PRAMIN, until bus mastering is enabled again. */
	*word(rig, 0) = 0x4711;
	wr(rig, 0x1700, 2 << 24 | RIG_IOVA >> 16);
	assert_int_equal(rd(rig, 0x700000 + (RIG_IOVA & 0xffff)), 0);
	assert_int_equal(stat_of(rig, STAT_bus_errors), 1);
	rig_command(rig, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	assert_int_equal(rd(rig, 0x700000 + (RIG_IOVA & 0xffff)), 0x4711);
	wr(rig, 0x1700, 0);
	rig_start(rig);
	memset(userd(rig, 0), 0, USERD_SIZE);
	rig->put = 0;
	assert_true(runs(rig, 1));
}

/* Who may not be the bus's master reaches no memory but its own, and signals no interrupt. */
static void bus_master(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	*word(rig, 0) = 0x1111;
	*word(rig, PAGE_SIZE) = 0x2222;
	rig_command(rig, PCI_COMMAND_MEMORY);
	copy_word(rig, RIG_VA, RIG_VA + PAGE_SIZE);
	rig_work(rig);
	assert_int_equal(*word(rig, 0), 0x1111);
	assert_int_equal(stat_of(rig, STAT_bus_errors), 2);
	/* In VRAM it works. */
	assert_true(runs(rig, 1));
	/* PRAMIN, a runlist, a page table: bus errors too. The channel stays in its runlist. */
	wr(rig, 0x1700, 2 << 24 | RIG_IOVA >> 16);
	wr(rig, 0x700000 + (RIG_IOVA & 0xffff), 0x3333);
	wr(rig, 0x1700, 0);
	assert_int_equal(*word(rig, 0), 0x1111);
	assert_int_equal(stat_of(rig, STAT_bus_errors), 3);
	wr(rig, 0x2270, 3 << 28 | RIG_IOVA >> 12);
	wr(rig, 0x2274, 2);
	assert_int_equal(stat_of(rig, STAT_bus_errors), 4);
	assert_true(runs(rig, 2));
	pd0(rig)[1] = PDE_SYS(RIG_IOVA);
	rig_flush(rig, AT_PD3);
	copy_word(rig, RIG_VA, MISSING);
	rig_work(rig);
	assert_true(stat_of(rig, STAT_bus_errors) > 4);
	pd0(rig)[1] = PDE_VRAM(AT_SPT);
	wr(rig, 0x2a7c, rd(rig, 0x2a80));
	rig_replay(rig);
	rig_work(rig);
	copy_word(rig, RIG_VA, MISSING);
	rig_work(rig);
	assert_int_equal(rig->messages, 0);
	/* The message was due meanwhile. */
	rig_command(rig, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	rig_work(rig);
	assert_int_equal(rig->messages, 1);
}

/* Without power VRAM is lost, and what the TLB had of it. */
static void lose_vram(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	set_knob(rig, KNOB_lose_vram, 1);
	*vram32(rig, AT_SEM) = 0x1234;
	*vram32(rig, AT_BAR2_SHOWS) = 0x5678;
	config_write(rig, 0x64, 3);
	config_write(rig, 0x64, 0);
	assert_int_equal(*vram32(rig, AT_SEM), 0);
	assert_int_equal(*vram32(rig, AT_BAR2_SHOWS), 0);
	assert_int_equal(*vram64(rig, AT_PD3), 0);
}

/* What the device writes as a time is what PTIMER shows. */
static void times(void **state)
{
	struct rig *rig = *state;
	uint64_t time;

	rig_start(rig);
	wr(rig, 0x9410, 0x77);
	wr(rig, 0x9400, 0x12345680);
	/* Host's semaphore, of 16 bytes, and a fault's entry. */
	SUBMIT(rig, 0x20040004, 0, LO(SEM_VA), 1, 0x00000002);
	rig_doorbell(rig);
	rig_work(rig);
	memcpy(&time, vram32(rig, AT_SEM) + 2, 8);
	assert_true(time == 0x7712345680);
	copy_word(rig, RIG_VA, MISSING);
	rig_work(rig);
	assert_int_equal(entry(rig, 0, 4), 0x12345680);
	assert_int_equal(entry(rig, 0, 5), 0x77);
}

/* ---- accesses by hand ---- */

static void accesses(void **state)
{
	struct rig *rig = *state;
	struct gpu_access *hand = rig->gpu->hand;

	rig_start(rig);
	*word(rig, 0) = 40;
	*word(rig, 4) = 41;
	hand[0] = (struct gpu_access) { .chan = RIG_CHAN, .type = ACCESS_READ, .va = RIG_VA + 4 };
	hand[1] = (struct gpu_access) { .chan = RIG_CHAN, .type = ACCESS_WRITE, .va = RIG_VA + 8,
					.value = 7 };
	hand[2] = (struct gpu_access) { .chan = RIG_CHAN, .type = ACCESS_ATOMIC, .va = RIG_VA,
					.value = 2 };
	hand[3] = (struct gpu_access) { .chan = RIG_CHAN, .type = ACCESS_PREFETCH, .va = MISSING };
	hand[4] = (struct gpu_access) { .chan = 9 };
	hand[5] = (struct gpu_access) { .chan = ~0U };
	hand[6] = (struct gpu_access) { .chan = RIG_CHAN, .type = 4 };
	gpu_access_start(rig->gpu, 0, 7);
	rig_work(rig);
	assert_int_equal(hand[0].state, ACCESS_DONE);
	assert_int_equal(hand[0].value, 41);
	assert_int_equal(hand[1].state, ACCESS_DONE);
	assert_int_equal(*word(rig, 8), 7);
	assert_int_equal(hand[2].state, ACCESS_DONE);
	assert_int_equal(hand[2].value, 40);
	assert_int_equal(*word(rig, 0), 42);
	assert_int_equal(hand[3].state, ACCESS_RUNNING);
	for (int i = 4; i < 7; i++)
		assert_int_equal(hand[i].state, ACCESS_NO_CHANNEL);
	assert_int_equal(rig->gpu->pending, 1);
	assert_int_equal(entry(rig, 0, 7) >> 16 & 0xf, 3);
	assert_int_equal(stat_of(rig, STAT_faults_prefetch), 1);
	*spt(rig, 8) = PTE_SYS(RIG_IOVA);
	rig_replay(rig);
	rig_work(rig);
	assert_int_equal(hand[3].state, ACCESS_DONE);
	/* Stopped, and ended with their channel. */
	for (int i = 0; i < 2; i++)
		hand[i] = (struct gpu_access) { .chan = RIG_CHAN, .va = MISSING + PAGE_SIZE };
	gpu_access_start(rig->gpu, 0, 1);
	rig_work(rig);
	gpu_access_start(rig->gpu, 0, 2);
	assert_int_equal(rig->gpu->pending, 2);
	rig_work(rig);
	gpu_access_stop(rig->gpu);
	assert_int_equal(hand[0].state, ACCESS_STOPPED);
	assert_int_equal(rig->gpu->pending, 0);
	rig_replay(rig);
	gpu_access_start(rig->gpu, 0, 2);
	rig_work(rig);
	wr(rig, 0x800000 + RIG_CHAN * 8, 0);
	assert_int_equal(hand[0].state, ACCESS_CANCELLED);
	assert_int_equal(hand[1].state, ACCESS_CANCELLED);
	assert_int_equal(rig->gpu->pending, 0);
	/* More than there are; from behind the last on, none. */
	gpu_access_start(rig->gpu, 0, 1000);
	assert_int_equal(rig->gpu->hands, GPU_ACCESSES);
	gpu_access_start(rig->gpu, GPU_ACCESSES, 1);
	gpu_access_start(rig->gpu, 0xffff, 0xffff);
	assert_int_equal(rig->gpu->pending, 0);
	assert_false(gpu_exclude(rig->gpu, RIG_CHAN, 0, 1));
	assert_false(gpu_exclude(rig->gpu, 9999, 0, 1));
}

/* ---- BARs ---- */

static void bars(void **state)
{
	struct rig *rig = *state;
	uint8_t bytes[16];

	/* Before they have an instance block they show VRAM. */
	*vram32(rig, 0x123450) = 0x11223344;
	assert_int_equal(bar_rd(rig, GPU_BAR1, 0x123450), 0x11223344);
	assert_int_equal(bar_rd(rig, GPU_BAR2, 0x123450), 0x11223344);
	rig_start(rig);
	bar_wr(rig, GPU_BAR2, 0x1008, 0x55667788);
	assert_int_equal(*vram32(rig, AT_BAR2_SHOWS + 0x1008), 0x55667788);
	assert_int_equal(bar_rd(rig, GPU_BAR2, 0x1008), 0x55667788);
	/* Any size, across a page's end. */
	vram64(rig, AT_BAR2 + 0x5000)[1] = PTE_VRAM(0x300000);
	memset(bytes, 0x5a, sizeof(bytes));
	gpu_write(rig->gpu, GPU_BAR2, 0xffb, bytes, 7);
	assert_int_equal(rig->memory->vram[AT_BAR2_SHOWS + 0xffb], 0x5a);
	assert_int_equal(rig->memory->vram[AT_BAR2_SHOWS + 0xffa], 0);
	assert_int_equal(rig->memory->vram[0x300001], 0x5a);
	assert_int_equal(rig->memory->vram[0x300002], 0);
	gpu_read(rig->gpu, GPU_BAR2, 0xffb, bytes + 8, 8);
	assert_memory_equal(bytes, bytes + 8, 7);
	assert_int_equal(bytes[15], 0);
	/* Where no page is: all ones, and it is said. Read-only, sparse, and the guest's memory. */
	assert_int_equal(bar_rd(rig, GPU_BAR1, 0x100000), 0xffffffff);
	bar_wr(rig, GPU_BAR1, 0x100000, 1);
	assert_int_equal(stat_of(rig, STAT_guest_errors), 2);
	vram64(rig, AT_BAR2 + 0x5000)[2] = PTE_VRAM(0x300000) | RO;
	bar_wr(rig, GPU_BAR2, 0x2000, 1);
	assert_int_equal(*vram32(rig, 0x300000), 0x5a5a);
	assert_int_equal(bar_rd(rig, GPU_BAR2, 0x2000), 0x5a5a);
	vram64(rig, AT_BAR2 + 0x5000)[2] = VOL;
	bar_wr(rig, GPU_BAR2, 0x2000, 1);
	assert_int_equal(bar_rd(rig, GPU_BAR2, 0x2000), 0);
	vram64(rig, AT_BAR2 + 0x5000)[2] = PTE_SYS(RIG_IOVA);
	bar_wr(rig, GPU_BAR2, 0x2000, 0x77);
	assert_int_equal(*word(rig, 0), 0x77);
	/* No flush is needed. And an instance block that there is not shows nothing. */
	wr(rig, 0x1714, 0x80000000 | RIG_VRAM >> 12);
	assert_int_equal(bar_rd(rig, GPU_BAR2, 0x2000), 0xffffffff);
	/* A region that there is not. */
	assert_int_equal(bar_rd(rig, 5, 0), 0);
	bar_wr(rig, 5, 0, 1);
}

static void pramin_and_prom(void **state)
{
	struct rig *rig = *state;
	uint8_t part[3];

	*vram32(rig, 0x123450) = 0x11223344;
	wr(rig, 0x1700, 0x12);
	assert_int_equal(rd(rig, 0x703450), 0x11223344);
	wr(rig, 0x703454, 0x99);
	assert_int_equal(*vram32(rig, 0x123454), 0x99);
	/* Parts of a word. */
	memset(part, 0xee, 3);
	gpu_write(rig->gpu, GPU_BAR0, 0x703451, part, 2);
	assert_int_equal(*vram32(rig, 0x123450), 0x11eeee44);
	gpu_read(rig->gpu, GPU_BAR0, 0x703453, part, 3);
	assert_int_equal(part[0], 0x11);
	assert_int_equal(part[1], 0x99);
	/* The guest's memory, and nothing. */
	wr(rig, 0x1700, 2 << 24 | RIG_IOVA >> 16);
	*word(rig, 0x20) = 0x1234;
	assert_int_equal(rd(rig, 0x700020), 0x1234);
	wr(rig, 0x1700, 0xffffff);
	assert_int_equal(rd(rig, 0x700000), 0);
	wr(rig, 0x700000, 1);
	/* The VBIOS, which is not written, and nothing behind it. */
	assert_int_equal(rd(rig, 0x300000) & 0xffff, 0xaa55);
	wr(rig, 0x300000, 0);
	assert_int_equal(rd(rig, 0x300000) & 0xffff, 0xaa55);
	assert_int_equal(rd(rig, 0x300000 + VBIOS_SIZE), 0xffffffff);
	/* The configuration space's mirror. */
	assert_int_equal(rd(rig, 0x88000), GPU_DEVICE << 16 | GPU_VENDOR);
}

/* The same accesses in both modes of BAR2; the guest's own of the file, where there is one. */
static void bar2_script(struct rig *rig, uint32_t *result)
{
	const bool mapped = rig->gpu->bar2.fd >= 0;
	uint64_t *tables = vram64(rig, AT_BAR2 + 0x5000);
	unsigned int n = 0;

	rig_start(rig);
#define WORD(offset)	((uint32_t *)(rig->gpu->bar2.file + (offset)))
#define READ(offset)	(result[n++] = mapped ? *WORD(offset) : bar_rd(rig, GPU_BAR2, offset))
#define WRITE(offset, value) do {						\
	if (mapped)								\
		*WORD(offset) = (value);					\
	else									\
		bar_wr(rig, GPU_BAR2, offset, value);				\
} while (0)
	/* What is written is in VRAM, through PRAMIN, through the other BAR, and for the engines. */
	WRITE(0x1008, 0x1111);
	READ(0x1008);
	result[n++] = *vram32(rig, AT_BAR2_SHOWS + 0x1008);
	wr(rig, 0x1700, AT_BAR2_SHOWS >> 16);
	result[n++] = rd(rig, 0x701008);
	wr(rig, 0x70100c, 0x2222);
	READ(0x100c);
	/* A page moves to another place, and its place is taken by another. */
	tables[1] = PTE_VRAM(AT_BAR2_SHOWS + 0x2000);
	tables[2] = PTE_VRAM(AT_BAR2_SHOWS + 0x1000);
	*vram32(rig, AT_BAR2_SHOWS + 0x2008) = 0x3333;
	rig_flush(rig, AT_BAR2 + 0x1000);
	READ(0x1008);
	READ(0x2008);
	/* A page goes: its content stays in VRAM. */
	WRITE(0x2008, 0x4444);
	tables[2] = 0;
	rig_flush(rig, AT_BAR2 + 0x1000);
	READ(0x2008);
	result[n++] = *vram32(rig, AT_BAR2_SHOWS + 0x1008);
	/* Another flush of other page tables changes nothing; one of all does. */
	tables[2] = PTE_VRAM(AT_BAR2_SHOWS + 0x1000);
	rig_flush(rig, AT_PD3);
	wr(rig, 0x100cbc, 0x80000003);
	READ(0x2008);
	/* Page tables of a channel, written there. */
	tables[3] = PTE_VRAM(AT_SPT);
	rig_flush(rig, AT_BAR2 + 0x1000);
	WRITE(0x3000 + 8 * 8, LO(PTE_SYS(RIG_IOVA + 0x7000)));
	WRITE(0x3000 + 8 * 8 + 4, HI(PTE_SYS(RIG_IOVA + 0x7000)));
	*word(rig, 0x7000) = 0x5555;
	copy_word(rig, RIG_VA, MISSING);
	rig_work(rig);
	result[n++] = *word(rig, 0);
	/* The fault buffer. */
	copy_word(rig, RIG_VA, MISSING + PAGE_SIZE);
	rig_work(rig);
	for (unsigned int i = 0; i < 8; i++)
		READ(FAULT_BUFFER + i * 4);
	/* Pages of 2 MiB, and back to none. */
	vram64(rig, AT_BAR2 + 0x4000)[2] = PTE_VRAM(0x400000);
	*vram32(rig, 0x400000 + 0x12340) = 0x6666;
	rig_flush(rig, AT_BAR2 + 0x1000);
	READ(0x200000 + 0x12340);
	WRITE(0x200000 + 0x12344, 0x7777);
	wr(rig, 0x1714, 0);
	result[n++] = *vram32(rig, 0x400000 + 0x12344);
	result[n++] = *vram32(rig, AT_BAR2_SHOWS + 0x1008);
	assert_true(n <= 32);
}

static void bar2_modes(void **state)
{
	static const uint32_t want[32] = {
		0x1111, 0x1111, 0x1111, 0x2222, 0x3333, 0x1111, 0xffffffff, 0x4444, 0x4444, 0x5555,
		AT_INST, 0, LO(MISSING + PAGE_SIZE), HI(MISSING), 0, 0, 0x15,
		0x80000000 | 0x00100000 | 0x18 << 8 | 0x80 | 0x2, 0x6666, 0x7777, 0x4444,
	};
	struct rig *rig = *state;
	uint32_t got[32] = {};

	bar2_script(rig, got);
	got[14] = got[15] = 0;	/* a time */
	for (unsigned int i = 0; i < 32; i++)
		if (got[i] != want[i])
			fail_msg("result %u: %#x, not %#x", i, got[i], want[i]);
	/* Trapped accesses are counted, the others cannot be. */
	if (rig->gpu->bar2.fd < 0)
		assert_true(stat_of(rig, STAT_bar2_reads) > 10);
	else
		assert_int_equal(stat_of(rig, STAT_bar2_reads), 0);
}

static void bar2_mapped_modes(void **state)
{
	bar2_modes(state);
}

/* What cannot be laid out: a page that is shown twice; a sparse one, and one of the guest. */
static void bar2_mapped_limits(void **state)
{
	struct rig *rig = *state;
	uint64_t *tables = vram64(rig, AT_BAR2 + 0x5000);

	tables[5] = PTE_VRAM(AT_BAR2_SHOWS);
	tables[6] = PTE_SYS(RIG_IOVA);
	tables[7] = VOL;
	tables[8] = PTE_VRAM(RIG_VRAM);
	*vram32(rig, AT_BAR2_SHOWS) = 0x12;
	rig_start(rig);
	assert_int_equal(*(uint32_t *)rig->gpu->bar2.file, 0x12);
	assert_int_equal(stat_of(rig, STAT_not_modelled), 1);
	for (unsigned int page = 6; page <= 8; page++)
		assert_false(rig->gpu->bar2.shows[page]);
}

/* ---- the rest ---- */

static void dma(void **state)
{
	struct rig *rig = *state;

	/* A ROM without a file is not an error; a guest's memory without one is. */
	assert_null(gpu_dma_map(rig->gpu, 0xc0000, 0x40000, -1, 0, false));
	assert_non_null(gpu_dma_map(rig->gpu, 0, 64 * MIB, -1, 0, true));
	assert_non_null(gpu_dma_map(rig->gpu, RIG_IOVA, PAGE_SIZE, rig->fd, 0, true));
	assert_null(gpu_dma_unmap(rig->gpu, 0xc0000, 0x40000));
	assert_non_null(gpu_dma_unmap(rig->gpu, RIG_IOVA, PAGE_SIZE));
	assert_null(gpu_dma_unmap(rig->gpu, 0, UINT64_MAX));
	assert_null(memory_at(rig->memory, SYSTEM, RIG_IOVA, 4, false));
	assert_int_equal(stat_of(rig, STAT_dma_maps), 1);
}

static void unknown_registers(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rd(rig, 0x500000), 0);
	assert_int_equal(stat_of(rig, STAT_not_modelled), 1);
	wr(rig, 0x500000, 0x1234);
	assert_int_equal(rd(rig, 0x500000), 0x1234);
	assert_int_equal(stat_of(rig, STAT_not_modelled), 3);
	/* Known ones keep what is written, without a word; what is fixed stays. */
	wr(rig, 0x137000, 0x5678);
	assert_int_equal(rd(rig, 0x137000), 0x5678);
	wr(rig, 0x22700, 0);
	assert_int_not_equal(rd(rig, 0x22700), 0);
	wr(rig, 0x21c04, 0);
	assert_int_equal(rd(rig, 0x21c04), 1);
	assert_int_equal(stat_of(rig, STAT_not_modelled), 3);
	/* The last register, and a replay that there is not. */
	rd(rig, 0xfffffc);
	wr(rig, 0x100cbc, 0x80000000 | 7 << 3);
	assert_int_equal(stat_of(rig, STAT_guest_errors), 1);
}

static void alarm(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	rig_work(rig);
	wr(rig, 0x9140, 1);
	wr(rig, 0x9420, rd(rig, 0x9400) + 4096);
	assert_true(rig_work(rig) > 0);
	assert_int_equal(rig->messages, 0);
	rig_advance(4096 + 32);
	rig_work(rig);
	assert_int_equal(rig->messages, 1);
	assert_int_equal(rd(rig, 0x100), INTR_TIMER_);
	wr(rig, 0x9100, 1);
	assert_int_equal(rd(rig, 0x100), 0);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
#define MAPPED(name)	cmocka_unit_test_setup_teardown(name, rig_setup_mapped, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(doorbell),
		TEST(fault_and_replay),
		TEST(write_and_atomic_faults),
		TEST(cancel),
		TEST(cancel_order),
		TEST(fatal_fault),
		TEST(second_fault),
		TEST(triggered_fault),
		TEST(bound_again),
		TEST(runlists),
		TEST(groups),
		TEST(enabling),
		TEST(fifo_reset_),
		TEST(pbdma_interrupt),
		TEST(non_stall_interrupt),
		TEST(messages),
		TEST(intx),
		TEST(fault_level),
		TEST(gate_of_faults),
		TEST(gate_of_notifications),
		TEST(gate_of_replays),
		TEST(gate_of_flushes),
		TEST(gate_limit),
		TEST(too_many_flushes),
		TEST(gate_of_copies),
		TEST(knob_fault_entries),
		TEST(knobs_that_drop),
		TEST(knobs_that_delay),
		TEST(knob_pace),
		TEST(knob_all_ones),
		TEST(knob_bus_bits),
		TEST(knob_torn),
		TEST(knob_replay_flushes),
		TEST(knob_ce_runlist),
		TEST(bad_knobs),
		TEST(d3hot),
		TEST(flr),
		TEST(bus_master),
		TEST(lose_vram),
		TEST(times),
		TEST(accesses),
		TEST(bars),
		TEST(pramin_and_prom),
		TEST(bar2_modes),
		MAPPED(lose_vram),
		MAPPED(bar2_mapped_modes),
		MAPPED(bar2_mapped_limits),
		TEST(dma),
		TEST(unknown_registers),
		TEST(alarm),
	};

	return cmocka_run_group_tests_name("gpu", tests, NULL, NULL);
}
