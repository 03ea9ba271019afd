// SPDX-License-Identifier: MIT
/*
 * Pages that stay a process's, whatever mm does to them meanwhile: nothing may be said against
 * them, before, after, or while it does.
 */
#include "truth.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "write_file.h"

#ifndef MADV_COLD
#define MADV_COLD 20
#endif

#define PAGES 64
#define SPLITS 6
#define MERGES 8
#define ROUNDS 60
/* Questions in a round of which the answers count. */
#define ASKED_MAX 16

/* ---- before and after ---- */

static void all_right(const uint8_t *p, size_t n, bool write, const char *what)
{
	for (size_t i = 0; i < n; i++) {
		const uint64_t pfn = frame(p + i * PAGE);

		if (!pfn)
			die("%s: page %zu is not there", what, i);
		judge_right(p + i * PAGE, pfn, write, what);
	}
}

/* The zero page, small and huge: they may be read. */
static void zero_pages(void)
{
	uint8_t *p = region(1);
	volatile uint8_t sum = 0;

	sum += *(volatile uint8_t *)p;
	if (!(look(frame(p)).flags & PAGE_TRUTH_RESERVED) && kernel_version() < 703)
		die("a page that was only read is not the zero page");
	all_right(p, 1, false, "the zero page");
	forget(p, 1);

	p = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		die("no address space: %s", strerror(errno));
	madvise(p, 2 * HUGE, MADV_HUGEPAGE);
	for (size_t i = 0; i < 2 * HUGE_PAGES; i++)
		sum += ((volatile uint8_t *)p)[i * PAGE];
	all_right(p, 2 * HUGE_PAGES, false, "the huge zero page");
	munmap(p, 2 * HUGE);
}

/* A page of a driver's in the process: it has no mapping. */
static void inserted_page(void)
{
	uint8_t *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, truth_fd(), 0);

	if (p == MAP_FAILED)
		die("the module cannot be mapped: %s", strerror(errno));
	all_right(p, 1, true, "a driver's page, inserted");
	touch(p, 1);
	all_right(p, 1, true, "a driver's page, inserted and written");
	munmap(p, PAGE);
}

static void files(void)
{
	for (int ramfs = 0; ramfs < 2; ramfs++) {
		const int fd = file_new(ramfs);
		uint8_t *p = file_map(fd, 3, PAGES), *q;

		touch(p, PAGES);
		all_right(p, PAGES, true, "a file's, shared");
		q = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 3 * PAGE);
		if (q == MAP_FAILED)
			die("mmap: %s", strerror(errno));
		for (size_t i = 0; i < PAGES; i++)
			if (!((volatile uint8_t *)q)[i * PAGE + i % PAGE])
				die("a file has lost what was written");
		all_right(q, PAGES, true, "a file's, private, read");
		touch(q, PAGES);
		all_right(q, PAGES, true, "a file's, private, written");
		if (msync(p, PAGES * PAGE, MS_SYNC))
			die("msync: %s", strerror(errno));
		all_right(p, PAGES, true, "a file's, after msync");
		munmap(p, PAGES * PAGE);
		munmap(q, PAGES * PAGE);
		close(fd);
	}
}

/* The program itself: pages of the initramfs. */
static void program(void)
{
	const uint64_t pfn = frame((const void *)(uintptr_t)program);

	if (pfn)
		judge_right((const void *)(uintptr_t)program, pfn, false, "the program's text");
}

static void advised(void)
{
	static const struct { int advice; const char *name; } advice[] = {
		{ MADV_FREE, "after MADV_FREE" }, { MADV_COLD, "after MADV_COLD" },
		{ MADV_WILLNEED, "after MADV_WILLNEED" }, { MADV_DONTFORK, "after MADV_DONTFORK" },
	};
	uint8_t *p = region(PAGES);

	touch(p, PAGES);
	for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++) {
		/* EINVAL: it is not known. EBADF: there is no swap that could be read. */
		if (madvise(p, PAGES * PAGE, advice[i].advice) && errno != EINVAL && errno != EBADF)
			die("madvise: %s", strerror(errno));
		all_right(p, PAGES, true, advice[i].name);
	}
	if (mlock(p, PAGES * PAGE) && errno != ENOMEM)
		die("mlock: %s", strerror(errno));
	all_right(p, PAGES, true, "after mlock");
	munlock(p, PAGES * PAGE);
	all_right(p, PAGES, true, "after munlock");
	forget(p, PAGES);
}

