/* SPDX-License-Identifier: MIT */
#ifndef CONTROL_H
#define CONTROL_H
/* Function 1: what programs in the guest use to look at the board and to hold it; control_abi.h. */
#include "control_abi.h"
#include "gpu.h"

struct control {
	struct gpu *gpu;
	struct pci pci;
	uint32_t serial;
	struct knobs power_on;	/* what a reset puts back */
	uint32_t name;		/* NAME_SELECT */
	uint32_t frozen;	/* the upper half of the pair whose lower one was read last */
	uint32_t low;		/* the lower half of a pair that is being written */
	uint64_t record;	/* number of the event to be read */
	uint64_t window[2];	/* start and size */
	uint64_t asked;		/* the page that the oracle was asked about */
	uint32_t verdict;
	bool asked_write;
	struct oracle_owner mark;
};

void control_init(struct control *control, struct gpu *gpu, uint32_t serial);
void control_reset(struct control *control);
/* As vfio_user_ops has them. */
void control_read(struct control *control, unsigned int region, uint64_t offset, void *buf,
		  uint32_t len);
void control_write(struct control *control, unsigned int region, uint64_t offset, const void *buf,
		   uint32_t len);
#endif
