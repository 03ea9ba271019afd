/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef KMSG_H
#define KMSG_H
/* What the kernel says from now on. */

/* A descriptor, or -errno. */
int kmsg_open(void);
/*
 * Wait for a line that has one of two texts in it. 0: it was the first, 1: the second,
 * -ETIME: neither, -errno.
 */
int kmsg_wait(int fd, const char *first, const char *second, unsigned int ms);
#endif
