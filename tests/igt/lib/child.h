/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef CHILD_H
#define CHILD_H
/*
 * Children that will be killed, or may get stuck in the kernel. igt_fork() is not for them: IGT
 * waits for its children without a limit, fails if one is killed, and aborts a test that leaves
 * one. These may be stuck for ever. They are killed when the test ends.
 */
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

/*
 * 0 in the child, which leaves by child_exit() or CHILD_CHECK(). Or -errno.
 *
 * It is as fork(), but the C library does not hear of it: a lock that another thread has is never
 * given back in the child. So in the child of a process with threads nothing may be called that
 * takes one until it executes a program or leaves by _exit(): not malloc(), not stdio, and not
 * what is built on them, such as svm_gpu_open(), igt_info() and CHILD_CHECK().
 */
pid_t child_start(void);
void child_exit(int status) __attribute__((noreturn));
/*
 * Wait until it has ended; its wait status. 0; -ETIME: not within ms, and where it is has been
 * reported; -errno.
 */
int child_wait(pid_t pid, int *status, unsigned int ms, const char *what);
/* Has it ended, and is still to be waited for? */
bool child_has_ended(pid_t pid);
/*
 * So many children that do the same, each with its number, and leave by coming back. All have to
 * succeed; asserted. ms is for each. They are made by fork(), and what is said above of threads is
 * not for them.
 */
void child_run(unsigned int nr, void (*work)(unsigned int nr, void *data), void *data,
	       unsigned int ms, const char *what);
/* Kill those that are left, and wait for each, for ms at most. */
void child_kill_all(unsigned int ms);

/* In a child, where IGT's assertions would go on with the next subtest. */
#define CHILD_CHECK(ok, ...)						\
	do {								\
		if (!(ok)) {						\
			fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);	\
			fprintf(stderr, __VA_ARGS__);			\
			fprintf(stderr, "\n");				\
			child_exit(1);					\
		}							\
	} while (0)
#endif
