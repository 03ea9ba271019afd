// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/*
 * The device accesses memory that the process meanwhile unmaps, protects, moves, drops, shares,
 * merges, splits, swaps: everything that makes mm invalidate what the device has mapped. Tables
 * of operations, lib/operation.h, say what the device may do and what it has to see afterwards.
 * Each operation is done
 *
 *	idle		once, between accesses
 *	device-memory	the same with the memory on the device, if the memory can go there
 *	racing		again and again, while the device goes on with its accesses
 *	racing-atomic	the same with atomic accesses among them, if the memory is for them
 */
#include "dmesg_patterns.h"
#include "child.h"
#include "gpu.h"
#include "igt_decl.h"
#include "operation.h"
#include "svm_gpu.h"
#include "svm_options.h"
#include "svm_require.h"
#include "svm_wait.h"

/**
 * TEST: nouveau svm invalidate
 * Category: Core
 * Mega feature: Shared virtual memory
 * Sub-category: nouveau
 * Functionality: invalidation
 * Test category: functionality test
 * Description: What a process does to its memory reaches the device, before its next access
 *	and during its accesses
 *
 * SUBTEST: munmap
 * Description: a part is unmapped, and mapped again
 *
 * SUBTEST: mmap-fixed
 * Description: other memory is mapped in a part's place
 *
 * SUBTEST: mprotect-down
 * Description: a part becomes read-only
 *
 * SUBTEST: mprotect-none
 * Description: a part becomes inaccessible
 *
 * SUBTEST: mprotect-up
 * Description: a part that was read-only becomes writable
 *
 * SUBTEST: mremap-move
 * Description: a part is moved to another address
 *
 * SUBTEST: mremap-grow
 * Description: the memory grows and shrinks at its end
 *
 * SUBTEST: mremap-shrink
 * Description: the memory shrinks
 *
 * SUBTEST: mremap-dontunmap
 * Description: what a part has is moved to another address, the part stays
 *
 * SUBTEST: madvise-dontneed
 * Description: what a part has is dropped
 *
 * SUBTEST: madvise-free
 * Description: what a part has may be dropped, unless it is written
 *
 * SUBTEST: madvise-cold
 * Description: a part is marked as not used for long
 *
 * SUBTEST: madvise-pageout
 * Description: a part is swapped out
 *
 * SUBTEST: swapoff
 * Description: a part is swapped out, and back in by the end of the swap space
 *
 * SUBTEST: punch-hole
 * Description: a file that is mapped gets a hole
 *
 * SUBTEST: truncate
 * Description: a file that is mapped is truncated
 *
 * SUBTEST: fork-cow
 * Description: a process is forked; what one writes is not seen by the other
 *
 * SUBTEST: ksm-merge
 * Description: pages that have the same are merged
 *
 * SUBTEST: compaction
 * Description: memory is compacted
 *
 * SUBTEST: migrate-node
 * Description: a part is moved to another NUMA node
 *
 * SUBTEST: migrate-device
 * Description: a part is moved to device memory
 *
 * SUBTEST: soft-dirty
 * Description: what the device writes is seen by who tracks writes
 *
 * SUBTEST: userfault-missing
 * Description: a part is dropped whose faults the process itself answers
 *
 * SUBTEST: userfault-wp
 * Description: a part is write-protected by userfaultfd
 *
 * SUBTEST: thp-collapse
 * Description: small pages become a huge page
 *
 * SUBTEST: thp-split
 * Description: a huge page is split
 *
 * SUBTEST: thp-munmap
 * Description: a part of a huge page is unmapped
 *
 * SUBTEST: thp-mprotect-down
 * Description: a part of a huge page becomes read-only
 *
 * SUBTEST: thp-mremap-move
 * Description: a part of a huge page is moved to another address
 *
 * SUBTEST: thp-dontneed
 * Description: what a part of a huge page has is dropped
 *
 * SUBTEST: thp-fork-cow
 * Description: a process that has a huge page is forked
 *
 * SUBTEST: thp-swapoff
 * Description: a huge page is swapped out, and back in
 */
IGT_TEST_DESCRIPTION("What a process does to its memory reaches the device, before its next access "
		     "and during its accesses");

enum { SEED = 20261127 };

/* How often an operation races with the device, and how often at most until it has succeeded. */
enum { ROUNDS = 8, MOST_ROUNDS = 100 };

static const struct operation * const tables[] = {
	operations_on_mappings, operations_by_advice, operations_of_swap, operations_on_files,
	operations_of_fork, operations_that_move, operations_that_track,
	operations_on_huge_pages,
};

static struct scene scene;
static const struct operation *begun;

/* Whatever a failure has left behind. */
static void clear_up(void)
{
	child_kill_all(SVM_WAIT_MS);
	scene_abandon(&scene);
	if (begun && begun->abandon)
		begun->abandon();
	begun = NULL;
}

