// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/*
 * A process whose memory the device has mapped is reaped while one of those who subscribe to
 * its mmu notifiers refuses: each of them in turn. Beside the device's driver there are a
 * subscriber that counts, one that holds a lock, and an interval notifier. Whoever was called
 * before the refusal has to hear of the end, once, and nobody else; and nobody may hang.
 */
#include "dmesg_patterns.h"
#include "bystander.h"
#include "child.h"
#include "igt_decl.h"
#include "leave.h"
#include "mrelease.h"
#include "neighbours.h"
#include "svm_gpu.h"
#include "svm_options.h"
#include "svm_probe.h"
#include "svm_wait.h"
#include "victim.h"
#include "write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

/**
 * TEST: nouveau svm refuse
 * Category: Core
 * Mega feature: Shared virtual memory
 * Sub-category: nouveau
 * Functionality: mmu notifiers
 * Test category: functionality test
 * Description: refused invalidations of memory that the device has mapped
 *
 * SUBTEST: nth-subscriber
 * Description: the first, the second, ... of the calls of a reap is refused
 *
 * SUBTEST: some-of-them
 * Description: subscribers refuse by chance, two hundred times
 *
 * SUBTEST: lock-neighbour
 * Description: a neighbour's lock is held, as RDMA's on-demand paging had one
 *
 * SUBTEST: counting-neighbour
 * Description: a neighbour refuses that comes after the one with the lock
 *
 * SUBTEST: interval-neighbour
 * Description: a neighbour's interval notifier refuses
 */
IGT_TEST_DESCRIPTION("Refused invalidations of memory that the device has mapped.");

#define MIB		((int64_t)1 << 20)
#define PAGE		4096

enum { VICTIM_MIB = 32, STUCK_MS = 100000, REAP_MS = 100000 };

/* More calls than a reap of the victim makes: mappings times subscribers. */
enum { CALLS = 5000 };

/*
 * Each of the first calls is refused, and then every 11th. A mapping has four subscribers, and 4
 * and 11 have no common divisor, so it is each of them in turn.
 */
enum { ALL_UP_TO = 100, THEN_EVERY = 11 };

static struct neighbours neighbours;
static struct bystander bystander;
static struct victim victim;
static struct svm_probe probe;

static void attach(struct victim_self *self)
{
	const int ret = neighbours_attach(self->data, self->small, PAGE);

	CHILD_CHECK(!ret, "victim: the neighbours: %s", strerror(-ret));
}

/* Where debugfs has the attributes of this fault injection. */
#define ATTRIBUTES "/sys/kernel/debug/fail_mmu_notifier/"

static void set_attribute(const char *name, const char *value)
{
	char path[128];
	int ret;

	snprintf(path, sizeof(path), ATTRIBUTES "%s", name);
	ret = write_text(path, value);
	igt_assert_f(!ret, "%s: %s\n", path, strerror(-ret));
}

/* Does nothing if the kernel has no fault injection. */
static void inject_nothing(void)
{
	write_text(ATTRIBUTES "probability", "0");
}

static void start(void)
{
	const struct victim_plan plan = {
		.huge_mib = VICTIM_MIB - 4, .small_mib = 4, .data = &neighbours,
		.prepare = attach,
	};
	int ret;

	require_mrelease();
	/* What a subtest that failed has left. */
	inject_nothing();
	victims_abandon(STUCK_MS);
	igt_emit_ignore_dmesg_regex(NOUVEAU_DEAD_QUEUE_DMESG);
	ret = neighbours_open(&neighbours);
	igt_assert_f(!ret, MN_CONTRACT_DEVICE ": %s\n", strerror(-ret));
	ret = bystander_start(&bystander);
	igt_assert_f(!ret, "another client: %s\n", strerror(-ret));
	victim_start(&victim, &plan);
	igt_assert_f(!kill(victim.pid, SIGKILL), "kill: %s\n", strerror(errno));
}

/* After a refusal, each start that succeeded has had one end. */
static void check_balance(const char *when, int nr)
{
	struct mn_contract_status s;
	const int ret = neighbours_status(&neighbours, &s);

	igt_assert_f(!ret, "STATUS: %s\n", strerror(-ret));
	igt_assert_f(!s.below.count && !s.above.count,
		     "%s %d: of the counting neighbours' starts, %lld and %lld have no end\n",
		     when, nr,
		     (long long)s.below.count, (long long)s.above.count);
	igt_assert_f(!s.lock.held, "%s %d: the neighbour's lock is held %lld times\n", when, nr,
		     (long long)s.lock.held);
	igt_assert_f(!s.lock.stray_ends, "%s %d: the neighbour that refused got %llu ends\n", when,
		     nr, (unsigned long long)s.lock.stray_ends);
}

/* Nobody refuses any more: the victim is reaped, and nobody waits for anything. */
static void finish(void)
{
	struct victim_reap reap;
	int ret;

	victim_mrelease(&victim, REAP_MS);
	reap = victim_mreleased(&victim, REAP_MS + STUCK_MS);
	igt_assert_f(!reap.ret,
		     "process_mrelease(), with nobody who refuses: %s after %u refusals\n",
		     strerror(-reap.ret), reap.refusals);
	igt_assert_lte_s64(VICTIM_MIB * MIB * 95 / 100, reap.freed);
	check_balance("reaped, after refusals:", reap.refusals);
	ret = neighbours_read(&neighbours, STUCK_MS);
	if (ret == -ETIME)
		svm_report_workers();
	igt_assert_f(!ret, "the reader of an interval notifier beside it does not come back: %s\n",
		     strerror(-ret));
	igt_assert_f(bystander_goes_on(&bystander, 3, STUCK_MS), "another client does not go on\n");
	ret = victim_end(&victim, STUCK_MS, NULL);
	igt_assert_f(!ret, "the victim's end: %s\n", strerror(-ret));
	check_balance("ended", 0);
	ret = bystander_stop(&bystander, STUCK_MS);
	igt_assert_f(!ret, "another client: %s\n", strerror(-ret));
	neighbours_close(&neighbours);
}

