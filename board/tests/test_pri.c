// SPDX-License-Identifier: MIT
/*
 * What registers keep and what they ask for. Values are written out from the documents that the
 * files of pri/ name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../pri/pri.h"

#define VRAM_SIZE	(512ULL << 20)

static struct pri pri;
static struct events *events;
static struct pri_ask ask;

static int setup(void **state)
{
	(void)state;
	events = calloc(1, sizeof(*events));
	if (!events)
		return -1;
	events_init(events, NULL);
	memset(&pri, 0, sizeof(pri));
	pri_reset(&pri, VRAM_SIZE, 0, events);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(events);
	return 0;
}

static uint32_t rd(uint32_t addr)
{
	return pri_read(&pri, addr);
}

static enum pri_asks wr(uint32_t addr, uint32_t value)
{
	pri_write(&pri, addr, value, &ask);
	return ask.what;
}

/* Written and read: value & mask comes back. */
static void keeps(uint32_t addr, uint32_t mask)
{
	wr(addr, 0xffffffff);
	if (rd(addr) != mask)
		fail_msg("%#x: %#x", addr, rd(addr));
	wr(addr, 0);
	assert_int_equal(rd(addr), 0);
}

static void mc(void **state)
{
	(void)state;
	/* Architecture 0x13, implementation 0, revision a1; little-endian. */
	assert_int_equal(rd(0x000000), 0x130000a1);
	assert_int_equal(rd(0x000004), 0);
	wr(0x000000, 0);
	wr(0x000004, 0x01000001);
	assert_int_equal(rd(0x000000), 0x130000a1);
	assert_int_equal(rd(0x000004), 0);
	/* Ones set, ones clear, in two leaves. */
	for (uint32_t leaf = 0; leaf < 8; leaf += 4) {
		assert_int_equal(rd(0x140 + leaf), 0);
		wr(0x160 + leaf, 0x00000f0f);
		wr(0x160 + leaf, 0x000000f0);
		assert_int_equal(rd(0x140 + leaf), 0x00000fff);
		assert_int_equal(rd(0x160 + leaf), 0x00000fff);
		assert_int_equal(rd(0x180 + leaf), 0x00000fff);
		wr(0x180 + leaf, 0x0000000f);
		assert_int_equal(rd(0x140 + leaf), 0x00000ff0);
	}
	/* Pending bits cannot be written. */
	wr(0x100, 0xffffffff);
	wr(0x104, 0xffffffff);
	assert_int_equal(rd(0x100), 0);
	assert_int_equal(rd(0x104), 0);
	/* Units out of reset: PDISP at power-on. What goes from 1 to 0 is reset. */
	assert_int_equal(rd(0x200), 0x40000000);
	assert_int_equal(wr(0x200, 0xffffffff), ASKS_ENGINES);
	assert_int_equal(ask.data, 0);
	assert_int_equal(wr(0x200, 0xfffffebf), ASKS_ENGINES);
	assert_int_equal(ask.data, 0x140);
	assert_int_equal(rd(0x200), 0xfffffebf);
	assert_int_equal(wr(0x200, 0xfffffebf), ASKS_ENGINES);
	assert_int_equal(ask.data, 0);
	keeps(0x204, 0xffffffff);
}

static void bus(void **state)
{
	enum aperture aperture;
	uint64_t inst;

	(void)state;
	pri.bus.intr = 0xe;
	wr(0x1140, 0x8);
	assert_int_equal(rd(0x100), 1 << 28);
	wr(0x1100, 0x8);
	assert_int_equal(rd(0x1100), 0x6);
	assert_int_equal(rd(0x100), 0);
	keeps(0x1140, 0xffffffff);
	/* PRAMIN: base >> 16 in 23:0, target in 25:24. */
	wr(0x1700, 0x02012345);
	assert_int_equal(rd(0x1700), 0x02012345);
	assert_true(bus_pramin(&pri.bus, &aperture) == 0x0123450000ULL);
	assert_int_equal(aperture, SYSTEM);
	assert_int_equal(wr(0x1704, 0x80012345), ASKS_BAR1);
	assert_int_equal(wr(0x1714, 0x80054321), ASKS_BAR2);
	assert_int_equal(rd(0x1704), 0x80012345);
	assert_int_equal(rd(0x1714), 0x80054321);
	assert_true(bus_block(0x80012345, &inst));
	assert_true(inst == 0x12345000);
	assert_false(bus_block(0x00012345, &inst));
	/* Bound at once. */
	assert_int_equal(wr(0x1710, 0xf), ASKS_NOTHING);
	assert_int_equal(rd(0x1710), 0);
}

