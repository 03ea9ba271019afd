// SPDX-License-Identifier: MIT
/*
 * A PBDMA's registers: what was wrong with a method, and of which channel. While one of its
 * interrupts is pending the channel waits; then it goes on with the next method.
 *
 * Sources: hw_pbdma_gp106.h of nvgpu; manuals/volta/gv100/dev_pbdma.ref.txt of open-gpu-doc.
 */
#include "pri.h"

void pbdma_reset(struct pri_pbdma *pbdma)
{
	*pbdma = (struct pri_pbdma) {};
}

bool pbdma_pending(const struct pri_pbdma *pbdma)
{
	return pbdma->intr & pbdma->mask || pbdma->hce_intr & pbdma->hce_mask;
}

/* Offsets within the PBDMA's 8 KiB. */
bool pbdma_read(const struct pri_pbdma *pbdma, uint32_t addr, uint32_t *value)
{
	switch (addr) {
	case 0x0c0: *value = pbdma->method; return true;
	case 0x0c4: *value = pbdma->data; return true;
	case 0x108: *value = pbdma->intr; return true;
	case 0x10c: *value = pbdma->mask; return true;
	case 0x120: *value = pbdma->channel; return true;
	case 0x12c: *value = pbdma->timeout; return true;
	case 0x13c: *value = pbdma->config; return true;
	case 0x148: *value = pbdma->hce_intr; return true;
	case 0x14c: *value = pbdma->hce_mask; return true;
	case 0x150: case 0x154: *value = 0; return true;
	}
	return false;
}

bool pbdma_write(struct pri_pbdma *pbdma, unsigned int nr, uint32_t addr, uint32_t value,
		 struct pri_ask *ask)
{
	switch (addr) {
	case 0x0c0: pbdma->method = value; return true;
	case 0x0c4: pbdma->data = value; return true;
	case 0x108:
		pbdma->intr &= ~value;
		*ask = (struct pri_ask) { .what = ASKS_PBDMA, .data = nr };
		return true;
	case 0x10c: pbdma->mask = value; return true;
	case 0x120: return true;
	case 0x12c: pbdma->timeout = value; return true;
	case 0x13c: pbdma->config = value; return true;
	case 0x148:
		pbdma->hce_intr &= ~value;
		*ask = (struct pri_ask) { .what = ASKS_PBDMA, .data = nr };
		return true;
	case 0x14c: pbdma->hce_mask = value; return true;
	}
	return false;
}
