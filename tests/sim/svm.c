// SPDX-License-Identifier: MIT
/*
 * nouveau's handler of replayable faults: batches in which one fault has to do with another,
 * faults that cannot be resolved, and who waits for whom.
 *
 * Faults are counted: one that the handler swallows is reported again after the replay, and
 * nothing else shows of it.
 */
#include "fuse.h"
#include "gpu.h"
#include "sim.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/userfaultfd.h>
#include <nouveau_drm.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <xf86drm.h>

enum { PAGE = 4096 };

#define EXCLUSIVE "cannot have a page for itself that a device has already"
#define ATOMIC "takes all faults for atomic that come after one that is"

static struct gpu gpu;
static struct chan chan, other;		/* of the same process */

static void begin(void)
{
	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(!chan_open(&gpu, &chan) && !chan_open(&gpu, &other), "no channel");
}

static void end(void)
{
	chan_close(&other);
	chan_close(&chan);
	gpu_close(&gpu);
}

static uint64_t faults(void)
{
	return sim_stat("faults_read") + sim_stat("faults_write") + sim_stat("faults_atomic") +
	       sim_stat("faults_prefetch");
}

static uint64_t cancelled(void)
{
	return sim_stat("cancels") + sim_stat("cancels_missed");
}

static void faults_are(uint64_t count)
{
	const uint64_t end = now_ms() + patience_ms();

	/* Nothing tells of it. */
	while (faults() < count) {
		CHECK(now_ms() < end, "%llu faults instead of %llu",
		      (unsigned long long)faults(), (unsigned long long)count);
		usleep(1000);
	}
}

/* A batch of accesses to what is not mapped yet: each faults once, all are served at once. */
static void one_round(struct sim_access *access, unsigned int nr, const char *what)
{
	uint64_t count = faults(), replays = sim_stat("replays");
	const int ret = sim_access(access, nr);
	unsigned int i;

	CHECK(!ret, "%s: error %d", what, ret);
	for (i = 0; i < nr; i++)
		DEFECT(!access[i].error, "%s: access %u: error %d", what, i, access[i].error);
	count = faults() - count;
	replays = sim_stat("replays") - replays;
	DEFECT(count == nr && replays == 1, "%s: %llu faults and %llu replays for %u accesses",
	       what, (unsigned long long)count, (unsigned long long)replays, nr);
}

/* One access. 0 or -errno. */
static int access_one(const struct chan *c, enum sim_type type, const void *addr, uint32_t *value)
{
	struct sim_access a = { c->id, type, (uintptr_t)addr, value ? *value : 0, 1 };
	const int ret = sim_access(&a, 1);

	CHECK(!ret, "error %d", ret);
	if (value)
		*value = a.value;
	return a.error;
}

/* A read above an atomic access, of what must not be written. */
static void atomic_read_only(void)
{
	uint32_t *p = pages(2 * PAGE), *ro = p + PAGE / 4, value = 9;
	struct sim_access a[2];
	int ret;

	begin();
	p[0] = 40;
	*ro = 0x1234;
	CHECK(!mprotect(ro, PAGE, PROT_READ), "mprotect: %s", strerror(errno));
	a[0] = (struct sim_access) { chan.id, SIM_ATOMIC, (uintptr_t)p, 2, 1 };
	a[1] = (struct sim_access) { chan.id, SIM_READ, (uintptr_t)ro, 0, 1 };
	one_round(a, 2, "an atomic access and a read above it");
	CHECK(p[0] == 42 && a[1].value == 0x1234, "40 + 2 is %u, read %#x", p[0], a[1].value);
	ret = access_one(&chan, SIM_WRITE, ro, &value);
	DEFECT(ret == -EFAULT && *ro == 0x1234, "read-only memory was written: %d, %#x", ret, *ro);
	end();
}

/* A read above an atomic access, of memory that nobody has touched: it is to be mapped as
 * other reads are, not writable. So the write that follows has to fault.
 */
