/* SPDX-License-Identifier: MIT */
#ifndef __NOUVEAU_SIM_H__
#define __NOUVEAU_SIM_H__
/* What nouveau knows of the software GPU, and the other way round. */
struct nouveau_drm;
struct nvkm_device;
struct platform_device;

#if IS_ENABLED(CONFIG_DRM_NOUVEAU_SIM)
void nouveau_sim_init(void);
void nouveau_sim_exit(void);
#else
static inline void nouveau_sim_init(void) {}
static inline void nouveau_sim_exit(void) {}
#endif

int nvkm_sim_new(struct platform_device *pdev, const char *cfg, const char *dbg,
		 struct nvkm_device **pdevice);

/* In nouveau_drm.c, where DRM devices are made. */
struct nouveau_drm *nouveau_sim_drm_create(struct platform_device *pdev);
#endif
