// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/**
 * TEST: nouveau svm basic
 * Category: Core
 * Mega feature: Shared virtual memory
 * Sub-category: nouveau
 * Functionality: ioctls and accesses
 * Test category: functionality test
 * Description: The ioctls of shared virtual memory, and the device's accesses to all kinds
 *	of a process's memory
 */
#include "dmesg_patterns.h"
#include "child.h"
#include "igt_decl.h"
#include "nouveau_node.h"
#include "pagemap.h"
#include "random.h"
#include "svm_gpu.h"
#include "svm_options.h"
#include "svm_require.h"
#include "svm_wait.h"
#include "user.h"
#include "userfault.h"

#include <errno.h>
#include <fcntl.h>
#include <nouveau_drm.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

IGT_TEST_DESCRIPTION("The ioctls of nouveau's shared virtual memory, and the device's accesses to "
		     "all kinds of a process's memory");

enum { PAGE = 4096, HUGE = 2 << 20, SEED = 20261127 };

#define MARK 0xa5

/* For subtests whose queues have to die. */
static void require_dead_queues(const struct user *user)
{
	igt_require_f(svm_gpu_has(user->gpu, SVM_DEAD),
		      "what an access to nothing does is not known of this back end\n");
	igt_emit_ignore_dmesg_regex(NOUVEAU_DEAD_QUEUE_DMESG);
}

/* The access has to end its queue. The user gets another one. */
static void check_refused(struct user *user, void *dst, const void *src, size_t n,
			  const char *what)
{
	int ret = user_copy(user, dst, src, n);

	igt_assert_f(ret == -EIO, "%s: %s, but the queue has to die of it\n", what,
		     ret ? strerror(-ret) : "done");
	ret = svm_copy(user->queue, dst, src, n);
	igt_assert_f(ret == -ENODEV, "%s: the dead queue says: %s\n", what,
		     ret ? strerror(-ret) : "done");
	svm_queue_close(user->queue);
	user_open_queue(user);
}

/* The ioctls themselves. */

static int open_node(void)
{
	char node[32];
	int fd = nouveau_node_find(node, sizeof(node));

	igt_assert_f(!fd, "no node of nouveau: %s\n", strerror(-fd));
	fd = open(node, O_RDWR | O_CLOEXEC);
	igt_assert_f(fd >= 0, "%s: %s\n", node, strerror(errno));
	return fd;
}

static int svm_init(int fd, uint64_t addr, uint64_t size)
{
	struct drm_nouveau_svm_init args = { .unmanaged_addr = addr, .unmanaged_size = size };

	return drmCommandWriteRead(fd, DRM_NOUVEAU_SVM_INIT, &args, sizeof(args));
}

#define WINDOW_ADDR	0x4000000000ULL
#define WINDOW_SIZE	0x100000000ULL

static const struct {
	const char *name;
	uint64_t addr, size;
} bad_window[] = {
	{ "addr-unaligned", WINDOW_ADDR + 1, WINDOW_SIZE },
	{ "size-unaligned", WINDOW_ADDR, WINDOW_SIZE + 1 },
	/* GPFIFO and host's semaphores have 40 bits for an address. */
	{ "addr-above-40-bits", 1ULL << 40, WINDOW_SIZE },
	{ "end-above-40-bits", (1ULL << 40) - PAGE, 2 * PAGE },
	{ "addr-above-48-bits", 1ULL << 48, WINDOW_SIZE },
	{ "wraps", -(uint64_t)PAGE, 2 * PAGE },
	{ "size-all", PAGE, -(uint64_t)PAGE },
};

static void test_init_bad_window(unsigned int i)
{
	const int fd = open_node();
	int ret = svm_init(fd, bad_window[i].addr, bad_window[i].size);

	igt_assert_f(ret == -EINVAL, "SVM_INIT with window %#llx, size %#llx: %s\n",
		     (unsigned long long)bad_window[i].addr,
		     (unsigned long long)bad_window[i].size, ret ? strerror(-ret) : "done");
	ret = svm_init(fd, WINDOW_ADDR, WINDOW_SIZE);
	igt_assert_f(!ret, "SVM_INIT after one that was refused: %s\n", strerror(-ret));
	close(fd);
}

static void test_init_twice(void)
{
	uint8_t *buf = user_pages(PAGE);
	struct user user;
	int ret;

	user_begin(&user);
	ret = svm_init(svm_gpu_fd(user.gpu), WINDOW_ADDR, WINDOW_SIZE);
	igt_assert_f(ret == -EBUSY, "a second SVM_INIT: %s\n", ret ? strerror(-ret) : "done");
	ret = svm_init(svm_gpu_fd(user.gpu), WINDOW_ADDR + WINDOW_SIZE, WINDOW_SIZE);
	igt_assert_f(ret == -EBUSY, "a second SVM_INIT, with another window: %s\n",
		     ret ? strerror(-ret) : "done");
	user_check(&user, buf, PAGE, "after the second SVM_INIT");
	user_end(&user);
}

