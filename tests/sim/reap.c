// SPDX-License-Identifier: MIT
/*
 * A process whose memory is mapped on the device is killed and reaped, by
 * process_mrelease() or by the OOM reaper, while its faults are under way.
 *
 * The reaper has to find it alive, or exit_mmap() has done its work:
 *
 *	process_mrelease() needs a thread that has not let go of the mm. We trace the victim's
 *	first thread, which stops in do_exit() before it does, until we let it go on.
 *
 *	The OOM reaper waits for two seconds before it starts. A keeper, another process,
 *	reads memory of the victim that is registered with userfaultfd, which nobody
 *	answers: that needs a reference to the mm. And it has the victim's device file open,
 *	or the channels would end with the victim.
 *
 * What is judged are events: a limit only ends a hang, and times are printed.
 */
#include "cgroup.h"
#include "gpu.h"
#include "kmsg.h"
#include "sim.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#ifndef SYS_process_mrelease
#define SYS_process_mrelease	448
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open		434
#endif

#define MIB		(1ULL << 20)
#define HUGE		(2 * MIB)
#define PAGE		4096ULL

#define VICTIM_MIB	256
/* The storm has as many channels, and mappings of this size, one for each. */
#define STORM_CHANS	4
#define STORM_SIZE	(256 * PAGE)
#define CGROUP		"sim-victim"

/* How often process_mrelease() is called, a millisecond after a refusal. A refusal is for as
 * long as a lock is held.
 */
#define TRIES		1000
/* The reaper tries ten times, a tenth of a second apart, two seconds later; and before that
 * the victim has to find out that there is no memory for it.
 */
#define REAPER_MS	300000

unsigned int kills = 20;
unsigned int small_mib = 4;

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

static void *shared(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED, "mmap: %s", strerror(errno));
	return p;
}

/* Memory of huge pages, but for its last small_mib; and beside it nothing that the device
 * may have mapped. The huge page before it is of the same mapping, for a fault.
 */
static uint8_t *victim_memory(void)
{
	uint8_t *p = pages(VICTIM_MIB * MIB + 4 * HUGE);

	p = (uint8_t *)(((uintptr_t)p + 3 * HUGE - 1) & ~(uintptr_t)(HUGE - 1));
	CHECK(!madvise(p - HUGE, (VICTIM_MIB - small_mib) * MIB + HUGE, MADV_HUGEPAGE),
	      "madvise: %s", strerror(errno));
	memset(p - HUGE, 1, VICTIM_MIB * MIB + HUGE);
	return p;
}

/* Have the device map it: a byte of each page is copied to a page of the driver's. */
static void map_on_device(struct chan *chan, uint8_t *p)
{
	const uint64_t to = chan_sem_addr(chan) + 1024;

	CHECK(!chan_copy(chan, &(struct copy) { .src = (uintptr_t)p, .dst = to, .length = 1,
			 .lines = (VICTIM_MIB - small_mib) * MIB / HUGE, .src_pitch = HUGE }) &&
	      (!small_mib || !chan_copy(chan, &(struct copy) {
			 .src = (uintptr_t)p + (VICTIM_MIB - small_mib) * MIB, .dst = to,
			 .length = 1, .lines = small_mib * MIB / PAGE, .src_pitch = PAGE })) &&
	      !chan_wait(chan), "the victim's memory cannot be mapped on the device");
}

struct storm {
	struct gpu *gpu;
	int ready;	/* to be written to after the first round */
};

/* Faults, as many as the device has time for: all pages of a copy are new. Without a device
 * it is our own.
 */
