// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/**
 * TEST: nouveau svm oom
 * Category: Core
 * Mega feature: Shared virtual memory
 * Sub-category: nouveau
 * Functionality: OOM reaper
 * Test category: functionality test
 * Description: A process whose memory is mapped on the device, and which has page faults under
 *	way there, is killed and its memory is reaped, by process_mrelease() or by the OOM
 *	reaper. Its memory has to be free before it has ended, and nobody may hang of it.
 */
#include "dmesg_patterns.h"
#include "bystander.h"
#include "child.h"
#include "clock.h"
#include "igt_decl.h"
#include "kmsg.h"
#include "memcg.h"
#include "mrelease.h"
#include "pagemap.h"
#include "random.h"
#include "svm_gpu.h"
#include "svm_options.h"
#include "svm_probe.h"
#include "svm_require.h"
#include "svm_wait.h"
#include "victim.h"
#include "write_file.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

IGT_TEST_DESCRIPTION("A process with page faults on the device is killed and reaped, by "
		     "process_mrelease() or by the OOM reaper");

enum { PAGE = 4096, SEED = 20261127 };

#define MIB	((size_t)1 << 20)

/* Much longer than anything here takes that does not hang. */
enum {
	LIMIT_MS = 100000,
	/* With nothing else at work on the device. */
	PROBE_MS = 60000,
	/* Something else is stuck already: this will not end either. */
	STUCK_MS = 1000,
	/* A refusal is for as long as a lock is held. */
	MRELEASE_MS = 10000,
	/*
	 * The OOM reaper starts 2 s after the kill and tries ten times, 0.1 s apart. Before the
	 * kill, the victim has to take memory until it has come to its limit.
	 */
	REAPER_MS = 300000,
	/* Idling a channel that hangs takes the driver 15 seconds. */
	UNBIND_MS = 300000,
};

enum { ROUNDS = 6 };

/* The subtest in which the device got stuck: it does not help to try again. */
static const char *stuck_since;

struct scene {
	uint64_t stale;
	bool migrates;
	struct bystander bystander;
	/* What has been reaped: of 1000 parts, how many were freed. */
	int share[SVM_MOST_KILLS];
	unsigned int nr, refusals;
};

/* Skip if the kernel panics in place of killing somebody. */
static void require_oom_killer(void)
{
	char text[16];
	const int ret = read_text("/proc/sys/vm/panic_on_oom", text, sizeof(text));

	igt_assert_f(!ret, "vm.panic_on_oom: %s\n", strerror(-ret));
	igt_require_f(!strcmp(text, "0"), "a kernel that panics without memory: vm.panic_on_oom "
		      "is %s\n", text);
}

static void require_usable(struct svm_probe *probe)
{
	int ret;

	igt_assert_f(!stuck_since, "the device has been stuck since subtest %s\n", stuck_since);
	ret = svm_probe(probe, PROBE_MS);
	if (ret == -ETIME)
		stuck_since = igt_subtest_name();
	igt_assert_f(!ret, "%s: %s; an earlier test may have left the device like that: load "
		     "its driver again, or reboot\n", probe->why, strerror(-ret));
}

static void begin_any(struct scene *s)
{
	struct svm_probe probe;
	int ret;

	/* What a subtest that failed has left. */
	victims_abandon(STUCK_MS);
	require_usable(&probe);
	igt_emit_ignore_dmesg_regex(NOUVEAU_DEAD_QUEUE_DMESG);
	*s = (struct scene) { .stale = probe.stale, .migrates = probe.migrates };
	ret = bystander_start(&s->bystander);
	igt_assert_f(!ret, "another client: %s\n", strerror(-ret));
	igt_assert_f(bystander_goes_on(&s->bystander, 3, LIMIT_MS),
		     "another client does not begin\n");
	bystander_latency(&s->bystander);
}

static void begin(struct scene *s)
{
	require_mrelease();
	begin_any(s);
}

/* The same for a subtest that needs the OOM killer. */
static void begin_oom(struct scene *s)
{
	require_oom_killer();
	begin_any(s);
	/* Only the last announcement counts. */
	igt_emit_ignore_dmesg_regex(OOM_DMESG "|" NOUVEAU_DEAD_QUEUE_DMESG);
}

/* New clients get their page faults served, and no access was to a page that mm had freed. */
static void check_device(uint64_t stale)
{
	struct svm_probe probe;

	require_usable(&probe);
	igt_assert_f(probe.stale == stale, "%llu accesses to pages that mm had freed\n",
		     (unsigned long long)(probe.stale - stale));
}

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void end(struct scene *s)
{
	const struct bystander_latency latency = bystander_latency(&s->bystander);
	const int stopped = bystander_stop(&s->bystander, LIMIT_MS);

	igt_info("another client: %u rounds, median %llu us, max %llu us\n", latency.rounds,
		 (unsigned long long)latency.median_us, (unsigned long long)latency.max_us);
	igt_assert_f(!stopped, "another client has not gone on until the end: %s\n",
		     strerror(-stopped));
	igt_assert_f(latency.rounds, "another client has done nothing\n");
	check_device(s->stale);
	qsort(s->share, s->nr, sizeof(*s->share), by_value);
	igt_info("%u victims, %u refusals; freed at least: %d of 1000, at the median: %d\n", s->nr,
		 s->refusals, s->share[0], s->share[s->nr / 2]);
	igt_assert_f(s->share[0] >= 950, "%d of 1000 parts were freed of one of %u victims\n",
		     s->share[0], s->nr);
}

