// SPDX-License-Identifier: MIT
/*
 * GR has no engine behind it, but its context switching firmware answers: nouveau stops it, asks
 * whose context is on the engine, cancels that one's fault, and lets it go on. The board names
 * the channel whose fault was reported first among those that wait.
 *
 * Source: nouveau, nvkm/engine/gr/gf100.c (gf100_gr_fecs_*_ctxsw(), gf100_gr_ctxsw_inst()).
 */
#include "pri.h"

#define CURRENT_VALID	(1U << 31)

void gr_reset(struct pri_gr *gr)
{
	*gr = (struct pri_gr) {};
}

bool gr_read(const struct pri_gr *gr, uint32_t addr, uint32_t *value)
{
	switch (addr) {
	case 0x409108: case 0x40912c: case 0x41a108: case 0x41a12c: *value = 0; return true;
	case 0x409500: *value = gr->data; return true;
	case 0x409504: *value = gr->method; return true;
	case 0x409804: *value = gr->status; return true;
	case 0x409b00:
		*value = gr->current ? CURRENT_VALID | (uint32_t)(gr->current >> 12) : 0;
		return true;
	}
	return false;
}

bool gr_write(struct pri_gr *gr, uint32_t addr, uint32_t value)
{
	switch (addr) {
	case 0x409500:
		gr->data = value;
		return true;
	case 0x409504:
		gr->method = value;
		gr->status = 1;		/* done */
		return true;
	case 0x409804:
		gr->status = value;
		return true;
	case 0x409b00:
		return true;
	}
	return false;
}