/* Time is given to these functions, so that it is exact. */
static uint32_t time_at(struct pri_timer *timer, uint32_t addr, uint64_t now)
{
	uint32_t value = 0;

	assert_true(timer_read(timer, addr, now, &value));
	return value;
}

static void timer(void **state)
{
	struct pri_timer timer_;
	uint32_t value;

	(void)state;
	timer_reset(&timer_);
	/* Nanoseconds, of which the lowest five bits are 0, and what is above 32 bits. */
	assert_int_equal(time_at(&timer_, 0x9400, 0x12345679fULL), 0x23456780);
	assert_int_equal(time_at(&timer_, 0x9410, 0x12345679fULL), 1);
	/* Written, the upper half first, as nouveau does; it goes on from there. */
	timer_write(&timer_, 0x9410, 0x77, 1000);
	timer_write(&timer_, 0x9400, 0x10000000, 1000);
	assert_int_equal(time_at(&timer_, 0x9410, 1000), 0x77);
	assert_int_equal(time_at(&timer_, 0x9400, 1000), 0x10000000);
	assert_int_equal(time_at(&timer_, 0x9400, 1000 + 0x40), 0x10000040);
	/* A second has its length. */
	assert_int_equal(time_at(&timer_, 0x9400, 1000001000ULL), 0x10000000 + (1000000000 & ~31));
	/* From lower to upper half. */
	timer_write(&timer_, 0x9400, 0xffffffe0, 2000);
	assert_int_equal(time_at(&timer_, 0x9400, 2032), 0);
	assert_int_equal(time_at(&timer_, 0x9410, 2032), 0x78);
	/* Others. */
	timer_write(&timer_, 0x9200, 3, 0);
	timer_write(&timer_, 0x9210, 5, 0);
	assert_int_equal(time_at(&timer_, 0x9200, 0), 3);
	assert_int_equal(time_at(&timer_, 0x9210, 0), 5);
	assert_false(timer_read(&timer_, 0x9404, 0, &value));
	assert_false(timer_write(&timer_, 0x9404, 0, 0));
}

/* Any number, in any order: the guest's to write. */
static void timer_nonsense(void **state)
{
	static const uint32_t bad[] = { 0x80000000, 0x7fffffff, 0xffffffff, 0x80000000, 0 };
	struct pri_timer timer_;

	(void)state;
	timer_reset(&timer_);
	for (unsigned int i = 0; i < 5; i++) {
		timer_write(&timer_, 0x9410, bad[i], 1000 + i * 0x100000000ULL);
		assert_int_equal(time_at(&timer_, 0x9410, 1000 + i * 0x100000000ULL), bad[i]);
		timer_stand(&timer_, i & 1, 2000 + i * 0x100000000ULL);
	}
}

static void timer_alarm_(void **state)
{
	struct pri_timer timer_;

	(void)state;
	timer_reset(&timer_);
	assert_int_equal(timer_alarm(&timer_, 0), -1);
	timer_write(&timer_, 0x9140, 1, 0);
	timer_write(&timer_, 0x9420, 0x1000, 0);
	assert_int_equal(time_at(&timer_, 0x9420, 0), 0x1000);
	assert_int_equal(timer_alarm(&timer_, 0x800), 0x800);
	assert_int_equal(time_at(&timer_, 0x9100, 0x800), 0);
	assert_int_equal(timer_alarm(&timer_, 0x1000), 0);
	assert_int_equal(time_at(&timer_, 0x9100, 0x1000), 1);
	/* Once. */
	timer_write(&timer_, 0x9100, 1, 0x1000);
	assert_int_equal(time_at(&timer_, 0x9100, 0x1000), 0);
	assert_int_equal(timer_alarm(&timer_, 0x2000), -1);
	/* The comparison is circular. */
	timer_write(&timer_, 0x9420, 0x10, 0xfffffff0);
	assert_int_equal(timer_alarm(&timer_, 0xffffffe0), 0x30);
	assert_int_equal(timer_alarm(&timer_, 0x100000020ULL), 0);
	/* It follows when the time is set. */
	timer_write(&timer_, 0x9420, 0x1000, 0x2000);
	timer_write(&timer_, 0x9410, 1, 0x2000);
	assert_int_equal(timer_alarm(&timer_, 0x2000), 0xfffff000);
	timer_write(&timer_, 0x9400, 0xfe0, 0x2000);
	assert_int_equal(timer_alarm(&timer_, 0x2000), 0x20);
	/* In PMC, if it is enabled. */
	pri.timer.intr = 1;
	assert_int_equal(rd(0x100), 0);
	wr(0x9140, 1);
	assert_int_equal(rd(0x100), 1 << 20);
	wr(0x9100, 1);
	assert_int_equal(rd(0x100), 0);
}

