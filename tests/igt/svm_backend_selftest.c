// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/**
 * TEST: svm backend selftest
 * Category: Core
 * Mega feature: Shared virtual memory
 * Sub-category: nouveau
 * Functionality: the tests themselves
 * Test category: selftest
 * Description: What lib/svm_gpu.h promises to the tests, held against the back end that they
 *	will use. It says nothing about the driver: run it first where a back end is new
 */
#include "dmesg_patterns.h"
#include "child.h"
#include "clock.h"
#include "igt_decl.h"
#include "svm_gpu.h"
#include "svm_options.h"
#include "svm_require.h"
#include "svm_wait.h"
#include "user.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

IGT_TEST_DESCRIPTION("What lib/svm_gpu.h promises to the tests, held against the back end that "
		     "they will use");

enum { PAGE = 4096, BIG = 1 << 20 };

static void test_unknown_name(void)
{
	char *name = getenv("SVM_GPU_BACKEND") ? strdup(getenv("SVM_GPU_BACKEND")) : NULL;
	const char *why = NULL;
	struct svm_gpu *gpu;
	int ret;

	setenv("SVM_GPU_BACKEND", "none-is-called-like-this", 1);
	ret = svm_gpu_open(&gpu, &why);
	if (name)
		setenv("SVM_GPU_BACKEND", name, 1);
	else
		unsetenv("SVM_GPU_BACKEND");
	free(name);
	igt_assert_f(ret < 0, "a back end that does not exist was opened\n");
	igt_assert_f(why && *why, "it does not say why: %s\n", strerror(-ret));
}

static void test_nothing(void)
{
	uint32_t *word = user_pages(PAGE);
	struct user user;

	user_begin(&user);
	/* To open it may take a moment of the device. */
	igt_assert_eq(svm_wait_queue(user.queue, SVM_WAIT_MS, "a new queue"), 0);
	igt_assert_eq(svm_queue_wait(user.queue, 0), 0);
	igt_assert_eq(svm_copy(user.queue, word, word + 1, 0), 0);
	igt_assert_eq(svm_fill(user.queue, word, 1, 0), 0);
	igt_assert_eq(svm_wait_queue(user.queue, SVM_WAIT_MS, "nothing"), 0);
	igt_assert_eq_u32(word[0], 0);
	user_end(&user);
}

/* Each step needs what the one before has left: in another order it is another number. */
static void test_order(void)
{
	enum { STEPS = 50, WORDS = 3000 };
	uint32_t *a = user_pages(WORDS * sizeof(*a)), *b = user_pages(WORDS * sizeof(*b)), want = 0;
	struct user user;
	int i;

	user_begin(&user);
	for (i = 0; i < STEPS; i++) {
		igt_assert_eq(svm_fill(user.queue, a + 1, i, WORDS - 1), 0);
		igt_assert_eq(svm_add(user.queue, a, i + 1), 0);
		igt_assert_eq(svm_copy(user.queue, b, a, WORDS * sizeof(*a)), 0);
		igt_assert_eq(svm_add(user.queue, b, 1), 0);
		igt_assert_eq(svm_copy(user.queue, a, b, sizeof(*a)), 0);
		want += i + 2;
	}
	igt_assert_eq(svm_wait_queue(user.queue, SVM_WAIT_MS, "steps in order"), 0);
	igt_assert_eq_u32(a[0], want);
	igt_assert_eq_u32(b[0], want);
	for (i = 1; i < WORDS; i++)
		igt_assert_eq_u32(b[i], STEPS - 1);
	user_end(&user);
}

/*
 * Work that takes longer than a wait may: the wait ends, not before its limit, and the work goes
 * on. How much that is depends on the machine, and on what else it does: more and more is begun
 * until it is enough.
 */
static void test_limit(void)
{
	/* One copy takes much longer than it takes to begin it, or there is never much to do. */
	enum { LIMIT_MS = 100, MOST = 20000, N = 16 * BIG };
	uint8_t *src = user_pages(N), *dst = user_pages(N);
	struct user user;
	int64_t start;
	int i, n, ret;

	user_begin(&user);
	memset(src, 1, N);
	igt_assert_eq(svm_copy(user.queue, dst, src, N), 0);
	igt_assert_eq(svm_wait_queue(user.queue, SVM_WAIT_MS, "a copy"), 0);
	memset(src, 2, N);
	for (n = 4; n < MOST; n *= 2) {
		for (i = 0; i < n; i++)
			igt_assert_eq(svm_copy(user.queue, dst, src, N), 0);
		ret = svm_queue_wait(user.queue, 0);
		start = now_us();
		if (ret == -ETIME)
			ret = svm_queue_wait(user.queue, LIMIT_MS);
		if (ret == -ETIME)
			break;
		igt_assert_eq(ret, 0);
	}
	igt_info("%d copies of 16 MiB take longer than %d ms\n", n, LIMIT_MS);
	igt_assert_lt(n, MOST);
	igt_assert_lte_s64(LIMIT_MS * 1000, now_us() - start);
	igt_assert_eq(svm_wait_queue(user.queue, SVM_WAIT_MS, "what was not done in time"), 0);
	igt_assert_eq(memcmp(dst, src, N), 0);
	user_end(&user);
}