/* What there is to say about a victim that has been reaped, or has not. */
static void report(const struct victim *v, const struct victim_reap *reap, const char *who)
{
	igt_info("%s: %s after %llu us, %u refusals; %lld of %lld MiB were freed\n", who,
		 reap->ret ? strerror(-reap->ret) : "done", (unsigned long long)reap->us,
		 reap->refusals, (long long)(reap->freed / (int64_t)MIB),
		 (long long)(v->charged / (int64_t)MIB));
}

/*
 * Wait until another client goes on and the victim has ended, and assert only then, so that no
 * process is left. freed_before: reap->freed is from before the victim's end; or it is read
 * afterwards.
 */
static void settle(struct scene *s, struct victim *v, const struct victim_reap *reap,
		   const char *who, bool freed_before)
{
	const bool goes_on = bystander_goes_on(&s->bystander, 3, LIMIT_MS);
	struct victim_reap done = *reap;
	char state[128];
	int ended;

	ended = victim_end(v, goes_on ? LIMIT_MS : STUCK_MS, freed_before ? NULL : &done.freed);
	if (!goes_on || ended == -ETIME || reap->ret == -ETIME)
		stuck_since = igt_subtest_name();
	report(v, &done, who);
	igt_info("another client %s\n", goes_on ? "goes on" : "is stuck");
	snprintf(state, sizeof(state), "another client %s; the victim %s",
		 goes_on ? "goes on" : "is stuck", ended == -ETIME ? "does not end" : "has ended");
	igt_assert_f(!reap->ret, "%s: %s, to the last; %s\n", who, strerror(-reap->ret), state);
	igt_assert_f(goes_on && ended != -ETIME, "%s\n", state);
	igt_assert_f(!ended, "the victim's end: %s\n", strerror(-ended));
	s->refusals += done.refusals;
	s->share[s->nr++] = done.freed * 1000 / v->charged;
}

static struct victim_reap kill_and_mrelease(struct victim *v)
{
	victim_mrelease(v, MRELEASE_MS);
	return victim_mreleased(v, LIMIT_MS);
}

static void kill_and_settle(struct scene *s, struct victim *v, bool freed_before)
{
	const struct victim_reap reap = kill_and_mrelease(v);

	settle(s, v, &reap, "process_mrelease()", freed_before);
}

/* Sleep for a random time: the moment is what is tested, so there is no event to wait for. */
static void wait_random(uint32_t *state, unsigned int us)
{
	usleep(next_random(state) % us);
}

/* off_device: if this fails, what others find is not the device's fault. */
static void test_process_mrelease(bool off_device)
{
	const struct victim_plan plan = {
		.huge_mib = 112, .small_mib = 16, .off_device = off_device,
	};
	struct victim v;
	struct scene s;

	begin(&s);
	victim_start(&v, &plan);
	kill_and_settle(&s, &v, true);
	end(&s);
}

static uint8_t *anonymous(size_t n)
{
	uint8_t *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHILD_CHECK(p != MAP_FAILED, "victim: mmap: %s", strerror(errno));
	return p;
}

static uint8_t *more_memory(size_t n)
{
	uint8_t *p = anonymous(n);

	/* As fast as the kernel can. */
	madvise(p, n, MADV_HUGEPAGE);
	return p;
}

/* Take memory until there is none. */
static void greedy(struct victim_self *self)
{
	const size_t n = 16 * MIB;

	(void)self;
	for (;;)
		memset(more_memory(n), 3, n);
}

/* The same, by the device's page faults. */
static void greedy_device(struct victim_self *self)
{
	const size_t n = 16 * MIB;
	int ret;

	for (;;) {
		ret = svm_copy(self->queue, more_memory(n), self->huge, n);
		if (!ret)
			ret = svm_queue_wait(self->queue, REAPER_MS);
		CHILD_CHECK(!ret, "victim: the device takes memory: %s", strerror(-ret));
	}
}

/*
 * The OOM reaper tries ten times. All clients of a device flush under one mutex, so another
 * client's page faults may have all ten refused. Hold that client meanwhile. Whether a process is
 * reaped beside others is tested with process_mrelease(), which is called until it succeeds.
 */
