/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef NEIGHBOURS_H
#define NEIGHBOURS_H
/*
 * Other subscribers of a process's mmu notifiers, beside the device's driver: those of the
 * kernel module mn_contract. One counts up in start and down in end, as KVM does; one takes a
 * lock in start and releases it in end, and refuses where it would have to sleep, as RDMA's
 * on-demand paging did; one counts and has an address above the lock's; and there is an
 * interval notifier.
 */
#include <stdbool.h>
#include <stdint.h>

#include "mn_contract_uapi.h"

struct neighbours {
	int rig;
};

/* -ENODEV: the module is not there. The opener watches; it is a child of it that subscribes. */
int neighbours_open(struct neighbours *n);
/* In the process that they are to subscribe to. The interval notifier watches [p, p + size). */
int neighbours_attach(const struct neighbours *n, void *p, uint64_t size);
/* Somebody else has the lock, or gives it back. */
int neighbours_hold(const struct neighbours *n, bool hold);
/* One of them refuses from now on, or does not any more. */
int neighbours_refuse(const struct neighbours *n, enum mn_contract_who who, bool refuse);
int neighbours_status(const struct neighbours *n, struct mn_contract_status *status);
/*
 * The read side of the interval notifier, as a driver's fault worker has it, and then its
 * removal. 0; -ETIME: it sleeps for longer than ms.
 */
int neighbours_read(const struct neighbours *n, unsigned int ms);
void neighbours_close(struct neighbours *n);
#endif
