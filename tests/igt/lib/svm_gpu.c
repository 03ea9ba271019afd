// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/* Which back end, and the way to it. */
#include "svm_backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct svm_backend * const backends[] = {
	&nouveau_ce_backend,
#if __has_include(<CL/cl.h>)
	&opencl_backend,
#endif
};

int svm_gpu_open(struct svm_gpu **gpu, const char **why)
{
	const char *wanted = getenv("SVM_GPU_BACKEND");
	unsigned int i;
	int ret = -EINVAL;

	*gpu = NULL;
	*why = "SVM_GPU_BACKEND names no back end that is built in";
	for (i = 0; i < sizeof(backends) / sizeof(*backends); i++) {
		if (wanted && *wanted && strcmp(wanted, backends[i]->name))
			continue;
		ret = backends[i]->open(gpu, why);
		/* Any other error is of a device that is there. */
		if (ret != -ENODEV)
			break;
	}
	return ret;
}

void svm_gpu_close(struct svm_gpu *gpu)
{
	if (gpu)
		gpu->backend->close(gpu);
}

const char *svm_gpu_backend(const struct svm_gpu *gpu)
{
	return gpu->backend->name;
}

bool svm_gpu_has(const struct svm_gpu *gpu, enum svm_cap cap)
{
	return gpu->backend->has(gpu, cap);
}

int svm_gpu_fd(const struct svm_gpu *gpu)
{
	return gpu->backend->fd(gpu);
}

int svm_gpu_migrate(struct svm_gpu *gpu, void *addr, size_t size)
{
	return gpu->backend->migrate(gpu, addr, size);
}

uint64_t svm_gpu_faults(const struct svm_gpu *gpu)
{
	return gpu->backend->faults(gpu);
}

uint64_t svm_gpu_stale(const struct svm_gpu *gpu)
{
	return gpu->backend->stale(gpu);
}

int svm_queue_open(struct svm_gpu *gpu, struct svm_queue **queue)
{
	return gpu->backend->queue_open(gpu, queue);
}

void svm_queue_close(struct svm_queue *queue)
{
	if (queue)
		queue->backend->queue_close(queue);
}

int svm_copy(struct svm_queue *queue, void *dst, const void *src, size_t n)
{
	return queue->backend->copy(queue, dst, src, n);
}

int svm_fill(struct svm_queue *queue, uint32_t *dst, uint32_t value, size_t words)
{
	return queue->backend->fill(queue, dst, value, words);
}

int svm_add(struct svm_queue *queue, uint32_t *word, uint32_t value)
{
	return queue->backend->add(queue, word, value);
}

int svm_queue_wait(struct svm_queue *queue, unsigned int ms)
{
	return queue->backend->wait(queue, ms);
}
