/* SPDX-License-Identifier: MIT */
#ifndef RIG_H
#define RIG_H
/*
 * A board with a guest's memory, page tables made by hand, and one channel. RIG_VA is where a
 * process has RIG_PAGES pages, in the guest's memory; from OWN_VA on are the driver's own: a
 * GPFIFO, a semaphore and a pushbuffer, in VRAM. Its clock moves when a test says so.
 *
 * Tests of the layers below the GPU use rig->chan and rig_run(); those of the GPU go through its
 * registers, after rig_start().
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../gpu.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define MIB		(1ULL << 20)

#define RIG_VRAM	(16 * MIB)
#define RIG_VA		0x7f1234400000ULL
#define RIG_PAGES	8
#define RIG_IOVA	0x140000000ULL	/* the guest's memory on the bus */
#define RIG_GUEST	(64 * PAGE_SIZE)

#define OWN_VA		0x200000ULL
#define GP_VA		OWN_VA
#define GP_NR		16
#define SEM_VA		(OWN_VA + 0x1000)
#define PUSH_VA		(OWN_VA + 0x2000)
#define PUSH_SIZE	0x8000

/* Where things are in VRAM. */
enum {
	AT_PD3 = 0x10000, AT_PD2 = 0x11000,
	AT_PD1 = 0x12000, AT_PD0 = 0x13000, AT_SPT = 0x14000, AT_LPT = 0x15000,	/* of RIG_VA */
	AT_OWN_PD1 = 0x16000, AT_OWN_PD0 = 0x17000, AT_OWN_SPT = 0x18000,
	AT_INST = 0x20000, AT_RUNLIST = 0x21000,
	AT_GP = 0x30000, AT_SEM = 0x31000, AT_PUSH = 0x32000,
	AT_BAR1 = 0x40000,	/* instance block and five levels of tables, a page each */
	AT_BAR2 = 0x50000,
	AT_USERD = 0x100000,	/* what BAR1 shows from 0 on */
	AT_BAR2_SHOWS = 0x200000,
};
#define RIG_CHAN	3
#define USERD_SIZE	0x200
#define BAR_PAGES	128	/* so many are shown of each BAR */
#define FAULT_BUFFER	0x20000	/* where the fault buffer is, in BAR2 */

/*
 * Entries, spelled out from the format: bit 0 valid, bits 2:1 aperture (of a PTE: 0 VRAM, 2
 * coherent system memory; of a directory: 1 and 2), bit 3 volatile, 5 privileged, 6 read-only, 7
 * atomic disable, from 8 on the address in pages of 4 KiB.
 */
#define PTE_VRAM(addr)	(((uint64_t)(addr) >> 12) << 8 | 0x1)
#define PTE_SYS(addr)	(((uint64_t)(addr) >> 12) << 8 | 0x5)
#define PDE_VRAM(addr)	(((uint64_t)(addr) >> 12) << 8 | 0x2)
#define PDE_SYS(addr)	(((uint64_t)(addr) >> 12) << 8 | 0x4)
/* A table of 64 KiB pages: aligned to 256 bytes. */
#define PDE_BIG(addr)	(((uint64_t)(addr) >> 8) << 4 | 0x2)
#define VOL		0x08ULL
#define PRIV		0x20ULL
#define RO		0x40ULL
#define NO_ATOMIC	0x80ULL
#define LIMIT		((1ULL << 49) - 1)

#define HI(va)		((uint32_t)((va) >> 32))
#define LO(va)		((uint32_t)(va))

struct rig {
	struct events *events;
	struct gpu *gpu;
	struct access *access;
	struct memory *memory;
	int fd;
	uint8_t *guest;
	struct channel chan;		/* the channel, of tests without a GPU */
	unsigned int non_stalls;	/* of it */
	unsigned int messages;		/* the GPU's interrupts */
	bool deaf;			/* the client has not enabled them */
	bool intx;			/* it wants a level */
	uint32_t put;			/* GP_PUT */
	uint32_t pushed;		/* words of the pushbuffer that are used */
};

int rig_setup(void **state);
int rig_setup_mapped(void **state);	/* BAR2 is memory */
int rig_teardown(void **state);
/* In rig_run() PTIMER is that much before the board's clock. */
#define RIG_PTIMER	0x5500000000
/* PCI_COMMAND; rig_setup() has enabled memory and bus mastering. */
void rig_command(struct rig *rig, uint16_t command);
void rig_advance(uint64_t ns);

/* Memory, as the test sees it. */
uint64_t *vram64(struct rig *rig, uint64_t addr);
uint32_t *vram32(struct rig *rig, uint64_t addr);
uint32_t *userd(struct rig *rig, uint32_t offset);
/* A byte of the process's pages; RIG_VA + offset. */
uint8_t *byte(struct rig *rig, uint64_t offset);
uint32_t *word(struct rig *rig, uint64_t offset);
uint64_t *spt(struct rig *rig, unsigned int index);	/* PTE of RIG_VA + index pages */
uint64_t *lpt(struct rig *rig, unsigned int index);
uint64_t *pd0(struct rig *rig);		/* the two words of RIG_VA's 2 MiB */
uint64_t *own_spt(struct rig *rig, unsigned int index);

/* Words into the pushbuffer, and an entry of the GPFIFO for them. */
void rig_entry(struct rig *rig, uint32_t low, uint32_t high);
void rig_submit(struct rig *rig, const uint32_t *words, unsigned int nr);
#define SUBMIT(rig, ...) do {							\
	const uint32_t words_[] = { __VA_ARGS__ };				\
	rig_submit(rig, words_, ARRAY_SIZE(words_));				\
} while (0)

/* Steps of rig->chan until it does not go on. */
enum channel_went rig_run(struct rig *rig);
#define WENT(rig, ...) ({ SUBMIT(rig, __VA_ARGS__); rig_run(rig); })

/* The GPU, from outside. */
uint32_t rd(struct rig *rig, uint32_t addr);
void wr(struct rig *rig, uint32_t addr, uint32_t value);
uint32_t bar_rd(struct rig *rig, unsigned int bar, uint64_t offset);
void bar_wr(struct rig *rig, unsigned int bar, uint64_t offset, uint32_t value);
/* What nouveau does until a channel runs: BARs, interrupts, fault buffer, channel, runlist. */
void rig_start(struct rig *rig);
void rig_bind(struct rig *rig, unsigned int chan, uint32_t inst);
void rig_runlist(struct rig *rig, unsigned int runlist, const unsigned int *chans, unsigned int nr);
void rig_doorbell(struct rig *rig);
void rig_flush(struct rig *rig, uint64_t pdb);
void rig_replay(struct rig *rig);
/* Let the engines work until they wait for something. What gpu_work() said last. */
int64_t rig_work(struct rig *rig);
uint64_t stat_of(struct rig *rig, enum stat_id stat);
#endif
