// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#include "scene.h"
#include "dmesg_patterns.h"
#include "igt_decl.h"
#include "pagemap.h"
#include "svm_gpu.h"
#include "svm_wait.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = MODEL_PAGE, HUGE = 2 << 20 };

enum { SMALL_PAGES = 64, SMALL_FIRST = 16, SMALL_PART = 32 };
enum { HUGE_PAGES = HUGE / PAGE, HUGE_FIRST = 100, HUGE_PART = 64 };

/*
 * Far from where the kernel puts mappings: a hole here is not filled by somebody else. Each
 * scene has addresses of its own, as one that failed may have left something.
 */
static uintptr_t next_address = 1ULL << 44;
#define ADDRESSES	(1ULL << 30)
#define ELSEWHERE	(1ULL << 28)

static void open_queue(struct scene *s)
{
	const int ret = svm_queue_open(s->gpu, &s->queue);

	igt_assert_f(!ret, "queue: %s\n", strerror(-ret));
}

static void map_memory(struct scene *s)
{
	const int flags = MAP_FIXED_NOREPLACE | (s->plan.shared ? MAP_SHARED :
						 MAP_PRIVATE | MAP_ANONYMOUS);
	void *want = (void *)next_address;

	next_address += ADDRESSES;
	if (s->plan.shared) {
		s->file = memfd_create("nouveau_svm", MFD_CLOEXEC);
		igt_assert_f(s->file >= 0 && !ftruncate(s->file, s->size), "memfd: %s\n",
			     strerror(errno));
	}
	igt_assert_f(mmap(want, s->size, PROT_READ | PROT_WRITE, flags, s->file, 0) == want,
		     "mmap at %p: %s\n", want, strerror(errno));
	s->memory = want;
	s->elsewhere = s->memory + ELSEWHERE;
	if (s->plan.huge) {
		igt_assert_f(!madvise(s->memory, s->size, MADV_HUGEPAGE), "MADV_HUGEPAGE: %s\n",
			     strerror(errno));
	} else if (!s->plan.shared) {
		/* A kernel without huge pages does not know it. */
		igt_assert_f(!madvise(s->memory, s->size, MADV_NOHUGEPAGE) || errno == EINVAL,
			     "MADV_NOHUGEPAGE: %s\n", strerror(errno));
	}
}

void scene_begin(struct scene *s, const struct scene_plan *plan)
{
	const unsigned int pages = plan->huge ? HUGE_PAGES : SMALL_PAGES;
	const unsigned int nr = plan->huge ? HUGE_PART : SMALL_PART;
	const unsigned int first = plan->tail ? pages - nr : plan->huge ? HUGE_FIRST : SMALL_FIRST;
	const char *why;
	void *bounce;
	int ret;

	scene_abandon(s);
	igt_assert_f(!s->gpu, "the device is stuck since the test before\n");
	memset(s, 0, sizeof(*s));
	s->plan = *plan;
	s->file = -1;
	s->size = pages * PAGE;
	s->part_size = nr * PAGE;
	ret = svm_gpu_open(&s->gpu, &why);
	igt_assert_f(!ret, "%s: %s\n", why, strerror(-ret));
	open_queue(s);
	s->stale = svm_gpu_has(s->gpu, SVM_ORACLE) ? svm_gpu_stale(s->gpu) : 0;
	map_memory(s);
	s->part = s->memory + first * PAGE;
	bounce = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	igt_assert_f(bounce != MAP_FAILED, "mmap: %s\n", strerror(errno));
	s->bounce = bounce;
	model_init(&s->model, pages, first, nr, plan->effect);
	s->storm = (struct storm) { .model = &s->model, .memory = s->memory };
	scene_write_cpu(s, 0, pages);
}

static void give_back(struct scene *s)
{
	svm_queue_close(s->queue);
	svm_gpu_close(s->gpu);
	if (s->memory)
		munmap(s->memory, ADDRESSES);
	if (s->bounce)
		munmap(s->bounce, s->size);
	if (s->file >= 0)
		close(s->file);
	s->gpu = NULL;
}

void scene_end(struct scene *s)
{
	const uint64_t stale = svm_gpu_has(s->gpu, SVM_ORACLE) ? svm_gpu_stale(s->gpu) : 0;
	const uint64_t before = s->stale;

	give_back(s);
	igt_assert_f(stale == before, "%llu accesses to pages that mm had freed\n",
		     (unsigned long long)(stale - before));
}

void scene_abandon(struct scene *s)
{
	if (!s->gpu)
		return;
	/* A storm that is stuck may still use all of it. */
	if (storm_stop(&s->storm, SVM_WAIT_MS))
		return;
	give_back(s);
}

static int wait_queue(struct scene *s, const char *what)
{
	const int ret = svm_wait_queue(s->queue, SVM_WAIT_MS, what);

	if (ret == -EIO) {
		svm_queue_close(s->queue);
		open_queue(s);
	}
	return ret;
}

int scene_try_write(struct scene *s, unsigned int first, unsigned int nr)
{
	const unsigned int ops = s->model.ops_done;
	unsigned int i, write[MODEL_PAGES];
	int ret;

	for (i = 0; i < nr; i++) {
		write[i] = model_write_begin(&s->model, first + i);
		igt_assert_f(write[i], "page %u: no more writes can be told apart\n", first + i);
		model_words(&s->model, (uint32_t *)(s->bounce + i * PAGE), first + i, write[i]);
	}
	ret = svm_copy(s->queue, s->memory + first * PAGE, s->bounce, nr * PAGE);
	if (!ret)
		ret = wait_queue(s, "the device writes");
	for (i = 0; i < nr && !ret; i++)
		model_write_end(&s->model, first + i, write[i], ops);
	return ret;
}