static void oom(struct scene *s, struct victim *v)
{
	char reaped[64], unable[64];
	struct victim_reap reap = {};
	const int kmsg = kmsg_open();
	uint64_t start;
	int ret;

	igt_assert_f(kmsg >= 0, "/dev/kmsg: %s\n", strerror(-kmsg));
	snprintf(reaped, sizeof(reaped), "oom_reaper: reaped process %d ", v->pid);
	snprintf(unable, sizeof(unable), "oom_reaper: unable to reap pid:%d ", v->pid);
	bystander_hold(&s->bystander, true);
	start = now_us();
	victim_go(v);
	reap.ret = kmsg_wait(kmsg, reaped, unable, REAPER_MS);
	reap.us = now_us() - start;
	bystander_hold(&s->bystander, false);
	/* Leave out the round in which it was held. */
	bystander_goes_on(&s->bystander, 1, LIMIT_MS);
	bystander_latency(&s->bystander);
	close(kmsg);
	if (reap.ret == 1)
		reap.ret = -EAGAIN;
	ret = victim_freed(v, &reap.freed);
	if (!reap.ret)
		reap.ret = ret;
	settle(s, v, &reap, "OOM reaper", true);
}

/* What the limit of its cgroup leaves to a victim: for what it takes, and for its page faults. */
enum { HEADROOM_MIB = 64 };

static void test_memcg_oom(void (*work)(struct victim_self *))
{
	const struct victim_plan plan = {
		.huge_mib = 112, .small_mib = 16, .max_mib = 128 + HEADROOM_MIB, .work = work,
		.faults_may_end = true,
	};
	struct victim v;
	struct scene s;

	begin_oom(&s);
	victim_start(&v, &plan);
	oom(&s, &v);
	end(&s);
}

static void test_global_oom(void)
{
	const struct victim_plan plan = {
		.huge_mib = 112, .small_mib = 16, .work = greedy, .faults_may_end = true,
	};
	struct victim v;
	struct scene s;
	int ret;

	require_global_oom();
	/* Children inherit it and are not killed. The victim sets its own score. */
	ret = victim_oom_score(-1000);
	igt_assert_f(!ret, "OOM score: %s\n", strerror(-ret));
	begin_oom(&s);
	victim_start(&v, &plan);
	oom(&s, &v);
	end(&s);
}

/* Pages that are in device memory. */
static size_t pages_away(const uint8_t *p, size_t n)
{
	const int nr = pagemap_count(p, n / PAGE, PAGEMAP_AWAY);

	CHILD_CHECK(nr >= 0, "victim: pagemap: %s", strerror(-nr));
	return nr;
}

static void migrate(struct victim_self *self)
{
	size_t *migrated = self->data;
	int ret = 0;

	if (self->huge_size)
		ret = svm_gpu_migrate(self->gpu, self->huge, self->huge_size);
	if (!ret && self->small_size)
		ret = svm_gpu_migrate(self->gpu, self->small, self->small_size);
	CHILD_CHECK(!ret, "victim: migration: %s", strerror(-ret));
	*migrated = pages_away(self->huge, self->huge_size) +
		    pages_away(self->small, self->small_size);
}

static void *shared(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	igt_assert_f(p != MAP_FAILED, "mmap of %zu bytes: %s\n", n, strerror(errno));
	return p;
}

/*
 * False: the device has no memory for pages of that size. nouveau takes its memory in chunks of 256
 * MiB, each for pages of one size.
 */
static bool reap_migrated(struct scene *s, const struct victim_plan *plan, unsigned int rounds)
{
	const size_t all = (plan->huge_mib + plan->small_mib) * MIB / PAGE;
	size_t *migrated = plan->data;
	unsigned int round;
	struct victim v;

	for (round = 0; round < rounds; round++) {
		*migrated = 0;
		victim_start(&v, plan);
		igt_info("%zu of %zu pages are in device memory\n", *migrated, all);
		kill_and_settle(s, &v, true);
		if (!round && !*migrated)
			return false;
		igt_assert_f(*migrated * 100 >= all * 95,
			     "round %u: only %zu of %zu pages were in device memory\n", round,
			     *migrated, all);
	}
	return true;
}

static void test_device_private(void)
{
	size_t *migrated = shared(PAGE);
	/*
	 * A reaped process keeps its page tables and stacks until it ends. That is up to a MiB,
	 * and has to be less than end() tolerates.
	 */
	const struct victim_plan small = {
		.small_mib = 32, .prepare = migrate, .data = migrated,
	}, huge = {
		.huge_mib = 48, .prepare = migrate, .data = migrated,
	};
	bool has_small, has_huge;
	struct scene s;

	begin(&s);
	igt_require_f(s.migrates, "the device has no memory of its own\n");
	has_small = reap_migrated(&s, &small, ROUNDS / 2);
	/* More than a chunk in all. */
	has_huge = reap_migrated(&s, &huge, ROUNDS);
	igt_info("device memory for pages: %s, for huge pages: %s\n", has_small ? "yes" : "no",
		 has_huge ? "yes" : "no");
	igt_assert_f(has_small || has_huge, "nothing was migrated\n");
	end(&s);
	munmap(migrated, PAGE);
}

/* Another process of the victim's, and how we talk to it. */
struct relative {
	int go[2], answer[2];
	volatile pid_t *pid;		/* shared */
	const uint8_t *memory;
	size_t size;
	uint8_t want;
};