/* While it stands it creeps by a step a read; then it goes on from there. */
static void timer_stands(void **state)
{
	struct pri_timer timer_;

	(void)state;
	timer_reset(&timer_);
	timer_stand(&timer_, true, 0x1000);
	for (uint32_t i = 1; i <= 20; i++)
		assert_int_equal(time_at(&timer_, 0x9400, 0x1000 + i * 1000000000ULL), 0x1000 + 32 * i);
	timer_stand(&timer_, true, 0x7000000000ULL);
	timer_stand(&timer_, false, 0x8000000000ULL);
	assert_int_equal(time_at(&timer_, 0x9400, 0x8000000000ULL), 0x1000 + 32 * 20);
	assert_int_equal(time_at(&timer_, 0x9410, 0x8000000000ULL), 0);
	assert_int_equal(time_at(&timer_, 0x9400, 0x8000000100ULL), 0x1100 + 32 * 20);
	/* Set while it stands. */
	timer_stand(&timer_, true, 0x9000000000ULL);
	timer_write(&timer_, 0x9400, 0x5000, 0xa000000000ULL);
	assert_int_equal(time_at(&timer_, 0x9400, 0xb000000000ULL), 0x5020);
}

/* Two devices, three words each: GR on engine 0, a copy engine of type LCE. */
static void top(void **state)
{
	struct device { uint32_t type, engine, runlist, intr, reset, base, fault; } device[64] = {};
	unsigned int devices = 0, words = 0;

	(void)state;
	for (uint32_t i = 0; i < 64; i++) {
		const uint32_t word = rd(0x22700 + 4 * i);
		struct device *d = &device[devices];

		if (!(word & 3))
			continue;
		words++;
		switch (word & 3) {
		case 1:
			assert_int_equal(word & 1 << 2, 1 << 2);
			d->base = word & 0x00fff000;
			d->fault = word >> 3 & 0x7f;
			break;
		case 2:
			assert_int_equal(word & 0x3c, 0x3c);
			d->engine = word >> 26 & 0xf;
			d->runlist = word >> 21 & 0xf;
			d->intr = word >> 15 & 0x1f;
			d->reset = word >> 9 & 0x1f;
			break;
		case 3:
			d->type = word >> 2 & 0x1fffffff;
			break;
		}
		devices += !(word >> 31);
	}
	assert_int_equal(devices, 2);
	assert_int_equal(words, 6);
	assert_memory_equal(&device[0], &((struct device) { 0, 0, 0, 12, 12, 0x400000, 0 }),
			    sizeof(struct device));
	assert_memory_equal(&device[1], &((struct device) { 0x13, 1, 0, 5, 6, 0x104000, 21 }),
			    sizeof(struct device));
	for (uint32_t runlist = 1; runlist < 4; runlist++) {
		pri_reset(&pri, VRAM_SIZE, runlist, events);
		assert_int_equal(rd(0x2270c) >> 21 & 0xf, runlist);
		assert_int_equal(rd(0x22700) >> 21 & 0xf, 0);
		assert_int_equal(rd(0x2394), 1U << runlist);
	}
}

