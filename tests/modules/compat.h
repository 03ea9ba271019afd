/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernels that the rig is built for call differently. */
#ifndef MN_CONTRACT_COMPAT_H
#define MN_CONTRACT_COMPAT_H

#include <linux/mm.h>
#include <linux/rwsem.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 4, 0)
#define rig_rwsem_forget(sem)	rwsem_release(&(sem)->dep_map, 1, _THIS_IP_)
#define rig_anon_pages(mm)	get_mm_counter(mm, MM_ANONPAGES)
#else
#define rig_rwsem_forget(sem)	rwsem_release(&(sem)->dep_map, _THIS_IP_)
#define rig_anon_pages(mm)	get_mm_counter_sum(mm, MM_ANONPAGES)
#endif

#endif
