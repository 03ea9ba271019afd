/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef SVM_GPU_H
#define SVM_GPU_H
/*
 * A device that accesses a process's memory by the process's own addresses. The tests
 * know nothing else of it: there is a back end for each way to reach one.
 *
 *	nouveau-ce	nouveau's copy engine, through libdrm_nouveau: the board
 *	opencl		OpenCL kernels on fine-grain system SVM: silicon, whose copy engine
 *			does not fault replayably
 *
 * None of these functions asserts: they return 0 or -errno, and the caller knows what it
 * expects. They are for one thread per queue.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct svm_gpu;		/* a client with shared virtual memory */
struct svm_queue;	/* what is done in order: a channel, a command queue */

/* What not every back end or device can do. */
enum svm_cap {
	SVM_MIGRATE,	/* svm_gpu_migrate() */
	SVM_FAULTS,	/* svm_gpu_faults() */
	SVM_ORACLE,	/* svm_gpu_stale() */
	SVM_DEAD,	/* an access to nothing ends its queue, and no other */
};

/*
 * Open a client. The back end is what the environment's SVM_GPU_BACKEND says, or the first
 * that finds a device. -ENODEV: there is none. *why then is a sentence that says what was
 * looked for and not found.
 */
int svm_gpu_open(struct svm_gpu **gpu, const char **why);
void svm_gpu_close(struct svm_gpu *gpu);
const char *svm_gpu_backend(const struct svm_gpu *gpu);
bool svm_gpu_has(const struct svm_gpu *gpu, enum svm_cap cap);
/* Its DRM file, or -1 where the back end hides it. */
int svm_gpu_fd(const struct svm_gpu *gpu);

/* Migrate whole pages to device memory. */
int svm_gpu_migrate(struct svm_gpu *gpu, void *addr, size_t size);
/* Page faults that the device has taken, and its accesses to pages that mm had freed: of all
 * clients, since it came up.
 */
uint64_t svm_gpu_faults(const struct svm_gpu *gpu);
uint64_t svm_gpu_stale(const struct svm_gpu *gpu);

int svm_queue_open(struct svm_gpu *gpu, struct svm_queue **queue);
void svm_queue_close(struct svm_queue *queue);
/* Begin something; it is done in the order in which it was begun. -ENODEV: the queue is dead. */
int svm_copy(struct svm_queue *queue, void *dst, const void *src, size_t n);
int svm_fill(struct svm_queue *queue, uint32_t *dst, uint32_t value, size_t words);
/* Add to a word by an atomic access. */
int svm_add(struct svm_queue *queue, uint32_t *word, uint32_t value);
/* Wait for all that was begun. 0; -EIO: the queue died of it; -ETIME: not within ms. */
int svm_queue_wait(struct svm_queue *queue, unsigned int ms);
#endif