static void *storm(void *arg)
{
	const struct storm *s = arg;
	struct chan chan[STORM_CHANS];
	uint8_t *p[STORM_CHANS];
	unsigned int round;
	int i, ret = 0;

	for (i = 0; i < STORM_CHANS; i++) {
		/* With something between them, or they are one mapping. */
		p[i] = pages(STORM_SIZE + PAGE) + PAGE;
		CHECK(!mprotect(p[i] - PAGE, PAGE, PROT_NONE), "mprotect");
		CHECK(!s->gpu || !chan_open(s->gpu, &chan[i]), "no channel");
	}
	for (round = 0; !ret; round++) {
		for (i = 0; i < STORM_CHANS && !ret; i++) {
			madvise(p[i], STORM_SIZE, MADV_DONTNEED);
			if (!s->gpu) {
				memset(p[i], 1, STORM_SIZE / 2);
				continue;
			}
			ret = chan_copy(&chan[i], &(struct copy) { .dst = (uintptr_t)p[i],
				.src = (uintptr_t)p[i] + STORM_SIZE / 2,
				.length = STORM_SIZE / 2, .lines = 1 });
		}
		for (i = 0; i < STORM_CHANS && s->gpu && !ret; i++)
			ret = chan_wait(&chan[i]);
		if (!round)
			CHECK(!ret && write(s->ready, "r", 1) == 1, "the storm does not begin");
	}
	return NULL;
}

/* Another client, which has to go on. */
struct bystander {
	int pid;
	struct {
		volatile uint64_t rounds;
		volatile uint64_t longest_us;
		volatile bool pause, paused;
		volatile bool stop;
	} *state;
};

static void bystander_start(struct bystander *b)
{
	uint64_t start, us;
	struct chan chan;
	struct gpu gpu;
	uint8_t *p;

	b->state = shared(PAGE);
	b->pid = child();
	if (b->pid)
		return;
	CHECK(!gpu_open(&gpu, node) && !chan_open(&gpu, &chan), "no client");
	p = pages(16 * PAGE);
	while (!b->state->stop) {
		b->state->paused = b->state->pause;
		if (b->state->pause) {
			usleep(1000);
			continue;
		}
		start = now_us();
		madvise(p, 16 * PAGE, MADV_DONTNEED);
		CHECK(!chan_memcpy(&chan, p, p + 8 * PAGE, 8 * PAGE), "the bystander's copy");
		us = now_us() - start;
		if (us > b->state->longest_us)
			b->state->longest_us = us;
		b->state->rounds++;
	}
	chan_close(&chan);
	gpu_close(&gpu);
	fflush(stdout);
	_exit(0);
}

/* Between two rounds it has nothing to do with the device. */
static void bystander_pause(const struct bystander *b)
{
	const uint64_t end = now_ms() + patience_ms();

	b->state->pause = true;
	/* Nothing tells of it. */
	while (!b->state->paused) {
		CHECK(now_ms() < end, "the bystander does not end its round");
		usleep(1000);
	}
}

/* Does it go on? */
static bool bystander_goes_on(const struct bystander *b)
{
	const uint64_t rounds = b->state->rounds, end = now_ms() + patience_ms();

	/* Nothing tells of it. */
	while (b->state->rounds < rounds + 3) {
		if (now_ms() > end)
			return false;
		usleep(1000);
	}
	return true;
}

static bool ends(int pidfd, unsigned int ms)
{
	return poll(&(struct pollfd) { .fd = pidfd, .events = POLLIN }, 1, ms) == 1;
}

static int pidfd_of(int pid)
{
	const int fd = syscall(SYS_pidfd_open, pid, 0);

	CHECK(fd >= 0, "pidfd_open: %s", strerror(errno));
	return fd;
}

struct victim {
	bool gpu;	/* it has its memory mapped on the device, and a storm */
	bool held;	/* instead of the storm, one fault, in its TLB flush at a closed gate */
	bool greedy;	/* it will take more than its cgroup may have */
	int pid, pidfd;
	int keeper, keeper_fd;
	int go;		/* for a greedy one to begin */
	uint64_t charged;
	struct {
		int chan;
		uint8_t *fresh;		/* in its memory, and not mapped on the device */
	} *told;
	struct sim_access access;
	struct sim_async fault;
};

