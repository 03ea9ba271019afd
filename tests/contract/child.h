/* SPDX-License-Identifier: GPL-2.0 */
/* A process that is attached to, and does something itself; nobody kills it. */
#ifndef CHILD_H
#define CHILD_H

#include <stddef.h>

/*
 * Calls @run in a process of its own that a rig is attached to. It has two
 * @pages, of which the second is mirrored, and leaves @size bytes in @result.
 * Returns 0, or -1 and complains.
 */
int in_child(int (*run)(int rig, char *pages, void *result), void *result,
	     size_t size);

/* For @run: both return 0, or -1 and complain. */
int child_call(int rig, unsigned long call, void *arg, const char *name);
/* Has the kernel unmap and free the page: a blockable invalidation. */
int child_drop(char *page);

#endif