static void relative_open(struct relative *r)
{
	*r = (struct relative) { .pid = shared(PAGE) };
	igt_assert_f(!pipe(r->go) && !pipe(r->answer), "pipe: %s\n", strerror(errno));
}

/* In the relative: look at the memory each time that we are asked, as long as anybody asks. */
static int relative_serve(void *arg)
{
	const struct relative *r = arg;
	size_t i;
	char c;

	/* Our copy of the other end, or read() would never return 0. */
	close(r->go[1]);
	while (read(r->go[0], &c, 1) == 1) {
		for (i = 0; i < r->size && r->memory[i] == r->want; i += PAGE)
			;
		c = i < r->size ? 'n' : 'y';
		if (write(r->answer[1], &c, 1) != 1)
			break;
	}
	_exit(0);
}

static void check_relative(const struct relative *r, const char *who)
{
	char c = 0;
	int ret;

	igt_assert_f(write(r->go[1], "g", 1) == 1, "%s: %s\n", who, strerror(errno));
	ret = svm_wait_readable(r->answer[0], LIMIT_MS, who);
	igt_assert_f(!ret && read(r->answer[0], &c, 1) == 1, "%s does not answer: %s\n", who,
		     strerror(-ret));
	igt_assert_f(c == 'y', "%s has something else in its memory\n", who);
}

static void relative_close(struct relative *r)
{
	int i;

	for (i = 0; i < 2; i++) {
		close(r->go[i]);
		close(r->answer[i]);
	}
	munmap((void *)r->pid, PAGE);
}

/* The child writes to all that it has inherited. Its copies are charged to the root. */
static void fork_relative(struct victim_self *self)
{
	struct relative *r = self->data;
	const pid_t pid = fork();
	int ret;
	char c;

	CHILD_CHECK(pid >= 0, "victim: fork: %s", strerror(errno));
	if (pid) {
		CHILD_CHECK(read(r->answer[0], &c, 1) == 1, "victim: its child has failed");
		return;
	}
	*r->pid = getpid();
	ret = memcg_join(NULL);
	CHILD_CHECK(!ret, "victim's child: its cgroup: %s", strerror(-ret));
	r->memory = self->huge;
	r->size = self->huge_size;
	r->want = 4;
	memset(self->huge, 4, self->huge_size);
	memset(self->small, 4, self->small_size);
	CHILD_CHECK(write(r->answer[1], "r", 1) == 1, "victim's child: %s", strerror(errno));
	relative_serve(r);
}

static void test_victim_forked(void)
{
	struct relative child;
	const struct victim_plan plan = {
		.huge_mib = 64, .small_mib = 16, .prepare = fork_relative, .data = &child,
	};
	struct victim v;
	struct scene s;

	relative_open(&child);
	begin(&s);
	victim_start(&v, &plan);
	check_relative(&child, "the victim's child");
	kill_and_settle(&s, &v, true);
	check_relative(&child, "the victim's child");
	kill(*child.pid, SIGKILL);
	relative_close(&child);
	end(&s);
}

/* A second process with the same mm. */
static void clone_relative(struct victim_self *self)
{
	static char stack[64 << 10] __attribute__((aligned(16)));
	struct relative *r = self->data;

	r->memory = self->huge;
	r->size = self->huge_size;
	r->want = VICTIM_BYTE;
	*r->pid = clone(relative_serve, stack + sizeof(stack), CLONE_VM | SIGCHLD, r);
	CHILD_CHECK(*r->pid > 0, "victim: clone: %s", strerror(errno));
}

/* Nothing is reaped as long as one of the two is not killed. */
static void test_victim_shares_mm(void)
{
	struct relative sharer;
	const struct victim_plan plan = {
		.huge_mib = 64, .small_mib = 16, .prepare = clone_relative, .data = &sharer,
	};
	struct victim_reap early;
	struct victim v;
	struct scene s;

	relative_open(&sharer);
	begin(&s);
	victim_start(&v, &plan);
	early = kill_and_mrelease(&v);
	check_relative(&sharer, "the process with the victim's mm");
	igt_assert_f(!kill(*sharer.pid, SIGKILL), "kill: %s\n", strerror(errno));
	kill_and_settle(&s, &v, true);
	igt_assert_f(early.ret == -EINVAL, "process_mrelease() of an mm that is in use: %s\n",
		     early.ret ? strerror(-early.ret) : "done");
	relative_close(&sharer);
	end(&s);
}

/* Both at once. */
static void test_two_victims(void)
{
	const struct victim_plan plan = { .huge_mib = 64, .small_mib = 8 };
	struct victim_reap reap[2];
	struct victim v[2];
	struct scene s;
	int i;

	begin(&s);
	for (i = 0; i < 2; i++)
		victim_start(&v[i], &plan);
	for (i = 0; i < 2; i++)
		victim_mrelease(&v[i], MRELEASE_MS);
	for (i = 0; i < 2; i++)
		reap[i] = victim_mreleased(&v[i], LIMIT_MS);
	for (i = 0; i < 2; i++)
		settle(&s, &v[i], &reap[i], "process_mrelease()", true);
	end(&s);
}

