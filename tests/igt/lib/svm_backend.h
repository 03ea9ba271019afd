/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef SVM_BACKEND_H
#define SVM_BACKEND_H
/* What a back end of svm_gpu.h does. Its functions are those of the same name there. */
#include "svm_gpu.h"

struct svm_backend {
	const char *name;
	int (*open)(struct svm_gpu **gpu, const char **why);
	void (*close)(struct svm_gpu *gpu);
	bool (*has)(const struct svm_gpu *gpu, enum svm_cap cap);
	int (*fd)(const struct svm_gpu *gpu);
	int (*migrate)(struct svm_gpu *gpu, void *addr, size_t size);
	uint64_t (*faults)(const struct svm_gpu *gpu);
	uint64_t (*stale)(const struct svm_gpu *gpu);
	int (*queue_open)(struct svm_gpu *gpu, struct svm_queue **queue);
	void (*queue_close)(struct svm_queue *queue);
	int (*copy)(struct svm_queue *queue, void *dst, const void *src, size_t n);
	int (*fill)(struct svm_queue *queue, uint32_t *dst, uint32_t value, size_t words);
	int (*add)(struct svm_queue *queue, uint32_t *word, uint32_t value);
	int (*wait)(struct svm_queue *queue, unsigned int ms);
};

/* Each back end's gpu and queue begin with these. */
struct svm_gpu {
	const struct svm_backend *backend;
};

struct svm_queue {
	const struct svm_backend *backend;
};

extern const struct svm_backend nouveau_ce_backend;
/* Not where OpenCL's headers were missing: see opencl.c. */
extern const struct svm_backend opencl_backend;
#endif