/* The victim's keeper: see above. It waits until it is killed. */
static int keeper_start(int uffd, void *page)
{
	const int victim = getpid();
	int pid;

	pid = fork();
	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (!pid) {
		struct iovec local = { malloc(PAGE), PAGE }, remote = { page, PAGE };

		cgroup_join("");
		/* The descriptor has to stay open, or it answers by itself. */
		(void)uffd;
		process_vm_readv(victim, &local, 1, &remote, 1, 0);
		_exit(0);
	}
	/* Its read has got that far when there is something to be read here. */
	CHECK(poll(&(struct pollfd) { .fd = uffd, .events = POLLIN }, 1, patience_ms()) == 1,
	      "the keeper does not read");
	return pid;
}

static void *userfault_page(int *uffd)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	void *page = pages(PAGE);

	*uffd = syscall(SYS_userfaultfd, O_NONBLOCK);
	CHECK(*uffd >= 0 && !ioctl(*uffd, UFFDIO_API, &api), "userfaultfd: %s", strerror(errno));
	reg.range.start = (uintptr_t)page;
	reg.range.len = PAGE;
	CHECK(!ioctl(*uffd, UFFDIO_REGISTER, &reg), "userfaultfd: %s", strerror(errno));
	return page;
}

static void victim_work(const struct victim *v, int ready, int go)
{
	struct storm s = { .ready = ready };
	struct chan chan;
	struct gpu gpu;
	pthread_t thread;
	int keeper = 0, uffd;
	uint8_t *p, *more;
	void *page;
	char c;

	cgroup_join(CGROUP);
	if (v->gpu)
		CHECK(!gpu_open(&gpu, node) && !chan_open(&gpu, &chan), "no client");
	if (v->greedy) {
		page = userfault_page(&uffd);
		keeper = keeper_start(uffd, page);
	}
	p = victim_memory();
	CHECK(write(ready, &keeper, sizeof(keeper)) == sizeof(keeper), "pipe");
	if (v->gpu) {
		map_on_device(&chan, p);
		/* The device goes on in it, for minutes, whatever becomes of us. */
		if (v->greedy)
			CHECK(!chan_copy(&chan, &(struct copy) { .src = (uintptr_t)p,
				.dst = (uintptr_t)p + HUGE, .length = 16 * MIB,
				.lines = 1 << 20 }), "copy");
		s.gpu = &gpu;
		v->told->chan = chan.id;
		v->told->fresh = p - HUGE;
	}
	if (v->held)
		CHECK(write(ready, "h", 1) == 1, "pipe");
	else
		CHECK(!pthread_create(&thread, NULL, storm, &s), "thread");
	if (v->greedy) {
		CHECK(read(go, &c, 1) == 1, "pipe");
		more = pages(VICTIM_MIB * MIB);
		memset(more, 1, VICTIM_MIB * MIB);
		CHECK(false, "the OOM killer did not come");
	}
	for (;;)
		pause();
}

static void victim_start(struct victim *v)
{
	int ready[2], go[2];
	char c;

	v->told = shared(PAGE);
	cgroup_make(CGROUP, v->greedy ? VICTIM_MIB + 64 : 0);
	CHECK(!pipe(ready) && !pipe(go), "pipe");
	v->pid = child();
	if (!v->pid) {
		close(ready[0]);
		close(go[1]);
		victim_work(v, ready[1], go[0]);
	}
	close(ready[1]);
	close(go[0]);
	v->go = go[1];
	v->pidfd = pidfd_of(v->pid);
	CHECK(read(ready[0], &v->keeper, sizeof(v->keeper)) == sizeof(v->keeper) &&
	      read(ready[0], &c, 1) == 1, "the victim has failed");
	close(ready[0]);
	v->keeper_fd = v->keeper ? pidfd_of(v->keeper) : -1;
	if (!v->greedy)
		CHECK(!ptrace(PTRACE_SEIZE, v->pid, NULL, PTRACE_O_TRACEEXIT), "ptrace: %s",
		      strerror(errno));
	v->charged = cgroup_current(CGROUP);
}