/* How long another client has to wait, with and without victims. */
static void test_bystander(void)
{
	const struct victim_plan plan = { .huge_mib = 64, .small_mib = 8 };
	struct bystander_latency before;
	unsigned int round;
	struct victim v;
	struct scene s;

	begin(&s);
	igt_assert_f(bystander_goes_on(&s.bystander, 50, LIMIT_MS), "it does not go on alone\n");
	before = bystander_latency(&s.bystander);
	igt_info("alone: %u rounds, median %llu us, max %llu us\n", before.rounds,
		 (unsigned long long)before.median_us, (unsigned long long)before.max_us);
	for (round = 0; round < ROUNDS; round++) {
		victim_start(&v, &plan);
		kill_and_settle(&s, &v, true);
	}
	end(&s);
}

/* Free memory, and what caches would give back. */
static int64_t available(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	long long kib = -1;
	char line[128];

	while (f && fgets(line, sizeof(line), f) && sscanf(line, "MemAvailable: %lld", &kib) != 1)
		;
	if (f)
		fclose(f);
	igt_assert_f(kib >= 0, "no MemAvailable in /proc/meminfo\n");
	return kib * 1024;
}

static void test_repeated_kills(void)
{
	enum { SIZE_MIB = 72 };
	const struct victim_plan plan = { .huge_mib = SIZE_MIB - 8, .small_mib = 8 };
	struct victim_plan greedy_plan = plan;
	uint32_t state = SEED;
	const int64_t MOST = SIZE_MIB / 2 * MIB;
	int64_t before = 0, lost, end_ms;
	struct victim v;
	struct scene s;
	unsigned int i;

	require_mrelease();
	igt_info("seed %u\n", state);
	greedy_plan.max_mib = SIZE_MIB + HEADROOM_MIB;
	greedy_plan.work = greedy;
	greedy_plan.faults_may_end = true;
	begin_oom(&s);
	for (i = 0; i < svm_options.kills; i++) {
		/* By then, what is allocated only once has been allocated. */
		if (i == 2)
			before = available();
		victim_start(&v, i % 4 == 1 ? &greedy_plan : &plan);
		wait_random(&state, 20000);
		if (i % 4 == 1)
			oom(&s, &v);
		else
			kill_and_settle(&s, &v, true);
	}
	/* Other processes change it, too, and there is no event to wait for. */
	for (end_ms = now_ms() + LIMIT_MS; (lost = before - available()) >= MOST; usleep(10000))
		if (now_ms() > end_ms)
			break;
	igt_info("%lld MiB less are available\n", (long long)lost / (int64_t)MIB);
	igt_assert_f(lost < MOST, "%lld MiB are not back\n",
		     (long long)lost / (int64_t)MIB);
	end(&s);
}

/*
 * The device writes memory that the process then frees lazily (MADV_FREE), more than its cgroup has
 * room for. The driver's worker allocates the pages, so it is the worker that reclaims, and
 * invalidates mappings while it makes others.
 */
enum {
	PRESSURE_SIZE = 64 << 20, PRESSURE_MAX_MIB = 32,
	PRESSURE_CHUNK = 64 * PAGE,	/* at a time */
	PRESSURE_CHUNKS = 2 * PRESSURE_SIZE / PRESSURE_CHUNK,
	PRESSURE_MOST = 20 * PRESSURE_CHUNKS,	/* give up if too little is reclaimed by then */
};

struct pressure {
	atomic_uint chunks;
	atomic_bool stop;
	uint64_t wrong;		/* pages in which the CPU did not see what the device wrote */
};

static void be_under_pressure(struct pressure *p, const struct memcg *memcg)
{
	const size_t chunk = PRESSURE_CHUNK;
	uint8_t *memory = anonymous(PRESSURE_SIZE), *from = anonymous(chunk);
	struct svm_queue *queue;
	const char *why = "";
	struct svm_gpu *gpu;
	size_t at = 0, i;
	int ret;

	ret = memcg_join(memcg);
	CHILD_CHECK(!ret, "its cgroup: %s", strerror(-ret));
	madvise(memory, PRESSURE_SIZE, MADV_NOHUGEPAGE);
	ret = svm_gpu_open(&gpu, &why);
	CHILD_CHECK(!ret, "%s: %s", why, strerror(-ret));
	ret = svm_queue_open(gpu, &queue);
	CHILD_CHECK(!ret, "queue: %s", strerror(-ret));
	for (unsigned int n = 1; !p->stop; n++, at = (at + chunk) % PRESSURE_SIZE) {
		/*
		 * What has not been reclaimed is dropped: a page that is left is writable and
		 * clean, and nobody marks it dirty when the device writes it.
		 */
		CHILD_CHECK(!madvise(memory + at, chunk, MADV_DONTNEED), "MADV_DONTNEED: %s",
			    strerror(errno));
		memset(from, n % 255 + 1, chunk);
		ret = svm_copy(queue, memory + at, from, chunk);
		if (!ret)
			ret = svm_wait_queue(queue, SVM_WAIT_MS, "the device writes");
		CHILD_CHECK(!ret, "the device writes: %s", strerror(-ret));
		/* They are dirty and not freed yet: reclaim does not take them. */
		for (i = 0; i < chunk; i += PAGE)
			p->wrong += memory[at + i] != (uint8_t)(n % 255 + 1);
		CHILD_CHECK(!madvise(memory + at, chunk, MADV_FREE), "MADV_FREE: %s",
			    strerror(errno));
		p->chunks++;
	}
	svm_queue_close(queue);
	svm_gpu_close(gpu);
	child_exit(0);
}

