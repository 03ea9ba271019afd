/* SPDX-License-Identifier: MIT */
#ifndef FUSE_H
#define FUSE_H
/*
 * A file of one page behind user space that does not answer, unless it is told to: who reads it
 * waits. When the process that serves it is gone, it gets an error.
 */

enum { FUSE_BYTE = 0x5a };		/* that the file is full of */

/* Open one, and serve it in a child. */
int fuse_open(int *server);
/* Wait until somebody reads. */
void fuse_is_read(void);
/* Let who reads have it. */
void fuse_answer(void);
/* Let go of who waits. */
void fuse_end(int server);
#endif