static void fuses(void **state)
{
	(void)state;
	assert_int_equal(rd(0x02240c) & 2, 2);		/* devinit has run */
	assert_int_equal(rd(0x021c00) & 5, 0);		/* the copy engines are there */
	assert_int_equal(rd(0x021c04) & 1, 1);		/* a display is not */
	assert_int_equal(rd(0x101000) & 0x00400040, 0x00400000);	/* 27 MHz */
	/* One FBP with one FBPA and one LTC, none fused off, and its size in MiB. */
	assert_int_equal(rd(0x022438), 1);
	assert_int_equal(rd(0x022450), 1);
	assert_int_equal(rd(0x022458), 1);
	assert_int_equal(rd(0x021c14), 0);
	assert_int_equal(rd(0x021d38), 0);
	assert_int_equal(rd(0x021d70), 0);
	assert_int_equal(rd(0x90020c), 512);
	assert_int_equal(rd(0x12006c), 1);
	assert_int_equal(rd(0x17e280) >> 28, 1);
	assert_int_equal(rd(0x020460) & 1 << 29, 0);
	for (uint32_t addr = 0x22430; addr < 0x22460; addr += 4)
		wr(addr, 0x55);
	assert_int_equal(rd(0x022438), 1);
	wr(0x90020c, 1);
	assert_int_equal(rd(0x90020c), 512);
}

static void fifo(void **state)
{
	(void)state;
	assert_int_equal(rd(0x2004) & 0xff, 2);
	assert_int_equal(rd(0x2008), 512);
	assert_int_equal(rd(0x2390), 1);
	wr(0x2004, 0);
	wr(0x2008, 0);
	assert_int_equal(rd(0x2008), 512);
	keeps(0x2140, 0xffffffff);
	keeps(0x2528, 0xffffffff);
	keeps(0x2254, 0xffffffff);
	keeps(0x2270, 0xffffffff);
	keeps(0x2a04, 0xffffffff);
	keeps(0x2a0c, 0xffffffff);
	/* 0x2100: what is written as one is cleared, but for what is derived. */
	pri.fifo.intr = 0xffffffff;
	assert_int_equal(rd(0x2100), 0x8dffffff & ~(1U << 25));
	wr(0x2100, 0x80010101);
	assert_int_equal(rd(0x2100), 0x0dffffff & ~(1U << 25 | 0x00010101));
	pri.fifo.intr = 0;
	pri.fifo.fault_id = 1 << 21;
	assert_int_equal(rd(0x2100), 1 << 28);
	pri.fifo.fault_id = 0;
	pri.fifo.runlist_event = 4;
	assert_int_equal(rd(0x2100), 1 << 30);
	assert_int_equal(rd(0x2a00), 4);
	wr(0x2a00, 4);
	assert_int_equal(rd(0x2100), 0);
	pri.fault_buffer.info = 1;
	assert_int_equal(rd(0x2100), 1 << 25);
	wr(0x2100, 1 << 25);
	assert_int_equal(rd(0x2100), 1 << 25);
	wr(0x2a84, 1);
	assert_int_equal(rd(0x2100), 0);
	/* In PMC only what is enabled. */
	pri.fifo.intr = 0x100;
	assert_int_equal(rd(0x100), 0);
	wr(0x2140, 0x100);
	assert_int_equal(rd(0x100), 0x100);
	pri.fifo.intr = 0;
	/* Runlists. */
	wr(0x2270, 0x20012345);
	assert_int_equal(wr(0x2274, 2 << 20 | 17), ASKS_RUNLIST);
	assert_true(ask.addr == 0x12345000);
	assert_int_equal(ask.aperture, SYSTEM);
	assert_int_equal(ask.data, 2 << 20 | 17);
	assert_int_equal(rd(0x2290), 0x20012345);
	assert_int_equal(rd(0x2294), 17);
	assert_int_equal(rd(0x2284), 0);
	assert_int_equal(rd(0x2a00), 4);
	assert_int_equal(wr(0x2274, 9 << 20 | 17), ASKS_RUNLIST);
	assert_int_equal(rd(0x2a00), 4);
	/* Scheduling, preemption: never pending. */
	assert_int_equal(wr(0x2630, 3), ASKS_SCHEDULE);
	assert_int_equal(rd(0x2630), 3);
	pri.fifo.runlist_error = 5;
	assert_int_equal(wr(0x262c, 4), ASKS_SCHEDULE);
	assert_int_equal(rd(0x262c), 1);
	assert_int_equal(wr(0x2634, 0x01000007), ASKS_PREEMPT);
	assert_int_equal(rd(0x2634), 0x01000007);
	wr(0x2634, 0x00100007);
	assert_int_equal(rd(0x2634), 7);
	assert_int_equal(rd(0x3080), 0);
	/* Errors' codes are read only, CHSW_ERROR is cleared by writing it back. */
	pri.fifo.sched_error = pri.fifo.chsw_error = 0xa;
	wr(0x254c, 0);
	wr(0x252c, 0xff);
	assert_int_equal(rd(0x254c), 0xa);
	assert_int_equal(rd(0x252c), 0);
	wr(0x256c, 0xa);
	assert_int_equal(rd(0x256c), 0);
}

