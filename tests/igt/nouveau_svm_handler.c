// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/**
 * TEST: nouveau svm handler
 * Category: Core
 * Mega feature: Shared virtual memory
 * Sub-category: nouveau
 * Functionality: handler of replayable faults
 * Test category: functionality test
 * Description: Batches in which one fault has to do with another, faults that cannot be resolved,
 *	and who waits for whom; on a board that is held at the moment that matters
 *
 * SUBTEST: atomic-read-only
 * Description: a read-only page beside an atomic access stays read-only
 *
 * SUBTEST: atomic-zero-page
 * Description: an untouched page that is read beside an atomic access is mapped as for a read
 *
 * SUBTEST: atomic-again
 * Description: a page that is the device's alone is lost, and asked for once more
 *
 * SUBTEST: atomic-client
 * Description: atomic accesses of two clients to one word
 *
 * SUBTEST: faults-far
 * Description: faults of one batch whose addresses are gigabytes apart
 *
 * SUBTEST: faults-order
 * Description: accesses of all kinds to one page in one batch
 *
 * SUBTEST: faults-channels
 * Description: faults of two channels of one process in one batch
 *
 * SUBTEST: faults-innocent
 * Description: a channel ends, and one of the same process with a fault of the same page goes on
 *
 * SUBTEST: window-hole
 * Description: an access in the driver's window is cancelled where no buffer is
 *
 * SUBTEST: userfault
 * Description: a process that does not answer its userfaultfd holds up nobody
 *
 * SUBTEST: user-space
 * Description: a client whose access waits for a file of user space holds up nobody
 *
 * SUBTEST: unreadable
 * Description: an access to a page of a file that cannot be read ends its channel
 *
 * SUBTEST: reused
 * Description: a channel begins where one was whose fault is being handled, and goes on
 *
 * SUBTEST: stale
 * Description: a fault is handled whose access is done already, and cancels nothing
 *
 * SUBTEST: last-user
 * Description: a process dies while its fault is resolved, and nobody waits for its end
 *
 * SUBTEST: cleared
 * Description: an access while an invalidation waits for its flush faults
 *
 * SUBTEST: huge-cleared
 * Description: the same of a 2 MiB page
 */
#include "board_scenario.h"
#include "fuse_file.h"
#include "igt_decl.h"
#include "svm_options.h"

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

IGT_TEST_DESCRIPTION("nouveau's handler of replayable faults, with a device that is held at the "
		     "moment that matters");

enum { PAGE = 4096, WORDS = PAGE / 4, HUGE = SCENARIO_HUGE };

static struct gpu gpu;
static struct chan chan, other;		/* of the same process */

static void begin(void)
{
	scenario_open(&gpu, &chan);
	scenario_open_channel(&gpu, &other);
}

static void end(void)
{
	chan_close(&other);
	scenario_close(&gpu, &chan);
}

static bool is_done(const struct board_access *access)
{
	return access->state == CONTROL_DONE;
}

static uint64_t cancelled(void)
{
	return counted("cancels") + counted("cancels_missed");
}

/*
 * A batch of accesses to what is not mapped yet: each faults once, all are resolved with one
 * replay. The handler hears of them when all are there. A fault that it swallows is reported
 * again after the replay, and nothing else shows of it.
 */
static void one_round(struct board_access *access, unsigned int nr, const char *what)
{
	const uint64_t count = counted_faults(), replays = counted("replays");
	unsigned int i;

	accesses_in_one_batch(access, nr);
	for (i = 0; i < nr; i++)
		CHILD_CHECK(is_done(&access[i]), "%s: access %u: %s", what, i,
			    board_access_state(access[i].state));
	CHILD_CHECK(counted_faults() == count + nr && counted("replays") == replays + 1,
		    "%s: %llu faults and %llu replays for %u accesses", what,
		    (unsigned long long)(counted_faults() - count),
		    (unsigned long long)(counted("replays") - replays), nr);
}

