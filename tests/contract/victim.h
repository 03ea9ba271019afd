/* SPDX-License-Identifier: GPL-2.0 */
/* A rig of the module, and the process whose mm it is attached to. */
#ifndef VICTIM_H
#define VICTIM_H

#include <stdbool.h>
#include <sys/types.h>

#include "host.h"
#include "mn_contract_uapi.h"

/* The victim's memory is made of mappings of this size. */
#define CHUNK		(8 * MIB)

/**
 * struct victim - the process that is killed
 * @cg: where its memory is charged, and nothing else
 * @rig: descriptor of /dev/mn_contract, or -1
 * @pid: the process, 0 when it is none or waited for
 * @pidfd: the same, readable when it has exited, or -1
 * @go: writing here makes a greedy victim allocate, or -1
 * @status: what the rig said last
 */
struct victim {
	struct cgroup cg;
	int rig;
	pid_t pid;
	int pidfd;
	int go;
	struct mn_contract_status status;
};

/**
 * struct appetite - what the victim does
 * @chunks: how many mappings of CHUNK it has
 * @max: memory.max of its cgroup
 * @greedy: touch the memory when told to, beyond @max; else touch it at once
 *	and linger in the module
 */
struct appetite {
	int chunks;
	const char *max;
	bool greedy;
};

/* Returns when the victim is attached and, if not greedy, lingers. */
int victim_start(struct victim *v, const char *name, const struct appetite *a);
int victim_go(struct victim *v);
/* Reads the status. Returns 0, or -1 and complains. */
int victim_status(struct victim *v);
/*
 * Waits until @ready says so of the status, which is then in @v. Returns 0, or
 * 1 when it did not by @deadline, or -1 and complains.
 */
int victim_wait(struct victim *v,
		bool (*ready)(const struct mn_contract_status *status),
		long long deadline);
int victim_call(struct victim *v, unsigned long call, const char *name);
/* REFUSE, with @error, positive, on non-blockable ranges. */
int victim_refuse(struct victim *v, enum mn_contract_who who, int error);
/* Whether this kernel has process_mrelease(2). */
bool victim_mrelease_exists(void);
/* process_mrelease(2). Returns 0 or an error number. */
int victim_mrelease(struct victim *v);
int victim_kill(struct victim *v);
/* Takes everything away that is left. Always to be called. */
void victim_end(struct victim *v);

#endif