static void test_pressure(void)
{
	struct pressure *p = shared(sizeof(*p));
	const int64_t begun = now_ms();
	int64_t last = begun, reclaimed = 0;
	unsigned int seen = 0;
	struct memcg memcg;
	struct svm_probe probe;
	int status, ret;
	pid_t pid;

	victims_abandon(STUCK_MS);
	require_usable(&probe);
	ret = memcg_create(&memcg, "igt-pressure", PRESSURE_MAX_MIB);
	igt_assert_f(!ret, "cgroup: %s\n", strerror(-ret));
	pid = child_start();
	if (!pid)
		be_under_pressure(p, &memcg);
	igt_assert_f(pid > 0, "fork: %s\n", strerror(-pid));
	/* The child only counts, so look again and again. */
	while (seen < PRESSURE_CHUNKS || reclaimed < PRESSURE_SIZE / PAGE / 2 ||
	       now_ms() < begun + svm_options.seconds * 1000LL) {
		usleep(1000);
		if (p->chunks != seen) {
			seen = p->chunks;
			last = now_ms();
		}
		if (now_ms() > last + 2 * SVM_WAIT_MS || child_has_ended(pid))
			break;
		reclaimed = memcg_stat(&memcg, "pglazyfreed");
		if (reclaimed < 0 ||
		    (seen > PRESSURE_MOST && reclaimed < PRESSURE_SIZE / PAGE / 2))
			break;
	}
	p->stop = true;
	ret = child_wait(pid, &status, 2 * SVM_WAIT_MS, "the device writes to the end");
	if (ret == -ETIME)
		stuck_since = igt_subtest_name();
	igt_info("%u chunks of %u pages, %lld pages reclaimed\n", seen, PRESSURE_CHUNK / PAGE,
		 (long long)reclaimed);
	igt_assert_f(!ret && !status, "who has the device write: %s, status %#x\n", strerror(-ret),
		     status);
	igt_assert_f(!p->wrong, "the CPU did not see what the device had written to %llu pages\n",
		     (unsigned long long)p->wrong);
	igt_assert_f(seen >= PRESSURE_CHUNKS, "%u chunks were written\n", seen);
	igt_assert_f(reclaimed >= PRESSURE_SIZE / PAGE / 2, "%lld pages were reclaimed: %s\n",
		     (long long)reclaimed, reclaimed < 0 ? strerror(-reclaimed) : "too few");
	check_device(probe.stale);
	ret = memcg_remove(&memcg, LIMIT_MS);
	igt_assert_f(!ret, "cgroup: %s\n", strerror(-ret));
	munmap(p, sizeof(*p));
}

/* Kill victims at random times while they do their work. */
static void test_killed_within(void (*work)(struct victim_self *), unsigned int us,
			       bool freed_before)
{
	const struct victim_plan plan = { .huge_mib = 64, .small_mib = 8, .work = work };
	uint32_t state = SEED;
	unsigned int round;
	struct victim v;
	struct scene s;

	igt_info("seed %u\n", state);
	begin(&s);
	for (round = 0; round < ROUNDS; round++) {
		victim_start(&v, &plan);
		victim_go(&v);
		wait_random(&state, us);
		kill_and_settle(&s, &v, freed_before);
	}
	end(&s);
}

/* Map memory, have the device access it, and unmap it, for ever. */
static void *unmap_forever(void *arg)
{
	struct victim_self *self = arg;
	const size_t n = 2 * MIB;
	struct svm_queue *queue;
	uint8_t *p;
	int ret;

	ret = svm_queue_open(self->gpu, &queue);
	CHILD_CHECK(!ret, "victim: queue: %s", strerror(-ret));
	for (;;) {
		p = anonymous(n);
		memset(p, 5, n);
		ret = svm_copy(queue, p, p + n / 2, n / 2);
		if (!ret)
			ret = svm_queue_wait(queue, SVM_WAIT_MS);
		CHILD_CHECK(!ret, "victim: copy: %s", strerror(-ret));
		munmap(p, n / 2);
		munmap(p + n / 2, n / 2);
	}
	return NULL;
}

static void unmap(struct victim_self *self)
{
	pthread_t thread;

	CHILD_CHECK(!pthread_create(&thread, NULL, unmap_forever, self), "victim: thread");
	unmap_forever(self);
}