static void channels(void **state)
{
	(void)state;
	/* The instance block: bound, bound twice, unbound, unbound again. */
	assert_int_equal(wr(0x800000 + 8 * 511, 0x80012345), ASKS_BIND);
	assert_int_equal(ask.chan, 511);
	assert_true(ask.addr == 0x12345000);
	assert_int_equal(wr(0x800000 + 8 * 511, 0x80054321), ASKS_NOTHING);
	assert_int_equal(rd(0x800000 + 8 * 511), 0x80012345);
	assert_int_equal(rd(0x252c), 1);
	assert_int_equal(rd(0x2100), 1);
	assert_int_equal(wr(0x800000 + 8 * 511, 0), ASKS_UNBIND);
	assert_int_equal(wr(0x800000 + 8 * 511, 0), ASKS_NOTHING);
	/* Set and clear, both read 0; at once the clear wins. */
	assert_int_equal(wr(0x800004, 0x400), ASKS_START);
	assert_int_equal(rd(0x800004), 1);
	assert_int_equal(wr(0x800004, rd(0x800004)), ASKS_NOTHING);
	assert_int_equal(rd(0x800004), 1);
	assert_int_equal(wr(0x800004, 0xc00), ASKS_STOP);
	assert_int_equal(rd(0x800004), 0);
	assert_int_equal(wr(0x800004, 0x00030002), ASKS_NOTHING);
	assert_int_equal(rd(0x800004), 0x00030002);
	/* Beyond the last there is none. */
	wr(0x800004 + 8 * 512, 0x400);
	assert_int_equal(rd(0x800004 + 8 * 512), 0x400);
	assert_true(events->stat[STAT_not_modelled] > 0);
}

static void faults(void **state)
{
	const struct fault first = { .inst = 0x1234567000ULL, .va = 0x7f1234567000ULL,
				     .type = ACCESS_WRITE, .reason = FAULT_PTE, .engine = 21,
				     .client = 0x18 };
	const struct fault second = { .inst = 0x1000, .va = 0x2000, .engine = 21 };
	const struct fault other = { .inst = 0x3000, .va = 0x4000, .engine = 6, .client = 6 };

	(void)state;
	fifo_fault(&pri.fifo, &first, 1);
	assert_int_equal(rd(0x259c), 1 << 21);
	assert_int_equal(rd(0x2950), 0x1234567);
	assert_int_equal(rd(0x2954), 0x34567000);
	assert_int_equal(rd(0x2958), 0x7f12);
	/* HUB 20, a write 18:16, client 14:8, no PTE 4:0. */
	assert_int_equal(rd(0x295c), 0x00100000 | 1 << 16 | 0x18 << 8 | 2);
	assert_int_equal(rd(0x262c), 2);
	/* A second of the unit is dropped, one of another is not. */
	fifo_fault(&pri.fifo, &second, 0);
	assert_int_equal(rd(0x2950), 0x1234567);
	assert_int_equal(rd(0x2100), 0x18000000);
	assert_int_equal(rd(0x262c), 2);
	fifo_fault(&pri.fifo, &other, -1);
	assert_int_equal(rd(0x259c), 1 << 21 | 1 << 6);
	assert_int_equal(rd(0x2864), 0x4000);
	assert_int_equal(rd(0x262c), 2);
	wr(0x259c, 1 << 21);
	assert_int_equal(rd(0x2100), 0x18000000);
	wr(0x259c, 1 << 6);
	wr(0x2100, 0x08000000);
	assert_int_equal(rd(0x2100), 0);
	fifo_fault(&pri.fifo, &second, 0);
	assert_int_equal(rd(0x2950), 1);
	/* A fault on demand. */
	assert_int_equal(wr(0x2a34, 0x115), ASKS_TRIGGER_FAULT);
	assert_int_equal(ask.data, 21);
	assert_int_equal(rd(0x2a34), 0x115);
	assert_int_equal(wr(0x2a34, 0x15), ASKS_NOTHING);
}