/* Does what the device could do before end its queue afterwards? */
static bool is_deadly(const struct operation *op)
{
	return op->after < op->before;
}

static void begin(struct scene *s, const struct operation *op)
{
	const char *dmesg = op->dmesg;

	clear_up();
	if (op->require)
		op->require();
	scene_begin(s, &op->plan);
	if (is_deadly(op) || op->settle) {
		igt_require_f(svm_gpu_has(s->gpu, SVM_DEAD),
			      "what an access to nothing does is not known of this back end\n");
		if (!dmesg)
			dmesg = NOUVEAU_DEAD_QUEUE_DMESG;
	}
	if (dmesg)
		igt_emit_ignore_dmesg_regex(dmesg);
	begun = op;
	if (op->prepare)
		op->prepare(s);
}

static void act(struct scene *s, const struct operation *op)
{
	if (!op->undo_drops)
		model_op_begin(&s->model);
	op->act(s);
	if (!op->undo_drops)
		model_op_end(&s->model);
}

static void end(struct scene *s, const struct operation *op)
{
	if (op->finish)
		op->finish(s);
	begun = NULL;
	scene_end(s);
}

/* All that the device may access. */
static void check_all(struct scene *s, enum access allowed, const char *when)
{
	const struct model *m = &s->model;
	const unsigned int behind = m->first + m->nr;

	if (allowed > ACCESS_NONE) {
		scene_check(s, 0, m->pages, when);
	} else {
		scene_check(s, 0, m->first, when);
		if (behind < m->pages)
			scene_check(s, behind, m->pages - behind, when);
	}
}

/* Some of it at least. */
static void migrate(struct scene *s)
{
	const int there = gpu_svm_migrate_until(svm_gpu_fd(s->gpu), s->memory, s->size, 1);

	igt_assert_f(there >= 0, "SVM_BIND: %s\n", strerror(-there));
	igt_info("%d of %u pages are on the device\n", there, s->model.pages);
	igt_assert_f(there, "nothing has gone to the device: is it full? nouveau takes 256 MiB for "
		     "small pages and as much for huge ones\n");
}

static void idle(struct scene *s, const struct operation *op, bool on_device)
{
	begin(s, op);
	igt_require_f(!on_device || svm_gpu_has(s->gpu, SVM_MIGRATE),
		      "the device has no memory of its own\n");
	/* Device memory that was mapped before is another case: migrate-device. */
	if (on_device)
		migrate(s);
	else if (scene_is_huge(s))
		scene_check_one_fault(s);
	if (op->before == ACCESS_WRITE)
		scene_write(s, 0, s->model.pages, "before");
	/* The CPU's look would bring it back. */
	if (!on_device)
		scene_check(s, 0, s->model.pages, "before");
	act(s, op);
	if (op->settle)
		op->settle(s);
	check_all(s, op->after, "afterwards");
	if (op->after == ACCESS_NONE)
		scene_refused(s, false, s->part, "afterwards");
	if (op->after < ACCESS_WRITE) {
		scene_refused(s, true, s->part + s->part_size - MODEL_PAGE, "afterwards");
		check_all(s, op->after, "after a write that was refused");
	} else {
		scene_write(s, 0, s->model.pages, "afterwards");
	}
	if (op->check)
		op->check(s, true);
	check_all(s, op->after, "after all");
	if (op->undo) {
		op->undo(s);
		check_all(s, op->before, "undone");
	}
	if (op->before == ACCESS_WRITE) {
		scene_write(s, 0, s->model.pages, "in the end");
		check_all(s, op->before, "in the end");
	}
	end(s, op);
}

static void start_storm(struct scene *s, const struct operation *op, bool atomic,
			unsigned int round)
{
	int ret;

	s->storm.writes = op->before == ACCESS_WRITE;
	s->storm.adds = atomic;
	s->storm.deadly = is_deadly(op);
	s->storm.seed = SEED + round;
	ret = storm_start(&s->storm);
	igt_assert_f(!ret, "the device's accesses do not begin: %s\n", strerror(-ret));
}

/* 0, or -EIO: its queue has died. */
static int stop_storm(struct scene *s, unsigned int round)
{
	const int ret = storm_stop(&s->storm, 2 * SVM_WAIT_MS);

	igt_assert_f(!ret, "round %u: the device's accesses do not end\n", round);
	igt_assert_f(!*s->storm.why, "round %u: %s\n", round, s->storm.why);
	igt_assert_f(!s->storm.ret || s->storm.ret == -EIO, "round %u: the device's accesses: %s\n",
		     round, strerror(-s->storm.ret));
	return s->storm.ret;
}

