/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef USERFAULT_H
#define USERFAULT_H
/*
 * Memory whose page faults a thread of the process answers: pages that are missing become
 * zero, pages that are write-protected become writable.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum userfault_mode { USERFAULT_MISSING, USERFAULT_WP };

struct userfault {
	int fd, stop;
	enum userfault_mode mode;
	/* If not NULL: called before a fault is answered. */
	void (*asked)(void *data);
	void *data;
	atomic_uint answered;
	atomic_int error;
	pthread_t thread;
};

/*
 * Begin with [p, p + size). 0; -ENOSYS: the kernel has not got it; -EOPNOTSUPP: not this mode;
 * or another -errno.
 */
int userfault_begin(struct userfault *u, enum userfault_mode mode, void *p, size_t size);
/* Write-protect them from now on. 0 or -errno. */
int userfault_protect(struct userfault *u, void *p, size_t size);
/* No more of it. 0; or what the thread could not do. */
int userfault_end(struct userfault *u);
#endif