static void execute(struct victim_self *self)
{
	(void)self;
	execlp("sleep", "sleep", "1000", NULL);
	CHILD_CHECK(false, "victim: sleep: %s", strerror(errno));
}

/* A second client, whose page faults are under way when its file is closed. */
static void open_and_close(struct victim_self *self)
{
	const size_t n = 64 * PAGE;
	const char *why = "";
	struct svm_queue *queue;
	struct svm_gpu *gpu;
	uint8_t *p;
	int ret;

	(void)self;
	p = anonymous(n);
	for (;;) {
		madvise(p, n, MADV_DONTNEED);
		ret = svm_gpu_open(&gpu, &why);
		CHILD_CHECK(!ret, "victim: %s: %s", why, strerror(-ret));
		ret = svm_queue_open(gpu, &queue);
		if (!ret)
			ret = svm_copy(queue, p, p + n / 2, n / 2);
		CHILD_CHECK(!ret, "victim: second client: %s", strerror(-ret));
		svm_queue_close(queue);
		svm_gpu_close(gpu);
	}
}

/* exit_mmap() begins while the reaper works. Whichever is first frees a page. */
static void test_reap_vs_exit(void)
{
	const struct victim_plan plan = { .huge_mib = 64, .small_mib = 8 };
	struct victim_reap reap;
	uint32_t state = SEED;
	unsigned int round;
	struct victim v;
	struct scene s;

	igt_info("seed %u\n", state);
	begin(&s);
	for (round = 0; round < ROUNDS; round++) {
		victim_start(&v, &plan);
		victim_mrelease(&v, MRELEASE_MS);
		wait_random(&state, 50000);
		victim_let_go(&v);
		reap = victim_mreleased(&v, LIMIT_MS);
		/* The victim had ended before. */
		if (reap.ret == -ESRCH)
			reap.ret = 0;
		settle(&s, &v, &reap, "process_mrelease()", false);
	}
	end(&s);
}

/* Write a device's name to its driver's bind or unbind, in a child, for it may not come back. */
static pid_t start_binding(const char *driver, const char *file, const char *device)
{
	const char *name = strrchr(device, '/') + 1;
	char path[PATH_MAX + 16];
	pid_t pid = child_start();
	int ret;

	igt_assert_f(pid >= 0, "fork: %s\n", strerror(-pid));
	if (pid)
		return pid;
	snprintf(path, sizeof(path), "%s/%s", driver, file);
	ret = write_text(path, name);
	CHILD_CHECK(!ret, "%s to %s: %s", name, path, strerror(-ret));
	child_exit(0);
}

static void test_reap_vs_unbind(void)
{
	const struct victim_plan plan = { .huge_mib = 64, .small_mib = 8, .faults_may_end = true };
	char link[300], driver[PATH_MAX];
	int ended, unbound, bound = 0, status = 0;
	struct victim_reap reap;
	struct svm_probe probe;
	struct victim v;
	pid_t pid;

	require_unbind();
	require_mrelease();
	victims_abandon(STUCK_MS);
	require_usable(&probe);
	igt_require_f(*probe.device, "this back end hides its device\n");
	snprintf(link, sizeof(link), "%s/driver", probe.device);
	igt_assert_f(realpath(link, driver), "%s: %s\n", link, strerror(errno));
	igt_emit_ignore_dmesg_regex(NOUVEAU_DEAD_QUEUE_DMESG);
	victim_start(&v, &plan);
	pid = start_binding(driver, "unbind", probe.device);
	reap = kill_and_mrelease(&v);
	ended = victim_end(&v, UNBIND_MS, NULL);
	unbound = child_wait(pid, &status, UNBIND_MS, "the device is unbound");
	if (!unbound && !status) {
		pid = start_binding(driver, "bind", probe.device);
		bound = child_wait(pid, &status, UNBIND_MS, "the device is bound again");
	}
	if (ended == -ETIME || unbound == -ETIME || bound == -ETIME || reap.ret == -ETIME)
		stuck_since = igt_subtest_name();
	report(&v, &reap, "process_mrelease()");
	igt_assert_f(!ended && !unbound && !bound && !status, "the victim's end: %s; unbinding: "
		     "%s; binding: %s\n", strerror(-ended), strerror(-unbound), strerror(-bound));
	igt_assert_f(!reap.ret, "process_mrelease(): %s\n", strerror(-reap.ret));
	igt_assert_f(reap.freed * 100 >= v.charged * 95, "%lld of %lld MiB were freed\n",
		     (long long)(reap.freed / (int64_t)MIB), (long long)(v.charged / (int64_t)MIB));
	require_usable(&probe);
}

