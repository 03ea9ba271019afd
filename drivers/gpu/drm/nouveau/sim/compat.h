/* SPDX-License-Identifier: MIT */
#ifndef __NVKM_SIM_COMPAT_H__
#define __NVKM_SIM_COMPAT_H__
/* What differs between the kernels that the software GPU is for. */

#if __has_include("core/suspend_state.h")
#define nvkm_bar_id_t	enum nvkm_bar_id
#define nvkm_suspend_t	enum nvkm_suspend_state
#else
/* BARs had numbers, and -1 was none. */
#define NVKM_BAR0_PRI	0
#define NVKM_BAR1_FB	1
#define nvkm_bar_id_t	unsigned int
#define nvkm_suspend_t	bool
#endif

#ifndef kzalloc_obj
#define kzalloc_obj(obj, gfp) kzalloc(sizeof(obj), gfp)
#endif
#endif