static void atomic_zero_page(void)
{
	uint32_t *p = pages(2 * PAGE), *zero = p + PAGE / 4, value = 7;
	struct sim_access a[2];
	uint64_t writes;

	begin();
	p[0] = 40;
	a[0] = (struct sim_access) { chan.id, SIM_ATOMIC, (uintptr_t)p, 2, 1 };
	a[1] = (struct sim_access) { chan.id, SIM_READ, (uintptr_t)zero, 0, 1 };
	one_round(a, 2, "an atomic access and a read above it");
	writes = sim_stat("faults_write");
	CHECK(!access_one(&chan, SIM_WRITE, zero, &value) && *zero == 7, "wrote %#x", *zero);
	writes = sim_stat("faults_write") - writes;
	DEFECT(writes == 1, "a write to what was read only: %llu faults",
	       (unsigned long long)writes);
	end();
}

/* Addresses whose difference has more than 31 bits. */
static void far(void)
{
	const uint64_t apart[] = { 0x90000000, 0x100000000, 0x180000000 };
	struct sim_access a[2];
	uint8_t *low, *high;
	unsigned int i;

	begin();
	for (i = 0; i < sizeof(apart) / sizeof(*apart); i++) {
		low = mmap(NULL, apart[i] + PAGE, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		CHECK(low != MAP_FAILED, "mmap: %s", strerror(errno));
		high = low + apart[i];
		CHECK(!mprotect(low, PAGE, PROT_READ | PROT_WRITE) &&
		      !mprotect(high, PAGE, PROT_READ | PROT_WRITE), "mprotect");
		*low = 1;
		*high = 2;
		a[0] = (struct sim_access) { chan.id, SIM_READ, (uintptr_t)low, 0, 1 };
		a[1] = (struct sim_access) { chan.id, SIM_READ, (uintptr_t)high, 0, 1 };
		one_round(a, 2, "reads far apart");
		CHECK(a[0].value == 1 && a[1].value == 2, "%#llx apart, read %u and %u",
		      (unsigned long long)apart[i], a[0].value, a[1].value);
		munmap(low, apart[i] + PAGE);
	}
	end();
}

/* Of several accesses to one page, the one that wants most comes first. */
static void order(void)
{
	uint32_t *p = pages(3 * PAGE);
	struct sim_access a[4];

	begin();
	a[0] = (struct sim_access) { chan.id, SIM_READ, (uintptr_t)p, 0, 1 };
	a[1] = (struct sim_access) { chan.id, SIM_WRITE, (uintptr_t)p + 4, 0x1111, 1 };
	one_round(a, 2, "a read and a write of one page");
	CHECK(p[1] == 0x1111, "wrote %#x", p[1]);

	p += PAGE / 4;
	a[0] = (struct sim_access) { chan.id, SIM_PREFETCH, (uintptr_t)p, 0, 1 };
	a[1] = (struct sim_access) { chan.id, SIM_READ, (uintptr_t)p + 4, 0, 1 };
	a[2] = (struct sim_access) { chan.id, SIM_WRITE, (uintptr_t)p + 8, 0x2222, 1 };
	a[3] = (struct sim_access) { chan.id, SIM_ATOMIC, (uintptr_t)p + 12, 3, 1 };
	one_round(a, 4, "all kinds of access to one page");
	CHECK(p[2] == 0x2222 && p[3] == 3, "wrote %#x and %#x", p[2], p[3]);
	end();
}

/* Faults of two channels are sorted by channel first: what follows may be below. */
static void channels(void)
{
	struct chan *pair[] = { &chan, &other };
	struct sim_access a[2];
	uint32_t *p;
	int i;

	begin();
	for (i = 0; i < 2; i++) {
		p = pages(64 * PAGE);
		a[0] = (struct sim_access) { pair[!i]->id, SIM_READ, (uintptr_t)p, 0, 1 };
		p += 63 * PAGE / 4;
		a[1] = (struct sim_access) { pair[i]->id, SIM_READ, (uintptr_t)p, 0, 1 };
		one_round(a, 2, "two channels of one process");
	}
	end();
}

/*
 * A channel writes to what it must not, and ends for it. Another channel of its process, which
 * only reads there, does not.
 */
static void innocent(void)
{
	struct chan *writer = &chan, *reader = &other;
	uint32_t *p = pages(2 * PAGE), *ro = p + PAGE / 4;
	struct sim_access a[3];
	int ret;

	begin();
	*ro = 0x1234;
	CHECK(!mprotect(ro, PAGE, PROT_READ), "mprotect: %s", strerror(errno));
	/* The handler takes the writer's first. */
	if (sim_channel_inst(chan.id) > sim_channel_inst(other.id)) {
		writer = &other;
		reader = &chan;
	}
	a[0] = (struct sim_access) { writer->id, SIM_WRITE, (uintptr_t)p, 1, 1 };
	a[1] = (struct sim_access) { writer->id, SIM_WRITE, (uintptr_t)ro, 2, 1 };
	a[2] = (struct sim_access) { reader->id, SIM_READ, (uintptr_t)ro, 0, 1 };
	ret = sim_access(a, 3);
	CHECK(!ret, "error %d", ret);
	CHECK(a[1].error == -EFAULT && *ro == 0x1234, "read-only memory was written: %d, %#x",
	      a[1].error, *ro);
	DEFECT(!a[2].error && strcmp(sim_channel_state(reader->id), "dead"),
	       "the reader has ended with the writer: error %d", a[2].error);
	CHECK(a[2].value == 0x1234, "read %#x", a[2].value);
	end();
}

/* In the driver's window, where no buffer is: not the process's, whatever it has there. */
static void window_hole(void)
{
	uint8_t *in = (uint8_t *)GPU_WINDOW_ADDR + GPU_WINDOW_SIZE / 2;
	uint32_t value = 7;
	int ret;

	begin();
	CHECK(!mprotect(in, PAGE, PROT_READ | PROT_WRITE), "mprotect: %s", strerror(errno));
	*in = 1;
	ret = access_one(&chan, SIM_READ, in, &value);
	CHECK(ret == -EFAULT, "a read in the driver's window: error %d, value %u", ret, value);
	ret = access_one(&other, SIM_PREFETCH, in + PAGE, NULL);
	CHECK(ret == -EFAULT, "a prefetch in the driver's window: error %d", ret);
	end();
}

static void *userfault_page(int *uffd)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	void *page = pages(PAGE);

	*uffd = syscall(SYS_userfaultfd, O_NONBLOCK);
	CHECK(*uffd >= 0 && !ioctl(*uffd, UFFDIO_API, &api), "userfaultfd: %s", strerror(errno));
	reg.range.start = (uintptr_t)page;
	reg.range.len = PAGE;
	CHECK(!ioctl(*uffd, UFFDIO_REGISTER, &reg), "userfaultfd: %s", strerror(errno));
	return page;
}