/*
 * Hold a fault of the victim's in its TLB flush. The driver has inserted its interval notifier and
 * has its locks there, so an invalidation that must not block is refused, and does not come to
 * the gate. No other client flushes meanwhile.
 */
static void victim_hold_fault(struct victim *v)
{
	sim_gate("flush", true);
	v->access = (struct sim_access) { v->told->chan, SIM_WRITE, (uintptr_t)v->told->fresh, 1 };
	sim_access_start(&v->fault, &v->access, 1);
	CHECK(sim_gate_holds("flush", 1), "the fault is not resolved");
}

/* Nobody has to keep it any more. */
static void victim_let_go(struct victim *v)
{
	int status;

	if (v->greedy) {
		CHECK(!kill(v->keeper, SIGKILL), "the keeper is gone: %s", strerror(errno));
		return;
	}
	CHECK(waitpid(v->pid, &status, 0) == v->pid && WIFSTOPPED(status), "the victim has ended");
	CHECK(!ptrace(PTRACE_DETACH, v->pid, NULL, 0), "ptrace: %s", strerror(errno));
}

/* What came of it, all in one line for tools/demo. */
struct outcome {
	const char *first;	/* what the first call or the reaper said */
	unsigned int refusals;
	uint64_t us;
	int64_t freed, of;	/* bytes */
	bool done;		/* not refused to the last */
	bool goes_on, closed;
	uint64_t stale, longest_us;
};

static void report(const char *scenario, const struct outcome *o, bool gpu)
{
	REPORT("result scenario=%s first=%s refusals=%u freed_mib=%lld of_mib=%lld us=%llu bystander=%s longest_us=%llu close=%s stale=%llu",
	       scenario, o->first, o->refusals, (long long)(o->freed / (int64_t)MIB),
	       (long long)(o->of / (int64_t)MIB), (unsigned long long)o->us,
	       !gpu ? "none" : o->goes_on ? "goes-on" : "stuck", (unsigned long long)o->longest_us,
	       o->closed ? "done" : "stuck", (unsigned long long)o->stale);
}

static void kill_and_mrelease(struct victim *v, struct outcome *o)
{
	unsigned int tries;
	uint64_t start;
	int ret;

	CHECK(!kill(v->pid, SIGKILL), "kill: %s", strerror(errno));
	start = now_us();
	for (tries = 0; tries < TRIES; tries++) {
		ret = syscall(SYS_process_mrelease, v->pidfd, 0) ? errno : 0;
		if (!tries)
			o->first = ret == EAGAIN ? "EAGAIN" : ret ? strerrorname_np(ret) : "0";
		if (!tries && v->held)
			sim_gate("flush", false);
		if (ret != EAGAIN)
			break;
		o->refusals++;
		/* Nothing tells that there is nobody any more who would refuse. */
		usleep(1000);
	}
	o->us = now_us() - start;
	o->freed = v->charged - cgroup_current(CGROUP);
	o->done = !ret;
	CHECK(!ret || ret == EAGAIN, "process_mrelease: %s", strerror(ret));
}

static void oom(struct victim *v, struct outcome *o)
{
	char reaped[64], unable[64];
	const int kmsg = kmsg_open();
	uint64_t start;
	int got;

	CHECK(kmsg >= 0, "/dev/kmsg: %s", strerror(-kmsg));
	snprintf(reaped, sizeof(reaped), "oom_reaper: reaped process %d ", v->pid);
	snprintf(unable, sizeof(unable), "oom_reaper: unable to reap pid:%d ", v->pid);
	start = now_us();
	CHECK(write(v->go, "g", 1) == 1, "pipe");
	got = kmsg_wait(kmsg, reaped, unable, REAPER_MS);
	CHECK(got >= 0 || got == -ETIME, "/dev/kmsg: %s", strerror(-got));
	CHECK(got >= 0, "no word of the OOM reaper in %d s", REAPER_MS / 1000);
	o->us = now_us() - start;
	o->first = got ? "unable" : "reaped";
	o->done = !got;
	/* It has taken more before it was killed. */
	o->freed = v->charged - cgroup_current(CGROUP);
	close(kmsg);
}

