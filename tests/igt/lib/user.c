// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#include "user.h"
#include "igt_decl.h"
#include "random.h"
#include "svm_gpu.h"
#include "svm_wait.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { SEED = 20261127 };

void *user_pages(size_t n)
{
	void *buf = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	igt_assert_f(buf != MAP_FAILED, "mmap of %zu bytes: %s\n", n, strerror(errno));
	return buf;
}

void user_open_queue(struct user *user)
{
	const int ret = svm_queue_open(user->gpu, &user->queue);

	igt_assert_f(!ret, "queue: %s\n", strerror(-ret));
}

void user_begin(struct user *user)
{
	const char *why;
	const int ret = svm_gpu_open(&user->gpu, &why);

	igt_assert_f(!ret, "%s: %s\n", why, strerror(-ret));
	user->stale = svm_gpu_has(user->gpu, SVM_ORACLE) ? svm_gpu_stale(user->gpu) : 0;
	user_open_queue(user);
}

void user_end(struct user *user)
{
	const uint64_t stale = svm_gpu_has(user->gpu, SVM_ORACLE) ? svm_gpu_stale(user->gpu) : 0;

	svm_queue_close(user->queue);
	svm_gpu_close(user->gpu);
	igt_assert_f(stale == user->stale, "%llu accesses to pages that mm had freed\n",
		     (unsigned long long)(stale - user->stale));
}

int user_copy(struct user *user, void *dst, const void *src, size_t n)
{
	const int ret = svm_copy(user->queue, dst, src, n);

	return ret ? ret : svm_wait_queue(user->queue, SVM_WAIT_MS, "a copy");
}

void user_check_sees(struct user *user, const void *buf, const void *want, size_t n,
		     const char *kind)
{
	uint8_t *seen = user_pages(n);
	const int ret = user_copy(user, seen, buf, n);

	igt_assert_f(!ret, "%s: reading %zu bytes: %s\n", kind, n, strerror(-ret));
	igt_assert_f(!memcmp(seen, want, n), "%s: the device sees something else\n", kind);
	munmap(seen, n);
}

void user_check(struct user *user, void *buf, size_t n, const char *kind)
{
	uint8_t *want = user_pages(n);
	int ret;

	fill_random(buf, n, SEED);
	memcpy(want, buf, n);
	user_check_sees(user, buf, want, n, kind);

	fill_random(want, n, SEED + 1);
	ret = user_copy(user, buf, want, n);
	igt_assert_f(!ret, "%s: writing %zu bytes: %s\n", kind, n, strerror(-ret));
	igt_assert_f(!memcmp(buf, want, n), "%s: the CPU sees something else\n", kind);
	munmap(want, n);
}