/*
 * A process has the device read memory that is registered with userfaultfd, and does not
 * answer. That is its own business: the faults of others are resolved.
 */
static void userfault(void)
{
	const uint64_t cancels = sim_stat("cancels"), start = now_ms();
	uint8_t *buf = pages(2 * PAGE);
	int pid, ready[2], uffd;
	char c;

	CHECK(!pipe(ready), "pipe");
	begin();
	pid = child();
	if (!pid) {
		struct chan own;
		struct gpu own_gpu;
		void *page = userfault_page(&uffd);
		struct sim_async async;
		struct sim_access a;

		CHECK(!gpu_open(&own_gpu, node) && !chan_open(&own_gpu, &own), "no client");
		a = (struct sim_access) { own.id, SIM_READ, (uintptr_t)page, 0, 1 };
		sim_access_start(&async, &a, 1);
		/* Either the handler waits for us, or it has refused to. */
		while (sim_stat("cancels") == cancels &&
		       !poll(&(struct pollfd) { .fd = uffd, .events = POLLIN }, 1, 1))
			CHECK(now_ms() < start + patience_ms(), "the fault is not handled at all");
		CHECK(write(ready[1], "r", 1) == 1, "pipe");
		/* Until we are killed. */
		for (;;)
			pause();
	}
	close(ready[1]);
	CHECK(read(ready[0], &c, 1) == 1, "the child has failed");
	buf[PAGE] = 5;
	CHECK(!chan_copy(&chan, &(struct copy) { .dst = (uintptr_t)buf, .length = 1, .lines = 1,
			 .src = (uintptr_t)buf + PAGE }), "copy");
	DEFECT(chan_done_in_time(&chan),
	       "no fault is resolved while a process does not resolve its own");
	CHECK(buf[0] == 5, "copied %u", buf[0]);
	CHECK(!kill(pid, SIGKILL) && reap(pid) == 128 + SIGKILL, "the child");
	end();
}

/* A page of a file, to be read. */
static void *map_page(int file)
{
	void *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0);

	CHECK(page != MAP_FAILED, "mmap: %s", strerror(errno));
	return page;
}

