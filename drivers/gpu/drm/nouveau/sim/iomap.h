/* SPDX-License-Identifier: MIT */
#ifndef __NVKM_SIM_IOMAP_H__
#define __NVKM_SIM_IOMAP_H__
/*
 * The software GPU's registers are memory, and its "bus addresses" of them are those
 * of the kernel's linear map, which no bus address can be.
 */
#include <linux/io.h>
#include <linux/mm.h>

static inline bool nvkm_sim_is_io(u64 addr)
{
	return IS_ENABLED(CONFIG_DRM_NOUVEAU_SIM) && virt_addr_valid((void *)(uintptr_t)addr);
}

static inline void __iomem *nvkm_sim_ioremap(u64 addr, u64 size)
{
	return nvkm_sim_is_io(addr) ? (void __iomem *)(uintptr_t)addr : ioremap(addr, size);
}

static inline void nvkm_sim_iounmap(void __iomem *ptr)
{
	if (!nvkm_sim_is_io((uintptr_t)ptr))
		iounmap(ptr);
}

/* Its VRAM is memory of the system, which TTM must not try to map as a device's. */
static inline bool nvkm_sim_is_ram(u64 addr)
{
	return IS_ENABLED(CONFIG_DRM_NOUVEAU_SIM) && page_is_ram(PHYS_PFN(addr));
}
#endif