/* Documentation/fault-injection/fault-injection.rst: the n-th call of this thread fails. */
static int open_fail_nth(void)
{
	return open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
}

static void set_fail_nth(int fd, int nr)
{
	char text[16];
	const int n = snprintf(text, sizeof(text), "%d", nr);

	igt_assert_f(pwrite(fd, text, n, 0) == n, "fail-nth: %s\n", strerror(errno));
}

static int get_fail_nth(int fd)
{
	char text[16] = "";

	igt_assert_f(pread(fd, text, sizeof(text) - 1, 0) > 0, "fail-nth: %s\n", strerror(errno));
	return atoi(text);
}

static void nth_subscriber(void)
{
	const int fd = open_fail_nth();
	int nr, ret = 0, left = 0, refused = 0;

	igt_assert_fd(fd);
	start();
	for (nr = 1; nr < CALLS && !left; nr += nr < ALL_UP_TO ? 1 : THEN_EVERY) {
		set_fail_nth(fd, nr);
		ret = mrelease(victim.pidfd);
		left = get_fail_nth(fd);
		set_fail_nth(fd, 0);
		igt_assert_f(left || ret == -EAGAIN,
			     "subscriber %d refused, process_mrelease(): %s\n",
			     nr, strerror(-ret));
		refused += !left;
		check_balance("after a refusal of call", nr);
	}
	close(fd);
	/* The last number was not reached: the reap has fewer calls. */
	igt_assert_f(left, "%d calls, and it goes on\n", nr);
	igt_info("fewer than %d calls, %d refused\n", nr, refused);
	igt_assert_lte(5, refused);
	finish();
}

static void some_of_them(void)
{
	unsigned int tries, refused = 0;
	int ret = -EAGAIN;

	start();
	leave_with(inject_nothing);
	set_attribute("interval", "1");
	/* After a refusal a try goes on with the next mapping, so it may have several refusals. */
	set_attribute("times", "200");
	set_attribute("probability", "5");
	for (tries = 0; tries < CALLS && ret == -EAGAIN; tries++) {
		ret = mrelease(victim.pidfd);
		refused += ret == -EAGAIN;
		check_balance("in try", tries);
	}
	set_attribute("probability", "0");
	igt_info("%u tries, %u refused\n", tries, refused);
	igt_assert_lte(2, refused);
	igt_assert_f(!ret, "process_mrelease(): %s after %u tries\n", strerror(-ret), tries);
	finish();
}

/* A neighbour refuses ten tries, and then no more. */
static void neighbour(int (*refuse)(bool on))
{
	int i, ret;

	start();
	ret = refuse(true);
	igt_assert_f(!ret, "the neighbour: %s\n", strerror(-ret));
	for (i = 0; i < 10; i++) {
		ret = mrelease(victim.pidfd);
		igt_assert_f(ret == -EAGAIN, "a neighbour refuses, process_mrelease(): %s\n",
			     strerror(-ret));
		check_balance("in try", i);
	}
	ret = refuse(false);
	igt_assert_f(!ret, "the neighbour: %s\n", strerror(-ret));
	finish();
}

static int lock_refuses(bool on)
{
	return neighbours_hold(&neighbours, on);
}

static int counter_refuses(bool on)
{
	return neighbours_refuse(&neighbours, MN_CONTRACT_ABOVE, on);
}

static int interval_refuses(bool on)
{
	return neighbours_refuse(&neighbours, MN_CONTRACT_MIRROR, on);
}

int igt_main_args("", svm_long_options, svm_help, svm_option, NULL)
{
	igt_fixture() {
		const int ret = svm_probe(&probe, SVM_WAIT_MS);

		igt_require_f(ret != -ENODEV, "%s\n", probe.why);
		igt_assert_f(!ret, "%s: %s\n", probe.why, strerror(-ret));
		igt_require_f(!neighbours_open(&neighbours),
			      "no " MN_CONTRACT_DEVICE ": the module of tests/modules\n");
		neighbours_close(&neighbours);
	}

	igt_describe("The first, the second, ... of all calls of a reap is refused.");
	igt_subtest("nth-subscriber") {
		igt_require_f(!access(ATTRIBUTES, X_OK), "no CONFIG_FAIL_MMU_NOTIFIER\n");
		nth_subscriber();
	}

	igt_describe("Subscribers refuse by chance, two hundred times.");
	igt_subtest("some-of-them") {
		igt_require_f(!access(ATTRIBUTES, X_OK), "no CONFIG_FAIL_MMU_NOTIFIER\n");
		some_of_them();
	}

	igt_describe("A neighbour's lock is held, as RDMA's on-demand paging had one.");
	igt_subtest("lock-neighbour")
		neighbour(lock_refuses);

	igt_describe("A neighbour refuses that comes after the one with the lock.");
	igt_subtest("counting-neighbour")
		neighbour(counter_refuses);

	igt_describe("A neighbour's interval notifier refuses.");
	igt_subtest("interval-neighbour")
		neighbour(interval_refuses);

	igt_fixture() {
		inject_nothing();
		victims_abandon(STUCK_MS);
	}
}