/*
 * A client's access is to memory of a file that user space serves, and does not. The accesses
 * of others are resolved meanwhile, and the ends of their files do not wait either. The client
 * goes on when there is an answer, and be it an error.
 */
static void served(bool killed)
{
	int file, server, pid, i, ret;
	uint8_t *buf = pages(64 * PAGE);

	file = fuse_open(&server);
	pid = child();
	if (!pid) {
		const void *page = map_page(file);

		begin();
		ret = chan_memcpy(&chan, buf, page, 1);
		CHECK(ret == -EIO, "a copy of what could not be read: error %d", ret);
		end();
		fflush(stdout);
		_exit(0);
	}
	close(file);
	fuse_is_read();
	begin();
	for (i = 1; i < 64; i++) {
		CHECK(!chan_copy(&chan, &(struct copy) { .dst = (uintptr_t)buf + i * PAGE,
				 .length = 1, .lines = 1, .src = (uintptr_t)buf }), "copy");
		if (!chan_done_in_time(&chan)) {
			/* Nor would our end be, with the server waiting for that. */
			fuse_end(server);
			DEFECT(false, "no fault is resolved while one waits for user space");
		}
	}
	CHECK(!killed || !kill(pid, SIGKILL), "kill");
	/* These would wait until we have answered. */
	end();
	begin();
	CHECK(!chan_memcpy(&chan, buf, buf + PAGE, 1), "copy");
	fuse_end(server);
	ret = reap(pid);
	CHECK(ret == (killed ? 128 + SIGKILL : 0), "the client: %d", ret);
	end();
}

static void served_by_user_space(void)
{
	served(false);
	served(true);
}

/* A page of a file that cannot be read: its channel ends, and nothing waits for it for ever. */
static void unreadable(void)
{
	struct sim_async async;
	struct sim_access a;
	uint64_t start;
	int file, server;
	void *page;

	file = fuse_open(&server);
	fuse_end(server);
	page = map_page(file);
	begin();
	a = (struct sim_access) { chan.id, SIM_READ, (uintptr_t)page, 0, 1 };
	start = now_ms();
	sim_access_start(&async, &a, 1);
	/* Nothing tells of it but a wait without a limit of our own. */
	while (!async.done && now_ms() < start + patience_ms())
		usleep(1000);
	DEFECT(async.done, "the handler does not give up");
	CHECK(!sim_access_wait(&async) && a.error == -EFAULT, "error %d", a.error);
	end();
}

/* Two channels of a client; the fault of the second is handled behind the first's. */
struct two {
	int first, second;
	uint8_t *page;		/* that user space serves, and what is nobody's behind it */
};

