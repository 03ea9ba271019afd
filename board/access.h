/* SPDX-License-Identifier: MIT */
#ifndef ACCESS_H
#define ACCESS_H
/*
 * Accesses by virtual address: TLB, walk, permission, oracle, memory. One that fails has been
 * done up to the page that it failed at.
 */
#include "event.h"
#include "knob.h"
#include "memory.h"
#include "oracle.h"
#include "tlb.h"
#include "vmm.h"

/*
 * Blocks of 2 MiB, of address spaces with replayable faults, in which memory of a process has
 * been seen: a fault was reported there, or a page of it had an owner. Elsewhere the driver maps
 * memory of its own, whose pages need not be counted one by one.
 */
#define ACCESS_BLOCKS	16384
#define ACCESS_WINDOWS	64

struct access_block {
	uint64_t pdb, block;
};

/* Addresses that are the driver's own, set through CONTROL_REG_WINDOW. */
struct access_window {
	uint64_t pdb;		/* 0: of every address space */
	uint64_t start, size;
};

struct access {
	struct memory memory;
	struct tlb tlb;
	struct oracle oracle;
	struct events *events;
	struct knobs *knobs;
	struct access_block block[ACCESS_BLOCKS];	/* a hash table; pdb 0: a free slot */
	struct access_block spare[ACCESS_BLOCKS];
	uint32_t blocks;
	struct access_window window[ACCESS_WINDOWS];
	uint32_t windows;
	int chan;		/* in whose name, for the log */
};

/* LAUNCH_DMA's SEMAPHORE_REDUCTION, the operations on integers; REDUCE_UNSIGNED is its SIGN. */
enum reduction {
	REDUCE_MIN, REDUCE_MAX, REDUCE_XOR, REDUCE_AND, REDUCE_OR, REDUCE_ADD, REDUCE_INC,
	REDUCE_DEC, REDUCE_UNSIGNED = 0x10,
};

void access_init(struct access *access, struct events *events, struct knobs *knobs);
/* A read, a write, or a prefetch, which only looks; of any length. *fault_va: where it failed. */
bool access_bytes(struct access *access, const struct vmm_space *space, uint64_t va,
		  enum access_type type, void *buf, uint64_t len, uint64_t *fault_va,
		  enum fault_reason *reason);
/* Change an aligned word in one go, with respect to the guest as well. */
bool access_atomic(struct access *access, const struct vmm_space *space, uint64_t va,
		   unsigned int op, uint32_t value, uint32_t *old, enum fault_reason *reason);
/* By bus or VRAM address. False: nothing is there; reads give zeros. */
bool access_physical(struct access *access, enum aperture aperture, uint64_t addr, bool write,
		     void *buf, uint64_t len);
void access_flush(struct access *access, uint64_t pdb);
/* Memory of a process is here: a fault was reported. */
void access_is_process(struct access *access, uint64_t pdb, uint64_t va);
/* Nobody uses the address space any more, or its directory is another's. */
void access_forget(struct access *access, uint64_t pdb);
/* False: too many. */
bool access_exclude(struct access *access, uint64_t pdb, uint64_t start, uint64_t size);
#endif
