// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#include "bystander.h"
#include "child.h"
#include "clock.h"
#include "igt_decl.h"
#include "svm_gpu.h"
#include "svm_wait.h"

#include <errno.h>
#include <linux/futex.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum { PAGE = 4096, SIZE = 16 * PAGE, SAMPLES = 1 << 16 };

struct bystander_state {
	atomic_uint rounds;	/* a futex */
	atomic_bool stop;
	unsigned int seen;	/* by the last bystander_latency() */
	uint32_t us[SAMPLES];	/* of the last rounds */
};

static void run(struct bystander_state *state)
{
	const char *why = "";
	struct svm_queue *queue;
	struct svm_gpu *gpu;
	uint64_t start;
	uint8_t *p;
	int ret;

	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHILD_CHECK(p != MAP_FAILED, "bystander: mmap: %s", strerror(errno));
	ret = svm_gpu_open(&gpu, &why);
	CHILD_CHECK(!ret, "bystander: %s: %s", why, strerror(-ret));
	ret = svm_queue_open(gpu, &queue);
	CHILD_CHECK(!ret, "bystander: queue: %s", strerror(-ret));
	while (!state->stop) {
		start = now_us();
		madvise(p, SIZE, MADV_DONTNEED);
		p[SIZE / 2] = state->rounds;
		ret = svm_copy(queue, p, p + SIZE / 2, SIZE / 2);
		/* As long as it takes: who is waiting for us has the limit. */
		while (!ret && (ret = svm_queue_wait(queue, SVM_WAIT_MS)) == -ETIME)
			ret = 0;
		CHILD_CHECK(!ret, "bystander: round %u: %s", state->rounds, strerror(-ret));
		CHILD_CHECK(p[0] == (uint8_t)state->rounds, "bystander: round %u: copied %u",
			    state->rounds, p[0]);
		state->us[state->rounds % SAMPLES] = now_us() - start;
		atomic_fetch_add(&state->rounds, 1);
		syscall(SYS_futex, &state->rounds, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	}
	svm_queue_close(queue);
	svm_gpu_close(gpu);
	child_exit(0);
}

int bystander_start(struct bystander *b)
{
	b->state = mmap(NULL, sizeof(*b->state), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b->state == MAP_FAILED)
		return -errno;
	b->pid = child_start();
	if (!b->pid)
		run(b->state);
	return b->pid < 0 ? b->pid : 0;
}

bool bystander_goes_on(struct bystander *b, unsigned int rounds, unsigned int ms)
{
	const unsigned int begin = b->state->rounds;
	const uint64_t end = now_us() + ms * 1000ULL;
	unsigned int now_at;

	while ((now_at = b->state->rounds) - begin < rounds) {
		const uint64_t now = now_us();
		struct timespec left = {
			.tv_sec = (end - now) / 1000000, .tv_nsec = (end - now) % 1000000 * 1000,
		};

		if (now >= end) {
			igt_info("another client has ended %u rounds in %u ms\n", now_at - begin,
				 ms);
			svm_report_process(b->pid);
			svm_report_workers();
			return false;
		}
		syscall(SYS_futex, &b->state->rounds, FUTEX_WAIT, now_at, &left, NULL, 0);
	}
	return true;
}

static int by_value(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void bystander_hold(struct bystander *b, bool hold)
{
	kill(b->pid, hold ? SIGSTOP : SIGCONT);
}

struct bystander_latency bystander_latency(struct bystander *b)
{
	struct bystander_state *state = b->state;
	const unsigned int rounds = state->rounds, all = rounds - state->seen;
	const unsigned int nr = all < SAMPLES / 2 ? all : SAMPLES / 2;
	struct bystander_latency latency = { .rounds = all };
	uint32_t *us = calloc(nr + 1, sizeof(*us));
	unsigned int i;

	for (i = 0; i < nr && us; i++)
		us[i] = state->us[(rounds - nr + i) % SAMPLES];
	if (nr && us) {
		qsort(us, nr, sizeof(*us), by_value);
		latency.median_us = us[nr / 2];
		latency.max_us = us[nr - 1];
	}
	free(us);
	state->seen = rounds;
	return latency;
}

int bystander_stop(struct bystander *b, unsigned int ms)
{
	int status, ret;

	b->state->stop = true;
	ret = child_wait(b->pid, &status, ms, "the other client ends");
	if (ret == -ETIME)
		kill(b->pid, SIGKILL);
	munmap(b->state, sizeof(*b->state));
	return ret ? ret : status ? -EIO : 0;
}