/* With the owner from before: it has to be the same. */
static void still(const uint8_t *p, uint64_t pfn, const char *what)
{
	if (frame(p) == pfn)
		judge_right(p, pfn, true, what);
}

static void moved(void)
{
	for (int i = 0; i < PAGES; i++) {
		uint8_t *p = region(1), *q = region(1);
		uint64_t pfn;

		touch(p, 1);
		pfn = frame(p);
		judge_and_mark(p, pfn);
		q = mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q);
		if (q == MAP_FAILED)
			die("mremap: %s", strerror(errno));
		still(q, pfn, "moved by mremap");
		unmark();
		munmap(p - PAGE, PAGE);
		munmap(p + PAGE, PAGE);
		forget(q, 1);
	}
}

/* Shared with a child, and the parent's alone again: it takes the page over when it writes. */
static void reused_by_the_parent(void)
{
	for (int i = 0; i < PAGES; i++) {
		uint8_t *p = region(1);
		struct child child;
		uint64_t pfn;

		touch(p, 1);
		pfn = frame(p);
		judge_and_mark(p, pfn);
		child = child_new(child_waits, NULL);
		child_order(&child, 0);
		still(p, pfn, "shared with a child");
		child_end(&child);
		still(p, pfn, "after the child's end");
		touch(p, 1);
		still(p, pfn, "taken over by the parent");
		unmark();
		forget(p, 1);
	}
}

/* The other way round: the child has it from a parent that ends. In a process for itself. */
struct orphan {
	uint8_t *p;
	unsigned int right_asked, false_alarms, taken_over;
	atomic_int parent_ends, done;
};

static void orphan(struct orphan *orphan, int parent_gone)
{
	const uint64_t pfn = frame(orphan->p);
	char none;

	right_asked = false_alarms = 0;
	judge_and_mark(orphan->p, pfn);
	/* The parent's end of the pipe is closed when it has ended; its memory goes before. */
	orphan->parent_ends = 1;
	if (read(parent_gone, &none, 1))
		die("a parent does not end");
	still(orphan->p, pfn, "after the parent's end");
	touch(orphan->p, 1);
	if (frame(orphan->p) == pfn)
		orphan->taken_over = 1;
	still(orphan->p, pfn, "taken over by the child");
	unmark();
	orphan->right_asked = right_asked;
	orphan->false_alarms = false_alarms;
}

static void reused_by_the_child(void)
{
	struct orphan *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				     -1, 0);
	unsigned int taken_over = 0;

	if (shared == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	for (int i = 0; i < PAGES; i++) {
		int gone[2], done[2], pid;
		char none;

		memset(shared, 0, sizeof(*shared));
		if (pipe(gone) || pipe(done))
			die("pipe: %s", strerror(errno));
		fflush(stdout);
		pid = fork();
		if (pid < 0)
			die("fork: %s", strerror(errno));
		if (!pid) {
			close(done[0]);
			shared->p = region(1);
			touch(shared->p, 1);
			pid = fork();
			if (pid < 0)
				_exit(1);
			if (!pid) {
				close(gone[1]);
				orphan(shared, gone[0]);
				shared->done = 1;
				_exit(0);
			}
			while (!shared->parent_ends)
				sched_yield();
			_exit(0);
		}
		close(gone[0]);
		close(gone[1]);
		close(done[1]);
		waitpid(pid, NULL, 0);
		/* The grandchild has it as well, and is done when it is closed. */
		if (read(done[0], &none, 1) || !shared->done)
			die("an orphan has not come to its end");
		close(done[0]);
		right_asked += shared->right_asked;
		false_alarms += shared->false_alarms;
		taken_over += shared->taken_over;
	}
	printf("  %u of %u pages were taken over by a child\n", taken_over, PAGES);
	munmap(shared, PAGE);
}

