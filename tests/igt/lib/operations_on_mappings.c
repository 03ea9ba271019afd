// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/* What a process does to its mappings: it unmaps, protects and moves them. */
#include "igt_decl.h"
#include "operation.h"
#include "svm_gpu.h"
#include "svm_wait.h"

#include <sys/mman.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP	4
#endif

void act_munmap(struct scene *s)
{
	MUST(!munmap(s->part, s->part_size));
}

void undo_munmap(struct scene *s)
{
	MUST(mmap(s->part, s->part_size, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == s->part);
}

static void act_mmap_fixed(struct scene *s)
{
	MUST(mmap(s->part, s->part_size, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == s->part);
}

void make_read_only(struct scene *s)
{
	MUST(!mprotect(s->part, s->part_size, PROT_READ));
}

void make_writable(struct scene *s)
{
	MUST(!mprotect(s->part, s->part_size, PROT_READ | PROT_WRITE));
}

static void make_inaccessible(struct scene *s)
{
	MUST(!mprotect(s->part, s->part_size, PROT_NONE));
}

static void act_mprotect_up(struct scene *s)
{
	make_writable(s);
	/* The device reads meanwhile, and sees the one or the other. */
	scene_write_cpu(s, s->model.first, s->model.nr);
}

/* What the part may have had when it was moved. */
static struct model_range taken[MODEL_PAGES];

static void taken_from(const struct scene *s)
{
	unsigned int i;

	for (i = 0; i < s->model.nr; i++)
		taken[i] = model_from(&s->model, s->model.first + i);
}

static void taken_until(const struct scene *s)
{
	unsigned int i;

	for (i = 0; i < s->model.nr; i++)
		model_until(&s->model, s->model.first + i, &taken[i]);
}

void act_mremap_move(struct scene *s)
{
	taken_from(s);
	MUST(mremap(s->part, s->part_size, s->part_size, MREMAP_MAYMOVE | MREMAP_FIXED,
		    s->elsewhere) == s->elsewhere);
	taken_until(s);
}

void check_moved(struct scene *s, bool idle)
{
	(void)idle;
	scene_check_at(s, s->elsewhere, s->model.first, s->model.nr, taken, "at its new address");
}

void undo_mremap_move(struct scene *s)
{
	MUST(mremap(s->elsewhere, s->part_size, s->part_size, MREMAP_MAYMOVE | MREMAP_FIXED,
		    s->part) == s->part);
}

static void act_mremap_dontunmap(struct scene *s)
{
	taken_from(s);
	MUST(mremap(s->part, s->part_size, s->part_size,
		    MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, s->elsewhere) ==
	     s->elsewhere);
	taken_until(s);
}

static void check_dontunmap(struct scene *s, bool idle)
{
	check_moved(s, idle);
	MUST(!munmap(s->elsewhere, s->part_size));
}

static void require_dontunmap(void)
{
	void *p = mmap(NULL, MODEL_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *moved = mremap(p, MODEL_PAGE, MODEL_PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);

	munmap(p, MODEL_PAGE);
	igt_require_f(moved != MAP_FAILED, "no MREMAP_DONTUNMAP in this kernel\n");
	munmap(moved, MODEL_PAGE);
}

static void act_mremap_grow(struct scene *s)
{
	MUST(mremap(s->memory, s->size, 2 * s->size, 0) == s->memory);
}

static void check_grown(struct scene *s, bool idle)
{
	uint8_t *grown = s->memory + s->size;
	int ret;

	(void)idle;
	ret = svm_fill(s->queue, (uint32_t *)grown, 0x12345678, s->size / 8);
	if (!ret)
		ret = svm_copy(s->queue, s->bounce, grown, s->size);
	if (!ret)
		ret = svm_wait_queue(s->queue, SVM_WAIT_MS, "a fill of memory that has grown");
	igt_assert_f(!ret, "where it has grown: %s\n", strerror(-ret));
	igt_assert_eq_u32(((uint32_t *)s->bounce)[s->size / 8 - 1], 0x12345678);
	igt_assert_eq_u32(((uint32_t *)s->bounce)[s->size / 8], 0);
	igt_assert_f(!memcmp(grown, s->bounce, s->size), "where it has grown, it differs\n");
}

static void undo_mremap_grow(struct scene *s)
{
	MUST(mremap(s->memory, 2 * s->size, s->size, 0) == s->memory);
}

static void finish_mremap_grow(struct scene *s)
{
	if (svm_gpu_has(s->gpu, SVM_DEAD))
		scene_refused(s, false, s->memory + s->size, "where it has shrunk");
}

static void act_mremap_shrink(struct scene *s)
{
	MUST(mremap(s->memory, s->size, s->size - s->part_size, 0) == s->memory);
}

static void undo_mremap_shrink(struct scene *s)
{
	MUST(mremap(s->memory, s->size - s->part_size, s->size, 0) == s->memory);
}

const struct operation operations_on_mappings[] = {
	{ "munmap", "A part is unmapped, and mapped again",
	  { .effect = MODEL_DROPS }, ACCESS_WRITE, ACCESS_NONE,
	  .act = act_munmap, .undo = undo_munmap },
	{ "mmap-fixed", "Other memory is mapped in a part's place",
	  { .effect = MODEL_DROPS }, ACCESS_WRITE, ACCESS_WRITE, .act = act_mmap_fixed },
	{ "mprotect-down", "A part becomes read-only", {}, ACCESS_WRITE, ACCESS_READ,
	  .act = make_read_only, .undo = make_writable },
	{ "mprotect-none", "A part becomes inaccessible", {}, ACCESS_WRITE, ACCESS_NONE,
	  .act = make_inaccessible, .undo = make_writable },
	{ "mprotect-up", "A part that was read-only becomes writable", {}, ACCESS_READ,
	  ACCESS_WRITE, .prepare = make_read_only, .act = act_mprotect_up,
	  .undo = make_read_only },
	{ "mremap-move", "A part is moved to another address", {}, ACCESS_WRITE, ACCESS_NONE,
	  .act = act_mremap_move, .check = check_moved, .undo = undo_mremap_move },
	{ "mremap-grow", "The memory grows and shrinks at its end", {}, ACCESS_WRITE,
	  ACCESS_WRITE, .act = act_mremap_grow, .check = check_grown,
	  .undo = undo_mremap_grow, .finish = finish_mremap_grow },
	{ "mremap-shrink", "The memory shrinks",
	  { .tail = true, .effect = MODEL_DROPS }, ACCESS_WRITE, ACCESS_NONE,
	  .act = act_mremap_shrink, .undo = undo_mremap_shrink },
	{ "mremap-dontunmap", "What a part has is moved to another address, the part stays",
	  { .effect = MODEL_DROPS }, ACCESS_WRITE, ACCESS_WRITE, .require = require_dontunmap,
	  .act = act_mremap_dontunmap, .check = check_dontunmap },
	{}
};
