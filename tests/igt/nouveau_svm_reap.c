// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/**
 * TEST: nouveau svm reap
 * Category: Core
 * Mega feature: Shared virtual memory
 * Sub-category: nouveau
 * Functionality: reaping a process at the moment that matters
 * Test category: functionality test
 * Description: A process is killed and reaped while the board holds what its driver waits for
 *
 * SUBTEST: mrelease-in-flush
 * Description: while a TLB flush of the victim's is held, process_mrelease() is refused and leaves
 *	nothing behind; afterwards the memory is free, and another client goes on
 */
#include "board_scenario.h"
#include "dmesg_patterns.h"
#include "igt_decl.h"
#include "mrelease.h"
#include "svm_gpu.h"
#include "svm_options.h"
#include "victim.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

IGT_TEST_DESCRIPTION("A process is killed and reaped while the board holds what nouveau waits for");

enum { PAGE = 4096 };

#define BOARD(call)	igt_assert_f(!(call), "%s\n", scenario_board()->why)

/* Another client has a page fault resolved. */
static void check_goes_on(void)
{
	uint8_t *buf = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	struct svm_queue *queue;
	struct svm_gpu *gpu;
	const char *why;
	int ret;

	igt_assert(buf != MAP_FAILED);
	buf[PAGE] = 5;
	ret = svm_gpu_open(&gpu, &why);
	igt_assert_f(!ret, "%s: %s\n", why, strerror(-ret));
	ret = svm_queue_open(gpu, &queue);
	igt_assert_f(!ret, "queue: %s\n", strerror(-ret));
	ret = svm_copy(queue, buf, buf + PAGE, 1);
	if (!ret)
		ret = svm_wait_queue(queue, SVM_WAIT_MS, "another client's copy");
	igt_assert_f(!ret && buf[0] == 5, "another client's copy: %s, copied %u\n", strerror(-ret),
		     buf[0]);
	svm_queue_close(queue);
	svm_gpu_close(gpu);
	munmap(buf, 2 * PAGE);
}

/*
 * The victim's faults go on, and each needs a flush: the one that is held has the locks that an
 * invalidation takes. A refusal is right then, and it has to be undone for whoever was called
 * before, or nouveau's worker waits for an end that never comes.
 */
static void test_mrelease_in_flush(void)
{
	const struct victim_plan plan = { .huge_mib = 64, .small_mib = 8 };
	struct board *board = scenario_board();
	struct scenario_before before;
	struct victim_reap reap;
	struct victim v;
	int64_t freed;
	int ret;

	scenario_note(&before);
	victim_start(&v, &plan);
	BOARD(board_gate_close(board, "flush"));
	BOARD(board_gate_wait_held(board, "flush", 1, SVM_WAIT_MS));
	igt_assert_f(!kill(v.pid, SIGKILL), "kill: %s\n", strerror(errno));
	ret = mrelease(v.pidfd);
	BOARD(board_gate_open(board, "flush"));
	igt_assert_f(ret == -EAGAIN, "process_mrelease() while a flush is held: %s\n",
		     ret ? strerror(-ret) : "done");

	victim_mrelease(&v, SVM_WAIT_MS);
	reap = victim_mreleased(&v, SVM_WAIT_MS);
	freed = reap.freed;
	igt_info("afterwards %u refusals, %lld of %lld MiB are free\n", reap.refusals,
		 (long long)freed >> 20, (long long)v.charged >> 20);
	check_goes_on();
	ret = victim_end(&v, SVM_WAIT_MS, NULL);
	igt_assert_f(!ret, "the victim's end: %s\n", strerror(-ret));
	igt_assert_f(!reap.ret, "process_mrelease() afterwards: %s, to the last\n",
		     strerror(-reap.ret));
	igt_assert_f(freed * 100 >= v.charged * 95, "%lld of %lld bytes are free\n",
		     (long long)freed, (long long)v.charged);
	scenario_compare(&before);
}

int igt_main_args("", svm_long_options, svm_help, svm_option, NULL)
{
	igt_fixture() {
		scenario_require_board();
		igt_require_f(memcg_available(), "this kernel has no memory controller of cgroup "
			      "version 2 in /sys/fs/cgroup\n");
		require_mrelease();
	}

	igt_describe("While a TLB flush of the victim's is held, process_mrelease() is refused and "
		     "leaves nothing behind; afterwards the memory is free, and another client "
		     "goes on");
	igt_subtest("mrelease-in-flush") {
		igt_emit_ignore_dmesg_regex(NOUVEAU_DEAD_QUEUE_DMESG);
		test_mrelease_in_flush();
	}

	igt_fixture() {
		board_gate_open(scenario_board(), "flush");
		victims_abandon(SVM_WAIT_MS);
	}
}
