// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/*
 * The back end over nouveau's copy engine, see gpu.h. What the device has counted is asked of
 * the board, if it is one (board_client.h).
 */
#include "board_client.h"
#include "gpu.h"
#include "nouveau_node.h"
#include "poll_within.h"
#include "svm_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <nouveau/nouveau.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>

struct ce_gpu {
	struct svm_gpu base;
	struct gpu gpu;
	char device[64];
	struct board *board;	/* or NULL */
};

/* How long the board may look for the guest's struct page. */
enum { ORACLE_MS = 60000 };

struct ce_queue {
	struct svm_queue base;
	struct chan chan;
	int fence;		/* the semaphore's buffer; poll() tells when it is idle */
	bool dead;		/* seen by a wait; libdrm does not pass on what a submission says */
};

static struct ce_gpu *to_ce(const struct svm_gpu *gpu)
{
	return (struct ce_gpu *)gpu;
}

static struct ce_queue *to_queue(struct svm_queue *queue)
{
	return (struct ce_queue *)queue;
}

static void ce_close(struct svm_gpu *gpu)
{
	gpu_close(&to_ce(gpu)->gpu);
	free(gpu);
}

/* A process opens each once: it maps its registers, and asks for the names that it uses. */
enum { BOARDS = 4 };

static struct {
	pthread_mutex_t lock;	/* protects all of it */
	struct board board[BOARDS];
	unsigned int nr;
} shared = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Statistics that are asked for. */
static const char * const fault_counters[] = {
	"faults_read", "faults_write", "faults_atomic", "faults_prefetch",
};

enum { FAULT_COUNTERS = sizeof(fault_counters) / sizeof(*fault_counters) };

#define STALE_COUNTER "stale_accesses"

/* A statistic that the board has not is an error here, and none in ce_stat(). */
static int look_up_counters(struct board *board)
{
	uint64_t value;
	int ret = board_stat(board, STALE_COUNTER, &value);
	unsigned int i;

	for (i = 0; i < FAULT_COUNTERS && !ret; i++)
		ret = board_stat(board, fault_counters[i], &value);
	return ret;
}

static int open_board(struct board *board, const char *device)
{
	int ret = board_open(board, device);

	if (!ret)
		ret = look_up_counters(board);
	/* Without an oracle, no test would find an access to a page that mm had freed. */
	if (!ret)
		ret = board_oracle_wait(board, ORACLE_MS);
	/* Nothing in the driver's window is the process's. */
	if (!ret)
		ret = board_exclude(board, BOARD_ALL_CHANNELS, GPU_WINDOW_ADDR, GPU_WINDOW_SIZE);
	if (ret)
		board_close(board);
	/* -ENODEV is said of the oracle, too, and svm_gpu_open() takes it for no device. */
	return ret == -ENODEV ? -EIO : ret;
}

/* The board that is the device; NULL: it is none. why: as that of svm_gpu_open(). */
static int find_board(const char *device, struct board **found, const char **why)
{
	struct board *board;
	unsigned int i;
	int ret = 0;

	*found = NULL;
	*why = "there are more boards than lib/nouveau_ce.c has room for";
	if (!board_is(device))
		return 0;
	pthread_mutex_lock(&shared.lock);
	for (i = 0; i < shared.nr && strcmp(shared.board[i].gpu, device); i++)
		;
	board = &shared.board[i];
	if (i == BOARDS)
		ret = -ENOSPC;
	else if (i == shared.nr)
		ret = open_board(board, device);
	if (ret && i < BOARDS)
		*why = board->why;
	else if (!ret && i == shared.nr)
		shared.nr++;
	pthread_mutex_unlock(&shared.lock);
	if (!ret)
		*found = board;
	return ret;
}

static int ce_open(struct svm_gpu **gpu, const char **why)
{
	const char *wanted = getenv("SVM_GPU_BACKEND");
	char device[PATH_MAX];
	struct ce_gpu *ce;
	char node[32];
	int ret = nouveau_node_find(node, sizeof(node));

	if (ret) {
		*why = ret == -ENODEV ? "no render node in /dev/dri is of driver nouveau" :
		       "a render node in /dev/dri cannot be opened";
		return ret;
	}
	ce = calloc(1, sizeof(*ce));
	if (!ce)
		return -ENOMEM;
	ret = gpu_open(&ce->gpu, node);
	if (ret) {
		free(ce);
		/* Not every chip has replayable faults. */
		*why = ret == -ENOSYS ? "nouveau's device has no shared virtual memory" :
		       "nouveau's device does not open with shared virtual memory";
		return ret == -ENOSYS ? -ENODEV : ret;
	}
	ce->base.backend = &nouveau_ce_backend;
	if (!nouveau_node_device(ce->gpu.fd, device, sizeof(device)))
		snprintf(ce->device, sizeof(ce->device), "%s", strrchr(device, '/') + 1);
	ret = find_board(ce->device, &ce->board, why);
	if (ret) {
		ce_close(&ce->base);
		return ret;
	}
	if (!ce->board && !wanted) {
		ce_close(&ce->base);
		*why = "the copy engine of silicon does not fault replayably "
		       "(SVM_GPU_BACKEND=nouveau-ce tries it)";
		return -ENODEV;
	}
	*gpu = &ce->base;
	return 0;
}