/* A tail is the same page after a split. */
static void split(void)
{
	char order[64];
	unsigned int splits = 0;

	for (int i = 0; i < SPLITS; i++) {
		uint8_t *p = huge_map();
		const size_t at = 1 + dice(HUGE_PAGES - 1);
		uint64_t pfn;
		int ret;

		if (!p)
			continue;
		all_right(p, HUGE_PAGES, true, "a huge page");
		pfn = frame(p + at * PAGE);
		judge_and_mark(p + at * PAGE, pfn);
		/* Of the page table's entry first, then of the page. */
		if (mprotect(p, PAGE, PROT_READ))
			die("mprotect: %s", strerror(errno));
		still(p + at * PAGE, pfn, "a huge page, mapped in pieces");
		if (mprotect(p, PAGE, PROT_READ | PROT_WRITE))
			die("mprotect: %s", strerror(errno));
		snprintf(order, sizeof(order), "%d,0x%lx,0x%lx", getpid(), (unsigned long)p,
			 (unsigned long)p + HUGE);
		ret = write_file("/sys/kernel/debug/split_huge_pages", order, strlen(order));
		if (!ret && !(look(pfn).flags & PAGE_TRUTH_LARGE))
			splits++;
		still(p + at * PAGE, pfn, "a huge page, split");
		unmark();
		all_right(p, HUGE_PAGES, true, "a huge page, split");
		huge_unmap(p);
	}
	printf("  %u huge pages were split\n", splits);
}

