// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/**
 * TEST: nouveau svm suspend
 * Category: Core
 * Mega feature: Shared virtual memory
 * Sub-category: nouveau
 * Functionality: power management
 * Test category: functionality test
 * Description: The system is suspended, as far as its devices, or the device alone, by its driver,
 *	while the device has a process's memory mapped, or its pages in memory of its own. The
 *	device and the CPU see the same afterwards as before.
 *
 * SUBTEST: mapped
 * Description: the device has memory mapped
 *
 * SUBTEST: device-memory
 * Description: pages are in device memory
 *
 * SUBTEST: working
 * Description: page faults are under way all the time
 *
 * SUBTEST: fault-unheard
 * Description: the driver has not heard of a page fault when the device is suspended
 *
 * SUBTEST: runtime-mapped
 * Description: the device alone sleeps, and has memory mapped
 *
 * SUBTEST: runtime-device-memory
 * Description: the device alone sleeps, and pages are in device memory
 *
 * SUBTEST: runtime-invalidated
 * Description: the device alone sleeps, and what it has mapped is given away meanwhile
 */
#include "board_scenario.h"
#include "bystander.h"
#include "child.h"
#include "igt_decl.h"
#include "leave.h"
#include "pagemap.h"
#include "random.h"
#include "runtime_pm.h"
#include "svm_gpu.h"
#include "svm_options.h"
#include "svm_require.h"
#include "svm_wait.h"
#include "user.h"
#include "write_file.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

IGT_TEST_DESCRIPTION("The system is suspended, as far as its devices, or the device alone, while "
		     "it has a process's memory mapped, or in memory of its own");

enum { PAGE = 4096, N = 64 * PAGE, SEED = 20261130 };

#define PM_TEST "/sys/power/pm_test"

static char pm_test[32];	/* what is set there when the program begins */

static void put_pm_test_back(void)
{
	write_text(PM_TEST, pm_test);
}

/* The file has all that can be set. What is set is in brackets. */
static void remember_pm_test(void)
{
	char text[128], *set;

	if (read_text(PM_TEST, text, sizeof(text)))
		return;
	set = strchr(text, '[');
	if (!set)
		return;
	set[strcspn(set, "]")] = 0;
	snprintf(pm_test, sizeof(pm_test), "%s", set + 1);
	leave_with(put_pm_test_back);
}

/* Devices are suspended, and five seconds later resumed: Documentation/power/basic-pm-debugging. */
static void suspend(void)
{
	igt_system_suspend_autoresume(SUSPEND_STATE_FREEZE, SUSPEND_TEST_DEVICES);
}

/* Half of it is what the CPU has written, half what the device has. */
static void fill(struct user *user, uint8_t *buf, uint8_t *want)
{
	int ret;

	fill_random(want, N, SEED);
	memcpy(buf, want, N / 2);
	ret = user_copy(user, buf + N / 2, want + N / 2, N / 2);
	igt_assert_f(!ret, "the device writes: %s\n", strerror(-ret));
	user_check_sees(user, buf, want, N, "before");
}

static void test_mapped(void (*go_to_sleep)(void))
{
	uint8_t *buf = user_pages(N), *want = user_pages(N);
	struct user user;

	user_begin(&user);
	fill(&user, buf, want);
	go_to_sleep();
	user_check_sees(&user, buf, want, N, "mapped before");
	igt_assert_f(!memcmp(buf, want, N), "the CPU sees something else\n");
	user_check(&user, buf, N, "mapped before");
	user_check(&user, user_pages(N), N, "mapped afterwards");
	user_end(&user);
}

static void test_device_memory(void (*go_to_sleep)(void))
{
	uint8_t *buf = user_pages(N), *want = user_pages(N);
	struct user user;
	int ret, there;

	user_begin(&user);
	igt_require_f(svm_gpu_has(user.gpu, SVM_MIGRATE), "the device has no memory of its own\n");
	fill(&user, buf, want);
	ret = svm_gpu_migrate(user.gpu, buf, N);
	igt_assert_f(!ret, "SVM_BIND: %s\n", strerror(-ret));
	there = pagemap_count(buf, N / PAGE, PAGEMAP_AWAY);
	igt_info("%d of %d pages are in device memory\n", there, N / PAGE);
	igt_assert_f(there > 0, "nothing has gone to the device\n");
	/* So that it has them mapped. */
	user_check_sees(&user, buf, want, N, "in device memory");
	go_to_sleep();
	/* The CPU is first: who is asked for the pages may sleep. */
	igt_assert_f(!memcmp(buf, want, PAGE), "the CPU gets something else back\n");
	user_check_sees(&user, buf, want, N, "in device memory");
	igt_assert_f(!memcmp(buf, want, N), "the CPU gets something else back\n");
	user_check(&user, buf, N, "that was in device memory");
	ret = svm_gpu_migrate(user.gpu, buf, N);
	igt_assert_f(!ret, "SVM_BIND: %s\n", strerror(-ret));
	user_check(&user, buf, N, "in device memory again");
	user_end(&user);
}