static void stop_storm_alive(struct scene *s, unsigned int round)
{
	igt_assert_f(!stop_storm(s, round), "round %u: the device's queue has died\n", round);
}

/* Are they going on, after so many batches more? */
static bool goes_on(struct scene *s, unsigned int batches)
{
	const int ret = storm_goes_on(&s->storm, batches, 2 * SVM_WAIT_MS);

	igt_assert_f(ret != -ETIME, "the device's accesses do not go on\n");
	return !ret;
}

static bool enough(const struct scene *s, const struct operation *op, unsigned int rounds)
{
	return rounds >= ROUNDS &&
	       (rounds >= MOST_ROUNDS || !op->succeeded || op->succeeded(s));
}

/* The device's accesses have to survive. */
static void racing_alive(struct scene *s, const struct operation *op, bool atomic)
{
	unsigned int round;

	start_storm(s, op, atomic, 0);
	for (round = 0; !enough(s, op, round); round++) {
		/* Every second time in the middle of a batch, wherever that is. */
		if (round % 2 && !goes_on(s, 1))
			break;
		act(s, op);
		if (!goes_on(s, 1))
			break;
		if (op->check)
			op->check(s, false);
		if (op->undo)
			op->undo(s);
	}
	stop_storm_alive(s, round);
	igt_info("%u operations, %u batches of %u pages\n", round, s->storm.batches, STORM_BATCH);
	check_all(s, op->before, "in the end");
}

/* Their queue has to die, and none other. */
static void racing_deadly(struct scene *s, const struct operation *op, bool atomic)
{
	unsigned int round, page, batches = 0;

	for (round = 0; round < ROUNDS; round++) {
		start_storm(s, op, atomic, round);
		if (!goes_on(s, 1 + round % 3))
			stop_storm_alive(s, round);
		act(s, op);
		igt_assert_f(!storm_ends(&s->storm, 2 * SVM_WAIT_MS),
			     "round %u: the device's accesses do not end\n", round);
		igt_assert_f(stop_storm(s, round), "round %u: it was stopped\n", round);
		batches += s->storm.batches;
		check_all(s, op->after, "when the queue has died");
		if (op->check)
			op->check(s, false);
		op->undo(s);
		if (op->plan.effect == MODEL_DROPS)
			for (page = s->model.first; page < s->model.first + s->model.nr; page++)
				model_zeroed(&s->model, page);
		check_all(s, op->before, "undone");
	}
	igt_info("%u operations, %u batches of %u pages\n", round, batches, STORM_BATCH);
}

/* It may die, or not. */
static void racing_settled(struct scene *s, const struct operation *op, bool atomic)
{
	unsigned int round, deaths = 0, batches = 0;

	for (round = 0; round < ROUNDS; round++) {
		start_storm(s, op, atomic, round);
		if (!goes_on(s, 1 + round % 3))
			stop_storm_alive(s, round);
		act(s, op);
		goes_on(s, 4);
		deaths += !!stop_storm(s, round);
		batches += s->storm.batches;
		op->settle(s);
		check_all(s, op->after, "settled");
	}
	igt_info("%u operations, %u queues died, %u batches of %u pages\n", round, deaths, batches,
		 STORM_BATCH);
}

static void racing(struct scene *s, const struct operation *op, bool atomic)
{
	begin(s, op);
	if (op->settle)
		racing_settled(s, op, atomic);
	else if (is_deadly(op))
		racing_deadly(s, op, atomic);
	else
		racing_alive(s, op, atomic);
	end(s, op);
}

/* Atomic accesses are to anonymous memory that may be written, and end a queue elsewhere. */
static bool allows_atomic(const struct operation *op)
{
	return op->before == ACCESS_WRITE && !op->plan.shared;
}

/* A dynamic subtest that does not apply is not begun: one that skips misses something. */
static void subtest(const struct operation *op)
{
	igt_describe(op->describe);
	igt_subtest_with_dynamic(op->name) {
		if (op->machine)
			require_machine();
		igt_dynamic("idle")
			idle(&scene, op, false);
		if (op->host_only)
			igt_info("No device-memory: %s\n", op->host_only);
		else
			igt_dynamic("device-memory")
				idle(&scene, op, true);
		igt_dynamic("racing")
			racing(&scene, op, false);
		if (allows_atomic(op))
			igt_dynamic("racing-atomic")
				racing(&scene, op, true);
	}
}

int igt_main_args("", svm_long_options, svm_help, svm_option, NULL)
{
	igt_fixture() {
		struct svm_gpu *gpu = svm_require_gpu();

		igt_info("Seed %d\n", SEED);
		svm_gpu_close(gpu);
	}

	for (unsigned int i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		for (const struct operation *op = tables[i]; op->name; op++)
			subtest(op);

	igt_fixture()
		clear_up();
}