static void ignore_signal(int sig)
{
	(void)sig;
}

static void interrupt(void *thread)
{
	pthread_kill(*(pthread_t *)thread, SIGUSR1);
}

/*
 * Call SVM_INIT, and have a signal pending from when the kernel copies the arguments. Their last
 * byte is on a page that is missing, and the thread that answers the page fault sends the signal
 * first. The byte is zero, as in the new page. 0 or -errno: drmIoctl() would call again.
 */
static int svm_init_interrupted(int fd)
{
	const unsigned long cmd = DRM_IOWR(DRM_COMMAND_BASE + DRM_NOUVEAU_SVM_INIT,
					   struct drm_nouveau_svm_init);
	const struct drm_nouveau_svm_init args = { WINDOW_ADDR, WINDOW_SIZE };
	uint8_t *buf = user_pages(2 * PAGE), *p = buf + PAGE - sizeof(args) + 1;
	pthread_t self = pthread_self();
	struct userfault u;
	int ret;

	memcpy(p, &args, sizeof(args) - 1);
	ret = userfault_begin(&u, USERFAULT_MISSING, buf + PAGE, PAGE);
	igt_require_f(ret != -ENOSYS, "no userfaultfd: CONFIG_USERFAULTFD\n");
	igt_require_f(ret != -EPERM, "userfaultfd is root's, see vm.unprivileged_userfaultfd\n");
	igt_assert_f(!ret, "userfaultfd: %s\n", strerror(-ret));
	u.data = &self;
	u.asked = interrupt;
	ret = ioctl(fd, cmd, p) ? -errno : 0;
	igt_assert_f(!userfault_end(&u), "a page fault was not answered\n");
	igt_assert_f(atomic_load(&u.answered), "the kernel did not read the arguments\n");
	munmap(buf, 2 * PAGE);
	return ret;
}

static void test_init_interrupted(bool again)
{
	const struct sigaction ignore = { .sa_handler = ignore_signal };
	struct sigaction before;
	const int fd = open_node();
	int ret;

	igt_assert(!sigaction(SIGUSR1, &ignore, &before));
	ret = svm_init_interrupted(fd);
	igt_assert_f(ret == -EINTR, "SVM_INIT with a signal pending: %s\n",
		     ret ? strerror(-ret) : "done");
	if (again) {
		ret = svm_init(fd, WINDOW_ADDR, WINDOW_SIZE);
		igt_assert_f(!ret, "SVM_INIT after one that was interrupted: %s\n", strerror(-ret));
	}
	close(fd);
	sigaction(SIGUSR1, &before, NULL);
}

/* Two clients of one process have an address space each, with the same in it. */
static void test_two_clients(void)
{
	uint8_t *buf = user_pages(PAGE);
	struct user user[2];

	user_begin(&user[0]);
	user_begin(&user[1]);
	user_check(&user[0], buf, PAGE, "first client");
	user_check(&user[1], buf, PAGE, "second client");
	user_check(&user[0], buf, PAGE, "first client again");
	user_end(&user[0]);
	user_check(&user[1], buf, PAGE, "second client alone");
	user_end(&user[1]);
}

static const struct {
	const char *name;
	struct drm_nouveau_svm_bind args;
} bad_bind[] = {
#define MIGRATE_TO(target)	((uint64_t)NOUVEAU_SVM_BIND_COMMAND__MIGRATE <<		\
					NOUVEAU_SVM_BIND_COMMAND_SHIFT |		\
				 (uint64_t)(target) << NOUVEAU_SVM_BIND_TARGET_SHIFT)
#define TO_VRAM	MIGRATE_TO(NOUVEAU_SVM_BIND_TARGET__GPU_VRAM)
	{ "reserved0", { .header = TO_VRAM, .va_end = PAGE, .reserved0 = 1 } },
	{ "reserved1", { .header = TO_VRAM, .va_end = PAGE, .reserved1 = 1 } },
	{ "header-bits", { .header = TO_VRAM | 1ULL << 63, .va_end = PAGE } },
	{ "command", { .header = TO_VRAM | 1ULL << NOUVEAU_SVM_BIND_COMMAND_SHIFT,
		       .va_end = PAGE } },
	{ "target", { .header = MIGRATE_TO(0), .va_end = PAGE } },
	{ "stride", { .header = TO_VRAM, .va_end = PAGE, .stride = PAGE } },
	{ "empty", { .header = TO_VRAM, .va_start = PAGE, .va_end = PAGE } },
	{ "backwards", { .header = TO_VRAM, .va_start = 2 * PAGE, .va_end = PAGE } },
	{ "wraps", { .header = TO_VRAM, .va_start = PAGE, .va_end = -1ULL } },
};

static int svm_bind(int fd, const struct drm_nouveau_svm_bind *bind)
{
	struct drm_nouveau_svm_bind args = *bind;

	return drmCommandWriteRead(fd, DRM_NOUVEAU_SVM_BIND, &args, sizeof(args));
}

