/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef SCENE_H
#define SCENE_H
/*
 * A client of the device and memory that both it and the CPU use, with the model of what has to
 * be there. Operations are about a part of the memory; what is beside it has to stay.
 *
 * These functions assert.
 */
#include "model.h"
#include "storm.h"

struct svm_gpu;
struct svm_queue;

struct scene_plan {
	bool huge;		/* of one huge page */
	bool shared;		/* a mapping of a file in memory */
	bool tail;		/* the part is at its end */
	enum model_effect effect;
};

struct scene {
	struct scene_plan plan;
	struct svm_gpu *gpu;
	struct svm_queue *queue;
	uint64_t stale;
	uint8_t *memory, *part;
	size_t size, part_size;
	/* Addresses of that size, with nothing there. */
	uint8_t *elsewhere;
	int file;		/* or -1 */
	uint8_t *bounce;	/* what the device copies from, and to */
	struct model model;
	struct storm storm;
};

/* Memory with something in it; the device has seen none of it. */
void scene_begin(struct scene *s, const struct scene_plan *plan);
/* No access was to what is not the process's any more. */
void scene_end(struct scene *s);
/* What a failure has left: nothing is asserted. */
void scene_abandon(struct scene *s);

/* The device, or the CPU, writes pages. */
void scene_write(struct scene *s, unsigned int first, unsigned int nr, const char *when);
void scene_write_cpu(struct scene *s, unsigned int first, unsigned int nr);
/* The same without asserting: 0 or -errno; a queue that dies is replaced. */
int scene_try_write(struct scene *s, unsigned int first, unsigned int nr);
int scene_try_read(struct scene *s, unsigned int first, unsigned int nr);
/* The device sees what has to be there, and so does the CPU. */
void scene_check(struct scene *s, unsigned int first, unsigned int nr, const char *when);
/* Memory at another address has what a page had at some time. */
void scene_check_at(struct scene *s, const uint8_t *at, unsigned int first, unsigned int nr,
		    const struct model_range *ranges, const char *when);
/* Is the memory one huge page? If the device tells of faults: it has one fault for all of it. */
bool scene_is_huge(const struct scene *s);
void scene_check_one_fault(struct scene *s);
/* An access of the device has to end its queue, and nothing else. */
void scene_refused(struct scene *s, bool write, const uint8_t *at, const char *when);
#endif