/* A read above an atomic access, of what must not be written. */
static void atomic_read_only(void)
{
	uint32_t *p = small_pages(2 * PAGE), *ro = p + WORDS;
	struct board_access access[2];

	begin();
	p[0] = 40;
	*ro = 0x1234;
	CHILD_CHECK(!mprotect(ro, PAGE, PROT_READ), "mprotect: %s", strerror(errno));
	access[0] = access_of(&chan, BOARD_ATOMIC, p, 2);
	access[1] = access_of(&chan, BOARD_READ, ro, 0);
	one_round(access, 2, "an atomic access and a read above it");
	CHILD_CHECK(p[0] == 42 && access[1].value == 0x1234, "40 + 2 is %u, read %#x", p[0],
		    access[1].value);
	refused_one(&chan, BOARD_WRITE, ro, 9, "a write to read-only memory");
	CHILD_CHECK(*ro == 0x1234, "read-only memory was written: %#x", *ro);
	end();
}

/*
 * A read above an atomic access, of memory that nobody has touched: it is to be mapped as other
 * reads are, not writable. So the write that follows has to fault.
 */
static void atomic_zero_page(void)
{
	uint32_t *p = small_pages(2 * PAGE), *zero = p + WORDS, value = 7;
	struct board_access access[2];
	uint64_t writes;

	begin();
	p[0] = 40;
	access[0] = access_of(&chan, BOARD_ATOMIC, p, 2);
	access[1] = access_of(&chan, BOARD_READ, zero, 0);
	one_round(access, 2, "an atomic access and a read above it");
	writes = counted("faults_write");
	CHILD_CHECK(access_one(&chan, BOARD_WRITE, zero, &value) && *zero == 7, "wrote %#x", *zero);
	writes = counted("faults_write") - writes;
	CHILD_CHECK(writes == 1, "a write to what was read only: %llu faults",
		    (unsigned long long)writes);
	end();
}

/* A page that is the device's alone already, but is not mapped there any more. */
static void atomic_again(void)
{
	uint32_t *p = small_pages(PAGE), value = 2;

	begin();
	*p = 40;
	CHILD_CHECK(access_one(&chan, BOARD_ATOMIC, p, &value), "an atomic access");
	CHILD_CHECK(!mprotect(p, PAGE, PROT_READ) && !mprotect(p, PAGE, PROT_READ | PROT_WRITE),
		    "mprotect: %s", strerror(errno));
	value = 3;
	CHILD_CHECK(access_one(&chan, BOARD_ATOMIC, p, &value), "the second atomic access");
	CHILD_CHECK(value == 42 && *p == 45, "%u + 3 is %u", value, *p);
	end();
}

static void atomic_client(void)
{
	volatile uint32_t *word = small_pages(PAGE);
	struct chan chan2;
	struct gpu gpu2;
	unsigned int i;

	begin();
	scenario_open(&gpu2, &chan2);
	for (i = 0; i < 10; i++) {
		CHILD_CHECK(!chan_add(&chan, (uintptr_t)word, 1) && !chan_wait(&chan),
			    "the first client's channel has ended at add %u", i);
		CHILD_CHECK(!chan_add(&chan2, (uintptr_t)word, 1000) && !chan_wait(&chan2),
			    "the second client's channel has ended at add %u", i);
	}
	CHILD_CHECK(*word == 10010, "the sum is %u", *word);
	scenario_close(&gpu2, &chan2);
	end();
}

