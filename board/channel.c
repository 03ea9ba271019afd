// SPDX-License-Identifier: MIT
/*
 * What an instance block says of a channel. Source: RAMFC in hw_ram_gp106.h of nvgpu and dev_ram.h
 * of open-gpu-kernel-modules (published/pascal/gp100), as gk104_chan_ramfc_write() of nouveau fills
 * it in.
 */
#include <string.h>

#include "channel.h"

#define RAMFC_USERD		0x08	/* and 0x0c; bits 1:0 of the lower are where it is */
#define RAMFC_GP_GET		0x14
#define RAMFC_GP_BASE		0x48	/* 39:3, and 0x4c: 7:0, log2 of its entries in 20:16 */
#define RAMFC_CONFIG		0xe4
#define CONFIG_PRIV		(1 << 5)
#define USERD_SIZE		0x200
/* The board's own, beyond RAMFC: the classes of the subchannels. nouveau leaves it zero. */
#define INST_OBJECTS		0x1c0

const char *channel_load(struct channel *channel, struct memory *memory)
{
	uint32_t userd, userd_hi, base, base_hi, config;

	if (!memory_read32(memory, VRAM, channel->inst + RAMFC_USERD, &userd) ||
	    !memory_read32(memory, VRAM, channel->inst + RAMFC_USERD + 4, &userd_hi) ||
	    !memory_read32(memory, VRAM, channel->inst + RAMFC_GP_BASE, &base) ||
	    !memory_read32(memory, VRAM, channel->inst + RAMFC_GP_BASE + 4, &base_hi) ||
	    !memory_read32(memory, VRAM, channel->inst + RAMFC_CONFIG, &config) ||
	    !vmm_space_read(memory, channel->inst, &channel->space))
		return "its instance block is outside of VRAM";
	channel->userd = ((uint64_t)(userd_hi & 0xff) << 32 | userd) & ~(USERD_SIZE - 1ULL);
	if (!memory_at(memory, VRAM, channel->userd, USERD_SIZE, true))
		return "its USERD is outside of VRAM";
	channel->gp_base = (uint64_t)(base_hi & 0xff) << 32 | (base & ~7U);
	channel->gp_nr = 1U << (base_hi >> 16 & 0x1f);
	channel->priv = config & CONFIG_PRIV;
	/* Bound again, after a suspend say, it goes on where it was. */
	memory_read32(memory, VRAM, channel->inst + RAMFC_GP_GET, &channel->gp_get);
	channel->gp_get &= channel->gp_nr - 1;
	for (unsigned int i = 0; i < CHANNEL_SUBCHANNELS; i++)
		memory_read32(memory, VRAM, channel->inst + INST_OBJECTS + i * 4,
			      &channel->object[i]);
	return NULL;
}

void channel_save(const struct channel *channel, struct memory *memory)
{
	memory_write32(memory, VRAM, channel->inst + RAMFC_GP_GET, channel->gp_get);
	for (unsigned int i = 0; i < CHANNEL_SUBCHANNELS; i++)
		memory_write32(memory, VRAM, channel->inst + INST_OBJECTS + i * 4,
			       channel->object[i]);
}

enum channel_went channel_faulted(struct channel *channel, uint64_t va, enum access_type type,
				  enum fault_reason reason, uint8_t mmu_engine)
{
	channel->fault = (struct fault) {
		.inst = channel->inst,
		.va = va & PAGE_MASK,
		.type = type,
		.reason = reason,
		.engine = mmu_engine,
		.client = mmu_engine == FAULT_ENGINE_HOST ? FAULT_CLIENT_HOST : FAULT_CLIENT_GR_CE,
	};
	return WENT_FAULTED;
}

enum channel_went channel_illegal(struct channel *channel, const char *text, uint32_t pbdma,
				  uint32_t data)
{
	channel->illegal = (struct channel_illegal) {
		.text = text, .pbdma = pbdma, .data = data,
		.subc = channel->dec.subc, .mthd = channel->dec.mthd,
	};
	return WENT_ILLEGAL;
}

enum channel_went channel_step(struct engine *engine, struct channel *channel)
{
	engine->access->chan = channel->id;
	return channel->copy.busy ? copy_step(engine, channel) : host_step(engine, channel);
}
