// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/**
 * TEST: nouveau svm fail
 * Category: Core
 * Mega feature: Shared virtual memory
 * Sub-category: nouveau
 * Functionality: allocations that fail
 * Test category: functionality test
 * Description: One allocation fails while the kernel resolves a page fault, migrates pages to the
 *	device or gets them back: the first, or a later one, until there is none to fail. What is
 *	done is right all the same, and nobody dies of it.
 *
 * SUBTEST: fault
 * Description: a page fault is resolved
 *
 * SUBTEST: migrate
 * Description: pages are migrated to the device
 *
 * SUBTEST: get-back
 * Description: the CPU gets pages back
 */
#include "dmesg_patterns.h"
#include "igt_decl.h"
#include "inject.h"
#include "pagemap.h"
#include "random.h"
#include "svm_gpu.h"
#include "svm_options.h"
#include "svm_require.h"
#include "user.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

IGT_TEST_DESCRIPTION("One allocation fails while the kernel resolves a page fault, or migrates");

enum { PAGE = 4096, N = 2 * PAGE, SEED = 20261130 };

/* None of these makes so many allocations. Of many, not each is tried. */
enum { MOST = 5000, EACH_OF = 16 };

/* One run of a test, with inject_one_of(nr). Has an allocation failed? */
static bool one_of(bool (*one)(struct user *user, unsigned int nr), unsigned int nr)
{
	struct user user;
	bool failed;

	/* A new address space has no page tables yet. */
	user_begin(&user);
	failed = one(&user, nr);
	user_end(&user);
	return failed;
}

/* One run in which the nr-th allocation fails. False: there are not so many. */
static bool nth(bool (*one)(struct user *user, unsigned int nr), unsigned int nr)
{
	unsigned int tries;

	/* This ends with a failure, and the next one is nr allocations later: see inject.h. */
	for (tries = 0; nr > 1 && !one_of(one, nr); tries++)
		igt_assert_f(tries < nr, "%u tries, and none of %u allocations has failed\n",
			     tries, nr);
	return one_of(one, nr);
}

static void each_until_none(const char *kind, const char * const *functions,
			    bool (*one)(struct user *user, unsigned int nr))
{
	unsigned int nr, last = 0;

	inject_prepare(kind, functions);
	igt_emit_ignore_dmesg_regex(NO_MEMORY_DMESG);
	for (nr = 1; nr < MOST && nth(one, nr); nr += 1 + nr / EACH_OF)
		last = nr;
	igt_info("allocations of %s: %u or more, fewer than %u\n", kind, last, nr);
	igt_assert_f(last, "there was nothing to fail\n");
	igt_assert_f(nr < MOST, "it goes on\n");
}

static bool one_fault(struct user *user, unsigned int nr)
{
	uint8_t *src = user_pages(N), *dst = user_pages(N);
	bool failed;
	int ret;

	fill_random(src, N, SEED + nr);
	inject_one_of(nr);
	ret = user_copy(user, dst, src, N);
	failed = inject_end();
	igt_assert_f(!ret, "allocation %u: %s\n", nr, strerror(-ret));
	igt_assert_f(!memcmp(dst, src, N), "allocation %u: it differs\n", nr);
	munmap(src, N);
	munmap(dst, N);
	return failed;
}

static void test_fault(const char *kind)
{
	/* With the series, and before. */
	static const char * const functions[] = {
		"nouveau_svmm_resolve", "nouveau_svm_fault", NULL,
	};

	each_until_none(kind, functions, one_fault);
}

static void require_migration(void)
{
	struct user user;
	bool migrates;

	user_begin(&user);
	migrates = svm_gpu_has(user.gpu, SVM_MIGRATE);
	user_end(&user);
	igt_require_f(migrates, "the device has no memory of its own\n");
}

/* How many pages are not present. */
static int away(const uint8_t *buf)
{
	const int nr = pagemap_count(buf, N / PAGE, PAGEMAP_AWAY);

	igt_assert_f(nr >= 0, "pagemap: %s\n", strerror(-nr));
	return nr;
}

static void migrate(struct user *user, uint8_t *buf, unsigned int nr)
{
	const int ret = svm_gpu_migrate(user->gpu, buf, N);

	igt_assert_f(!ret || ret == -ENOMEM, "allocation %u: SVM_BIND: %s\n", nr, strerror(-ret));
}

static bool one_migration(struct user *user, unsigned int nr)
{
	uint8_t *buf = user_pages(N), *want = user_pages(N);
	bool failed;

	fill_random(want, N, SEED + nr);
	memcpy(buf, want, N);
	inject_one_of(nr);
	migrate(user, buf, nr);
	failed = inject_end();
	igt_debug("allocation %u: %d of %d pages have gone\n", nr, away(buf), N / PAGE);
	user_check_sees(user, buf, want, N, "after SVM_BIND");
	igt_assert_f(!memcmp(buf, want, N), "allocation %u: the CPU sees something else\n", nr);
	/* And now they go. */
	migrate(user, buf, nr);
	igt_assert_f(away(buf), "allocation %u: nothing goes to the device afterwards\n", nr);
	user_check_sees(user, buf, want, N, "in device memory");
	munmap(buf, N);
	munmap(want, N);
	return failed;
}

static void test_migrate(void)
{
	static const char * const functions[] = { "nouveau_dmem_migrate_vma", NULL };

	require_migration();
	/* It allocates no pages of system memory. */
	each_until_none("failslab", functions, one_migration);
}

static bool one_return(struct user *user, unsigned int nr)
{
	uint8_t *buf = user_pages(N), *want = user_pages(N);
	bool failed, same;

	fill_random(want, N, SEED + nr);
	memcpy(buf, want, N);
	migrate(user, buf, nr);
	igt_assert_f(away(buf), "allocation %u: nothing goes to the device\n", nr);
	inject_one_of(nr);
	/* If there is no page, the kernel repeats the access. */
	same = !memcmp(buf, want, N);
	failed = inject_end();
	igt_assert_f(same, "allocation %u: the CPU gets something else back\n", nr);
	user_check(user, buf, N, "that was in device memory");
	munmap(buf, N);
	munmap(want, N);
	return failed;
}

static void test_get_back(const char *kind)
{
	static const char * const functions[] = { "nouveau_dmem_migrate_to_ram", NULL };

	require_migration();
	each_until_none(kind, functions, one_return);
}

int igt_main_args("", svm_long_options, svm_help, svm_option, NULL)
{
	igt_fixture() {
		svm_gpu_close(svm_require_gpu());
		igt_info("Seed %d\n", SEED);
	}

	igt_describe("A page fault is resolved");
	igt_subtest_with_dynamic("fault") {
		igt_dynamic("slab")
			test_fault("failslab");
		igt_dynamic("pages")
			test_fault("fail_page_alloc");
	}

	igt_describe("Pages are migrated to the device");
	igt_subtest("migrate")
		test_migrate();

	igt_describe("The CPU gets pages back");
	igt_subtest_with_dynamic("get-back") {
		igt_dynamic("slab")
			test_get_back("failslab");
		igt_dynamic("pages")
			test_get_back("fail_page_alloc");
	}
}