static void hugetlb(void)
{
	for (int shared = 0; shared < 2; shared++) {
		uint8_t *p = mmap(NULL, HUGE, PROT_READ | PROT_WRITE,
				  (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS | MAP_HUGETLB |
				  (21 << 26), -1, 0);

		if (p == MAP_FAILED) {
			printf("  no hugetlb here: %s\n", strerror(errno));
			return;
		}
		touch(p, HUGE_PAGES);
		all_right(p, HUGE_PAGES, true, "hugetlb");
		huge_unmap(p);
	}
}

static unsigned int ksm_scans(void)
{
	FILE *file = fopen("/sys/kernel/mm/ksm/full_scans", "re");
	unsigned int n;

	if (!file || fscanf(file, "%u", &n) != 1)
		die("/sys/kernel/mm/ksm/full_scans cannot be read");
	fclose(file);
	return n;
}

/* Four times it has to see a page that does not change. */
static void ksm_scan(void)
{
	const unsigned int until = ksm_scans() + 5;
	const time_t end = time(NULL) + 60;

	while ((int)(ksm_scans() - until) < 0) {
		if (time(NULL) > end)
			die("waited 60 s for KSM to look at two pages");
		sched_yield();
	}
}

/* One of two pages that are the same becomes KSM's, and both processes'; then each has its own. */
static void merged(void)
{
	unsigned int merges = 0;

	if (access("/sys/kernel/mm/ksm/run", W_OK)) {
		printf("  no KSM here\n");
		return;
	}
	/* Not every kernel has that. */
	write_text("/sys/kernel/mm/ksm/smart_scan", "0");
	if (write_text("/sys/kernel/mm/ksm/sleep_millisecs", "0") ||
	    write_text("/sys/kernel/mm/ksm/run", "1"))
		die("KSM cannot be started");
	for (int i = 0; i < MERGES; i++) {
		uint8_t *p = region(1), *q = region(1);
		uint64_t pfn;

		memset(p, 0x80 + i, PAGE);
		memset(q, 0x80 + i, PAGE);
		if (madvise(p, PAGE, MADV_MERGEABLE) || madvise(q, PAGE, MADV_MERGEABLE))
			die("MADV_MERGEABLE: %s", strerror(errno));
		pfn = frame(p);
		judge_and_mark(p, pfn);
		ksm_scan();
		merges += frame(p) == frame(q) && look(frame(p)).flags & PAGE_TRUTH_KSM;
		still(p, pfn, "merged by KSM, with its owner known");
		unmark();
		all_right(p, 1, true, "merged by KSM");
		all_right(q, 1, true, "merged by KSM");
		touch(p, 1);
		touch(q, 1);
		all_right(p, 1, true, "KSM's no more");
		all_right(q, 1, true, "KSM's no more");
		forget(p, 1);
		forget(q, 1);
	}
	if (write_text("/sys/kernel/mm/ksm/run", "0"))
		die("KSM cannot be stopped");
	printf("  %u of %u pairs were merged by KSM\n", merges, MERGES);
}

/* ---- while it is done ---- */

/*
 * A process on the other processor asks all the time; the answers of a round count if the page is
 * the same. No thread: on 5.3.0 clone3() uses the wrong end of the stack that glibc passes.
 */
static struct race {
	atomic_uint round;	/* odd: go on */
	atomic_uint asked, bad;
	_Atomic uint64_t pfn;
	atomic_bool end;
} *race;
static int asker_pid;

static void __attribute__((noreturn)) asker(void)
{
	cpu_set_t cpus;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CPU_ZERO(&cpus);
	CPU_SET(1, &cpus);
	/* With one processor only, they take turns. */
	sched_setaffinity(0, sizeof(cpus), &cpus);
	while (!race->end) {
		const unsigned int round = race->round;
		uint32_t verdict;

		if (!(round & 1) || race->asked >= ASKED_MAX) {
			sched_yield();
			continue;
		}
		verdict = ask(race->pfn, true);
		if (race->round != round)
			continue;
		race->asked++;
		if (verdict != FINE)
			race->bad++;
	}
	_exit(0);
}

/* begin() and end() of a round; in between, the page must not leave the page table. */
static void round_begin(const uint8_t *p)
{
	race->pfn = frame(p);
	race->asked = race->bad = 0;
	race->round++;
}

static void round_end(const uint8_t *p, const char *what)
{
	int status;

	/* It shall have had a chance. */
	while (race->asked < 2) {
		if (waitpid(asker_pid, &status, WNOHANG))
			die("who asks has ended, with status %#x", status);
		sched_yield();
	}
	race->round++;
	if (frame(p) != race->pfn)
		return;
	right_asked += race->asked;
	false_alarms += race->bad;
	if (race->bad)
		printf("  %s: %u of %u answers were wrong while it was done\n", what, race->bad,
		       race->asked);
}

static void races(void)
{
	struct child child;
	uint8_t *p, *q;
	int fd, status;

	race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (race == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	fflush(stdout);
	asker_pid = fork();
	if (asker_pid < 0)
		die("fork: %s", strerror(errno));
	if (!asker_pid)
		asker();
	/* Mapped after the fork(), so that the asker does not map the pages as well. */
	p = region(1);
	fd = file_new(false);
	q = file_map(fd, 0, 1);
	for (int i = 0; i < ROUNDS; i++) {
		touch(p, 1);
		touch(q, 1);

		round_begin(p);
		child = child_new(child_waits, NULL);
		child_order(&child, 0);
		child_end(&child);
		touch(p, 1);
		round_end(p, "fork, exit, write");

		round_begin(p);
		mprotect(p, PAGE, PROT_READ);
		mprotect(p, PAGE, PROT_READ | PROT_WRITE);
		touch(p, 1);
		round_end(p, "mprotect");

		round_begin(p);
		if (!mlock(p, PAGE))
			munlock(p, PAGE);
		madvise(p, PAGE, MADV_COLD);
		round_end(p, "mlock, MADV_COLD");

		round_begin(q);
		msync(q, PAGE, MS_SYNC);
		touch(q, 1);
		round_end(q, "msync");

		round_begin(q);
		child = child_new(child_waits, NULL);
		child_order(&child, 0);
		child_end(&child);
		round_end(q, "fork and exit, a file's page");

		round_begin(p);
		if (!truth(PAGE_TRUTH_PIN, (uintptr_t)p))
			truth(PAGE_TRUTH_DROP, 0);
		round_end(p, "pinned and let go");
	}
	race->end = true;
	if (waitpid(asker_pid, &status, 0) != asker_pid || status)
		die("who asks has ended with status %#x", status);
	munmap(q, PAGE);
	close(fd);
	forget(p, 1);
}

void run_right(void)
{
	zero_pages();
	inserted_page();
	program();
	files();
	advised();
	moved();
	reused_by_the_parent();
	reused_by_the_child();
	split();
	hugetlb();
	merged();
	races();
	printf("  asked about pages that are right: %u times, %u false alarms\n", right_asked,
	       false_alarms);
}
