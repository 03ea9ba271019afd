// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#include "victim.h"
#include "child.h"
#include "clock.h"
#include "igt_decl.h"
#include "mrelease.h"
#include "svm_gpu.h"
#include "svm_wait.h"
#include "write_file.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { PAGE = 4096, HUGE = 2 << 20 };

#define MIB	((size_t)1 << 20)

/*
 * The storm: copies between pages that are new, in mappings of their own. Half a second's
 * work for the device is queued at any time, so that it goes on with it when the process
 * has been killed.
 */
enum { STORM_QUEUES = 4, STORM_SIZE = 4 << 20 };

/* Aligned for huge pages, and with nothing that is mapped 2 MiB before and after it. */
static uint8_t *lonely_pages(size_t n, int advice)
{
	uint8_t *p;

	if (!n)
		return NULL;
	p = mmap(NULL, n + 4 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHILD_CHECK(p != MAP_FAILED, "victim: mmap: %s", strerror(errno));
	p = (uint8_t *)(((uintptr_t)p + 2 * HUGE - 1) & ~(uintptr_t)(HUGE - 1));
	CHILD_CHECK(!mprotect(p, n, PROT_READ | PROT_WRITE), "victim: mprotect: %s",
		    strerror(errno));
	/* A kernel without huge pages does not know it. */
	CHILD_CHECK(!madvise(p, n, advice) || errno == EINVAL, "victim: madvise: %s",
		    strerror(errno));
	return p;
}

struct storm {
	struct svm_gpu *gpu;
	int ready;		/* to be written to when it has begun */
	bool may_end;
};

static void *storm(void *arg)
{
	const struct storm *s = arg;
	struct svm_queue *queue[STORM_QUEUES];
	uint8_t *p[STORM_QUEUES];
	unsigned int round, i;
	int ret = 0;

	for (i = 0; i < STORM_QUEUES; i++) {
		p[i] = lonely_pages(STORM_SIZE, MADV_NOHUGEPAGE);
		ret = svm_queue_open(s->gpu, &queue[i]);
		CHILD_CHECK(!ret, "victim: queue: %s", strerror(-ret));
	}
	for (round = 0; !ret; round++) {
		for (i = 0; i < STORM_QUEUES && !ret; i++) {
			madvise(p[i], STORM_SIZE, MADV_DONTNEED);
			ret = svm_copy(queue[i], p[i], p[i] + STORM_SIZE / 2, STORM_SIZE / 2);
		}
		if (!round)
			CHILD_CHECK(!ret && write(s->ready, "r", 1) == 1,
				    "victim: its faults do not begin: %s", strerror(-ret));
		for (i = 0; i < STORM_QUEUES && !ret; i++)
			while ((ret = svm_queue_wait(queue[i], SVM_WAIT_MS)) == -ETIME)
				;
	}
	CHILD_CHECK(s->may_end, "victim: its faults do not go on: %s", strerror(-ret));
	return NULL;
}

static int copy_half(struct victim_self *self, uint8_t *p, size_t n)
{
	return n ? svm_copy(self->queue, p, p + n / 2, n / 2) : 0;
}

/* One half of it is what the device has read, the other what it has written. */
static void map_on_device(struct victim_self *self)
{
	int ret = copy_half(self, self->huge, self->huge_size);

	if (!ret)
		ret = copy_half(self, self->small, self->small_size);
	if (!ret)
		ret = svm_queue_wait(self->queue, SVM_WAIT_MS);
	CHILD_CHECK(!ret, "victim: its memory cannot be mapped on the device: %s", strerror(-ret));
}

int victim_oom_score(int score)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", score);
	return write_text("/proc/self/oom_score_adj", text);
}

static void be_victim(const struct victim_plan *plan, const struct memcg *memcg, int ready, int go)
{
	struct victim_self self = {
		.huge_size = plan->huge_mib * MIB, .small_size = plan->small_mib * MIB,
		.data = plan->data,
	};
	struct storm s = { .ready = ready, .may_end = plan->faults_may_end };
	const char *why = "";
	pthread_t thread;
	int ret;
	char c;

	ret = memcg_join(memcg);
	CHILD_CHECK(!ret, "victim: its cgroup: %s", strerror(-ret));
	ret = victim_oom_score(1000);
	CHILD_CHECK(!ret, "victim: its OOM score: %s", strerror(-ret));
	self.huge = lonely_pages(self.huge_size, MADV_HUGEPAGE);
	self.small = lonely_pages(self.small_size, MADV_NOHUGEPAGE);
	memset(self.huge, VICTIM_BYTE, self.huge_size);
	memset(self.small, VICTIM_BYTE, self.small_size);
	if (plan->off_device) {
		CHILD_CHECK(write(ready, "r", 1) == 1, "victim: pipe: %s", strerror(errno));
	} else {
		ret = svm_gpu_open(&self.gpu, &why);
		CHILD_CHECK(!ret, "victim: %s: %s", why, strerror(-ret));
		ret = svm_queue_open(self.gpu, &self.queue);
		CHILD_CHECK(!ret, "victim: queue: %s", strerror(-ret));
		if (plan->prepare)
			plan->prepare(&self);
		map_on_device(&self);
		s.gpu = self.gpu;
		CHILD_CHECK(!pthread_create(&thread, NULL, storm, &s), "victim: thread");
	}
	CHILD_CHECK(read(go, &c, 1) == 1, "victim: nobody needs it");
	if (plan->work)
		plan->work(&self);
	for (;;)
		pause();
}