/* What the device had mapped is given away, and there is other memory in its place. */
static void test_invalidated(void)
{
	uint8_t *buf = user_pages(N), *want = user_pages(N);
	struct user user;
	void *again;

	user_begin(&user);
	fill(&user, buf, want);
	runtime_pm_sleep();
	igt_assert_f(!madvise(buf, N / 2, MADV_DONTNEED), "MADV_DONTNEED: %m\n");
	again = mmap(buf + N / 2, N / 2, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	igt_assert_f(again != MAP_FAILED, "mmap: %m\n");
	fill_random(want, N, SEED + 1);
	memcpy(buf, want, N);
	user_check_sees(&user, buf, want, N, "new while it slept");
	user_check(&user, buf, N, "new while it slept");
	user_end(&user);
}

static void test_working(void)
{
	enum { ROUNDS = 3 };
	struct bystander bystander;
	struct user user;
	int ret, i;

	user_begin(&user);
	ret = bystander_start(&bystander);
	igt_assert_f(!ret, "another process: %s\n", strerror(-ret));
	for (i = 0; i < ROUNDS; i++) {
		igt_assert_f(bystander_goes_on(&bystander, 3, SVM_WAIT_MS),
			     "another process's page faults do not go on\n");
		suspend();
	}
	igt_assert_f(bystander_goes_on(&bystander, 3, SVM_WAIT_MS),
		     "another process's page faults do not go on afterwards\n");
	ret = bystander_stop(&bystander, SVM_WAIT_MS);
	igt_assert_f(!ret, "another process: %s\n", strerror(-ret));
	user_end(&user);
}

/*
 * The fault is in the buffer, and its interrupt is held until the device is back. By then the
 * buffer is empty.
 */
static void fault_unheard(void)
{
	uint32_t *src = small_pages(PAGE), *dst = small_pages(PAGE);
	struct chan chan;
	struct gpu gpu;
	uint64_t count;
	int ret;

	fill_random(src, PAGE, SEED);
	scenario_open(&gpu, &chan);
	count = counted_faults();
	close_gate("notify");
	copy_begin(&chan, dst, src, PAGE);
	wait_faults(count + 1);
	/* As suspend(), which may not be called in a child. */
	ret = write_text(PM_TEST, "devices");
	CHILD_CHECK(!ret, PM_TEST ": %s", strerror(-ret));
	ret = write_text("/sys/power/state", "freeze");
	CHILD_CHECK(!ret, "/sys/power/state: %s", strerror(-ret));
	ret = write_text(PM_TEST, pm_test);
	CHILD_CHECK(!ret, PM_TEST ": %s", strerror(-ret));
	open_gate("notify");
	CHILD_CHECK(copy_ended(&chan), "a copy that was waiting does not end");
	CHILD_CHECK(!memcmp(dst, src, PAGE), "the copy differs");
	scenario_close(&gpu, &chan);
}

static const struct scenario scenarios[] = {
	{ "fault-unheard", "The driver has not heard of a page fault when the device is suspended",
	  fault_unheard },
};

int igt_main_args("", svm_long_options, svm_help, svm_option, NULL)
{
	igt_fixture() {
		svm_gpu_close(svm_require_gpu());
		remember_pm_test();
	}

	igt_describe("The device has memory mapped");
	igt_subtest("mapped")
		test_mapped(suspend);

	igt_describe("Pages are in device memory");
	igt_subtest("device-memory")
		test_device_memory(suspend);

	igt_describe("Page faults are under way all the time");
	igt_subtest("working")
		test_working();

	igt_subtest_group() {
		igt_fixture() {
			scenario_require_board();
			igt_require_f(*pm_test && !access(PM_TEST, W_OK),
				      "suspending cannot be tested: CONFIG_PM_SLEEP_DEBUG\n");
		}
		scenario_subtests(scenarios, 1);
	}

	igt_subtest_group() {
		igt_fixture() {
			struct svm_gpu *gpu = svm_require_gpu();

			require_runtime_pm(gpu);
			svm_gpu_close(gpu);
		}

		igt_describe("The device alone sleeps, and has memory mapped");
		igt_subtest("runtime-mapped")
			test_mapped(runtime_pm_sleep);

		igt_describe("The device alone sleeps, and pages are in device memory");
		igt_subtest("runtime-device-memory")
			test_device_memory(runtime_pm_sleep);

		igt_describe("The device alone sleeps, and what it has mapped is given away");
		igt_subtest("runtime-invalidated")
			test_invalidated();
	}

	igt_fixture()
		child_kill_all(SVM_WAIT_MS);
}