static void pbdma(void **state)
{
	(void)state;
	for (uint32_t at = 0x40000; at <= 0x42000; at += 0x2000) {
		const uint32_t bit = 1U << (at - 0x40000) / 0x2000;
		struct pri_pbdma *p = &pri.pbdma[bit - 1];

		p->intr = 1 << 21 | 1 << 13;
		assert_int_equal(rd(at + 0x108), 1 << 21 | 1 << 13);
		assert_int_equal(rd(0x25a0), 0);
		wr(at + 0x10c, 1 << 21);
		assert_int_equal(rd(0x25a0), bit);
		assert_int_equal(rd(0x2100), 1 << 29);
		assert_int_equal(wr(at + 0x108, 1 << 21), ASKS_PBDMA);
		assert_int_equal(ask.data, bit - 1);
		assert_int_equal(rd(at + 0x108), 1 << 13);
		assert_int_equal(rd(0x25a0), 0);
		p->hce_intr = 1;
		wr(at + 0x14c, 1);
		assert_int_equal(rd(0x25a0), bit);
		assert_int_equal(wr(at + 0x148, 1), ASKS_PBDMA);
		assert_int_equal(rd(0x25a0), 0);
		/* Written, it changes nothing: it is derived. */
		wr(0x25a0, bit);
		keeps(at + 0x0c0, 0xffffffff);
		keeps(at + 0x0c4, 0xffffffff);
		keeps(at + 0x10c, 0xffffffff);
		keeps(at + 0x12c, 0xffffffff);
		keeps(at + 0x13c, 0xffffffff);
		keeps(at + 0x14c, 0xffffffff);
		wr(at + 0x120, 5);
		assert_int_equal(rd(at + 0x120), 0);
		assert_int_equal(rd(at + 0x150), 0);
		assert_int_equal(rd(at + 0x154), 0);
	}
	assert_int_equal(events->stat[STAT_not_modelled], 0);
	/* A third there is not; nor another register. */
	rd(0x44108);
	wr(0x40ff0, 1);
	assert_int_equal(events->stat[STAT_not_modelled], 2);
}

static void mmu(void **state)
{
	(void)state;
	assert_int_equal(rd(0x100c80) & 0x00ff8000, 0x00ff8000);
	pri.mmu.busy = true;
	assert_int_equal(rd(0x100c80) & 0x00ff8000, 0);
	wr(0x100c80, 0xffffffff);
	pri.mmu.busy = false;
	keeps(0x100c10, 0xffffffff);
	keeps(0x100cb8, 0xffffffff);
	keeps(0x100cc4, 0xffffffff);
	keeps(0x100cc8, 0xffffffff);
	keeps(0x100ccc, 0xffffffff);
	keeps(0x100ce0, 0xffffffff);
	keeps(0x100cec, 0xffffffff);
	/* Without the trigger nothing is done; it reads 0. The directory has bits 51:12. */
	assert_int_equal(wr(0x100cbc, 1), ASKS_NOTHING);
	wr(0x100cb8, 0x12345672);
	wr(0x100cec, 0x9);
	assert_int_equal(wr(0x100cbc, 0x80000001), ASKS_INVALIDATE);
	assert_true(ask.addr == 0x912345670ULL << 8);
	assert_int_equal(ask.data, 0x80000001);
	assert_int_equal(rd(0x100cbc), 1);
	/* Bits 5:3 are a replay's, bit 1 is all directories. */
	assert_int_equal(mmu_replay(0x80000001), REPLAY_NONE);
	assert_int_equal(mmu_replay(0x8000000b), REPLAY_START);
	assert_int_equal(mmu_replay(0x80000013), REPLAY_START_ACK_ALL);
	assert_int_equal(mmu_replay(0x8000001b), REPLAY_CANCEL_TARGETED);
	assert_int_equal(mmu_replay(0x80000023), REPLAY_CANCEL_GLOBAL);
	assert_true(mmu_all_pdb(0x2));
	assert_false(mmu_all_pdb(0x5));
}