static void be_keeper(pid_t pid, int ready)
{
	CHILD_CHECK(!ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXIT),
		    "keeper: PTRACE_SEIZE: %s", strerror(errno));
	CHILD_CHECK(write(ready, "k", 1) == 1, "keeper: pipe: %s", strerror(errno));
	for (;;)
		pause();
}

/* A pipe's first byte, or the other side has failed and said why. */
static void wait_ready(int fd, const char *who)
{
	char what[64], c;
	int ret;

	snprintf(what, sizeof(what), "the %s is ready", who);
	ret = svm_wait_readable(fd, SVM_WAIT_MS, what);
	igt_assert_f(!ret, "%s: %s\n", what, strerror(-ret));
	igt_assert_f(read(fd, &c, 1) == 1, "the %s has failed, see what it says\n", who);
}

void victim_start(struct victim *v, const struct victim_plan *plan)
{
	static unsigned int nr;
	int ready[2], kept[2], go[2], ret;
	char name[32];

	*v = (struct victim) {};
	snprintf(name, sizeof(name), "igt-victim-%u", nr++);
	ret = memcg_create(&v->memcg, name, plan->max_mib);
	igt_assert_f(!ret, "cgroup %s: %s\n", v->memcg.path, strerror(-ret));
	igt_assert_f(!pipe(ready) && !pipe(kept) && !pipe(go), "pipe: %s\n", strerror(errno));
	v->pid = child_start();
	if (!v->pid) {
		close(ready[0]);
		close(go[1]);
		be_victim(plan, &v->memcg, ready[1], go[0]);
	}
	igt_assert_f(v->pid > 0, "fork: %s\n", strerror(-v->pid));
	close(ready[1]);
	close(go[0]);
	v->go = go[1];
	v->pidfd = syscall(SYS_pidfd_open, v->pid, 0);
	igt_assert_f(v->pidfd >= 0, "pidfd_open: %s\n", strerror(errno));
	wait_ready(ready[0], "victim");
	close(ready[0]);
	v->keeper = child_start();
	if (!v->keeper) {
		close(kept[0]);
		be_keeper(v->pid, kept[1]);
	}
	igt_assert_f(v->keeper > 0, "fork: %s\n", strerror(-v->keeper));
	close(kept[1]);
	wait_ready(kept[0], "keeper");
	close(kept[0]);
	v->charged = memcg_current(&v->memcg);
	igt_assert_f(v->charged > 0, "%s: %s\n", v->memcg.path, strerror(-v->charged));
}

void victim_go(struct victim *v)
{
	igt_assert_f(write(v->go, "g", 1) == 1, "victim: %s\n", strerror(errno));
}

int victim_freed(const struct victim *v, int64_t *freed)
{
	const int64_t now = memcg_current(&v->memcg);

	*freed = now < 0 ? 0 : v->charged - now;
	return now < 0 ? now : 0;
}

static struct victim_reap kill_and_mrelease(const struct victim *v, unsigned int ms)
{
	struct victim_reap reap = {};
	uint64_t start;
	int ret;

	CHILD_CHECK(!kill(v->pid, SIGKILL), "kill: %s", strerror(errno));
	start = now_us();
	do {
		reap.ret = mrelease(v->pidfd);
		reap.us = now_us() - start;
		reap.refusals += reap.ret == -EAGAIN;
	} while (reap.ret == -EAGAIN && reap.us < ms * 1000ULL);
	if (reap.ret == -EAGAIN) {
		/* Somebody has a lock all the time. */
		igt_info("process_mrelease() is still refused after %u ms\n", ms);
		svm_report_process(v->pid);
		svm_report_workers();
	}
	ret = victim_freed(v, &reap.freed);
	CHILD_CHECK(!ret, "%s: %s", v->memcg.path, strerror(-ret));
	return reap;
}

void victim_mrelease(struct victim *v, unsigned int ms)
{
	struct victim_reap reap;
	int reaped[2];

	igt_assert_f(!pipe(reaped), "pipe: %s\n", strerror(errno));
	v->reaper = child_start();
	if (!v->reaper) {
		reap = kill_and_mrelease(v, ms);
		child_exit(write(reaped[1], &reap, sizeof(reap)) != sizeof(reap));
	}
	igt_assert_f(v->reaper > 0, "fork: %s\n", strerror(-v->reaper));
	close(reaped[1]);
	v->reaped = reaped[0];
}

struct victim_reap victim_mreleased(struct victim *v, unsigned int ms)
{
	struct victim_reap reap = {};
	int status, ret;

	ret = child_wait(v->reaper, &status, ms, "process_mrelease() returns");
	if (!ret && read(v->reaped, &reap, sizeof(reap)) != sizeof(reap))
		ret = -EIO;
	close(v->reaped);
	if (ret) {
		reap.ret = ret;
		reap.us = ms * 1000ULL;
	}
	return reap;
}

void victim_let_go(struct victim *v)
{
	kill(v->keeper, SIGKILL);
}

int victim_end(struct victim *v, unsigned int ms, int64_t *freed)
{
	int status, ret, known = 0;

	victim_let_go(v);
	ret = child_wait(v->keeper, &status, ms, "the victim's keeper ends");
	if (!ret)
		ret = child_wait(v->pid, &status, ms, "the victim ends");
	if (freed)
		known = victim_freed(v, freed);
	close(v->pidfd);
	close(v->go);
	if (!ret && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
		ret = -ECHILD;
	if (!ret)
		ret = known;
	return ret ? ret : memcg_remove(&v->memcg, ms);
}

void victims_abandon(unsigned int ms)
{
	/* Whoever has ended by then may still have to be scheduled away. */
	enum { LAST_MS = 1000 };

	child_kill_all(ms);
	memcg_remove_all(LAST_MS);
}
