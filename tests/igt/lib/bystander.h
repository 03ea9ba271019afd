/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef BYSTANDER_H
#define BYSTANDER_H
/*
 * Another client, a process of its own, which has page faults served all the time, and has
 * to go on whatever becomes of the others. A round is a copy between pages that are new.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct bystander {
	pid_t pid;
	struct bystander_state *state;	/* shared with it */
};

/* What its rounds took. */
struct bystander_latency {
	unsigned int rounds;
	uint64_t median_us, max_us;
};

int bystander_start(struct bystander *b);
/* Does it end so many more rounds within ms? If not, where it and the driver are is reported. */
bool bystander_goes_on(struct bystander *b, unsigned int rounds, unsigned int ms);
/* Hold it where it is, or let it go on. What it has given the device to do comes to its end. */
void bystander_hold(struct bystander *b, bool hold);
/* What it took since the last call. */
struct bystander_latency bystander_latency(struct bystander *b);
/* 0; -ETIME: it does not end; -EIO: it has failed. */
int bystander_stop(struct bystander *b, unsigned int ms);
#endif