/* FB_FLUSH and its like: done when they are asked for. */
static void flushes(void **state)
{
	(void)state;
	for (uint32_t addr = 0x70000; addr <= 0x70010; addr += 4) {
		wr(addr, 1);
		assert_int_equal(rd(addr), 0);
	}
	assert_int_equal(events->stat[STAT_not_modelled], 0);
	rd(0x70014);
	assert_int_equal(events->stat[STAT_not_modelled], 1);
}

static void gr(void **state)
{
	(void)state;
	/* nouveau's way to stop and to resume context switches. */
	wr(0x409804, 0xffffffff);
	assert_int_equal(rd(0x409804), 0xffffffff);
	wr(0x409500, 0xffffffff);
	wr(0x409504, 0x38);
	assert_int_equal(rd(0x409804), 1);
	assert_int_equal(rd(0x409500), 0xffffffff);
	assert_int_equal(rd(0x409504), 0x38);
	/* Whose context is on the engine: nobody's; somebody's; not to be written. */
	assert_int_equal(rd(0x409b00), 0);
	pri.gr.current = 0x12345000;
	wr(0x409b00, 0);
	assert_int_equal(rd(0x409b00), 0x80012345);
	assert_int_equal(rd(0x409108), 0);
}

/* What only keeps what is written to it, as long as there is room. */
static void kept(void **state)
{
	(void)state;
	assert_int_equal(rd(0x100800), 0);
	keeps(0x100800, 0xffffffff);
	keeps(0x9a065c, 0xffffffff);
	assert_int_equal(events->stat[STAT_not_modelled], 0);
	for (uint32_t i = 0; i < KEPT_MAX + 10; i++)
		wr(0x400000 + i * 4, i);
	assert_int_equal(rd(0x400000 + 4 * 100), 100);
	assert_int_equal(rd(0x400000 + 4 * (KEPT_MAX + 5)), 0);
	pri_reset(&pri, VRAM_SIZE, 0, events);
	assert_int_equal(rd(0x400000 + 4 * 100), 0);
}

/* From a unit to PMC to a message. */
static void interrupts(void **state)
{
	(void)state;
	assert_false(pri_interrupts(&pri));
	pri.fault_buffer.enabled = true;
	pri.fault_buffer.pulse = true;
	assert_int_equal(pri_pending(&pri), 1 << 9);
	assert_false(pri_interrupts(&pri));
	wr(0x160, 1 << 9);
	assert_true(pri_interrupts(&pri));
	pri.fault_held = true;
	assert_false(pri_interrupts(&pri));
	pri.fault_held = false;
	/* Looked at by whoever was told of it, it has been seen; by another, it has not. */
	assert_int_equal(rd(0x100), 1 << 9);
	pri.signalled = 1 << 9;
	assert_int_equal(rd(0x100), 1 << 9);
	assert_int_equal(rd(0x100), 0);
	/* As a level it is there while GET is not PUT, and the buffer is enabled. */
	pri.fault_level = true;
	assert_int_equal(rd(0x100), 0);
	pri.fault_buffer.put = 1;
	assert_int_equal(rd(0x100), 1 << 9);
	assert_int_equal(rd(0x100), 1 << 9);
	pri.fault_buffer.enabled = false;
	assert_int_equal(rd(0x100), 0);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(mc),
		TEST(bus),
		TEST(timer),
		TEST(timer_alarm_),
		TEST(timer_stands),
		TEST(top),
		TEST(fuses),
		TEST(fifo),
		TEST(channels),
		TEST(faults),
		TEST(pbdma),
		TEST(mmu),
		TEST(flushes),
		TEST(gr),
		TEST(kept),
		TEST(interrupts),
		TEST(timer_nonsense),
	};

	return cmocka_run_group_tests_name("pri", tests, NULL, NULL);
}
