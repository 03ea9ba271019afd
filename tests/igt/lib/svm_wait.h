/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef SVM_WAIT_H
#define SVM_WAIT_H
/*
 * Waits that have a limit. When it passes, they print what was waited for and where in the
 * kernel those are who may be at fault, and return -ETIME.
 */
#include <sys/types.h>

struct svm_queue;

/*
 * For what hangs: several times what thousands of page faults take on a busy machine without
 * hardware virtualisation. A build for a stock kernel, where much hangs, may set less.
 */
#ifndef SVM_WAIT_MS
#define SVM_WAIT_MS	200000
#endif

/* svm_queue_wait(). */
int svm_wait_queue(struct svm_queue *queue, unsigned int ms, const char *what);
/* Until a child of ours has ended; its wait status. 0, -ETIME, or another -errno. */
int svm_wait_child(pid_t pid, int *status, unsigned int ms, const char *what);
/* Until there is something to be read, or the other side is gone. */
int svm_wait_readable(int fd, unsigned int ms, const char *what);
/* Where the threads of a process are in the kernel. */
void svm_report_process(pid_t pid);
/* The same for all tasks in uninterruptible sleep, and for nouveau's kernel threads. */
void svm_report_workers(void);
#endif
