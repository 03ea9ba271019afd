// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#include "storm.h"
#include "random.h"
#include "clock.h"
#include "igt_decl.h"
#include "svm_gpu.h"
#include "svm_wait.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = STORM_BATCH * MODEL_PAGE };

struct batch {
	unsigned int nr, page[STORM_BATCH], write[STORM_BATCH];
	unsigned int ops_before;	/* that had ended */
	struct model_range range[STORM_BATCH];
	bool in_part;
};

static void choose(struct storm *s, struct batch *b)
{
	const struct model *m = s->model;
	unsigned int i, page;

	b->nr = 0;
	b->in_part = false;
	while (b->nr < STORM_BATCH) {
		page = next_random(&s->seed);
		/* From the page before the part to the one behind it. */
		if (page >> 30)
			page = (m->first + m->pages - 1 + page % (m->nr + 2)) % m->pages;
		else
			page %= m->pages;
		for (i = 0; i < b->nr && b->page[i] != page; i++)
			;
		if (i < b->nr)
			continue;
		b->page[b->nr++] = page;
		b->in_part |= model_in_part(m, page);
	}
}

/*
 * The kernel neither moves nor swaps out what a device has exclusively. So atomic accesses are
 * to every second page: however fast they follow one another, an operation finds some that it
 * can have.
 */
static bool adds_to(const struct storm *s, unsigned int page)
{
	return s->adds && page % 2;
}

/* 0, or what the back end says; or -EOVERFLOW: the model has no more numbers. */
static int begin(struct storm *s, struct batch *b)
{
	unsigned int i;
	int ret = 0;

	b->ops_before = s->model->ops_done;
	for (i = 0; i < b->nr && !ret; i++) {
		uint8_t *page = s->memory + b->page[i] * MODEL_PAGE;

		if (s->writes) {
			b->write[i] = model_write_begin(s->model, b->page[i]);
			if (!b->write[i])
				return -EOVERFLOW;
			model_words(s->model, (uint32_t *)(s->src + i * MODEL_PAGE), b->page[i],
				    b->write[i]);
			ret = svm_copy(s->queue, page, s->src + i * MODEL_PAGE, MODEL_PAGE);
			if (!ret && adds_to(s, b->page[i])) {
				model_add(s->model, b->page[i]);
				ret = svm_add(s->queue, (uint32_t *)page, 1);
			}
		} else {
			b->range[i] = model_from(s->model, b->page[i]);
		}
		if (!ret)
			ret = svm_copy(s->queue, s->seen + i * MODEL_PAGE, page, MODEL_PAGE);
	}
	return ret;
}

static bool check(struct storm *s, struct batch *b)
{
	const unsigned int ops = s->model->ops_begun;
	struct model_range range;
	unsigned int i;

	if (s->deadly && b->in_part && b->ops_before != s->ops_at_start) {
		snprintf(s->why, sizeof(s->why),
			 "an access that the operation before it has forbidden was done");
		return false;
	}
	for (i = 0; i < b->nr; i++) {
		if (s->writes) {
			model_write_end(s->model, b->page[i], b->write[i], b->ops_before);
			range = model_written(s->model, b->page[i], b->write[i],
					      s->model->effect != MODEL_KEEPS &&
					      b->ops_before != ops &&
					      model_in_part(s->model, b->page[i]));
		} else {
			range = b->range[i];
			model_until(s->model, b->page[i], &range);
		}
		if (!model_check(s->seen + i * MODEL_PAGE, b->page[i], range, s->why,
				 sizeof(s->why)))
			return false;
	}
	return true;
}

static void tell(struct storm *s)
{
	atomic_fetch_add(&s->batches, 1);
	syscall(SYS_futex, &s->batches, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void *run(void *arg)
{
	struct storm *s = arg;
	struct batch b;
	int ret;

	while (!s->ret && !*s->why && !s->stop) {
		choose(s, &b);
		s->ret = begin(s, &b);
		ret = svm_queue_wait(s->queue, SVM_WAIT_MS);
		/* A submission to a dead queue may return anything. */
		if (!s->ret || ret == -EIO)
			s->ret = ret;
		if (!s->ret && check(s, &b))
			tell(s);
	}
	s->ended = true;
	tell(s);
	return NULL;
}

static void give_back(struct storm *s)
{
	svm_queue_close(s->queue);
	svm_gpu_close(s->gpu);
	munmap(s->src, 2 * BUFFER);
}

int storm_start(struct storm *s)
{
	const char *why;
	int ret;

	s->batches = 0;
	s->ended = s->stop = false;
	s->ret = 0;
	*s->why = 0;
	s->ops_at_start = s->model->ops_done;
	s->src = mmap(NULL, 2 * BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->src == MAP_FAILED)
		return -errno;
	s->seen = memset(s->src + BUFFER, 0xff, BUFFER);
	s->queue = NULL;
	ret = svm_gpu_open(&s->gpu, &why);
	if (!ret)
		ret = svm_queue_open(s->gpu, &s->queue);
	if (!ret)
		ret = -pthread_create(&s->thread, NULL, run, s);
	if (ret)
		give_back(s);
	s->running = !ret;
	return ret;
}

/* Wait until it has ended, or has done so many batches in all. */
static int wait_for(struct storm *s, unsigned int batches, bool end, unsigned int ms,
		    const char *what)
{
	const int64_t limit = now_ms() + ms;
	unsigned int seen;

	while ((seen = s->batches, !s->ended) && (end || (int)(batches - seen) > 0)) {
		const int64_t left = limit - now_ms();
		const struct timespec t = { left / 1000, left % 1000 * 1000000 };

		if (left <= 0) {
			igt_info("Not within %u ms: %s (%u batches)\n", ms, what, seen);
			svm_report_process(getpid());
			svm_report_workers();
			return -ETIME;
		}
		syscall(SYS_futex, &s->batches, FUTEX_WAIT, seen, &t, NULL, 0);
	}
	return 0;
}

int storm_goes_on(struct storm *s, unsigned int batches, unsigned int ms)
{
	const int ret = wait_for(s, s->batches + batches, false, ms, "the device goes on");

	return ret ? ret : s->ended ? -EPIPE : 0;
}

int storm_ends(struct storm *s, unsigned int ms)
{
	return wait_for(s, 0, true, ms, "the device's accesses end");
}

int storm_stop(struct storm *s, unsigned int ms)
{
	int ret;

	if (s->stuck)
		return -ETIME;
	if (!s->running)
		return 0;
	s->running = false;
	s->stop = true;
	ret = storm_ends(s, ms);
	if (ret) {
		pthread_detach(s->thread);
		s->stuck = true;
		return ret;
	}
	pthread_join(s->thread, NULL);
	give_back(s);
	return 0;
}
