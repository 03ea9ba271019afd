// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/* What is done to a file that is mapped. */
#include "igt_decl.h"
#include "operation.h"

#include <fcntl.h>
#include <unistd.h>

static void act_punch_hole(struct scene *s)
{
	MUST(!fallocate(s->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, s->part - s->memory,
			s->part_size));
}

static void act_truncate(struct scene *s)
{
	MUST(!ftruncate(s->file, s->size - s->part_size));
}

static void undo_truncate(struct scene *s)
{
	MUST(!ftruncate(s->file, s->size));
}

#define NOT_ANONYMOUS "only anonymous memory goes to the device"

const struct operation operations_on_files[] = {
	{ "punch-hole", "A file that is mapped gets a hole",
	  { .shared = true, .effect = MODEL_DROPS }, ACCESS_WRITE, ACCESS_WRITE,
	  .host_only = NOT_ANONYMOUS, .act = act_punch_hole },
	{ "truncate", "A file that is mapped is truncated",
	  { .shared = true, .tail = true, .effect = MODEL_DROPS }, ACCESS_WRITE, ACCESS_NONE,
	  .host_only = NOT_ANONYMOUS, .act = act_truncate, .undo = undo_truncate },
	{}
};