static void test_bind_bad(unsigned int i)
{
	struct user user;
	int ret;

	user_begin(&user);
	ret = svm_bind(svm_gpu_fd(user.gpu), &bad_bind[i].args);
	igt_assert_f(ret == -EINVAL, "SVM_BIND: %s\n", ret ? strerror(-ret) : "done");
	user_end(&user);
}

static void test_bind_without_init(void)
{
	const int fd = open_node();
	uint8_t *buf = user_pages(PAGE);
	int ret;

	buf[0] = 1;
	ret = svm_bind(fd, &(struct drm_nouveau_svm_bind) {
		.header = TO_VRAM, .va_start = (uintptr_t)buf, .va_end = (uintptr_t)buf + PAGE });
	/* Of a device without memory of its own, that may be what is said first. */
	igt_assert_f(ret == -EINVAL || ret == -ENODEV, "SVM_BIND without SVM_INIT: %s\n",
		     ret ? strerror(-ret) : "done");
	igt_assert_eq(buf[0], 1);
	close(fd);
}

static void test_bind_migrate(void)
{
	enum { N = 64 * PAGE };
	uint8_t *buf = user_pages(N), *want = user_pages(N), *seen = user_pages(N);
	struct user user;
	int ret;

	user_begin(&user);
	igt_require_f(svm_gpu_has(user.gpu, SVM_MIGRATE), "the device has no memory of its own\n");
	fill_random(buf, N, SEED);
	memcpy(want, buf, N);
	ret = svm_gpu_migrate(user.gpu, buf, N);
	igt_assert_f(!ret, "SVM_BIND: %s\n", strerror(-ret));
	igt_assert_eq(user_copy(&user, seen, buf, N), 0);
	igt_assert_f(!memcmp(seen, want, N), "the device sees something else\n");
	igt_assert_f(!memcmp(buf, want, N), "the CPU gets something else back\n");
	ret = svm_gpu_migrate(user.gpu, buf, N);
	igt_assert_f(!ret, "SVM_BIND: %s\n", strerror(-ret));
	user_check(&user, buf, N, "device memory");
	user_end(&user);
}

/* A range in which nothing is mapped, and one with holes: a hint that is followed as far
 * as it can be.
 */
static void test_bind_holes(void)
{
	enum { N = 16 * PAGE };
	uint8_t *buf = user_pages(N);
	struct user user;
	int ret;

	user_begin(&user);
	igt_require_f(svm_gpu_has(user.gpu, SVM_MIGRATE), "the device has no memory of its own\n");
	munmap(buf + 4 * PAGE, 8 * PAGE);
	ret = svm_gpu_migrate(user.gpu, buf + 5 * PAGE, 2 * PAGE);
	igt_assert_f(!ret, "SVM_BIND of a hole: %s\n", strerror(-ret));
	memset(buf, MARK, 4 * PAGE);
	memset(buf + 12 * PAGE, MARK, 4 * PAGE);
	ret = svm_gpu_migrate(user.gpu, buf, N);
	igt_assert_f(!ret, "SVM_BIND of a range with a hole: %s\n", strerror(-ret));
	igt_assert_f(buf[0] == MARK && buf[4 * PAGE - 1] == MARK && buf[12 * PAGE] == MARK &&
		     buf[N - 1] == MARK, "the memory has changed\n");
	user_check(&user, buf, 4 * PAGE, "below the hole");
	user_check(&user, buf + 12 * PAGE, 4 * PAGE, "above the hole");
	user_end(&user);
}

/* What the device copies is what memcpy() copies, and nothing beside it. */

enum { MARGIN = 64 };

static void check_copy(struct user *user, size_t n, size_t dst_offset, size_t src_offset)
{
	const size_t room = n + PAGE + 2 * MARGIN;
	uint8_t *src = user_pages(room), *dst = user_pages(room), *want = user_pages(room);
	size_t i;
	int ret;

	fill_random(src, room, SEED + n);
	memset(dst, MARK, room);
	memset(want, MARK, room);
	memcpy(want + MARGIN + dst_offset, src + src_offset, n);
	ret = user_copy(user, dst + MARGIN + dst_offset, src + src_offset, n);
	igt_assert_f(!ret, "%zu bytes from +%zu to +%zu: %s\n", n, src_offset, dst_offset,
		     strerror(-ret));
	for (i = 0; i < room; i++)
		igt_assert_f(dst[i] == want[i], "%zu bytes from +%zu to +%zu: byte %zd is %#x, "
			     "not %#x\n", n, src_offset, dst_offset,
			     (ssize_t)(i - MARGIN - dst_offset), dst[i], want[i]);
	munmap(src, room);
	munmap(dst, room);
	munmap(want, room);
}

static const size_t copy_sizes[] = { 1, 2, 3, 4, 7, 64, 255, PAGE - 1, PAGE, PAGE + 1, 65537,
				     (1 << 20) + 3, 4 << 20 };