/* Addresses whose difference has more than 31 bits. */
static void faults_far(void)
{
	const uint64_t apart[] = { 0x90000000, 0x100000000, 0x180000000 };
	struct board_access access[2];
	uint8_t *low, *high;
	unsigned int i;

	begin();
	for (i = 0; i < sizeof(apart) / sizeof(*apart); i++) {
		low = mmap(NULL, apart[i] + PAGE, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		CHILD_CHECK(low != MAP_FAILED, "mmap: %s", strerror(errno));
		high = low + apart[i];
		CHILD_CHECK(!mprotect(low, PAGE, PROT_READ | PROT_WRITE) &&
			    !mprotect(high, PAGE, PROT_READ | PROT_WRITE), "mprotect: %s",
			    strerror(errno));
		*low = 1;
		*high = 2;
		access[0] = access_of(&chan, BOARD_READ, low, 0);
		access[1] = access_of(&chan, BOARD_READ, high, 0);
		one_round(access, 2, "reads far apart");
		CHILD_CHECK(access[0].value == 1 && access[1].value == 2,
			    "%#llx apart, read %u and %u", (unsigned long long)apart[i],
			    access[0].value, access[1].value);
		munmap(low, apart[i] + PAGE);
	}
	end();
}

/* Of several accesses to one page, the one that wants most comes first. */
static void faults_order(void)
{
	uint32_t *p = small_pages(2 * PAGE);
	struct board_access access[4];

	begin();
	access[0] = access_of(&chan, BOARD_READ, p, 0);
	access[1] = access_of(&chan, BOARD_WRITE, p + 1, 0x1111);
	one_round(access, 2, "a read and a write of one page");
	CHILD_CHECK(p[1] == 0x1111, "wrote %#x", p[1]);

	p += WORDS;
	access[0] = access_of(&chan, BOARD_PREFETCH, p, 0);
	access[1] = access_of(&chan, BOARD_READ, p + 1, 0);
	access[2] = access_of(&chan, BOARD_WRITE, p + 2, 0x2222);
	access[3] = access_of(&chan, BOARD_ATOMIC, p + 3, 3);
	one_round(access, 4, "all kinds of access to one page");
	CHILD_CHECK(p[2] == 0x2222 && p[3] == 3, "wrote %#x and %#x", p[2], p[3]);
	end();
}

/* Faults of two channels are sorted by channel first: what follows may be below. */
static void faults_channels(void)
{
	struct chan *pair[] = { &chan, &other };
	struct board_access access[2];
	unsigned int i;
	uint8_t *p;

	begin();
	for (i = 0; i < 2; i++) {
		p = small_pages(64 * PAGE);
		access[0] = access_of(pair[!i], BOARD_READ, p, 0);
		access[1] = access_of(pair[i], BOARD_READ, p + 63 * PAGE, 0);
		one_round(access, 2, "two channels of one process");
	}
	end();
}

/*
 * A channel writes to what it must not, and ends for it. Another channel of its process, which
 * only reads there, does not.
 */
static void faults_innocent(void)
{
	struct chan *writer = &chan, *reader = &other;
	uint32_t *p = small_pages(2 * PAGE), *ro = p + WORDS;
	struct board_access access[3];

	begin();
	*ro = 0x1234;
	CHILD_CHECK(!mprotect(ro, PAGE, PROT_READ), "mprotect: %s", strerror(errno));
	/* The handler takes the writer's first. */
	if (channel_of(&chan).inst > channel_of(&other).inst) {
		writer = &other;
		reader = &chan;
	}
	access[0] = access_of(writer, BOARD_WRITE, p, 1);
	access[1] = access_of(writer, BOARD_WRITE, ro, 2);
	access[2] = access_of(reader, BOARD_READ, ro, 0);
	accesses_in_one_batch(access, 3);
	CHILD_CHECK(access[1].state == CONTROL_CANCELLED && *ro == 0x1234,
		    "a write to read-only memory is %s: %#x", board_access_state(access[1].state),
		    *ro);
	CHILD_CHECK(is_done(&access[2]) && channel_of(reader).state != CONTROL_CHAN_DEAD,
		    "the reader has ended with the writer: %s",
		    board_access_state(access[2].state));
	CHILD_CHECK(access[2].value == 0x1234, "read %#x", access[2].value);
	end();
}

/* In the driver's window, where no buffer is: not the process's, whatever it has there. */
static void window_hole(void)
{
	uint8_t *in = (uint8_t *)GPU_WINDOW_ADDR + GPU_WINDOW_SIZE / 2;

	begin();
	CHILD_CHECK(!mprotect(in, PAGE, PROT_READ | PROT_WRITE), "mprotect: %s", strerror(errno));
	*in = 1;
	refused_one(&chan, BOARD_READ, in, 0, "a read in the driver's window");
	refused_one(&other, BOARD_PREFETCH, in + PAGE, 0, "a prefetch in the driver's window");
	end();
}

static void *userfault_page(int *uffd)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	void *page = small_pages(PAGE);

	*uffd = syscall(SYS_userfaultfd, O_NONBLOCK | O_CLOEXEC);
	CHILD_CHECK(*uffd >= 0 && !ioctl(*uffd, UFFDIO_API, &api), "userfaultfd: %s",
		    strerror(errno));
	reg.range.start = (uintptr_t)page;
	reg.range.len = PAGE;
	CHILD_CHECK(!ioctl(*uffd, UFFDIO_REGISTER, &reg), "userfaultfd: %s", strerror(errno));
	return page;
}

