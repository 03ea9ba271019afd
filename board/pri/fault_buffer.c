// SPDX-License-Identifier: MIT
/*
 * The replayable fault buffer's registers. Its memory is at a virtual address of BAR2. An entry
 * stays free: a full buffer would look like an empty one.
 *
 * On silicon its interrupt is a level, GET != PUT. nouveau leaves it enabled while its worker
 * runs; under emulation that starves the worker. Here each new entry raises it once, unless the
 * knob fault_level is set.
 *
 * Source: hw_fifo_gp106.h of nvgpu (0x002a70 to 0x002a84).
 */
#include "pri.h"

#define LO_ENABLE	1

void fault_buffer_reset(struct pri_fault_buffer *buffer)
{
	*buffer = (struct pri_fault_buffer) { .entries = FAULT_BUFFER_ENTRIES };
}

bool fault_buffer_read(const struct pri_fault_buffer *buffer, uint32_t addr, uint32_t *value)
{
	switch (addr) {
	case 0x002a70: *value = (uint32_t)buffer->base | buffer->enabled; return true;
	case 0x002a74: *value = buffer->base >> 32; return true;
	case 0x002a78: *value = buffer->entries; return true;
	case 0x002a7c: *value = buffer->get; return true;
	case 0x002a80: *value = buffer->put; return true;
	case 0x002a84: *value = buffer->info; return true;
	}
	return false;
}

bool fault_buffer_write(struct pri_fault_buffer *buffer, uint32_t addr, uint32_t value,
			struct pri_ask *ask)
{
	switch (addr) {
	case 0x002a70:
		buffer->base = (buffer->base & ~0xffffffffULL) | (value & 0xfffff000);
		if ((value & LO_ENABLE) != buffer->enabled)
			*ask = (struct pri_ask) { .what = ASKS_FAULT_BUFFER };
		if ((value & LO_ENABLE) && !buffer->enabled)
			buffer->get = buffer->put = 0;
		buffer->enabled = value & LO_ENABLE;
		if (!buffer->enabled)
			buffer->pulse = false;
		return true;
	case 0x002a74:
		buffer->base = (uint64_t)value << 32 | (uint32_t)buffer->base;
		return true;
	case 0x002a7c:
		buffer->get = value;
		/* Entries may have come after the reader looked at PUT. */
		if (buffer->get != buffer->put)
			buffer->pulse = true;
		/* There may be room for what has been put off. */
		*ask = (struct pri_ask) { .what = ASKS_FAULT_BUFFER };
		return true;
	case 0x002a84:
		buffer->info &= ~value;
		return true;
	case 0x002a78: case 0x002a80:
		return true;
	}
	return false;
}

bool fault_buffer_room(const struct pri_fault_buffer *buffer, uint32_t limit, uint64_t *at)
{
	const uint32_t entries = buffer->entries;
	uint32_t used;

	if (!buffer->enabled || buffer->get >= entries || buffer->put >= entries)
		return false;
	if (!limit || limit > entries)
		limit = entries;
	used = buffer->put >= buffer->get ? buffer->put - buffer->get :
					    buffer->put + entries - buffer->get;
	*at = buffer->base + buffer->put * (uint64_t)FAULT_ENTRY_SIZE;
	return used + 1 < limit;
}

void fault_buffer_advance(struct pri_fault_buffer *buffer)
{
	buffer->put = buffer->put + 1 == buffer->entries ? 0 : buffer->put + 1;
	buffer->pulse = true;
}

bool fault_buffer_empty(const struct pri_fault_buffer *buffer)
{
	return buffer->get == buffer->put;
}