/* Closing a queue is no way to take back what was begun, or to have it done in freed memory. */
static void test_close_busy(void)
{
	enum { COPIES = 32 };
	uint8_t *src = user_pages(BIG), *dst = user_pages(BIG);
	struct svm_queue *other;
	struct user user;
	int i;

	user_begin(&user);
	memset(src, 7, BIG);
	for (i = 0; i < COPIES; i++)
		igt_assert_eq(svm_copy(user.queue, dst, src, BIG), 0);
	svm_queue_close(user.queue);
	igt_assert_eq(memcmp(dst, src, BIG), 0);
	igt_assert_eq(svm_queue_open(user.gpu, &other), 0);
	memset(src, 8, BIG);
	igt_assert_eq(svm_copy(other, dst, src, BIG), 0);
	igt_assert_eq(svm_wait_queue(other, SVM_WAIT_MS, "the next queue"), 0);
	igt_assert_eq(memcmp(dst, src, BIG), 0);
	user.queue = other;
	user_end(&user);
}

struct worker {
	pthread_t thread;
	struct svm_gpu *gpu;
	uint32_t *word;
	int ret;
};

enum { ADDS = 100 };

static void *add_many(void *arg)
{
	struct worker *worker = arg;
	struct svm_queue *queue;
	int i;

	worker->ret = svm_queue_open(worker->gpu, &queue);
	if (worker->ret)
		return NULL;
	for (i = 0; i < ADDS && !worker->ret; i++)
		worker->ret = svm_add(queue, worker->word, 1);
	if (!worker->ret)
		worker->ret = svm_queue_wait(queue, SVM_WAIT_MS);
	svm_queue_close(queue);
	return NULL;
}