/* Its access is to memory that it does not provide, and that is all that it does. */
static void does_not_answer(int ready)
{
	const uint64_t cancels = counted("cancels");
	struct board_access access;
	void *page;
	int uffd;

	page = userfault_page(&uffd);
	begin();
	access = access_of(&chan, BOARD_READ, page, 0);
	accesses_begin(&access, 1);
	/* Either the handler waits for us, or it has refused to. */
	WAIT_UNTIL(counted("cancels") != cancels ||
		   poll(&(struct pollfd) { .fd = uffd, .events = POLLIN }, 1, 0) == 1,
		   "the fault is handled");
	CHILD_CHECK(write(ready, "r", 1) == 1, "pipe");
	for (;;)
		pause();
}

static void userfault(void)
{
	uint8_t *buf = small_pages(2 * PAGE);
	int ready[2];
	pid_t pid;
	char c;

	CHILD_CHECK(!pipe(ready), "pipe: %s", strerror(errno));
	pid = scenario_child();
	if (!pid)
		does_not_answer(ready[1]);
	close(ready[1]);
	CHILD_CHECK(read(ready[0], &c, 1) == 1, "the other process has failed");
	begin();
	buf[PAGE] = 5;
	copy_begin(&chan, buf, buf + PAGE, 1);
	CHILD_CHECK(copy_ended(&chan),
		    "no fault is resolved while a process does not resolve its own");
	CHILD_CHECK(buf[0] == 5, "copied %u", buf[0]);
	scenario_kill(pid);
	end();
}

/* A page of a file, to be read. */
static void *map_page(int file)
{
	void *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0);

	CHILD_CHECK(page != MAP_FAILED, "mmap: %s", strerror(errno));
	return page;
}

/*
 * A client's access is to memory of a file that user space serves, and does not. The accesses
 * of others are resolved meanwhile, and the ends of their files do not wait either. The client
 * goes on when there is an answer, and be it an error.
 */
static void served(bool killed)
{
	uint8_t *buf = small_pages(64 * PAGE);
	pid_t server, pid;
	int file, i, ret;

	file = fuse_file_open(&server);
	pid = scenario_child();
	if (!pid) {
		const void *page = map_page(file);

		begin();
		ret = chan_memcpy(&chan, buf, page, 1);
		CHILD_CHECK(ret == -EIO, "a copy of what could not be read: %s",
			    ret ? strerror(-ret) : "done");
		end();
		child_exit(0);
	}
	close(file);
	fuse_file_is_read();
	begin();
	for (i = 1; i < 64; i++) {
		copy_begin(&chan, buf + i * PAGE, buf, 1);
		if (!copy_ended(&chan)) {
			/* Nor would our end be, with the server waiting for that. */
			fuse_file_end(server);
			CHILD_CHECK(false, "no fault is resolved while one waits for user space");
		}
	}
	CHILD_CHECK(!killed || !kill(pid, SIGKILL), "kill: %s", strerror(errno));
	/* These would wait until we have answered. */
	end();
	begin();
	CHILD_CHECK(!chan_memcpy(&chan, buf, buf + PAGE, 1), "a copy");
	fuse_file_end(server);
	ret = scenario_reap(pid);
	CHILD_CHECK(ret == (killed ? 128 + SIGKILL : 0), "the client's status is %d", ret);
	end();
}

static void user_space(void)
{
	served(false);
	served(true);
}

/* A page of a file that cannot be read: its channel ends, and nothing waits for it for ever. */
static void unreadable(void)
{
	struct board_access access;
	pid_t server;
	int file;

	file = fuse_file_open(&server);
	fuse_file_end(server);
	begin();
	access = access_of(&chan, BOARD_READ, map_page(file), 0);
	accesses_begin(&access, 1);
	accesses_wait(&access, 1);
	CHILD_CHECK(access.state == CONTROL_CANCELLED, "a read of a page that cannot be read is %s",
		    board_access_state(access.state));
	end();
}

/* Two channels of a client; the fault of the second is handled behind the first's. */
struct two {
	int first, second;
	uint64_t inst;		/* of the second */
	uint8_t *page;		/* that user space serves, and what is nobody's behind it */
};

