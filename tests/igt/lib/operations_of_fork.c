// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/* A process is forked: copy on write, and which of the two a device belongs to. */
#include "child.h"
#include "igt_decl.h"
#include "operation.h"
#include "svm_gpu.h"
#include "svm_wait.h"

#include <sys/mman.h>
#include <unistd.h>

enum { FORK_TRIES = 100 };

/* What the child has to see, and what it says of it. */
struct fork_report {
	struct model_range range[MODEL_PAGES];
	char why[256];
};

static struct {
	pid_t pid;
	int go[2];
	struct fork_report *report;
} forked;

/* The child's device writes one page of it, and the child sees that. */
static const char *child_device(struct scene *s)
{
	const unsigned int page = s->model.first;
	static uint32_t words[MODEL_PAGE / 4];
	struct model_range range;
	struct svm_queue *queue;
	struct svm_gpu *gpu;
	const char *why;
	int ret;

	ret = svm_gpu_open(&gpu, &why);
	/* A back end whose library does not survive a fork says so. */
	if (ret == -EPERM)
		return NULL;
	if (ret || svm_queue_open(gpu, &queue))
		return "it cannot open the device";
	model_words(&s->model, words, page, MODEL_WRITES);
	if (svm_copy(queue, s->part, words, MODEL_PAGE) || svm_queue_wait(queue, SVM_WAIT_MS))
		return "its device does not write";
	range = model_written(&s->model, page, MODEL_WRITES, false);
	if (!model_check(s->part, page, range, forked.report->why, sizeof(forked.report->why)))
		return forked.report->why;
	svm_queue_close(queue);
	svm_gpu_close(gpu);
	return NULL;
}

/* No lock of the C library's may be needed here: another thread of the parent may have it. */
static void child(struct scene *s, int go)
{
	struct fork_report *report = forked.report;
	const char *why = NULL;
	uint8_t *copy;
	unsigned int i;
	char idle;

	copy = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy == MAP_FAILED)
		_exit(1);
	memcpy(copy, s->memory, s->size);
	if (read(go, &idle, 1) != 1)
		_exit(1);
	for (i = 0; i < s->model.pages && !why; i++) {
		if (!model_check(copy + i * MODEL_PAGE, i, report->range[i], report->why,
				 sizeof(report->why)))
			_exit(2);
		if (memcmp(copy + i * MODEL_PAGE, s->memory + i * MODEL_PAGE, MODEL_PAGE))
			why = "it sees what was written after the fork";
	}
	/* The parent has to see none of this. */
	memset(s->part, 0xee, s->part_size);
	if (!why && idle)
		why = child_device(s);
	if (why && why != report->why)
		strcpy(report->why, why);
	_exit(why ? 2 : 0);
}

void prepare_fork(struct scene *s)
{
	(void)s;
	forked.report = mmap(NULL, sizeof(*forked.report), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(forked.report != MAP_FAILED);
}

void act_fork(struct scene *s)
{
	struct model_range *range = forked.report->range;
	unsigned int i, tries = 0;

	MUST(!pipe(forked.go));
	do {
		for (i = 0; i < s->model.pages; i++)
			range[i] = model_from(&s->model, i);
		forked.pid = child_start();
		/* fork() fails like this while a page is made device-exclusive. */
	} while (forked.pid == -ENOMEM && s->storm.adds && ++tries < FORK_TRIES);
	if (!forked.pid) {
		close(forked.go[1]);
		child(s, forked.go[0]);
	}
	for (i = 0; i < s->model.pages; i++)
		model_until(&s->model, i, &range[i]);
	igt_assert_f(forked.pid > 0, "fork, tried %u times: %s\n", tries, strerror(-forked.pid));
}

void check_fork(struct scene *s, bool idle)
{
	const char c = idle;
	int status, ret;

	(void)s;
	MUST(write(forked.go[1], &c, 1) == 1);
	close(forked.go[0]);
	close(forked.go[1]);
	ret = child_wait(forked.pid, &status, SVM_WAIT_MS, "a child ends");
	igt_assert_f(!ret, "the child: %s\n", strerror(-ret));
	igt_assert_f(!status, "the child, status %#x: %s\n", status, forked.report->why);
}

void finish_fork(struct scene *s)
{
	(void)s;
	munmap(forked.report, sizeof(*forked.report));
}

const struct operation operations_of_fork[] = {
	{ "fork-cow", "A process is forked; what one writes is not seen by the other", {},
	  ACCESS_WRITE, ACCESS_WRITE, .prepare = prepare_fork, .act = act_fork,
	  .check = check_fork, .finish = finish_fork },
	{}
};