void scene_write(struct scene *s, unsigned int first, unsigned int nr, const char *when)
{
	const int ret = scene_try_write(s, first, nr);

	igt_assert_f(!ret, "%s: the device writes: %s\n", when, strerror(-ret));
}

void scene_write_cpu(struct scene *s, unsigned int first, unsigned int nr)
{
	unsigned int page, write, ops;

	for (page = first; page < first + nr; page++) {
		ops = s->model.ops_done;
		write = model_write_begin(&s->model, page);
		igt_assert_f(write, "page %u: no more writes can be told apart\n", page);
		model_words(&s->model, (uint32_t *)(s->memory + page * PAGE), page, write);
		model_write_end(&s->model, page, write, ops);
	}
}

int scene_try_read(struct scene *s, unsigned int first, unsigned int nr)
{
	int ret;

	memset(s->bounce, 0xff, nr * PAGE);
	ret = svm_copy(s->queue, s->bounce, s->memory + first * PAGE, nr * PAGE);
	return ret ? ret : wait_queue(s, "the device reads");
}

void scene_check(struct scene *s, unsigned int first, unsigned int nr, const char *when)
{
	const int ret = scene_try_read(s, first, nr);
	char why[256] = "";
	unsigned int i;

	igt_assert_f(!ret, "%s: the device reads: %s\n", when, strerror(-ret));
	for (i = 0; i < nr; i++) {
		const struct model_range range = model_now(&s->model, first + i);

		igt_assert_f(model_check(s->bounce + i * PAGE, first + i, range, why, sizeof(why)),
			     "%s: the device sees something else: %s\n", when, why);
		igt_assert_f(model_check(s->memory + (first + i) * PAGE, first + i, range, why,
					 sizeof(why)),
			     "%s: the CPU sees something else: %s\n", when, why);
	}
	igt_assert_f(!memcmp(s->bounce, s->memory + first * PAGE, nr * PAGE),
		     "%s: the device does not see what the CPU does\n", when);
}

void scene_check_at(struct scene *s, const uint8_t *at, unsigned int first, unsigned int nr,
		    const struct model_range *ranges, const char *when)
{
	char why[256] = "";
	unsigned int i;
	int ret;

	memset(s->bounce, 0xff, nr * PAGE);
	ret = svm_copy(s->queue, s->bounce, at, nr * PAGE);
	if (!ret)
		ret = wait_queue(s, "the device reads");
	igt_assert_f(!ret, "%s: the device reads: %s\n", when, strerror(-ret));
	for (i = 0; i < nr; i++) {
		igt_assert_f(model_check(s->bounce + i * PAGE, first + i, ranges[i], why,
					 sizeof(why)),
			     "%s: the device sees something else: %s\n", when, why);
		igt_assert_f(model_check(at + i * PAGE, first + i, ranges[i], why, sizeof(why)),
			     "%s: the CPU sees something else: %s\n", when, why);
	}
}

bool scene_is_huge(const struct scene *s)
{
	return pagemap_huge(s->memory) >= HUGE;
}

void scene_check_one_fault(struct scene *s)
{
	const uint8_t *last = s->memory + s->size - PAGE;
	uint64_t faults = 0;
	int ret, i;

	if (!svm_gpu_has(s->gpu, SVM_FAULTS))
		return;
	/* The first access has mapped all of the huge page. */
	for (i = 0; i < 2; i++) {
		faults = svm_gpu_faults(s->gpu);
		ret = svm_copy(s->queue, s->bounce, i ? last : s->memory, PAGE);
		if (!ret)
			ret = wait_queue(s, "the device reads");
		igt_assert_f(!ret, "the device reads: %s\n", strerror(-ret));
	}
	igt_assert_f(svm_gpu_faults(s->gpu) == faults,
		     "the device has not mapped a huge page as one\n");
}

void scene_refused(struct scene *s, bool write, const uint8_t *at, const char *when)
{
	struct svm_queue *queue;
	int ret;

	igt_emit_ignore_dmesg_regex(NOUVEAU_DEAD_QUEUE_DMESG);
	ret = svm_queue_open(s->gpu, &queue);
	igt_assert_f(!ret, "queue: %s\n", strerror(-ret));
	memset(s->bounce, 0xff, 2 * PAGE);
	ret = write ? svm_copy(queue, (void *)at, s->bounce, PAGE) :
		      svm_copy(queue, s->bounce + PAGE, at, PAGE);
	if (!ret)
		ret = svm_wait_queue(queue, SVM_WAIT_MS, "an access to what is not to be accessed");
	igt_assert_f(ret == -EIO, "%s: %s: %s, but the queue has to die of it\n", when,
		     write ? "a write" : "a read", ret ? strerror(-ret) : "done");
	igt_assert_f(s->bounce[PAGE] == 0xff, "%s: it was read all the same\n", when);
	svm_queue_close(queue);
	/* No other queue has died. */
	ret = svm_copy(s->queue, s->bounce + PAGE, s->bounce, PAGE);
	if (!ret)
		ret = svm_wait_queue(s->queue, SVM_WAIT_MS, "another queue goes on");
	igt_assert_f(!ret, "%s: another queue of the client: %s\n", when, strerror(-ret));
}