static void test_copy(size_t n)
{
	static const size_t offset[] = { 0, 1, 3, 8, 2049, PAGE - MARGIN - 1, PAGE - 1 };
	unsigned int i, j, few = n > 65536 ? 2 : sizeof(offset) / sizeof(*offset);
	struct user user;

	user_begin(&user);
	for (i = 0; i < few; i++) {
		for (j = 0; j < few; j++)
			check_copy(&user, n, offset[i], offset[j]);
	}
	user_end(&user);
}

static void test_fill(void)
{
	enum { WORDS = 5000, AT = 1021 };
	uint32_t *dst = user_pages(32768);
	struct user user;
	int i, ret;

	user_begin(&user);
	ret = svm_fill(user.queue, dst + AT, 0x12345678, WORDS);
	if (!ret)
		ret = svm_wait_queue(user.queue, SVM_WAIT_MS, "a fill");
	igt_assert_f(!ret, "fill: %s\n", strerror(-ret));
	for (i = 0; i < 32768 / 4; i++)
		igt_assert_f(dst[i] == (i >= AT && i < AT + WORDS ? 0x12345678 : 0),
			     "word %d is %#x\n", i - AT, dst[i]);
	user_end(&user);
}

/* A queue does its copies in order: each of these copies what the last one has written. */
static void test_order(void)
{
	enum { STEPS = 64 };
	uint8_t *buf = user_pages((STEPS + 1) * PAGE);
	struct user user;
	int i, ret;

	user_begin(&user);
	fill_random(buf, PAGE, SEED);
	for (i = 0; i < STEPS; i++) {
		ret = svm_copy(user.queue, buf + (i + 1) * PAGE, buf + i * PAGE, PAGE);
		igt_assert_f(!ret, "copy %d: %s\n", i, strerror(-ret));
	}
	ret = svm_wait_queue(user.queue, SVM_WAIT_MS, "copies that depend on each other");
	igt_assert_f(!ret, "%s\n", strerror(-ret));
	for (i = 1; i <= STEPS; i++)
		igt_assert_f(!memcmp(buf, buf + i * PAGE, PAGE), "copy %d differs\n", i);
	user_end(&user);
}

static void test_atomic(void)
{
	enum { ADDS = 100 };
	struct user user[2];
	volatile uint32_t *word = user_pages(PAGE);
	int i, j, ret;

	user_begin(&user[0]);
	user_begin(&user[1]);
	*word = 41;
	for (i = 0; i < ADDS; i++) {
		for (j = 0; j < 2; j++) {
			ret = svm_add(user[j].queue, (uint32_t *)word, 3 + j);
			igt_assert_f(!ret, "add %d: %s\n", i, strerror(-ret));
		}
	}
	for (j = 0; j < 2; j++) {
		ret = svm_wait_queue(user[j].queue, SVM_WAIT_MS, "atomic adds");
		igt_assert_f(!ret, "adds: %s\n", strerror(-ret));
	}
	igt_assert_eq_u32(*word, 41 + ADDS * 3 + ADDS * 4);
	user_end(&user[0]);
	user_end(&user[1]);
}

/* Many at once. */

static void test_queues(void)
{
	enum { QUEUES = 32, ENOUGH = 8, N = 4 * PAGE };
	uint8_t *src = user_pages(QUEUES * N), *dst = user_pages(QUEUES * N);
	struct svm_queue *queue[QUEUES];
	struct user user;
	int i, nr, ret;

	user_begin(&user);
	fill_random(src, QUEUES * N, SEED);
	for (nr = 0; nr < QUEUES; nr++) {
		ret = svm_queue_open(user.gpu, &queue[nr]);
		/* Old kernels have 32 notifiers for a client, and each queue takes some. */
		if (ret == -ENOSPC && nr >= ENOUGH)
			break;
		igt_assert_f(!ret, "queue %d: %s\n", nr, strerror(-ret));
	}
	igt_info("%d queues\n", nr);
	for (i = 0; i < nr; i++) {
		ret = svm_copy(queue[i], dst + i * N, src + i * N, N);
		igt_assert_f(!ret, "queue %d: %s\n", i, strerror(-ret));
	}
	for (i = nr - 1; i >= 0; i--) {
		ret = svm_wait_queue(queue[i], SVM_WAIT_MS, "one of many queues");
		igt_assert_f(!ret, "queue %d: %s\n", i, strerror(-ret));
		igt_assert_f(!memcmp(dst + i * N, src + i * N, N), "queue %d: it differs\n", i);
	}
	for (i = 0; i < nr; i++)
		svm_queue_close(queue[i]);
	user_end(&user);
}

struct buffers {
	uint8_t *src, *dst;
	size_t n;
};