int igt_main_args("", svm_long_options, svm_help, svm_option, NULL)
{
	igt_fixture() {
		struct svm_probe probe;
		const int ret = svm_probe(&probe, PROBE_MS);

		igt_require_f(ret != -ENODEV, "%s\n", probe.why);
		igt_assert_f(!ret, "%s: %s; load its driver again, or reboot\n", probe.why,
			     strerror(-ret));
		igt_info("back end %s\n", probe.backend);
		igt_require_f(!geteuid(), "cgroups are root's\n");
		igt_require_f(memcg_available(), "this kernel has no memory controller of cgroup "
			      "version 2 in /sys/fs/cgroup\n");
	}

	/**
	 * SUBTEST: control
	 * Description: a victim that has nothing to do with the device is reaped, while another
	 *	client works
	 */
	igt_describe("A victim that has nothing to do with the device is reaped");
	igt_subtest("control")
		test_process_mrelease(true);

	/**
	 * SUBTEST: process-mrelease
	 * Description: the memory of a killed process is free although its page faults go on
	 */
	igt_describe("The memory of a killed process is free although its page faults go on");
	igt_subtest("process-mrelease")
		test_process_mrelease(false);

	/**
	 * SUBTEST: memcg-oom
	 * Description: the OOM reaper frees a process that has come to its cgroup's limit, by its
	 *	own page faults and by the device's
	 */
	igt_describe("The OOM reaper frees a process that has come to its cgroup's limit");
	igt_subtest_with_dynamic("memcg-oom") {
		igt_dynamic("cpu")
			test_memcg_oom(greedy);
		igt_dynamic("device")
			test_memcg_oom(greedy_device);
	}

	/**
	 * SUBTEST: global-oom
	 * Description: the same for all of the machine's memory; only with --global-oom, for
	 *	others may need some of it
	 */
	igt_describe("The OOM reaper when the machine has no memory left; with --global-oom only");
	igt_subtest("global-oom")
		test_global_oom();

	/**
	 * SUBTEST: device-private
	 * Description: memory that has been migrated to the device is free, again and again
	 */
	igt_describe("Memory that has been migrated to the device is free, again and again");
	igt_subtest("device-private")
		test_device_private();

	/**
	 * SUBTEST: victim-forked
	 * Description: a child of the killed process keeps what it has in its memory
	 */
	igt_describe("A child of the killed process keeps what it has in its memory");
	igt_subtest("victim-forked")
		test_victim_forked();

	/**
	 * SUBTEST: victim-shares-mm
	 * Description: nothing is reaped as long as another process has the same memory
	 */
	igt_describe("Nothing is reaped as long as another process has the same memory");
	igt_subtest("victim-shares-mm")
		test_victim_shares_mm();

	/**
	 * SUBTEST: two-victims
	 * Description: two killed processes are reaped at the same time
	 */
	igt_describe("Two killed processes are reaped at the same time");
	igt_subtest("two-victims")
		test_two_victims();

	/**
	 * SUBTEST: bystander
	 * Description: how long another client waits for its page faults meanwhile
	 */
	igt_describe("How long another client waits for its page faults meanwhile");
	igt_subtest("bystander")
		test_bystander();

	/**
	 * SUBTEST: repeated-kills
	 * Description: one victim after the other, and no memory is lost
	 */
	igt_describe("One victim after the other, and no memory is lost");
	igt_subtest("repeated-kills")
		test_repeated_kills();

	/**
	 * SUBTEST: pressure
	 * Description: page faults go on while what they bring is reclaimed, also by who resolves
	 *	them, and the device sees none of it
	 */
	igt_describe("Page faults go on while what they bring is reclaimed");
	igt_subtest("pressure")
		test_pressure();

	/**
	 * SUBTEST: reap-vs-munmap
	 * Description: a process is killed and reaped while it unmaps what the device has mapped
	 */
	igt_describe("A process is killed and reaped while it unmaps what the device has mapped");
	igt_subtest("reap-vs-munmap")
		test_killed_within(unmap, 20000, true);

	/**
	 * SUBTEST: reap-vs-exit
	 * Description: a process is killed, and reaped while it ends by itself
	 */
	igt_describe("A process is killed, and reaped while it ends by itself");
	igt_subtest("reap-vs-exit")
		test_reap_vs_exit();

	/**
	 * SUBTEST: reap-vs-exec
	 * Description: a process is killed and reaped while it executes another program
	 */
	igt_describe("A process is killed and reaped while it executes another program");
	igt_subtest("reap-vs-exec")
		test_killed_within(execute, 50000, false);

	/**
	 * SUBTEST: reap-vs-close
	 * Description: a process is killed and reaped while it closes a device file
	 */
	igt_describe("A process is killed and reaped while it closes a device file");
	igt_subtest("reap-vs-close")
		test_killed_within(open_and_close, 100000, true);

	/**
	 * SUBTEST: reap-vs-unbind
	 * Description: a process is killed and reaped while its device is unbound from the driver;
	 *	only with --unbind, for there are kernels that crash of it
	 */
	igt_describe("A process is killed and reaped while its device is unbound; with --unbind "
		     "only");
	igt_subtest("reap-vs-unbind")
		test_reap_vs_unbind();

	igt_fixture()
		victims_abandon(STUCK_MS);
}
