/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef STORM_H
#define STORM_H
/*
 * A thread that keeps the device accessing memory, page by page, in batches: it has the device
 * write a page, add to the counter of every second one atomically, and read it back, or only
 * read; and checks what was read against the model. Most of the pages are those that operations
 * are about, or next to them.
 *
 * It ends when it is told to, when its queue dies, or when something is wrong. It is a client
 * of its own: libdrm's are for one thread, and of one whose submission was refused, because its
 * queue had died, libdrm takes no other.
 */
#include "model.h"

#include <pthread.h>

struct svm_gpu;

enum { STORM_BATCH = 4 };

struct storm {
	/* The plan. */
	struct model *model;
	uint8_t *memory;
	bool writes, adds;
	/* An access to the part that began after an operation has to kill the queue. */
	bool deadly;
	uint32_t seed;
	/* What came of it. */
	atomic_uint batches;		/* a futex; also changes when it ends */
	atomic_bool ended;
	int ret;			/* 0, -EIO: its queue has died, or what it could not do */
	char why[256];			/* it is wrong: what */
	/* Its own. */
	bool running, stuck;
	atomic_bool stop;
	unsigned int ops_at_start;
	struct svm_gpu *gpu;
	struct svm_queue *queue;
	uint8_t *src, *seen;
	pthread_t thread;
};

/* 0 or -errno. The plan is set. */
int storm_start(struct storm *s);
/* Wait for so many batches more. 0; -EPIPE: it has ended; -ETIME: reported. */
int storm_goes_on(struct storm *s, unsigned int batches, unsigned int ms);
/* Wait until it has ended by itself. 0; -ETIME: reported. */
int storm_ends(struct storm *s, unsigned int ms);
/*
 * End it, if it has not, and clear up. What came of it is in ret and why. -ETIME: it is stuck,
 * which has been reported, and is left to itself: what it uses has to stay, this included.
 */
int storm_stop(struct storm *s, unsigned int ms);
#endif