static void copy_in_rounds(unsigned int child, void *data)
{
	enum { ROUNDS = 8 };
	const struct buffers *b = data;
	const char *why = "";
	struct user user;
	int i, ret;

	ret = svm_gpu_open(&user.gpu, &why);
	CHILD_CHECK(!ret, "process %u: %s: %s", child, why, strerror(-ret));
	ret = svm_queue_open(user.gpu, &user.queue);
	CHILD_CHECK(!ret, "process %u: queue: %s", child, strerror(-ret));
	for (i = 0; i < ROUNDS; i++) {
		fill_random(b->src, b->n, SEED + child * ROUNDS + i);
		ret = user_copy(&user, b->dst, b->src, b->n);
		CHILD_CHECK(!ret, "process %u, round %d: %s", child, i, strerror(-ret));
		CHILD_CHECK(!memcmp(b->dst, b->src, b->n), "process %u, round %d: it differs",
			    child, i);
	}
	/* No look at stale accesses: those of the other processes are counted as well. */
	svm_queue_close(user.queue);
	svm_gpu_close(user.gpu);
}

/* Each process has other memory at the same addresses. */
static void test_processes(void)
{
	enum { PROCESSES = 8, N = 8 * PAGE };
	struct buffers b = { user_pages(N), user_pages(N), N };

	child_run(PROCESSES, copy_in_rounds, &b, 2 * SVM_WAIT_MS, "a process that copies ends");
}

/* Kinds of memory. */

static void test_untouched(void)
{
	uint8_t *src = user_pages(4 * PAGE), *dst = user_pages(4 * PAGE), zero[PAGE] = { 0 };
	struct user user;
	uint64_t faults;
	int i;

	user_begin(&user);
	memset(dst, MARK, PAGE);
	faults = svm_gpu_has(user.gpu, SVM_FAULTS) ? svm_gpu_faults(user.gpu) : 0;
	igt_assert_eq(user_copy(&user, dst, src, 4 * PAGE), 0);
	/* Without one, the access has not used the process's page tables. */
	if (svm_gpu_has(user.gpu, SVM_FAULTS))
		igt_assert_f(svm_gpu_faults(user.gpu) > faults, "there was no page fault\n");
	for (i = 0; i < 4; i++)
		igt_assert_f(!memcmp(dst + i * PAGE, zero, PAGE), "page %d is not zero\n", i);
	user_end(&user);
}

