/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef URING_H
#define URING_H
/*
 * An io_uring of one entry, with one buffer, whose pages the kernel pins for as long as it is
 * registered (FOLL_LONGTERM). 0 or -errno.
 */
#include <stddef.h>

struct uring {
	int fd;
	void *rings, *entries;
	size_t rings_size, entries_size;
	unsigned int *sq_tail, *sq_array, *cq_head, *cq_tail, *cq_mask;
	void *results;
};

/* -ENOSYS: the kernel has none; -EPERM: it is forbidden. */
int uring_begin(struct uring *u);
void uring_end(struct uring *u);
int uring_register(struct uring *u, void *buf, size_t n);
int uring_unregister(struct uring *u);
/* Write the first n bytes of the registered buffer, buf, to the beginning of a file, and wait. */
int uring_write(struct uring *u, int file, const void *buf, size_t n);
#endif
