/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef OPERATION_H
#define OPERATION_H
/*
 * What a process can do to a part of its memory that makes mm invalidate what a device has mapped
 * of it, and what the device may do and has to see afterwards.
 *
 * These functions assert. require() skips if the kernel lacks the operation.
 */
#include "scene.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum access { ACCESS_NONE, ACCESS_READ, ACCESS_WRITE };

struct operation {
	const char *name, *describe;
	struct scene_plan plan;
	/* What the device may do in the part. */
	enum access before, after;
	/* It changes what all of the machine has: settings of mm, swap space. */
	bool machine;
	/* act() keeps what is there. undo() drops it, and tells the model. */
	bool undo_drops;
	/* What it may cause in the kernel's log, see dmesg_patterns.h. NULL: only dead queues. */
	const char *dmesg;
	/* Why it is not for memory that is on the device. */
	const char *host_only;
	void (*require)(void);
	/* Once, before the device has seen the memory. */
	void (*prepare)(struct scene *s);
	void (*act)(struct scene *s);
	/* More to assert. idle: the device rests, and has written since act() if it may. */
	void (*check)(struct scene *s, bool idle);
	/*
	 * For an operation after which an access may kill the queue, or not: the device tries, and
	 * then the CPU writes the memory.
	 */
	void (*settle)(struct scene *s);
	/* Undo act(), so that it can be called again. */
	void (*undo)(struct scene *s);
	/*
	 * Has it succeeded at least once? While the device works, the kernel may leave the pages as
	 * they are; then it is tried again. NULL: it always succeeds.
	 */
	bool (*succeeded)(const struct scene *s);
	/* Asserts that it has. */
	void (*finish)(struct scene *s);
	/* After a failure, in place of finish(). */
	void (*abandon)(void);
};

/* Each table ends with an operation without a name. */
extern const struct operation operations_on_mappings[];
extern const struct operation operations_by_advice[];
extern const struct operation operations_of_swap[];
extern const struct operation operations_on_files[];
extern const struct operation operations_of_fork[];
extern const struct operation operations_that_move[];
extern const struct operation operations_that_track[];
extern const struct operation operations_on_huge_pages[];

#define MUST(ok)	igt_assert_f(ok, "%s\n", strerror(errno))

/* Skips if the kernel does not know the advice. */
void require_advice(int advice, const char *name);
void advise(struct scene *s, int advice);

/* Those that are for small and for huge pages. */
void act_munmap(struct scene *s);
void undo_munmap(struct scene *s);
void make_read_only(struct scene *s);
void make_writable(struct scene *s);
void act_mremap_move(struct scene *s);
void check_moved(struct scene *s, bool idle);
void undo_mremap_move(struct scene *s);
void act_dontneed(struct scene *s);
void require_swap(void);
void prepare_swap(struct scene *s);
void act_swapoff(struct scene *s);
bool some_swapped(const struct scene *s);
void finish_swap(struct scene *s);
void abandon_swap(void);
void prepare_fork(struct scene *s);
void act_fork(struct scene *s);
void check_fork(struct scene *s, bool idle);
void finish_fork(struct scene *s);
#endif