static void test_file(void)
{
	enum { N = 16 * PAGE };
	char path[] = "/tmp/nouveau_svm_basic-XXXXXX";
	uint8_t *shared, *private, *seen = user_pages(N), *want = user_pages(N);
	const int fd = mkstemp(path);
	struct user user;

	igt_assert_f(fd >= 0 && !ftruncate(fd, N), "%s: %s\n", path, strerror(errno));
	unlink(path);
	shared = mmap(NULL, N, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, N, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	igt_assert_f(shared != MAP_FAILED && private != MAP_FAILED, "mmap: %s\n", strerror(errno));

	user_begin(&user);
	user_check(&user, shared, N, "shared mapping of a file");
	memcpy(want, shared, N);
	igt_assert_eq(pread(fd, seen, N, 0), N);
	igt_assert_f(!memcmp(seen, want, N), "the file has something else\n");
	/* What is written to the file is seen by the device. */
	fill_random(want, N, SEED + 2);
	igt_assert_eq(pwrite(fd, want, N, 0), N);
	igt_assert_eq(user_copy(&user, seen, shared, N), 0);
	igt_assert_f(!memcmp(seen, want, N), "the device does not see what the file has\n");
	igt_assert_eq(user_copy(&user, seen, private, N), 0);
	igt_assert_f(!memcmp(seen, want, N), "the device does not see it in a private mapping\n");
	/* A private mapping is copied when it is written. */
	user_check(&user, private, N, "private mapping of a file");
	igt_assert_eq(pread(fd, seen, N, 0), N);
	igt_assert_f(!memcmp(seen, want, N), "a private mapping was written to the file\n");
	user_end(&user);
	close(fd);
}

/* dst has to have what src has. Then fill it with something else. */
static void see_and_change(unsigned int child, void *data)
{
	const struct buffers *b = data;

	CHILD_CHECK(!memcmp(b->dst, b->src, b->n), "process %u sees something else", child);
	fill_random(b->dst, b->n, SEED + 3);
}

static void test_shared(void)
{
	enum { N = 16 * PAGE };
	uint8_t *buf = mmap(NULL, N, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint8_t *want = user_pages(N), *seen = user_pages(N);
	struct buffers b;
	struct user user;

	igt_assert_f(buf != MAP_FAILED, "mmap: %s\n", strerror(errno));
	user_begin(&user);
	user_check(&user, buf, N, "shared memory");
	memcpy(want, buf, N);
	b = (struct buffers) { .src = want, .dst = buf, .n = N };
	child_run(1, see_and_change, &b, SVM_WAIT_MS, "a process with the same memory ends");
	fill_random(want, N, SEED + 3);
	igt_assert_eq(user_copy(&user, seen, buf, N), 0);
	igt_assert_f(!memcmp(seen, want, N), "the device does not see what a process wrote\n");
	user_end(&user);
}

static void test_hugetlb(void)
{
	uint8_t *buf = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	struct user user;

	igt_require_f(buf != MAP_FAILED || errno != ENOMEM,
		      "no two huge pages are set aside, see /proc/sys/vm/nr_hugepages\n");
	igt_require_f(buf != MAP_FAILED || errno != EINVAL, "no huge pages in this kernel\n");
	igt_assert_f(buf != MAP_FAILED, "mmap: %s\n", strerror(errno));
	user_begin(&user);
	user_check(&user, buf, 2 * HUGE, "hugetlb");
	user_check(&user, buf + HUGE - PAGE, 2 * PAGE, "across two huge pages");
	user_end(&user);
	munmap(buf, 2 * HUGE);
}

static void test_thp(void)
{
	uint8_t *buf = user_pages(3 * HUGE);
	struct user user;

	require_thp();
	buf = (uint8_t *)(((uintptr_t)buf + HUGE - 1) & -(uintptr_t)HUGE);
	igt_assert_f(!madvise(buf, 2 * HUGE, MADV_HUGEPAGE), "MADV_HUGEPAGE: %s\n",
		     strerror(errno));
	memset(buf, MARK, 2 * HUGE);
	igt_assert_f(pagemap_huge(buf) >= 2 * HUGE, "the kernel has no two huge pages left\n");
	user_begin(&user);
	user_check(&user, buf, 2 * HUGE, "transparent huge pages");
	user_check(&user, buf + HUGE - PAGE, 2 * PAGE, "across two huge pages");
	user_end(&user);
}

static void test_stack(void)
{
	uint8_t buf[8 * PAGE];
	struct user user;

	user_begin(&user);
	user_check(&user, buf, sizeof(buf), "stack");
	user_end(&user);
}

static const uint8_t constant[3 * PAGE] = { 1, 2, 3 };

static void test_sections(void)
{
	static uint8_t zeroed[2 * PAGE], data[2 * PAGE] = { 1 };
	uint8_t *heap = malloc(3 * PAGE), *seen = user_pages(sizeof(constant));
	struct user user;

	user_begin(&user);
	user_check(&user, zeroed, sizeof(zeroed), "zeroed data");
	user_check(&user, data, sizeof(data), "data");
	user_check(&user, heap, 3 * PAGE, "heap");
	igt_assert_eq(user_copy(&user, seen, constant, sizeof(constant)), 0);
	igt_assert_f(!memcmp(seen, constant, sizeof(constant)), "constants differ\n");
	user_end(&user);
	free(heap);
}

/* What must not be accessed. */

static void test_read_only(void)
{
	uint8_t *buf = user_pages(2 * PAGE), *ro = user_pages(2 * PAGE);
	struct user user;

	user_begin(&user);
	require_dead_queues(&user);
	fill_random(buf, 2 * PAGE, SEED);
	memset(ro, MARK, 2 * PAGE);
	igt_assert_eq(mprotect(ro, 2 * PAGE, PROT_READ), 0);
	igt_assert_eq(user_copy(&user, buf, ro, 2 * PAGE), 0);
	igt_assert_eq(buf[2 * PAGE - 1], MARK);
	fill_random(buf, 2 * PAGE, SEED);
	check_refused(&user, ro, buf, 2 * PAGE, "a write to read-only memory");
	igt_assert_f(ro[0] == MARK && ro[2 * PAGE - 1] == MARK, "read-only memory has changed\n");
	/* Constants of the program, which are a file's. */
	check_refused(&user, (void *)constant, buf, PAGE, "a write to the program's constants");
	igt_assert_eq(constant[0], 1);
	/* The zero page, which a read has mapped. */
	igt_assert_eq(mprotect(ro, 2 * PAGE, PROT_READ | PROT_WRITE), 0);
	user_check(&user, ro, 2 * PAGE, "writable again");
	user_end(&user);
}

static void test_prot_none(void)
{
	uint8_t *buf = user_pages(PAGE), *none = user_pages(2 * PAGE);
	struct user user;

	user_begin(&user);
	require_dead_queues(&user);
	memset(none, MARK, 2 * PAGE);
	memset(buf, 1, PAGE);
	igt_assert_eq(mprotect(none, 2 * PAGE, PROT_NONE), 0);
	check_refused(&user, buf, none, PAGE, "a read of PROT_NONE");
	igt_assert_f(buf[0] == 1, "PROT_NONE was read\n");
	check_refused(&user, none + PAGE, buf, PAGE, "a write to PROT_NONE");
	igt_assert_eq(mprotect(none, 2 * PAGE, PROT_READ | PROT_WRITE), 0);
	igt_assert_f(none[PAGE] == MARK, "PROT_NONE was written\n");
	user_check(&user, none, 2 * PAGE, "accessible again");
	user_end(&user);
}

static void test_unmapped(void)
{
	uint8_t *buf = user_pages(2 * PAGE), *hole = user_pages(3 * PAGE);
	struct user user;

	user_begin(&user);
	require_dead_queues(&user);
	munmap(hole + PAGE, PAGE);
	check_refused(&user, buf, hole + PAGE, PAGE, "a read of what is not mapped");
	check_refused(&user, hole + PAGE, buf, PAGE, "a write to what is not mapped");
	check_refused(&user, buf, hole, 2 * PAGE, "a read into a hole");
	check_refused(&user, hole + 2 * PAGE - 1, buf, 2, "a write out of a hole");
	check_refused(&user, buf, NULL, PAGE, "a read of NULL");
	check_refused(&user, NULL, buf, 1, "a write to NULL");
	user_check(&user, hole, PAGE, "below the hole");
	user_check(&user, hole + 2 * PAGE, PAGE, "above the hole");
	user_end(&user);
}

/* The driver's window is not the process's memory: what the driver has not mapped is not mapped. */
static void test_window(void)
{
	uint8_t *buf = user_pages(PAGE), *in_window = (uint8_t *)(WINDOW_ADDR + WINDOW_SIZE / 2);
	struct user user;

	user_begin(&user);
	require_dead_queues(&user);
	check_refused(&user, buf, in_window, PAGE, "a read of the driver's window");
	check_refused(&user, in_window, buf, PAGE, "a write to the driver's window");
	user_check(&user, buf, PAGE, "outside of the window");
	user_end(&user);
}

/* A queue that dies takes no other with it. */
static void test_others_live(void)
{
	enum { N = 4 * PAGE };
	uint8_t *src = user_pages(N), *dst = user_pages(3 * N), *hole = user_pages(PAGE);
	struct svm_queue *other;
	struct user user, client;
	int i, ret;

	user_begin(&user);
	require_dead_queues(&user);
	user_begin(&client);
	ret = svm_queue_open(user.gpu, &other);
	igt_assert_f(!ret, "queue: %s\n", strerror(-ret));
	munmap(hole, PAGE);
	for (i = 0; i < 8; i++) {
		fill_random(src, N, SEED + i);
		/* Begun before it dies, waited for after that. */
		igt_assert_eq(svm_copy(other, dst, src, N), 0);
		igt_assert_eq(svm_copy(client.queue, dst + N, src, N), 0);
		check_refused(&user, dst + 2 * N, hole, 1, "a read of what is not mapped");
		ret = svm_wait_queue(other, SVM_WAIT_MS, "another queue of the client");
		igt_assert_f(!ret, "another queue of the client: %s\n", strerror(-ret));
		ret = svm_wait_queue(client.queue, SVM_WAIT_MS, "another client");
		igt_assert_f(!ret, "another client: %s\n", strerror(-ret));
		igt_assert_f(!memcmp(dst, src, N) && !memcmp(dst + N, src, N), "it differs\n");
	}
	svm_queue_close(other);
	user_end(&client);
	user_end(&user);
}

#define ARRAY_LEN(a) (sizeof(a) / sizeof(*(a)))

int igt_main_args("", svm_long_options, svm_help, svm_option, NULL)
{
	static bool has_node;

	igt_fixture() {
		struct svm_gpu *gpu = svm_require_gpu();

		igt_info("Seed %d\n", SEED);
		has_node = svm_gpu_fd(gpu) >= 0;
		svm_gpu_close(gpu);
	}

	/**
	 * SUBTEST: init-bad-window
	 * Description: SVM_INIT refuses windows that the device cannot reach
	 *
	 * SUBTEST: init-twice
	 * Description: a client gets shared virtual memory once
	 *
	 * SUBTEST: init-interrupted
	 * Description: SVM_INIT that a signal interrupts leaves nothing behind, whether it is
	 *	tried again or the file is closed
	 *
	 * SUBTEST: bind-bad
	 * Description: SVM_BIND refuses what it does not know, and ranges that are none
	 *
	 * SUBTEST: bind-without-init
	 * Description: SVM_BIND is for clients with shared virtual memory
	 *
	 * SUBTEST: bind-migrate
	 * Description: pages go to device memory, and come back with what they had
	 *
	 * SUBTEST: bind-holes
	 * Description: SVM_BIND of a range with holes does what it can
	 */
	igt_subtest_group() {
		igt_fixture()
			igt_require_f(has_node, "this back end hides nouveau's ioctls\n");

		igt_describe("SVM_INIT refuses windows that the device cannot reach");
		igt_subtest_with_dynamic("init-bad-window") {
			for (unsigned int i = 0; i < ARRAY_LEN(bad_window); i++)
				igt_dynamic(bad_window[i].name)
					test_init_bad_window(i);
		}
		igt_describe("A client gets shared virtual memory once");
		igt_subtest("init-twice")
			test_init_twice();
		igt_describe("SVM_INIT that a signal interrupts leaves nothing behind, whether it "
			     "is tried again or the file is closed");
		igt_subtest_with_dynamic("init-interrupted") {
			igt_dynamic("again")
				test_init_interrupted(true);
			igt_dynamic("closed")
				test_init_interrupted(false);
		}
		igt_describe("SVM_BIND refuses what it does not know, and ranges that are none");
		igt_subtest_with_dynamic("bind-bad") {
			for (unsigned int i = 0; i < ARRAY_LEN(bad_bind); i++)
				igt_dynamic(bad_bind[i].name)
					test_bind_bad(i);
		}
		igt_describe("SVM_BIND is for clients with shared virtual memory");
		igt_subtest("bind-without-init")
			test_bind_without_init();
		igt_describe("Pages go to device memory, and come back with what they had");
		igt_subtest("bind-migrate")
			test_bind_migrate();
		igt_describe("SVM_BIND of a range with holes does what it can");
		igt_subtest("bind-holes")
			test_bind_holes();
	}

	/**
	 * SUBTEST: copy-sizes
	 * Description: the device copies as memcpy() does, whatever size and alignment
	 */
	igt_describe("The device copies as memcpy() does, whatever size and alignment");
	igt_subtest_with_dynamic("copy-sizes") {
		for (unsigned int i = 0; i < ARRAY_LEN(copy_sizes); i++)
			igt_dynamic_f("%zu-bytes", copy_sizes[i])
				test_copy(copy_sizes[i]);
	}

	/**
	 * SUBTEST: fill
	 * Description: words are filled from a constant, and nothing beside them
	 */
	igt_describe("Words are filled from a constant, and nothing beside them");
	igt_subtest("fill")
		test_fill();

	/**
	 * SUBTEST: order
	 * Description: what is begun in a queue is done in that order
	 */
	igt_describe("What is begun in a queue is done in that order");
	igt_subtest("order")
		test_order();

	/**
	 * SUBTEST: atomic
	 * Description: atomic additions of two clients to one word are all there
	 */
	igt_describe("Atomic additions of two clients to one word are all there");
	igt_subtest("atomic")
		test_atomic();

	/**
	 * SUBTEST: two-clients
	 * Description: two clients of one process reach the same memory
	 */
	igt_describe("Two clients of one process reach the same memory");
	igt_subtest("two-clients")
		test_two_clients();

	/**
	 * SUBTEST: queues
	 * Description: many queues of one client at once
	 */
	igt_describe("Many queues of one client at once");
	igt_subtest("queues")
		test_queues();

	/**
	 * SUBTEST: processes
	 * Description: many processes at once, with other memory at the same addresses
	 */
	igt_describe("Many processes at once, with other memory at the same addresses");
	igt_subtest("processes")
		test_processes();

	/**
	 * SUBTEST: untouched
	 * Description: memory that no CPU has touched is zero for the device
	 */
	igt_describe("Memory that no CPU has touched is zero for the device");
	igt_subtest("untouched")
		test_untouched();

	/**
	 * SUBTEST: file
	 * Description: shared and private mappings of a file
	 */
	igt_describe("Shared and private mappings of a file");
	igt_subtest("file")
		test_file();

	/**
	 * SUBTEST: shared
	 * Description: memory that is shared with a process without the device
	 */
	igt_describe("Memory that is shared with a process without the device");
	igt_subtest("shared")
		test_shared();

	/**
	 * SUBTEST: hugetlb
	 * Description: huge pages that were set aside
	 */
	igt_describe("Huge pages that were set aside");
	igt_subtest("hugetlb")
		test_hugetlb();

	/**
	 * SUBTEST: thp
	 * Description: transparent huge pages
	 */
	igt_describe("Transparent huge pages");
	igt_subtest("thp")
		test_thp();

	/**
	 * SUBTEST: stack
	 * Description: the stack
	 */
	igt_describe("The stack");
	igt_subtest("stack")
		test_stack();

	/**
	 * SUBTEST: sections
	 * Description: the program's data, constants and heap
	 */
	igt_describe("The program's data, constants and heap");
	igt_subtest("sections")
		test_sections();

	/**
	 * SUBTEST: read-only
	 * Description: what is read-only can be read, a write ends the queue
	 */
	igt_describe("What is read-only can be read, a write ends the queue");
	igt_subtest("read-only")
		test_read_only();

	/**
	 * SUBTEST: prot-none
	 * Description: any access to PROT_NONE ends the queue
	 */
	igt_describe("Any access to PROT_NONE ends the queue");
	igt_subtest("prot-none")
		test_prot_none();

	/**
	 * SUBTEST: unmapped
	 * Description: any access to what is not mapped ends the queue
	 */
	igt_describe("Any access to what is not mapped ends the queue");
	igt_subtest("unmapped")
		test_unmapped();

	/**
	 * SUBTEST: window
	 * Description: any access to the driver's window ends the queue
	 */
	igt_describe("Any access to the driver's window ends the queue");
	igt_subtest_group() {
		igt_fixture()
			igt_require_f(has_node, "the window is nouveau's\n");
		igt_subtest("window")
			test_window();
	}

	/**
	 * SUBTEST: others-live
	 * Description: a queue that dies takes none with it, of its client or of another
	 */
	igt_describe("A queue that dies takes none with it, of its client or of another");
	igt_subtest("others-live")
		test_others_live();
}