static void reap_one(struct victim *v, struct bystander *b, struct outcome *o)
{
	const uint64_t stale = sim_stat("stale_accesses");

	victim_start(v);
	if (v->held) {
		bystander_pause(b);
		victim_hold_fault(v);
		b->state->pause = false;
	}
	if (b)
		b->state->longest_us = 0;
	o->of = v->charged;
	if (v->greedy)
		oom(v, o);
	else
		kill_and_mrelease(v, o);
	o->goes_on = !b || bystander_goes_on(b);
	victim_let_go(v);
	o->closed = ends(v->pidfd, patience_ms());
	if (v->keeper) {
		o->closed &= ends(v->keeper_fd, patience_ms());
		close(v->keeper_fd);
	}
	close(v->pidfd);
	close(v->go);
	o->longest_us = b ? b->state->longest_us : 0;
	o->stale = sim_stat("stale_accesses") - stale;
	if (o->closed)
		reap(v->pid);
	munmap(v->told, PAGE);
}

static void judge(const struct outcome *o)
{
	CHECK(o->done, "it was refused to the last");
	CHECK(o->goes_on, "another client's faults are not resolved any more");
	CHECK(o->closed, "the end of a process does not come to an end");
	CHECK(!o->stale, "%llu stale accesses", (unsigned long long)o->stale);
	CHECK(o->freed * 100 >= o->of * 95, "%lld of %lld MiB were freed",
	      (long long)(o->freed / (int64_t)MIB), (long long)(o->of / (int64_t)MIB));
}

static void reap_control(void)
{
	struct victim v = {};
	struct outcome o = {};

	reap_one(&v, NULL, &o);
	report("reap-control", &o, false);
	judge(&o);
	cgroup_remove(CGROUP);
}

static void reap_gpu(const char *name, struct victim *v)
{
	const int channels = sim_channels();
	struct outcome o = {};
	struct bystander b;

	bystander_start(&b);
	CHECK(bystander_goes_on(&b), "the bystander does not begin");
	reap_one(v, &b, &o);
	report(name, &o, true);
	judge(&o);
	if (v->held) {
		CHECK(!strcmp(o.first, "EAGAIN"), "while its fault is held, the answer is %s",
		      o.first);
		sim_access_wait(&v->fault);
	}
	b.state->stop = true;
	CHECK(!reap(b.pid), "the bystander");
	CHECK(sim_channels_are(channels), "%d channels are left", sim_channels() - channels);
	cgroup_remove(CGROUP);
}

/*
 * A fault is held in the mapping that is reaped: the first process_mrelease() is refused. On stock
 * nobody ends the interval tree's part of that invalidation, and the fault worker waits for its
 * end in mmu_interval_notifier_remove().
 */
static void reap_mrelease(void)
{
	reap_gpu("reap-mrelease", &(struct victim) { .gpu = true, .held = true });
}

static void reap_oom(void)
{
	reap_gpu("reap-oom", &(struct victim) { .gpu = true, .greedy = true });
}

