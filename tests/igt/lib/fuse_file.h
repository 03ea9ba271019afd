/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef FUSE_FILE_H
#define FUSE_FILE_H
/*
 * A file of one page that a process serves, which answers a read only when it is told to. Who reads
 * it waits until then, and gets an error if the server is gone. For scenarios, see
 * board_scenario.h: what fails ends the process.
 */
#include <sys/types.h>

enum { FUSE_FILE_BYTE = 0x5a };		/* that the file is full of */

/* Open one, and serve it in a child of the scenario. */
int fuse_file_open(pid_t *server);
/* Wait until somebody reads. */
void fuse_file_is_read(void);
/* Answer the oldest read. */
void fuse_file_answer(void);
/* End the server: who waits gets an error. */
void fuse_file_end(pid_t server);
#endif