/* No chan_close(): while the first fault has mmap_lock, nothing can be unmapped. */
static void free_channel(int id)
{
	CHILD_CHECK(!drmCommandWrite(gpu.fd, DRM_NOUVEAU_CHANNEL_FREE,
				     &(struct drm_nouveau_channel_free) { id },
				     sizeof(struct drm_nouveau_channel_free)), "CHANNEL_FREE");
}

/* Have the other process do the next step, and wait until it is done. */
static void step(int go, int ready)
{
	char c = 0;

	CHILD_CHECK(write(go, &c, 1) == 1 && read(ready, &c, 1) == 1, "the client has failed");
}

/* Make it, and end the second channel, then the first, when that is asked for. */
static void two_channels(int file, struct two *two, int ready, int go)
{
	uint8_t *hole = mmap(NULL, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct chan *second;
	char c = 0;

	CHILD_CHECK(hole != MAP_FAILED, "mmap: %s", strerror(errno));
	two->page = mmap(hole, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0);
	CHILD_CHECK(two->page == hole, "mmap: %s", strerror(errno));
	begin();
	/* Faults are sorted by the instance block. */
	second = channel_of(&chan).inst > channel_of(&other).inst ? &chan : &other;
	two->first = second == &chan ? other.id : chan.id;
	two->second = second->id;
	two->inst = channel_of(second).inst;
	CHILD_CHECK(write(ready, &c, 1) == 1 && read(go, &c, 1) == 1, "pipe");
	free_channel(two->second);
	CHILD_CHECK(write(ready, &c, 1) == 1 && read(go, &c, 1) == 1, "pipe");
	free_channel(two->first);
	CHILD_CHECK(write(ready, &c, 1) == 1, "pipe");
	for (;;)
		pause();
}

/*
 * A client has two faults. The first waits for user space's answer. Meanwhile the channel of the
 * second ends, another client's begins with its instance block in the same place, and faults; the
 * channel of the first ends, too. Nothing of the new one's is to be cancelled. Exits with EAGAIN if
 * its instance block is in another place.
 *
 * again: the second has been found to be nothing that can be resolved once before.
 */
static void reuse(bool again)
{
	struct two *two = shared_pages(PAGE);
	struct board_access first, second, third;
	uint32_t *word = small_pages(PAGE);
	uint64_t count, ended, replays;
	int file, ready[2], go[2];
	pid_t server, pid;
	char c = 0;

	*word = 0x1234;
	file = fuse_file_open(&server);
	CHILD_CHECK(!pipe(ready) && !pipe(go), "pipe: %s", strerror(errno));
	pid = scenario_child();
	if (!pid)
		two_channels(file, two, ready[1], go[0]);
	close(ready[1]);
	close(go[0]);
	close(file);
	scenario_open_client(&gpu, scenario_node());
	CHILD_CHECK(read(ready[0], &c, 1) == 1, "the client has failed");

	first = (struct board_access) { .chan = two->first, .va = (uintptr_t)two->page };
	second = (struct board_access) { .chan = two->second,
					 .va = (uintptr_t)two->page + 8 * PAGE };
	count = counted_faults();
	if (again) {
		close_gate("replay");
		accesses_begin(&second, 1);
		wait_gate("replay");
		count++;
	}
	close_gate("notify");
	if (again)
		open_gate("replay");
	accesses_begin(&first, 1);
	if (!again)
		accesses_begin(&second, 1);
	wait_faults(count + 2);
	open_gate("notify");
	fuse_file_is_read();
	step(go[1], ready[0]);
	accesses_wait(&second, 1);
	CHILD_CHECK(second.state == CONTROL_CANCELLED, "an access of a channel that has ended: %s",
		    board_access_state(second.state));

	scenario_open_channel(&gpu, &chan);
	if (channel_of(&chan).inst != two->inst) {
		fuse_file_answer();
		accesses_wait(&first, 1);
		/* What they leave has to be gone before the next try. */
		fuse_file_end(server);
		scenario_kill(pid);
		child_exit(EAGAIN);
	}
	/*
	 * The board cancels the channel that has waited longest. Without the first one, a
	 * cancel of the second's fault hits the new channel.
	 */
	step(go[1], ready[0]);
	accesses_wait(&first, 1);
	CHILD_CHECK(first.state == CONTROL_CANCELLED, "an access of a channel that has ended: %s",
		    board_access_state(first.state));
	ended = cancelled();
	third = access_of(&chan, BOARD_READ, word, 0);
	/* Its fault stays in the buffer. */
	close_gate("notify");
	count = counted_faults();
	accesses_begin(&third, 1);
	wait_faults(count + 1);
	CHILD_CHECK(cancelled() == ended, "cancelled too early");
	replays = counted("replays");
	fuse_file_answer();
	/* The second is cancelled, or all is replayed. */
	WAIT_UNTIL(cancelled() != ended || counted("replays") != replays, "the handler ends");
	open_gate("notify");
	accesses_wait(&third, 1);
	CHILD_CHECK(is_done(&third), "another client's channel has ended: %s",
		    board_access_state(third.state));
	CHILD_CHECK(third.value == *word, "read %#x", third.value);
	fuse_file_end(server);
	scenario_kill(pid);
	chan_close(&chan);
	gpu_close(&gpu);
}

static unsigned int try_reuse(bool again)
{
	enum { TRIES = 50 };
	unsigned int i;
	int ret = EAGAIN;
	pid_t pid;

	for (i = 0; i < TRIES && ret == EAGAIN; i++) {
		pid = scenario_child();
		if (!pid) {
			reuse(again);
			child_exit(0);
		}
		ret = scenario_reap(pid);
	}
	CHILD_CHECK(ret != EAGAIN, "no instance block is where one was, %u times", TRIES);
	if (ret)
		child_exit(ret);
	return i;
}

static void reused(void)
{
	cpu_set_t cpu = {};
	unsigned int once, twice;

	/* There, what has been freed is soon used again. */
	CPU_SET(0, &cpu);
	CHILD_CHECK(!sched_setaffinity(0, sizeof(cpu), &cpu), "sched_setaffinity: %s",
		    strerror(errno));
	once = try_reuse(false);
	twice = try_reuse(true);
	printf("tries %u, %u\n", once, twice);
}

/*
 * A fault is in the buffer twice, because something else was replayed meanwhile. The access is
 * done, its page is nobody's any more, and the channel waits for another one, when the second is
 * handled: that one is not to be cancelled.
 */
static void stale(void)
{
	uint32_t *first = small_pages(PAGE), *last = small_pages(PAGE);
	struct board_access access[3];
	pid_t server;
	uint64_t count;
	void *page;
	int file;

	*first = 0x1111;
	*last = 0x3333;
	file = fuse_file_open(&server);
	page = map_page(file);
	begin();
	count = counted_faults();
	access[0] = access_of(&chan, BOARD_READ, first, 0);
	access[1] = access_of(&chan, BOARD_READ, page, 0);
	access[2] = access_of(&chan, BOARD_READ, last, 0);

	close_gate("replay");
	accesses_begin(&access[0], 1);
	wait_gate("replay");
	accesses_begin(&access[1], 1);
	fuse_file_is_read();
	close_gate("notify");
	open_gate("replay");
	wait_faults(count + 3);
	fuse_file_answer();
	accesses_wait(access, 2);
	CHILD_CHECK(is_done(&access[0]) && access[0].value == *first, "%s, read %#x",
		    board_access_state(access[0].state), access[0].value);
	CHILD_CHECK(is_done(&access[1]) && (access[1].value & 0xff) == FUSE_FILE_BYTE,
		    "%s, read %#x", board_access_state(access[1].state), access[1].value);

	CHILD_CHECK(!munmap(page, PAGE), "munmap: %s", strerror(errno));
	accesses_begin(&access[2], 1);
	wait_faults(count + 4);
	open_gate("notify");
	accesses_wait(&access[2], 1);
	CHILD_CHECK(is_done(&access[2]), "the channel has ended: %s",
		    board_access_state(access[2].state));
	CHILD_CHECK(access[2].value == *last, "read %#x", access[2].value);
	fuse_file_end(server);
	end();
}

struct client {
	pid_t pid;
	int chan;
	void *fresh;		/* that nobody has touched */
};

/*
 * Begin to read a file that user space serves. The process's memory cannot be taken apart as
 * long as there is no answer: exit_aio() waits for it.
 */
static void read_begin(int file)
{
	void *buf = small_pages(PAGE);
	struct iocb read = {
		.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = file,
		.aio_buf = (uintptr_t)buf, .aio_nbytes = PAGE,
	};
	struct iocb *list[] = { &read };
	aio_context_t context = 0;

	CHILD_CHECK(!fcntl(file, F_SETFL, O_DIRECT), "O_DIRECT: %s", strerror(errno));
	CHILD_CHECK(!syscall(SYS_io_setup, 1, &context), "io_setup: %s", strerror(errno));
	CHILD_CHECK(syscall(SYS_io_submit, context, 1, list) == 1, "io_submit: %s",
		    strerror(errno));
}

/*
 * A client in a process that does nothing until it is killed: whatever it writes to may be a
 * copy on write, thus an invalidation, and wait with the others for a flush.
 */
static struct client *client_start(int file)
{
	struct client *told = shared_pages(PAGE);
	int ready[2];
	pid_t pid;
	char c = 0;

	CHILD_CHECK(!pipe(ready), "pipe: %s", strerror(errno));
	pid = scenario_child();
	if (!pid) {
		if (file >= 0)
			read_begin(file);
		/* Where there is no page table yet: to make one takes a flush. */
		told->fresh = (uint8_t *)small_pages(1 << 30) + (512 << 20);
		begin();
		told->chan = chan.id;
		CHILD_CHECK(write(ready[1], &c, 1) == 1, "pipe");
		for (;;)
			pause();
	}
	close(ready[1]);
	CHILD_CHECK(read(ready[0], &c, 1) == 1, "a client has failed");
	close(ready[0]);
	told->pid = pid;
	return told;
}

/* It has let go of its memory when that is not shown any more. */
static bool has_no_memory(pid_t pid)
{
	char path[64], text[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	f = fopen(path, "re");
	CHILD_CHECK(f && fgets(text, sizeof(text), f), "%s: %s", path, strerror(errno));
	fclose(f);
	return !strncmp(text, "0 0 ", 4);
}

/*
 * A process dies while the handler works for it. To take its memory apart is not for the handler
 * to do: here that waits for user space, and it would be the others who wait.
 */
static void last_user(void)
{
	struct client *victim, *bystander;
	struct board_access access[2];
	pid_t server;
	uint64_t count;
	int file, ret;

	file = fuse_file_open(&server);
	victim = client_start(file);
	bystander = client_start(-1);
	access[0] = (struct board_access) { .chan = victim->chan, .va = (uintptr_t)victim->fresh };
	access[1] = (struct board_access) { .chan = bystander->chan,
					    .va = (uintptr_t)bystander->fresh };
	count = counted_faults();
	fuse_file_is_read();
	close_gate("flush");
	accesses_begin(&access[0], 1);
	wait_gate("flush");
	accesses_begin(&access[1], 1);
	wait_faults(count + 2);
	CHILD_CHECK(!kill(victim->pid, SIGKILL), "kill: %s", strerror(errno));
	WAIT_UNTIL(has_no_memory(victim->pid), "the victim lets go of its memory");
	open_gate("flush");
	accesses_wait(&access[1], 1);
	CHILD_CHECK(is_done(&access[1]), "a fault has to wait for the end of another process: %s",
		    board_access_state(access[1].state));
	fuse_file_answer();
	close(file);
	ret = scenario_reap(victim->pid);
	CHILD_CHECK(ret == 128 + SIGKILL, "the victim's status is %d", ret);
	accesses_wait(&access[0], 1);
	fuse_file_end(server);
	scenario_kill(bystander->pid);
}

/* Where the device has been told of, and what it is. */
struct place {
	void *p;
	int chan;
};

/* Have the device read a page, then make it read-only when that is asked for. */
static void protects(struct place *told, size_t size, int ready, int go)
{
	uint32_t value = 0;
	char c;

	told->p = size < HUGE ? memset(small_pages(size), 0x5a, size) : huge_pages(size, 0x5a);
	begin();
	told->chan = chan.id;
	CHILD_CHECK(access_one(&chan, BOARD_READ, told->p, &value) && value == 0x5a5a5a5a,
		    "read %#x", value);
	CHILD_CHECK(write(ready, "r", 1) == 1 && read(go, &c, 1) == 1, "pipe");
	CHILD_CHECK(!mprotect(told->p, size, PROT_READ), "mprotect: %s", strerror(errno));
	CHILD_CHECK(read(go, &c, 1) == 1, "pipe");
	end();
	child_exit(0);
}

/*
 * While an invalidation waits for its flush, the PTE does not say any more what it said. What
 * it does say has to be a fault: not that there is nothing, nor that there is something else.
 */
static void while_cleared(size_t size)
{
	struct place *told = shared_pages(PAGE);
	struct board_access access;
	int go[2], ready[2];
	uint64_t count;
	pid_t pid;
	char c;

	CHILD_CHECK(!pipe(go) && !pipe(ready), "pipe: %s", strerror(errno));
	pid = scenario_child();
	if (!pid) {
		close(go[1]);
		protects(told, size, ready[1], go[0]);
	}
	close(go[0]);
	close(ready[1]);
	CHILD_CHECK(read(ready[0], &c, 1) == 1, "the client has failed");
	close_gate("flush");
	CHILD_CHECK(write(go[1], "p", 1) == 1, "the client has failed");
	wait_gate("flush");
	/* An entry of the TLB would hide it; this empties it. */
	set_knob("tlb_size", 64);
	count = counted_faults();
	access = (struct board_access) { .chan = told->chan, .va = (uintptr_t)told->p };
	accesses_begin(&access, 1);
	WAIT_UNTIL(accesses_ended(&access, 1) || counted_faults() != count,
		   "the access is done or faults");
	open_gate("flush");
	accesses_wait(&access, 1);
	CHILD_CHECK(is_done(&access) && access.value == 0x5a5a5a5a, "%s, read %#x",
		    board_access_state(access.state), access.value);
	CHILD_CHECK(write(go[1], "e", 1) == 1 && !scenario_reap(pid), "the client has failed");
}

static void cleared(void)
{
	while_cleared(PAGE);
}

static void huge_cleared(void)
{
	while_cleared(HUGE);
}

static const struct scenario scenario[] = {
	{ "atomic-read-only", "A read-only page beside an atomic access stays read-only",
	  atomic_read_only, .kills = true },
	{ "atomic-zero-page", "An untouched page that is read beside an atomic access is mapped as "
	  "for a read", atomic_zero_page },
	{ "atomic-again", "A page that is the device's alone is lost, and asked for once more",
	  atomic_again },
	{ "atomic-client", "Atomic accesses of two clients to one word", atomic_client },
	{ "faults-far", "Faults of one batch whose addresses are gigabytes apart", faults_far },
	{ "faults-order", "Accesses of all kinds to one page in one batch", faults_order },
	{ "faults-channels", "Faults of two channels of one process in one batch",
	  faults_channels },
	{ "faults-innocent", "A channel ends, and one of the same process with a fault of the same "
	  "page goes on", faults_innocent, .kills = true },
	{ "window-hole", "An access in the driver's window is cancelled where no buffer is",
	  window_hole, .kills = true },
	{ "userfault", "A process that does not answer its userfaultfd holds up nobody", userfault,
	  .kills = true },
	{ "user-space", "A client whose access waits for a file of user space holds up nobody",
	  user_space, .kills = true, .fuse = true },
	{ "unreadable", "An access to a page of a file that cannot be read ends its channel",
	  unreadable, .kills = true, .fuse = true },
	{ "reused", "A channel begins where one was whose fault is being handled, and goes on",
	  reused, .kills = true, .fuse = true },
	{ "stale", "A fault is handled whose access is done already, and cancels nothing", stale,
	  .fuse = true },
	{ "last-user", "A process dies while its fault is resolved, and nobody waits for its end",
	  last_user, .kills = true, .fuse = true },
	{ "cleared", "An access while an invalidation waits for its flush faults", cleared },
	{ "huge-cleared", "The same of a 2 MiB page", huge_cleared, .huge = true },
};

int igt_main_args("", svm_long_options, svm_help, svm_option, NULL)
{
	igt_fixture()
		scenario_require_board();

	scenario_subtests(scenario, sizeof(scenario) / sizeof(*scenario));

	igt_fixture()
		child_kill_all(SVM_WAIT_MS);
}
