/* SPDX-License-Identifier: MIT */
#ifndef CONTROL_ABI_H
#define CONTROL_ABI_H
/*
 * The register map of the control function, and its version. Shared by the board and by the
 * programs that drive it through /sys/bus/pci/devices/.../resource0. All registers have 32 bits
 * and are little-endian. Of a pair the lower one is read first, which freezes the upper one; it is
 * written first too, and the pair takes effect with the upper one. A knob has 32 bits: it is set
 * by its lower half, and the upper one is ignored.
 *
 * A change that an older client would misread raises CONTROL_VERSION.
 */
#define CONTROL_VENDOR		0x1234	/* nobody's, as for QEMU's edu */
#define CONTROL_DEVICE		0x4e42
#define CONTROL_CLASS		0xff0000	/* no driver claims it */

#define CONTROL_MAGIC		0x4452424e	/* "NBRD" */
#define CONTROL_VERSION		2
#define CONTROL_BAR_SIZE	0x10000

/* Identity, read only. */
#define CONTROL_REG_MAGIC	0x0000
#define CONTROL_REG_VERSION	0x0004
#define CONTROL_REG_SERIAL	0x0008	/* --serial */
#define CONTROL_REG_STATS	0x000c	/* how many there are of each */
#define CONTROL_REG_KNOBS	0x0010
#define CONTROL_REG_GATES	0x0014
#define CONTROL_REG_CHANNELS	0x0018
#define CONTROL_REG_ORACLE	0x001c	/* enum control_oracle */

/*
 * Names: write kind and index, then read 32 bytes. An index that there is not has an empty name.
 */
#define CONTROL_REG_NAME_SELECT	0x0020	/* kind << 16 | index */
#define CONTROL_REG_NAME	0x0040	/* ... 0x005f */
enum control_kind { CONTROL_STAT, CONTROL_KNOB, CONTROL_GATE, CONTROL_EVENT };

/*
 * Accesses in the name of channels. Fill entries [first, first + n), write first and n: they start
 * together, in that order; one that was under way ends with CONTROL_STOPPED. PENDING says how many
 * are not done; any write to STOP ends all of those with CONTROL_STOPPED.
 */
#define CONTROL_REG_START	0x0060	/* first << 16 | n */
#define CONTROL_REG_PENDING	0x0064
#define CONTROL_REG_STOP	0x0068

/* The event log's ring: how many there have been, and one record of 8 words by its number. */
#define CONTROL_REG_EVENTS	0x0070	/* and 0x0074 */
#define CONTROL_REG_EVENT	0x0078	/* write its number modulo 2^32 */
#define CONTROL_REG_RECORD	0x0080	/* ... 0x009f; all zero: it is gone. Its words: */
					/* 0-1 time in ns, 2 kind (CONTROL_EVENT), */
					/* 3 channel or -1, 4-5 addr, 6-7 data */

/* Set the oracle aside for addresses of a channel's address space: the driver's own window. */
#define CONTROL_REG_WINDOW	0x00a0	/* start, size: two pairs; writing the channel applies it */
#define CONTROL_REG_WINDOW_CHAN	0x00b0	/* ~0: of all address spaces, those to come as well */

/* Any write: statistics are 0 from here on. */
#define CONTROL_REG_CLEAR	0x00c0

/*
 * Ask the oracle about a page by its guest-physical address: write WRITE, then PA, whose upper
 * half asks; VERDICT is the answer. MARK = 1 records the owner of the page asked for last, later
 * questions compare with it; MARK = 0 forgets it.
 */
#define CONTROL_REG_ORACLE_PA		0x00d0	/* a pair */
#define CONTROL_REG_ORACLE_VERDICT	0x00d8	/* 0 fine, 1 free, 2 slab, 3 page table, */
						/* 4 nobody's, 5 another owner's, */
						/* 6 unmapped; ~0: no memory */
#define CONTROL_REG_ORACLE_WRITE	0x00dc	/* 1: would a write be right? 0: a read */
#define CONTROL_REG_ORACLE_MARK		0x00e0

/* How many channels there are, of those that there can be: read only. */
#define CONTROL_REG_BOUND	0x00e4

#define CONTROL_STAT_BASE	0x1000	/* + 8 * index, a pair */
#define CONTROL_KNOB_BASE	0x2000	/* + 8 * index, a pair; writing the lower half sets it */
#define CONTROL_GATE_BASE	0x3000	/* + 8 * index: closed (0 or 1); how many it holds */
#define CONTROL_ACCESS_BASE	0x4000	/* + 32 * index */
#define CONTROL_CHAN_BASE	0x8000	/* + 32 * index */

/* An access: offsets of its words. */
#define CONTROL_ACCESS_CHAN	0x00
#define CONTROL_ACCESS_TYPE	0x04	/* as in a fault: read 0, write 1, atomic 2, prefetch 3 */
#define CONTROL_ACCESS_VA	0x08	/* a pair */
#define CONTROL_ACCESS_VALUE	0x10	/* to be written or added; then what was read */
#define CONTROL_ACCESS_STATE	0x14	/* enum control_state, read only */
#define CONTROL_ACCESS_SIZE	32
#define CONTROL_ACCESSES	64

enum control_state {
	CONTROL_FREE,		/* never started */
	CONTROL_RUNNING,
	CONTROL_DONE,
	CONTROL_CANCELLED,	/* its fault ended the channel, or the channel ended */
	CONTROL_STOPPED,
	CONTROL_NO_CHANNEL,	/* there is none, or it has ended */
};

/* A channel: offsets of its words, read only. */
#define CONTROL_CHAN_STATE	0x00	/* enum control_chan */
#define CONTROL_CHAN_RUNLIST	0x04
#define CONTROL_CHAN_INST	0x08	/* a pair, and so are the next */
#define CONTROL_CHAN_PDB	0x10
#define CONTROL_CHAN_FAULT	0x18
#define CONTROL_CHAN_SIZE	32

enum control_chan {
	CONTROL_CHAN_NONE, CONTROL_CHAN_STOPPED, CONTROL_CHAN_RUNS, CONTROL_CHAN_COPIES,
	CONTROL_CHAN_WAITS_SEMAPHORE, CONTROL_CHAN_FAULTED, CONTROL_CHAN_WAITS_REPLAY,
	CONTROL_CHAN_DEAD,
};

enum control_oracle { CONTROL_ORACLE_OFF, CONTROL_ORACLE_SEARCHES, CONTROL_ORACLE_FOUND };
#endif