/* A queue is for one thread, a client is for many. */
static void threads_once(void)
{
	enum { THREADS = 4 };
	struct worker worker[THREADS];
	uint32_t *word = user_pages(PAGE);
	struct user user;
	int i;

	user_begin(&user);
	for (i = 0; i < THREADS; i++) {
		worker[i] = (struct worker) { .gpu = user.gpu, .word = word };
		igt_assert_eq(pthread_create(&worker[i].thread, NULL, add_many, &worker[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		igt_assert_eq(pthread_join(worker[i].thread, NULL), 0);
	for (i = 0; i < THREADS; i++)
		igt_assert_f(!worker[i].ret, "thread %d: %s\n", i, strerror(-worker[i].ret));
	igt_assert_eq_u32(*word, THREADS * ADDS);
	user_end(&user);
}

static void test_threads(void)
{
	/* Often enough for what is shared without a lock to be seen. */
	enum { ROUNDS = 20 };
	int i;

	for (i = 0; i < ROUNDS; i++)
		threads_once();
}

static void add_in_child(unsigned int child, void *data)
{
	const char *why = "";
	uint32_t *word = data;
	struct svm_queue *queue;
	struct svm_gpu *gpu;
	int ret = svm_gpu_open(&gpu, &why);

	CHILD_CHECK(!ret, "child %u: %s: %s", child, why, strerror(-ret));
	ret = svm_queue_open(gpu, &queue);
	if (!ret)
		ret = svm_add(queue, word, 5 + child);
	if (!ret)
		ret = svm_wait_queue(queue, SVM_WAIT_MS, "a child's add");
	CHILD_CHECK(!ret, "child %u: an add: %s", child, strerror(-ret));
	CHILD_CHECK(*word == 5 + child, "child %u has added up to %u", child, *word);
	svm_queue_close(queue);
	svm_gpu_close(gpu);
}

/* A fixture looks whether there is a device, subtests fork and use it. */
static void test_fork_after_open(void)
{
	uint32_t *word = user_pages(PAGE);
	struct svm_gpu *gpu;
	const char *why;
	int ret = svm_gpu_open(&gpu, &why);

	igt_assert_f(!ret, "%s: %s\n", why, strerror(-ret));
	svm_gpu_close(gpu);
	child_run(2, add_in_child, word, 2 * SVM_WAIT_MS, "a child that uses the device ends");
}

static void write_in_child(unsigned int child, void *data)
{
	uint32_t *word = data;

	word[1 + child] = 1;
}

/* A child that does not touch the device leaves its parent's queue alone, and so does its end. */
static void test_fork_after_use(void)
{
	uint32_t *word = user_pages(PAGE);
	struct user user;

	user_begin(&user);
	igt_assert_eq(svm_add(user.queue, word, 1), 0);
	igt_assert_eq(svm_wait_queue(user.queue, SVM_WAIT_MS, "an add"), 0);
	child_run(2, write_in_child, word, SVM_WAIT_MS, "a child that does nothing ends");
	igt_assert_eq(svm_add(user.queue, word, 1), 0);
	igt_assert_eq(svm_wait_queue(user.queue, SVM_WAIT_MS, "an add after a fork"), 0);
	igt_assert_eq_u32(word[0], 2);
	user_end(&user);
}

static void test_dead_queue(void)
{
	uint32_t *word = user_pages(PAGE), *hole = user_pages(PAGE);
	struct svm_queue *other;
	struct user user;
	int ret;

	user_begin(&user);
	igt_require_f(svm_gpu_has(user.gpu, SVM_DEAD), "this back end does not promise it\n");
	igt_emit_ignore_dmesg_regex(NOUVEAU_DEAD_QUEUE_DMESG);
	igt_assert_eq(svm_queue_open(user.gpu, &other), 0);
	munmap(hole, PAGE);
	igt_assert_eq(svm_add(user.queue, hole, 1), 0);
	ret = svm_wait_queue(user.queue, SVM_WAIT_MS, "an access to nothing");
	igt_assert_f(ret == -EIO, "an access to nothing: %s\n", ret ? strerror(-ret) : "done");
	igt_assert_eq(svm_add(user.queue, word, 1), -ENODEV);
	igt_assert_eq(svm_add(other, word, 1), 0);
	igt_assert_eq(svm_wait_queue(other, SVM_WAIT_MS, "the other queue"), 0);
	igt_assert_eq_u32(*word, 1);
	svm_queue_close(other);
	user_end(&user);
}

int igt_main_args("", svm_long_options, svm_help, svm_option, NULL)
{
	igt_fixture() {
		struct svm_gpu *gpu = svm_require_gpu();

		svm_gpu_close(gpu);
	}

	/**
	 * SUBTEST: unknown-name
	 * Description: a back end that does not exist is an error, with a reason
	 */
	igt_describe("A back end that does not exist is an error, with a reason");
	igt_subtest("unknown-name")
		test_unknown_name();

	/**
	 * SUBTEST: fork-after-open
	 * Description: a process that has looked for a device has children that use it
	 */
	igt_describe("A process that has looked for a device has children that use it");
	igt_subtest("fork-after-open")
		test_fork_after_open();

	/**
	 * SUBTEST: fork-after-use
	 * Description: children that do not use the device leave their parent's queue alone
	 */
	igt_describe("Children that do not use the device leave their parent's queue alone");
	igt_subtest("fork-after-use")
		test_fork_after_use();

	/**
	 * SUBTEST: nothing
	 * Description: a queue with nothing to do is done at once
	 */
	igt_describe("A queue with nothing to do is done at once");
	igt_subtest("nothing")
		test_nothing();

	/**
	 * SUBTEST: order
	 * Description: copies, fills and additions in one queue are done as they were begun
	 */
	igt_describe("Copies, fills and additions in one queue are done as they were begun");
	igt_subtest("order")
		test_order();

	/**
	 * SUBTEST: limit
	 * Description: a wait ends when its limit passes, and what was begun goes on
	 */
	igt_describe("A wait ends when its limit passes, and what was begun goes on");
	igt_subtest("limit")
		test_limit();

	/**
	 * SUBTEST: close-busy
	 * Description: a queue that is closed has done what was begun
	 */
	igt_describe("A queue that is closed has done what was begun");
	igt_subtest("close-busy")
		test_close_busy();

	/**
	 * SUBTEST: threads
	 * Description: each thread has a queue, of one client
	 */
	igt_describe("Each thread has a queue, of one client");
	igt_subtest("threads")
		test_threads();

	/**
	 * SUBTEST: dead-queue
	 * Description: an access to nothing ends its queue, which says so, and no other
	 */
	igt_describe("An access to nothing ends its queue, which says so, and no other");
	igt_subtest("dead-queue")
		test_dead_queue();
}