static int by_value(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* Free memory, but for what caches have taken. */
static int64_t available(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	long long kib = -1;
	char line[128];

	CHECK(f, "/proc/meminfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), f) && sscanf(line, "MemAvailable: %lld", &kib) != 1)
		;
	fclose(f);
	CHECK(kib >= 0, "no MemAvailable");
	return kib * 1024;
}

/* Kills in a row, at a random time each, every fourth by the OOM killer. */
static void reap_soak(void)
{
	int64_t *share = calloc(kills, sizeof(*share)), before = 0, after;
	unsigned int refusals = 0, i;
	uint64_t longest = 0, end;
	uint32_t state = seed;
	struct bystander b;

	CHECK(kills > 4, "%u kills are too few for anything to be seen", kills);
	bystander_start(&b);
	CHECK(bystander_goes_on(&b), "the bystander does not begin");
	for (i = 0; i < kills; i++) {
		struct victim v = { .gpu = true, .greedy = i % 4 == 3 };
		struct outcome o = {};

		/* What is made once has been made, in a round of all kinds. */
		if (i == 4)
			before = available();
		/* Within its storm: a random time is what is tested here. */
		usleep(rnd(&state) % 20000);
		reap_one(&v, &b, &o);
		report(v.greedy ? "soak-oom" : "soak-mrelease", &o, true);
		judge(&o);
		share[i] = o.freed * 1000 / o.of;
		refusals += o.refusals;
		if (o.longest_us > longest)
			longest = o.longest_us;
	}
	/* What is freed later, by others; nothing tells of it. One victim would be 256. */
	end = now_ms() + patience_ms();
	while ((after = available()) <= before - (int64_t)(32 * MIB) && now_ms() < end)
		usleep(10000);
	qsort(share, kills, sizeof(*share), by_value);
	b.state->stop = true;
	CHECK(!reap(b.pid), "the bystander");
	cgroup_remove(CGROUP);
	REPORT("result scenario=reap-soak kills=%u share_permille=%lld refusals=%u longest_us=%llu lost_mib=%lld",
	       kills, (long long)share[kills / 2], refusals, (unsigned long long)longest,
	       (long long)((before - after) / (int64_t)MIB));
	CHECK(before - after < (int64_t)(32 * MIB), "%lld MiB are not back",
	      (long long)((before - after) / (int64_t)MIB));
}

/*
 * How long it takes, and how long without a device, in turn: figures only. They are of some use
 * where a processor's time is the number of its instructions (tools/boot --icount), and differ
 * by half of their value there, too.
 */
static void reap_time(void)
{
	int64_t *us = calloc(kills, sizeof(*us)), *control = calloc(kills, sizeof(*control));
	uint32_t state = seed;
	struct bystander b;
	unsigned int i;

	CHECK(kills, "no kill has no time");
	bystander_start(&b);
	CHECK(bystander_goes_on(&b), "the bystander does not begin");
	for (i = 0; i < kills; i++) {
		struct victim v = { .gpu = true }, c = {};
		struct outcome o = {}, oc = {};

		usleep(rnd(&state) % 20000);
		reap_one(&v, &b, &o);
		report("time-mrelease", &o, true);
		judge(&o);
		reap_one(&c, NULL, &oc);
		report("time-control", &oc, false);
		judge(&oc);
		us[i] = o.us;
		control[i] = oc.us;
	}
	b.state->stop = true;
	CHECK(!reap(b.pid), "the bystander");
	cgroup_remove(CGROUP);
	qsort(us, kills, sizeof(*us), by_value);
	qsort(control, kills, sizeof(*control), by_value);
	REPORT("result scenario=reap-time kills=%u us=%lld from=%lld to=%lld control_us=%lld from=%lld to=%lld",
	       kills, (long long)us[kills / 2], (long long)us[0], (long long)us[kills - 1],
	       (long long)control[kills / 2], (long long)control[0],
	       (long long)control[kills - 1]);
}

const struct scenario reap_scenarios[] = {
	{ "reap-control", reap_control, "a victim without the device is reaped", 60,
	  .huge = true, .extra = true },
	{ "reap-mrelease", reap_mrelease, "process_mrelease() of a victim with faults under way",
	  120, .huge = true, .extra = true },
	{ "reap-oom", reap_oom, "the OOM reaper and a victim in which the device goes on", 180,
	  .huge = true, .extra = true },
	{ "reap-soak", reap_soak, "kills in a row", 7200, .huge = true, .extra = true },
	{ "reap-time", reap_time, "how long reaping takes with a device, and without", 1200,
	  .huge = true, .extra = true },
	{}
};
