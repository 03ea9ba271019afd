/* SPDX-License-Identifier: MIT */
#ifndef FUSE_H
#define FUSE_H
/*
 * A file of one page behind user space that does not answer: who reads it waits until the
 * process that serves it is gone, and gets an error then.
 */

/* Open one, and serve it in a child. */
int fuse_open(int *server);
/* Wait until somebody reads. */
void fuse_is_read(void);
/* Let go of who waits. */
void fuse_end(int server);
#endif