/* Make it, and end the second channel when that is asked for; tell when it is done. */
static void two_channels(int file, struct two *two, int ready, int end_second)
{
	uint8_t *hole = mmap(NULL, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char c = 0;
	int swap;

	CHECK(hole != MAP_FAILED, "mmap: %s", strerror(errno));
	two->page = mmap(hole, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0);
	CHECK(two->page == hole, "mmap: %s", strerror(errno));
	begin();
	/* Faults are sorted by the instance block. */
	swap = sim_channel_inst(chan.id) > sim_channel_inst(other.id);
	two->first = swap ? other.id : chan.id;
	two->second = swap ? chan.id : other.id;
	CHECK(write(ready, &c, 1) == 1 && read(end_second, &c, 1) == 1, "pipe");
	/* No chan_close(): while the first fault has mmap_lock, nothing can be unmapped. */
	CHECK(!drmCommandWrite(gpu.fd, DRM_NOUVEAU_CHANNEL_FREE,
			       &(struct drm_nouveau_channel_free) { two->second },
			       sizeof(struct drm_nouveau_channel_free)), "CHANNEL_FREE");
	CHECK(write(ready, &c, 1) == 1, "pipe");
	for (;;)
		pause();
}

/*
 * A client has two faults. The first waits for user space's answer. Meanwhile the channel of the
 * second ends, and another client's begins with its instance block in the same place: nothing of
 * that one's is to be cancelled. Exits with EAGAIN if it is in another place.
 *
 * again: the second has been found to be nothing that can be resolved once before.
 */
static void reuse(bool again)
{
	struct two *two = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t inst, count, ended, replays, start;
	int file, server, pid, ready[2], go[2];
	uint32_t *word = pages(PAGE);
	struct sim_async async[3];
	struct sim_access a[3];
	char c = 0;

	CHECK(two != MAP_FAILED, "mmap");
	*word = 0x1234;
	file = fuse_open(&server);
	CHECK(!pipe(ready) && !pipe(go), "pipe");
	pid = child();
	if (!pid)
		two_channels(file, two, ready[1], go[0]);
	close(ready[1]);
	close(go[0]);
	close(file);
	CHECK(!gpu_open(&gpu, node), "no device");
	CHECK(read(ready[0], &c, 1) == 1, "the client has failed");
	inst = sim_channel_inst(two->second);

	a[0] = (struct sim_access) { two->first, SIM_READ, (uintptr_t)two->page, 0, 1 };
	a[1] = (struct sim_access) { two->second, SIM_READ, (uintptr_t)two->page + 8 * PAGE, 0, 1 };
	count = faults();
	ended = cancelled();
	if (again) {
		sim_gate("replay", true);
		sim_access_start(&async[1], &a[1], 1);
		CHECK(sim_gate_holds("replay", 1), "no replay is held");
		count++;
	}
	sim_gate("notify", true);
	sim_gate("replay", false);
	sim_access_start(&async[0], &a[0], 1);
	if (!again)
		sim_access_start(&async[1], &a[1], 1);
	faults_are(count + 2);
	sim_gate("notify", false);
	fuse_is_read();
	CHECK(write(go[1], &c, 1) == 1 && read(ready[0], &c, 1) == 1, "the client has failed");
	CHECK(!sim_access_wait(&async[1]) && a[1].error == -ENODEV,
	      "an access of a channel that has ended: error %d", a[1].error);

	CHECK(!chan_open(&gpu, &chan), "no channel");
	if (sim_channel_inst(chan.id) != inst) {
		fuse_answer();
		sim_access_wait(&async[0]);
		/* What they leave has to be gone before the next try. */
		fuse_end(server);
		CHECK(!kill(pid, SIGKILL) && reap(pid) == 128 + SIGKILL, "the client");
		_exit(EAGAIN);
	}
	a[2] = (struct sim_access) { chan.id, SIM_READ, (uintptr_t)word, 0, 1 };
	/* Its fault stays in the buffer. */
	sim_gate("notify", true);
	count = faults();
	sim_access_start(&async[2], &a[2], 1);
	faults_are(count + 1);
	CHECK(cancelled() == ended, "cancelled too early");
	replays = sim_stat("replays");
	fuse_answer();
	/* The second is cancelled, or all is replayed. */
	for (start = now_ms(); cancelled() == ended && sim_stat("replays") == replays; usleep(1000))
		CHECK(now_ms() < start + patience_ms(), "the handler does not end");
	sim_gate("notify", false);
	CHECK(!sim_access_wait(&async[0]) && !a[0].error && (a[0].value & 0xff) == FUSE_BYTE,
	      "read %#x, error %d", a[0].value, a[0].error);
	CHECK(!sim_access_wait(&async[2]), "error %d", async[2].ret);
	DEFECT(!a[2].error, "another client's channel has ended: error %d", a[2].error);
	CHECK(a[2].value == *word, "read %#x", a[2].value);
	fuse_end(server);
	CHECK(!kill(pid, SIGKILL) && reap(pid) == 128 + SIGKILL, "the client");
	chan_close(&chan);
	gpu_close(&gpu);
}

static int try_reuse(bool again)
{
	enum { TRIES = 50 };
	int i, pid, ret = EAGAIN;

	for (i = 0; i < TRIES && ret == EAGAIN; i++) {
		pid = child();
		if (!pid) {
			reuse(again);
			fflush(stdout);
			_exit(0);
		}
		ret = reap(pid);
	}
	CHECK(ret != EAGAIN, "no instance block is where one was, %d times", TRIES);
	/* If it is not about the defect, stock may go on with what unreadable is about. */
	if (ret)
		_exit(ret);
	return i;
}

static void reused(void)
{
	cpu_set_t cpu = {};
	int once, twice;

	/* There, a page that has been freed is soon used again. */
	CPU_SET(0, &cpu);
	CHECK(!sched_setaffinity(0, sizeof(cpu), &cpu), "sched_setaffinity: %s", strerror(errno));
	once = try_reuse(false);
	/* Where what fails once is cancelled, the defect has been met by now. */
	twice = try_reuse(true);
	REPORT("tries %d, %d", once, twice);
}

/*
 * A fault is in the buffer twice, because something else was replayed meanwhile. The access is
 * done, its page is nobody's any more, and the channel waits for another one, when the second is
 * handled: that one is not to be cancelled.
 */
static void stale(void)
{
	uint32_t *first = pages(PAGE), *last = pages(PAGE);
	uint64_t count = faults();
	struct sim_async async[3];
	struct sim_access a[3];
	int file, server;
	void *page;

	*first = 0x1111;
	*last = 0x3333;
	file = fuse_open(&server);
	page = map_page(file);
	begin();
	a[0] = (struct sim_access) { chan.id, SIM_READ, (uintptr_t)first, 0, 1 };
	a[1] = (struct sim_access) { chan.id, SIM_READ, (uintptr_t)page, 0, 1 };
	a[2] = (struct sim_access) { chan.id, SIM_READ, (uintptr_t)last, 0, 1 };

	sim_gate("replay", true);
	sim_access_start(&async[0], &a[0], 1);
	CHECK(sim_gate_holds("replay", 1), "no replay is held");
	sim_access_start(&async[1], &a[1], 1);
	fuse_is_read();
	sim_gate("notify", true);
	sim_gate("replay", false);
	faults_are(count + 3);
	fuse_answer();
	CHECK(!sim_access_wait(&async[0]) && !a[0].error && a[0].value == *first,
	      "read %#x, error %d", a[0].value, a[0].error);
	CHECK(!sim_access_wait(&async[1]) && !a[1].error && (a[1].value & 0xff) == FUSE_BYTE,
	      "read %#x, error %d", a[1].value, a[1].error);

	CHECK(!munmap(page, PAGE), "munmap: %s", strerror(errno));
	sim_access_start(&async[2], &a[2], 1);
	faults_are(count + 4);
	sim_gate("notify", false);
	CHECK(!sim_access_wait(&async[2]), "error %d", async[2].ret);
	DEFECT(!a[2].error, "the channel has ended: error %d", a[2].error);
	CHECK(a[2].value == *last, "read %#x", a[2].value);
	fuse_end(server);
	end();
}

struct client {
	int pid, chan;
	void *fresh;		/* that nobody has touched */
};

/* Begin to read a file that user space serves. The process's memory cannot be taken apart as
 * long as there is no answer: exit_aio() waits for it.
 */
static void read_begin(int file)
{
	struct iocb read = {
		.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = file,
		.aio_buf = (uintptr_t)pages(PAGE), .aio_nbytes = PAGE,
	};
	struct iocb *list[] = { &read };
	aio_context_t context = 0;

	CHECK(!fcntl(file, F_SETFL, O_DIRECT), "O_DIRECT: %s", strerror(errno));
	CHECK(!syscall(SYS_io_setup, 1, &context), "io_setup: %s", strerror(errno));
	CHECK(syscall(SYS_io_submit, context, 1, list) == 1, "io_submit: %s", strerror(errno));
}

/*
 * A client in a process that does nothing until it is killed: whatever it writes to may be a
 * copy on write, thus an invalidation, and wait with the others for a flush.
 */
static struct client *client_start(int file)
{
	struct client *told = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int ready[2], pid;
	char c = 0;

	CHECK(told != MAP_FAILED && !pipe(ready), "mmap, pipe");
	pid = child();
	if (!pid) {
		if (file >= 0)
			read_begin(file);
		/* Where there is no page table yet: to make one takes a flush. */
		told->fresh = (uint8_t *)pages(1 << 30) + (512 << 20);
		begin();
		told->chan = chan.id;
		CHECK(write(ready[1], &c, 1) == 1, "pipe");
		for (;;)
			pause();
	}
	close(ready[1]);
	CHECK(read(ready[0], &c, 1) == 1, "a child has failed");
	close(ready[0]);
	told->pid = pid;
	return told;
}

/*
 * A process dies while the handler works for it. To take its memory apart is not for the handler
 * to do: here that waits for user space, and it would be the others who wait.
 */
static void last_user(void)
{
	int server, file = fuse_open(&server);
	struct client *victim = client_start(file), *other_one = client_start(-1);
	struct sim_access a[] = {
		{ victim->chan, SIM_READ, (uintptr_t)victim->fresh, 0, 1 },
		{ other_one->chan, SIM_READ, (uintptr_t)other_one->fresh, 0, 1 },
	};
	uint64_t start = now_ms(), count = faults();
	struct sim_async async[2];
	char path[64], text[64];
	FILE *f;

	fuse_is_read();
	sim_gate("flush", true);
	sim_access_start(&async[0], &a[0], 1);
	CHECK(sim_gate_holds("flush", 1), "the handler does not flush");
	sim_access_start(&async[1], &a[1], 1);
	faults_are(count + 2);
	CHECK(!kill(victim->pid, SIGKILL), "kill");
	/* It has let go of its memory when that is not shown any more. */
	snprintf(path, sizeof(path), "/proc/%d/statm", victim->pid);
	do {
		f = fopen(path, "r");
		CHECK(f && fgets(text, sizeof(text), f), "%s: %s", path, strerror(errno));
		fclose(f);
		CHECK(now_ms() < start + patience_ms(), "the victim does not end: %s", text);
		usleep(1000);
	} while (strncmp(text, "0 0 ", 4));
	start = now_ms();
	sim_gate("flush", false);
	while (!async[1].done && now_ms() < start + patience_ms())
		usleep(1000);
	DEFECT(async[1].done, "a fault has to wait for the end of another process");
	CHECK(!sim_access_wait(&async[1]) && !a[1].error, "error %d, %d", async[1].ret, a[1].error);
	fuse_answer();
	close(file);
	CHECK(reap(victim->pid) == 128 + SIGKILL, "the victim");
	sim_access_wait(&async[0]);
	fuse_end(server);
	CHECK(!kill(other_one->pid, SIGKILL) && reap(other_one->pid) == 128 + SIGKILL, "kill");
}

/* A page that is the device's alone already, but is not mapped there any more. */
static void atomic_again(void)
{
	uint32_t *p = pages(PAGE), value = 2;
	int ret;

	begin();
	*p = 40;
	CHECK(!access_one(&chan, SIM_ATOMIC, p, &value), "an atomic access");
	CHECK(!mprotect(p, PAGE, PROT_READ) && !mprotect(p, PAGE, PROT_READ | PROT_WRITE),
	      "mprotect: %s", strerror(errno));
	value = 3;
	ret = access_one(&chan, SIM_ATOMIC, p, &value);
	DEFECT(!ret, "the second atomic access: error %d", ret);
	CHECK(value == 42 && *p == 45, "%u + 3 is %u", value, *p);
	end();
}

/* The same with another client of the same process. */
static void atomic_client(void)
{
	volatile uint32_t *word = pages(PAGE);
	struct chan chan2;
	struct gpu gpu2;
	int i;

	begin();
	CHECK(!gpu_open(&gpu2, node) && !chan_open(&gpu2, &chan2), "no second client");
	for (i = 0; i < 10; i++) {
		CHECK(!chan_add(&chan, (uintptr_t)word, 1), "add %d", i);
		DEFECT(!chan_wait(&chan), "the first client's channel has ended at add %d", i);
		CHECK(!chan_add(&chan2, (uintptr_t)word, 1000), "add %d", i);
		DEFECT(!chan_wait(&chan2), "the second client's channel has ended at add %d", i);
	}
	CHECK(*word == 10010, "the sum is %u", *word);
	chan_close(&chan2);
	gpu_close(&gpu2);
	end();
}

/*
 * While an invalidation waits for its flush, the PTE does not say any more what it said. What
 * it does say has to be a fault: not that there is nothing, nor that there is something else.
 */
static void while_cleared(bool is_huge)
{
	const size_t size = is_huge ? 2 << 20 : PAGE;
	struct {
		void *p;
		int chan;
	} *told = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const uint64_t start = now_ms();
	struct sim_async async;
	int pid, go[2], ready[2];
	struct sim_access a;
	uint64_t count;
	char c = 0;

	CHECK(told != MAP_FAILED && !pipe(go) && !pipe(ready), "mmap, pipe");
	pid = child();
	if (!pid) {
		uint32_t value = 0;

		close(go[1]);
		told->p = is_huge ? huge_pages(size, 0x5a) : memset(pages(size), 0x5a, size);
		begin();
		told->chan = chan.id;
		CHECK(!access_one(&chan, SIM_READ, told->p, &value) && value == 0x5a5a5a5a,
		      "read %#x", value);
		CHECK(write(ready[1], "r", 1) == 1 && read(go[0], &c, 1) == 1, "pipe");
		CHECK(!mprotect(told->p, size, PROT_READ), "mprotect: %s", strerror(errno));
		CHECK(read(go[0], &c, 1) == 1, "pipe");
		end();
		fflush(stdout);
		_exit(0);
	}
	close(go[0]);
	close(ready[1]);
	CHECK(read(ready[0], &c, 1) == 1, "the child has failed");
	sim_gate("flush", true);
	CHECK(write(go[1], "p", 1) == 1 && sim_gate_holds("flush", 1), "no flush is held");
	/* Its entry would hide it. */
	sim_knob("tlb_size", 64);
	count = faults();
	a = (struct sim_access) { told->chan, SIM_READ, (uintptr_t)told->p, 0, 1 };
	sim_access_start(&async, &a, 1);
	while (!async.done && faults() == count) {
		CHECK(now_ms() < start + patience_ms(), "the access does nothing");
		usleep(1000);
	}
	sim_gate("flush", false);
	CHECK(!sim_access_wait(&async) && !a.error, "error %d, %d", async.ret, a.error);
	DEFECT(a.value == 0x5a5a5a5a, "read %#x instead of 0x5a5a5a5a", a.value);
	CHECK(write(go[1], "e", 1) == 1 && reap(pid) == 0, "the child has failed");
}

static void cleared(void)
{
	while_cleared(false);
}

static void huge_cleared(void)
{
	while_cleared(true);
}

const struct scenario svm_scenarios[] = {
	{ "atomic-read-only", atomic_read_only, "a read-only page beside an atomic access", 30,
	  .defect = ATOMIC },
	{ "atomic-zero-page", atomic_zero_page, "an untouched page beside an atomic access", 30,
	  .defect = ATOMIC },
	{ "atomic-again", atomic_again, "a page of the device's alone is lost and asked for", 20,
	  .defect = EXCLUSIVE },
	{ "atomic-client", atomic_client, "atomic accesses of two clients to one word", 30,
	  .defect = EXCLUSIVE },
	{ "faults-far", far, "faults that are gigabytes apart", 30,
	  .defect = "sorts faults by 32 bits of a difference, and takes one for another" },
	{ "faults-order", order, "accesses of all kinds to one page", 30,
	  .defect = "resolves the weakest access to a page first, and swallows the others" },
	{ "faults-channels", channels, "faults of two channels of one process", 30,
	  .defect = "swallows all faults below the one it has resolved" },
	{ "faults-innocent", innocent, "a channel ends, one of the same process goes on", 30,
	  .defect = "cancels other faults with the one that it could not resolve" },
	{ "window-hole", window_hole, "a fault in the driver's window", 10 },
	{ "userfault", userfault, "a process does not answer its userfaultfd", 60,
	  .since = 703, .defect = "has all faults wait for a process's user space" },
	{ "user-space", served_by_user_space, "a client's access waits for a file of user space's", 60,
	  .wrecks = true, .defect = "has one worker for the faults of all, which waits for each" },
	{ "unreadable", unreadable, "an access to a page of a file that cannot be read", 60,
	  .wrecks = true, .since = 703,
	  .defect = "looks up a page that cannot be read for ever" },
	{ "reused", reused, "a channel begins where one was whose fault is being handled", 60,
	  .defect = "cancels a fault of a channel that has ended, whoever is there now" },
	{ "stale", stale, "a fault is handled when its access is done already", 60,
	  .defect = "cancels an access that waits for something else" },
	{ "last-user", last_user, "a process dies while its fault is resolved", 120,
	  .defect = "takes a process's memory apart in the handler of everybody's faults" },
	{ "cleared", cleared, "an access while an invalidation is under way", 60,
	  .defect = "leaves a PTE that says that nothing is there, and that this is no fault" },
	{ "huge-cleared", huge_cleared, "the same of a 2 MiB page", 60, .huge = true,
	  .defect = "leaves a 2 MiB PTE that says that it is a page table" },
	{}
};