static bool ce_has(const struct svm_gpu *gpu, enum svm_cap cap)
{
	switch (cap) {
	case SVM_MIGRATE:
		return to_ce(gpu)->gpu.dev->vram_size;
	case SVM_FAULTS:
	case SVM_ORACLE:
		return to_ce(gpu)->board;
	case SVM_DEAD:
		return true;
	}
	return false;
}

static int ce_fd(const struct svm_gpu *gpu)
{
	return to_ce(gpu)->gpu.fd;
}

static int ce_migrate(struct svm_gpu *gpu, void *addr, size_t size)
{
	return gpu_svm_migrate(&to_ce(gpu)->gpu, addr, size);
}

/* open_board() has seen that the board has the counter. */
static uint64_t ce_stat(const struct svm_gpu *gpu, const char *counter)
{
	struct board *board = to_ce(gpu)->board;
	uint64_t value = 0;

	if (board) {
		pthread_mutex_lock(&shared.lock);
		board_stat(board, counter, &value);
		pthread_mutex_unlock(&shared.lock);
	}
	return value;
}

static uint64_t ce_faults(const struct svm_gpu *gpu)
{
	uint64_t faults = 0;
	unsigned int i;

	for (i = 0; i < FAULT_COUNTERS; i++)
		faults += ce_stat(gpu, fault_counters[i]);
	return faults;
}

static uint64_t ce_stale(const struct svm_gpu *gpu)
{
	return ce_stat(gpu, STALE_COUNTER);
}

static int ce_queue_open(struct svm_gpu *gpu, struct svm_queue **queue)
{
	struct ce_queue *ce = calloc(1, sizeof(*ce));
	int ret;

	if (!ce)
		return -ENOMEM;
	ce->base.backend = &nouveau_ce_backend;
	ret = chan_open(&to_ce(gpu)->gpu, &ce->chan);
	if (ret) {
		free(ce);
		return ret;
	}
	ce->chan.defers = true;
	if (drmPrimeHandleToFD(ce->chan.gpu->fd, ce->chan.sem->handle, DRM_CLOEXEC, &ce->fence)) {
		ret = -errno;
		chan_close(&ce->chan);
		free(ce);
		return ret;
	}
	*queue = &ce->base;
	return 0;
}

static void ce_queue_close(struct svm_queue *queue)
{
	struct ce_queue *ce = to_queue(queue);

	close(ce->fence);
	chan_close(&ce->chan);
	free(ce);
}

static int ce_copy(struct svm_queue *queue, void *dst, const void *src, size_t n)
{
	struct ce_queue *ce = to_queue(queue);
	const struct copy copy = {
		.dst = (uintptr_t)dst, .src = (uintptr_t)src, .length = n, .lines = 1,
		.dst_pitch = n, .src_pitch = n,
	};

	if (n > UINT32_MAX)
		return -EINVAL;
	if (ce->dead)
		return -ENODEV;
	return n ? chan_copy(&ce->chan, &copy) : 0;
}

static int ce_fill(struct svm_queue *queue, uint32_t *dst, uint32_t value, size_t words)
{
	struct ce_queue *ce = to_queue(queue);

	if (words > UINT32_MAX)
		return -EINVAL;
	if (ce->dead)
		return -ENODEV;
	return words ? chan_fill(&ce->chan, (uintptr_t)dst, value, words) : 0;
}

static int ce_add(struct svm_queue *queue, uint32_t *word, uint32_t value)
{
	struct ce_queue *ce = to_queue(queue);

	return ce->dead ? -ENODEV : chan_add(&ce->chan, (uintptr_t)word, value);
}

static int ce_wait(struct svm_queue *queue, unsigned int ms)
{
	struct ce_queue *ce = to_queue(queue);
	int ret;

	/* What was submitted, then what was deferred meanwhile. */
	do {
		ret = poll_within(ce->fence, POLLOUT, ms);
		if (ret <= 0)
			return ret ? ret : -ETIME;
		/* The fence of a channel that has been killed is signalled as well. */
		ce->dead = !chan_idle(&ce->chan);
		if (ce->dead)
			return -EIO;
		if (chan_done(&ce->chan))
			return 0;
		ret = chan_submit(&ce->chan);
	} while (!ret);
	return ret;
}

const struct svm_backend nouveau_ce_backend = {
	.name = "nouveau-ce",
	.open = ce_open,
	.close = ce_close,
	.has = ce_has,
	.fd = ce_fd,
	.migrate = ce_migrate,
	.faults = ce_faults,
	.stale = ce_stale,
	.queue_open = ce_queue_open,
	.queue_close = ce_queue_close,
	.copy = ce_copy,
	.fill = ce_fill,
	.add = ce_add,
	.wait = ce_wait,
};
