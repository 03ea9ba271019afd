// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/**
 * TEST: nouveau svm memory
 * Category: Core
 * Mega feature: Shared virtual memory
 * Sub-category: nouveau
 * Functionality: memory that others use as well
 * Test category: functionality test
 * Description: The device accesses memory that the kernel or the CPU has to do with at the same
 *	time: pages that are pinned or locked, that cannot go to device memory, mappings that
 *	merge or move, words that both write
 */
#include "child.h"
#include "clock.h"
#include "dmesg_patterns.h"
#include "gpu.h"
#include "igt_decl.h"
#include "leave.h"
#include "memcg.h"
#include "pagemap.h"
#include "random.h"
#include "svm_gpu.h"
#include "svm_options.h"
#include "svm_require.h"
#include "svm_wait.h"
#include "uring.h"
#include "user.h"
#include "zram.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

IGT_TEST_DESCRIPTION("The device accesses memory that the kernel or the CPU has to do with at the "
		     "same time");

enum { PAGE = 4096, HUGE = 2 << 20, SEED = 20261130 };

#define MARK 0xa5

static void require_migration(const struct user *user)
{
	igt_require_f(svm_gpu_has(user->gpu, SVM_MIGRATE), "the device has no memory of its own\n");
}

/* How many of its pages are in device memory: they are not present for the CPU. */
static int pages_away(const void *buf, size_t n)
{
	const int nr = pagemap_count(buf, n / PAGE, PAGEMAP_AWAY);

	igt_assert_f(nr >= 0, "pagemap: %s\n", strerror(-nr));
	return nr;
}

/* All of it if possible. Returns how many pages are there then. */
static int migrate(struct user *user, void *buf, size_t n)
{
	const int there = gpu_svm_migrate_until(svm_gpu_fd(user->gpu), buf, n, n / PAGE);

	igt_assert_f(there >= 0, "SVM_BIND: %s\n", strerror(-there));
	return there;
}

static void migrate_all(struct user *user, void *buf, size_t n)
{
	const int there = migrate(user, buf, n);

	igt_assert_f(there == (int)(n / PAGE), "%d of %zu pages have gone to the device\n", there,
		     n / PAGE);
}

/* Fill want with random bytes, and have the device write them to buf. */
static void device_writes(struct user *user, void *buf, void *want, size_t n, uint32_t seed)
{
	int ret;

	fill_random(want, n, seed);
	ret = user_copy(user, buf, want, n);
	igt_assert_f(!ret, "the device writes: %s\n", strerror(-ret));
}

/* Pinned pages. */

enum { PINNED = 8 * PAGE };	/* fits into a pipe */

/* buf has what is in want. The device can write to it, and it does not migrate. */
static void check_pinned(struct user *user, uint8_t *buf, uint8_t *want, const char *how)
{
	int there;

	igt_assert_f(!memcmp(buf, want, PINNED), "the CPU sees something else\n");
	device_writes(user, buf, want, PINNED, SEED + 1);
	if (!svm_gpu_has(user->gpu, SVM_MIGRATE))
		return;
	there = migrate(user, buf, PINNED);
	igt_assert_f(!there, "%d pages that are %s have gone to the device\n", there, how);
	device_writes(user, buf, want, PINNED, SEED + 2);
}

/*
 * vmsplice() puts the pages themselves into a pipe: what the device writes to them comes out of it.
 * Until then they may neither migrate nor be replaced.
 */
static void test_vmsplice(bool on_device)
{
	uint8_t *buf = user_pages(PINNED), *want = user_pages(PINNED), *out = user_pages(PINNED);
	struct iovec iov = { .iov_base = buf, .iov_len = PINNED };
	struct user user;
	int fd[2];

	user_begin(&user);
	if (on_device)
		require_migration(&user);
	igt_assert_f(!pipe(fd), "pipe: %s\n", strerror(errno));
	device_writes(&user, buf, want, PINNED, SEED);
	/* Pinning brings the pages back. */
	if (on_device)
		migrate_all(&user, buf, PINNED);
	igt_assert_eq(vmsplice(fd[1], &iov, 1, 0), PINNED);
	check_pinned(&user, buf, want, "in a pipe");
	igt_assert_eq(read(fd[0], out, PINNED), PINNED);
	igt_assert_f(!memcmp(out, want, PINNED), "the pipe has something else than the device has "
		     "written\n");
	if (svm_gpu_has(user.gpu, SVM_MIGRATE))
		migrate_all(&user, buf, PINNED);
	user_check(&user, buf, PINNED, "pages that were in a pipe");
	close(fd[0]);
	close(fd[1]);
	user_end(&user);
}

/* The kernel pins the pages while it reads or writes them. */
static void test_process_vm(bool on_device)
{
	uint8_t *buf = user_pages(PINNED), *want = user_pages(PINNED), *out = user_pages(PINNED);
	struct iovec remote = { .iov_base = buf, .iov_len = PINNED };
	struct iovec local = { .iov_base = out, .iov_len = PINNED };
	struct user user;
	ssize_t n;

	user_begin(&user);
	if (on_device)
		require_migration(&user);
	device_writes(&user, buf, want, PINNED, SEED);
	if (on_device)
		migrate_all(&user, buf, PINNED);
	n = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
	igt_require_f(n >= 0 || errno != ENOSYS, "no process_vm_readv(): "
		      "CONFIG_CROSS_MEMORY_ATTACH\n");
	igt_assert_f(n == PINNED, "process_vm_readv(): %s\n", n < 0 ? strerror(errno) :
		     "too little");
	igt_assert_f(!memcmp(out, want, PINNED), "process_vm_readv() reads something else\n");
	if (on_device)
		migrate_all(&user, buf, PINNED);
	fill_random(out, PINNED, SEED + 1);
	n = process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
	igt_assert_f(n == PINNED, "process_vm_writev(): %s\n", n < 0 ? strerror(errno) :
		     "too little");
	user_check_sees(&user, buf, out, PINNED, "after process_vm_writev()");
	igt_assert_f(!memcmp(buf, out, PINNED), "the CPU sees something else\n");
	user_end(&user);
}

static int disk = -1;

static int remove_disk(void)
{
	if (disk >= 0)
		close(disk);
	disk = -1;
	return zram_remove();
}

static void leave_no_disk(void)
{
	remove_disk();
}

/* With O_DIRECT, a disk reads and writes the pages themselves. */
static void test_direct_io(bool on_device)
{
	uint8_t *buf = user_pages(PINNED), *want = user_pages(PINNED), *other = user_pages(PINNED);
	const char *path;
	struct user user;
	int ret;

	igt_require_f(zram_available(), "no zram: CONFIG_ZRAM, and root\n");
	user_begin(&user);
	if (on_device)
		require_migration(&user);
	igt_emit_ignore_dmesg_regex(ZRAM_DMESG);
	leave_with(leave_no_disk);
	ret = remove_disk();
	igt_assert_f(!ret, "a zram device that was left: %s\n", strerror(-ret));
	ret = zram_add(1, &path);
	igt_assert_f(!ret, "a zram device: %s\n", strerror(-ret));
	disk = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	igt_assert_f(disk >= 0, "%s: %s\n", path, strerror(errno));
	device_writes(&user, buf, want, PINNED, SEED);
	if (on_device)
		migrate_all(&user, buf, PINNED);
	igt_assert_f(pwrite(disk, buf, PINNED, 0) == PINNED, "%s: %s\n", path, strerror(errno));
	device_writes(&user, buf, other, PINNED, SEED + 1);
	if (on_device)
		migrate_all(&user, buf, PINNED);
	igt_assert_f(pread(disk, buf, PINNED, 0) == PINNED, "%s: %s\n", path, strerror(errno));
	igt_assert_f(!memcmp(buf, want, PINNED), "the disk has something else\n");
	user_check_sees(&user, buf, want, PINNED, "what a disk has read");
	user_check(&user, buf, PINNED, "pages of direct I/O");
	ret = remove_disk();
	igt_assert_f(!ret, "%s: %s\n", path, strerror(-ret));
	user_end(&user);
}

/*
 * The kernel pins a buffer for as long as it is registered, and reads it by its pages, not by its
 * addresses.
 */
static void test_registered(bool on_device)
{
	uint8_t *buf = user_pages(PINNED), *want = user_pages(PINNED), *out = user_pages(PINNED);
	const int file = memfd_create("nouveau_svm", MFD_CLOEXEC);
	struct uring ring;
	struct user user;
	int ret;

	user_begin(&user);
	if (on_device)
		require_migration(&user);
	igt_assert_f(file >= 0 && !ftruncate(file, PINNED), "memfd: %s\n", strerror(errno));
	ret = uring_begin(&ring);
	igt_require_f(ret != -ENOSYS && ret != -EPERM, "no io_uring: %s\n", strerror(-ret));
	igt_assert_f(!ret, "io_uring: %s\n", strerror(-ret));
	device_writes(&user, buf, want, PINNED, SEED);
	/* Pinning brings the pages back. */
	if (on_device)
		migrate_all(&user, buf, PINNED);
	ret = uring_register(&ring, buf, PINNED);
	igt_assert_f(!ret, "a buffer is registered: %s\n", strerror(-ret));
	check_pinned(&user, buf, want, "registered");
	ret = uring_write(&ring, file, buf, PINNED);
	igt_assert_f(!ret, "a registered buffer is written to a file: %s\n", strerror(-ret));
	igt_assert_eq(pread(file, out, PINNED, 0), PINNED);
	igt_assert_f(!memcmp(out, want, PINNED), "the file has something else than the device has "
		     "written\n");
	ret = uring_unregister(&ring);
	igt_assert_f(!ret, "the buffer is not registered any more: %s\n", strerror(-ret));
	uring_end(&ring);
	if (svm_gpu_has(user.gpu, SVM_MIGRATE))
		migrate_all(&user, buf, PINNED);
	user_check_sees(&user, buf, want, PINNED, "pages that were registered");
	close(file);
	user_end(&user);
}

/* The kernel may not swap out locked memory, but it may migrate it. */
static void test_mlock(bool on_device)
{
	enum { N = 16 * PAGE };
	uint8_t *buf = user_pages(N), *want = user_pages(N);
	struct user user;
	int ret;

	user_begin(&user);
	if (on_device)
		require_migration(&user);
	ret = mlock(buf, N / 2) ? errno : 0;
	igt_require_f(ret != ENOMEM && ret != EPERM, "this process may not lock memory: %s\n",
		      strerror(ret));
	igt_assert_f(!ret, "mlock: %s\n", strerror(ret));
	device_writes(&user, buf, want, N, SEED);
	if (on_device) {
		/* Locked pages may migrate, or not. */
		migrate(&user, buf, N / 2);
		migrate_all(&user, buf + N / 2, N / 2);
		user_check_sees(&user, buf, want, N, "locked memory");
	}
	igt_assert_f(!memcmp(buf, want, N), "the CPU sees something else\n");
	/* mlock() brings all of it back. */
	igt_assert_f(!mlock(buf, N), "mlock: %s\n", strerror(errno));
	igt_assert_eq(pages_away(buf, N), 0);
	user_check(&user, buf, N, "locked memory");
	igt_assert_f(!munlock(buf, N), "munlock: %s\n", strerror(errno));
	if (on_device)
		migrate_all(&user, buf, N);
	user_check(&user, buf, N, "memory that was locked");
	user_end(&user);
}

/* Memory that is freed lazily. */

enum { LAZY = 64 * PAGE };	/* two of these */

static void be_lazy(const struct memcg *memcg)
{
	uint8_t *buf = user_pages(2 * LAZY), *from = user_pages(LAZY);
	struct svm_queue *queue;
	const char *why = "";
	struct svm_gpu *gpu;
	int ret, i, gone = 0, lost = 0;

	/* What it touches from now on is charged to the cgroup. */
	ret = memcg_join(memcg);
	CHILD_CHECK(!ret, "its cgroup: %s", strerror(-ret));
	madvise(buf, 2 * LAZY, MADV_NOHUGEPAGE);
	ret = svm_gpu_open(&gpu, &why);
	CHILD_CHECK(!ret, "%s: %s", why, strerror(-ret));
	ret = svm_queue_open(gpu, &queue);
	CHILD_CHECK(!ret, "queue: %s", strerror(-ret));
	memset(buf, 1, 2 * LAZY);
	memset(from, MARK, LAZY);
	CHILD_CHECK(!madvise(buf, 2 * LAZY, MADV_FREE), "MADV_FREE: %s", strerror(errno));
	ret = svm_copy(queue, buf, from, LAZY);
	if (!ret)
		ret = svm_wait_queue(queue, SVM_WAIT_MS, "the device writes");
	CHILD_CHECK(!ret, "the device writes: %s", strerror(-ret));
	ret = memcg_reclaim(memcg, 64 * LAZY);
	CHILD_CHECK(!ret, "memory.reclaim: %s", strerror(-ret));
	for (i = 0; i < LAZY; i += PAGE) {
		lost += buf[i] != MARK;
		gone += !buf[LAZY + i];
	}
	printf("of %d pages that were freed lazily %d are gone; of as many that the device has "
	       "written since, %d\n", LAZY / PAGE, gone, lost);
	CHILD_CHECK(gone, "nothing was reclaimed");
	CHILD_CHECK(!lost, "%d pages are gone that the device has written", lost);
	child_exit(0);
}

/* Reclaim may take what was freed lazily, unless somebody has written it since, also the device. */
static void test_lazily_freed(void)
{
	struct memcg memcg;
	int ret, status;
	pid_t pid;

	igt_require_f(memcg_available(), "this kernel has no memory controller of cgroup version 2 "
		      "in /sys/fs/cgroup\n");
	igt_require_f(memcg_can_reclaim(), "no memory.reclaim in this kernel, or not root's to "
		      "write\n");
	memcg_remove_all(SVM_WAIT_MS);
	ret = memcg_create(&memcg, "igt-lazy", 0);
	igt_assert_f(!ret, "cgroup: %s\n", strerror(-ret));
	pid = child_start();
	if (!pid)
		be_lazy(&memcg);
	igt_assert_f(pid > 0, "fork: %s\n", strerror(-pid));
	ret = child_wait(pid, &status, 2 * SVM_WAIT_MS, "who has the device write ends");
	igt_assert_f(!ret && !status, "who has the device write: %s, status %#x: see what it "
		     "says\n", strerror(-ret), status);
	ret = memcg_remove(&memcg, SVM_WAIT_MS);
	igt_assert_f(!ret, "cgroup: %s\n", strerror(-ret));
}

/* Memory that cannot go to the device. */

static void check_stays(struct user *user, void *buf, size_t n, const char *kind)
{
	uint8_t *want = user_pages(n);
	int ret;

	fill_random(want, n, SEED);
	memcpy(buf, want, n);
	ret = svm_gpu_migrate(user->gpu, buf, n);
	igt_assert_f(!ret, "%s: SVM_BIND: %s\n", kind, strerror(-ret));
	igt_assert_f(!pages_away(buf, n), "%s: it has gone to device memory\n", kind);
	igt_assert_f(!memcmp(buf, want, n), "%s: it has changed\n", kind);
	user_check(user, buf, n, kind);
	munmap(want, n);
}

static void test_stays_shared(void)
{
	enum { N = 16 * PAGE };
	const int fd = memfd_create("nouveau_svm", MFD_CLOEXEC);
	uint8_t *buf, *anonymous;
	struct user user;

	igt_assert_f(fd >= 0 && !ftruncate(fd, N), "memfd: %s\n", strerror(errno));
	buf = mmap(NULL, N, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	anonymous = mmap(NULL, N, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	igt_assert_f(buf != MAP_FAILED && anonymous != MAP_FAILED, "mmap: %s\n", strerror(errno));
	user_begin(&user);
	require_migration(&user);
	check_stays(&user, buf, N, "a memfd");
	check_stays(&user, anonymous, N, "shared anonymous memory");
	user_end(&user);
	close(fd);
}

/*
 * In a private mapping, pages of the file stay. Pages that were written are the process's, and go.
 */
static void test_stays_file(void)
{
	enum { N = 16 * PAGE };
	const int fd = memfd_create("nouveau_svm", MFD_CLOEXEC);
	uint8_t *buf, *want = user_pages(N), *out = user_pages(N);
	struct user user;
	int ret;

	fill_random(want, N, SEED);
	igt_assert_f(fd >= 0 && pwrite(fd, want, N, 0) == N, "memfd: %s\n", strerror(errno));
	buf = mmap(NULL, N, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	igt_assert_f(buf != MAP_FAILED, "mmap: %s\n", strerror(errno));
	user_begin(&user);
	require_migration(&user);
	user_check_sees(&user, buf, want, N, "a private mapping of a file");
	ret = svm_gpu_migrate(user.gpu, buf, N);
	igt_assert_f(!ret, "SVM_BIND: %s\n", strerror(-ret));
	igt_assert_f(!pages_away(buf, N), "pages of a file have gone to device memory\n");
	user_check_sees(&user, buf, want, N, "a private mapping of a file, after SVM_BIND");
	/* The half that is written gets pages of its own, which can go. */
	device_writes(&user, buf, out, N / 2, SEED + 1);
	migrate_all(&user, buf, N / 2);
	ret = svm_gpu_migrate(user.gpu, buf, N);
	igt_assert_f(!ret, "SVM_BIND: %s\n", strerror(-ret));
	igt_assert_f(!pages_away(buf + N / 2, N / 2),
		     "pages of a file have gone to device memory\n");
	user_check_sees(&user, buf, out, N / 2, "what was written to a private mapping");
	igt_assert_f(!memcmp(buf, out, N / 2), "the CPU sees something else\n");
	igt_assert_eq(pread(fd, out, N, 0), N);
	igt_assert_f(!memcmp(out, want, N), "a private mapping was written to the file\n");
	user_end(&user);
	close(fd);
}

/* Pages of the kernel's that a process has mapped. */
static void test_stays_vdso(void)
{
	const unsigned long at = getauxval(AT_SYSINFO_EHDR);
	uint8_t *vdso = (uint8_t *)at, want[PAGE];
	struct user user;
	int ret;

	igt_require_f(vdso, "this process has no vDSO\n");
	memcpy(want, vdso, PAGE);
	user_begin(&user);
	require_migration(&user);
	/* And vvar, which is mapped before it. */
	ret = svm_gpu_migrate(user.gpu, vdso - 4 * PAGE, 5 * PAGE);
	igt_assert_f(!ret, "SVM_BIND: %s\n", strerror(-ret));
	igt_assert_f(!memcmp(vdso, want, PAGE), "the vDSO has changed\n");
	user_check_sees(&user, vdso, want, PAGE, "the vDSO");
	/* It reads vvar. */
	igt_assert(now_ms() > 0);
	user_end(&user);
}

/* Ranges that begin or end within a huge page. */
static void test_odd_sizes(void)
{
	static const struct { size_t at, size; } part[] = {
		{ 0, 3 * HUGE / 4 }, { HUGE / 4, 3 * HUGE / 4 }, { HUGE / 2, HUGE },
		{ HUGE - PAGE, 2 * PAGE }, { PAGE, HUGE + PAGE }, { HUGE / 2 + PAGE, 3 * HUGE / 2 },
	};
	struct user user;
	unsigned int i;
	uint8_t *buf;

	user_begin(&user);
	for (i = 0; i < sizeof(part) / sizeof(*part); i++) {
		uint8_t *all = user_pages(4 * HUGE);
		const size_t size = part[i].size;

		buf = (uint8_t *)(((uintptr_t)all + HUGE - 1) & -(uintptr_t)HUGE);
		igt_assert_f(!madvise(buf, 3 * HUGE, MADV_HUGEPAGE) || errno == EINVAL,
			     "MADV_HUGEPAGE: %s\n", strerror(errno));
		buf += part[i].at;
		user_check(&user, buf, size, "a part of huge pages");
		if (svm_gpu_has(user.gpu, SVM_MIGRATE)) {
			igt_assert_f(migrate(&user, buf, size),
				     "part %u: nothing has gone to the device\n", i);
			user_check(&user, buf, size, "a part that was migrated");
		}
		munmap(all, 4 * HUGE);
	}
	user_end(&user);
}

/* Both at once. */

/* The CPU adds so often for each addition of the device, and then leaves the page alone. */
enum { BURST = 100 };

struct adder {
	volatile uint32_t *word;
	atomic_bool stop;
	atomic_uint wanted;	/* bursts */
	uint32_t added;
};

static void *add(void *arg)
{
	struct adder *a = arg;

	while (!a->stop || a->added < a->wanted * BURST) {
		if (a->added < a->wanted * BURST) {
			__atomic_add_fetch(a->word, 1, __ATOMIC_SEQ_CST);
			a->added++;
		} else {
			sched_yield();
		}
	}
	return NULL;
}

/* No addition is lost, neither the CPU's nor the device's. */
static void test_one_word(void)
{
	enum { ADDS = 200, EACH = 1000 };
	struct adder a = { .word = user_pages(PAGE) };
	struct user user;
	pthread_t thread;
	int i, ret;

	user_begin(&user);
	igt_assert(!pthread_create(&thread, NULL, add, &a));
	for (i = 0; i < ADDS; i++) {
		a.wanted++;
		ret = svm_add(user.queue, (uint32_t *)a.word, EACH);
		if (!ret && i % 10 == 9)
			ret = svm_wait_queue(user.queue, SVM_WAIT_MS, "atomic adds");
		if (ret)
			break;
	}
	a.stop = true;
	pthread_join(thread, NULL);
	igt_assert_f(!ret, "add %d: %s\n", i, strerror(-ret));
	igt_info("the device has added %d times, the CPU %u times\n", ADDS, a.added);
	igt_assert_eq_u32(*a.word, ADDS * EACH + a.added);
	user_end(&user);
}

struct writer {
	uint8_t *buf;
	atomic_bool stop;
	unsigned int rounds;
};

enum { BYTES = 64 };

/* The even bytes. */
static void *write_even(void *arg)
{
	struct writer *w = arg;
	int i;

	do {
		w->rounds++;
		for (i = 0; i < BYTES; i += 2)
			((volatile uint8_t *)w->buf)[i] = w->rounds;
	} while (!w->stop);
	return NULL;
}

/* A write of the CPU or the device leaves the bytes beside it alone. */
static void test_adjacent_bytes(void)
{
	enum { ROUNDS = 16 };
	struct writer w = { .buf = user_pages(PAGE) };
	uint8_t *src = user_pages(PAGE);
	struct user user;
	pthread_t thread;
	int i, round, ret = 0;

	user_begin(&user);
	igt_assert(!pthread_create(&thread, NULL, write_even, &w));
	for (round = 1; round <= ROUNDS && !ret; round++) {
		memset(src, round, PAGE);
		for (i = 1; i < BYTES && !ret; i += 2)
			ret = svm_copy(user.queue, w.buf + i, src + i, 1);
		if (!ret)
			ret = svm_wait_queue(user.queue, SVM_WAIT_MS, "copies of single bytes");
	}
	w.stop = true;
	pthread_join(thread, NULL);
	igt_assert_f(!ret, "copies of single bytes: %s\n", strerror(-ret));
	for (i = 0; i < BYTES; i++)
		igt_assert_f(w.buf[i] == (i % 2 ? ROUNDS : (uint8_t)w.rounds),
			     "byte %d, %s, is %u\n", i, i % 2 ? "the device's" : "the CPU's",
			     w.buf[i]);
	user_end(&user);
}

enum { QUEUES = 8, THREADS = 4 };

struct touch {
	uint8_t *buf;
	pthread_barrier_t *barrier;
	unsigned int nr;
};

static void *touch(void *arg)
{
	struct touch *t = arg;

	pthread_barrier_wait(t->barrier);
	t->buf[PAGE / 2 + t->nr] = t->nr + 1;
	return NULL;
}

/* Many queues and threads access a page at once that nobody has touched. */
static void test_one_page(void)
{
	enum { ROUNDS = 20 };
	struct svm_queue *queue[QUEUES];
	pthread_barrier_t barrier;
	uint8_t *src = user_pages(PAGE), *buf = user_pages(ROUNDS * PAGE);
	struct touch t[THREADS];
	pthread_t thread[THREADS];
	unsigned int i, round;
	struct user user;
	int ret;

	user_begin(&user);
	memset(src, MARK, PAGE);
	for (i = 0; i < QUEUES; i++) {
		ret = svm_queue_open(user.gpu, &queue[i]);
		igt_assert_f(!ret, "queue %u: %s\n", i, strerror(-ret));
	}
	for (round = 0; round < ROUNDS; round++, buf += PAGE) {
		pthread_barrier_init(&barrier, NULL, THREADS + 1);
		for (i = 0; i < THREADS; i++) {
			t[i] = (struct touch) { .buf = buf, .barrier = &barrier, .nr = i };
			igt_assert(!pthread_create(&thread[i], NULL, touch, &t[i]));
		}
		pthread_barrier_wait(&barrier);
		for (i = 0; i < QUEUES; i++) {
			ret = svm_copy(queue[i], buf + 4 * i, src, 2);
			igt_assert_f(!ret, "queue %u: %s\n", i, strerror(-ret));
		}
		for (i = 0; i < QUEUES; i++) {
			ret = svm_wait_queue(queue[i], SVM_WAIT_MS, "a copy to a page of many");
			igt_assert_f(!ret, "queue %u: %s\n", i, strerror(-ret));
		}
		for (i = 0; i < THREADS; i++)
			pthread_join(thread[i], NULL);
		pthread_barrier_destroy(&barrier);
		for (i = 0; i < PAGE; i++) {
			const uint8_t want = i < 4 * QUEUES ? (i % 4 < 2 ? MARK : 0) :
				i >= PAGE / 2 && i < PAGE / 2 + THREADS ? i - PAGE / 2 + 1 : 0;

			igt_assert_f(buf[i] == want, "round %u: byte %u is %#x, not %#x\n", round,
				     i, buf[i], want);
		}
	}
	for (i = 0; i < QUEUES; i++)
		svm_queue_close(queue[i]);
	user_end(&user);
}

static atomic_uint signals;

static void count_signal(int sig)
{
	(void)sig;
	signals++;
}

struct sender {
	pthread_t to;
	atomic_uint wanted;	/* so many in all */
	atomic_bool stop;
};

/* Send a signal when the last one has arrived. */
static void *send(void *arg)
{
	struct sender *s = arg;
	unsigned int sent = 0;

	while (!s->stop) {
		if (sent < s->wanted && signals == sent) {
			pthread_kill(s->to, SIGUSR1);
			sent++;
		}
		sched_yield();
	}
	return NULL;
}

/* A thread gets signals while it submits to the device and waits for it. */
static void test_signals(void)
{
	enum { ROUNDS = 30, EACH = 10, N = 64 * PAGE };
	/* Without SA_RESTART: what is interrupted says so. */
	const struct sigaction count = { .sa_handler = count_signal };
	uint8_t *src = user_pages(N), *dst = user_pages(N);
	struct sender sender = { .to = pthread_self() };
	struct sigaction before;
	struct user user;
	pthread_t thread;
	int i, ret = 0;
	bool same = true;

	user_begin(&user);
	signals = 0;
	igt_assert(!sigaction(SIGUSR1, &count, &before));
	igt_assert(!pthread_create(&thread, NULL, send, &sender));
	for (i = 0; i < ROUNDS && !ret && same; i++) {
		fill_random(src, N, SEED + i);
		madvise(dst, N, MADV_DONTNEED);
		sender.wanted += EACH;
		ret = user_copy(&user, dst, src, N);
		same = !memcmp(dst, src, N);
	}
	sender.stop = true;
	pthread_join(thread, NULL);
	sigaction(SIGUSR1, &before, NULL);
	igt_info("%u signals in %d copies\n", (unsigned int)signals, i);
	igt_assert_f(!ret, "copy %d: %s\n", i, strerror(-ret));
	igt_assert_f(same, "copy %d: it differs\n", i);
	igt_assert(signals);
	user_end(&user);
}

/* Mappings. */

/* How many mappings the kernel has for a range. */
static unsigned int mappings(const void *buf, size_t n)
{
	const uintptr_t from = (uintptr_t)buf, to = from + n;
	unsigned int nr = 0;
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end;

	igt_assert_f(maps, "/proc/self/maps: %s\n", strerror(errno));
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx", &start, &end) == 2)
			nr += start < to && end > from;
	fclose(maps);
	return nr;
}

/* Three mappings become one, and one three, while the device has them mapped. */
static void test_merge(void)
{
	enum { N = 4 * PAGE };
	uint8_t *buf = user_pages(3 * N), *want = user_pages(3 * N);
	struct user user;
	int i;

	user_begin(&user);
	/* Make one anon_vma for all of it: mappings with one each do not merge. */
	memset(buf, 1, 3 * N);
	for (i = 0; i < 8; i++) {
		igt_assert(!mprotect(buf + N, N, PROT_READ));
		igt_assert_eq(mappings(buf + N, N), 1);
		igt_assert_f(mappings(buf, 3 * N) >= 3, "they are not apart\n");
		fill_random(buf, N, SEED + i);
		fill_random(buf + 2 * N, N, SEED + 100 + i);
		memcpy(want, buf, 3 * N);
		user_check_sees(&user, buf, want, 3 * N, "apart");
		igt_assert(!mprotect(buf + N, N, PROT_READ | PROT_WRITE));
		igt_assert_eq(mappings(buf, 3 * N), 1);
		user_check_sees(&user, buf, want, 3 * N, "merged");
		user_check(&user, buf, 3 * N, "merged");
	}
	user_end(&user);
}

/* The device sees what was moved at its new address, and new memory at the old one. */
static void check_moves(struct user *user, uint8_t *buf, uint8_t *to, size_t n, const char *kind)
{
	uint8_t *want = user_pages(n);

	memcpy(want, buf, n);
	user_check_sees(user, buf, want, n, kind);
	igt_assert_f(mremap(buf, n, n, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to, "%s: mremap: %s\n",
		     kind, strerror(errno));
	igt_assert(mmap(buf, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			0) == buf);
	user_check_sees(user, to, want, n, kind);
	user_check(user, buf, n, "where it was");
	user_check_sees(user, to, want, n, kind);
	munmap(want, n);
}

static void test_remap(void)
{
	enum { N = 8 * PAGE };
	uint8_t *to = user_pages(N), *buf = user_pages(N);
	const int fd = memfd_create("nouveau_svm", MFD_CLOEXEC);
	struct user user;

	user_begin(&user);
	fill_random(buf, N, SEED);
	igt_assert(!mprotect(buf, N, PROT_READ));
	check_moves(&user, buf, to, N, "read-only memory");
	igt_assert_f(fd >= 0 && !ftruncate(fd, N), "memfd: %s\n", strerror(errno));
	igt_assert(mmap(buf, N, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == buf);
	fill_random(buf, N, SEED + 1);
	check_moves(&user, buf, to, N, "shared memory");
	user_check(&user, to, N, "shared memory, moved");
	user_end(&user);
	close(fd);
}

int igt_main_args("", svm_long_options, svm_help, svm_option, NULL)
{
	igt_fixture() {
		struct svm_gpu *gpu = svm_require_gpu();

		igt_info("Seed %d\n", SEED);
		svm_gpu_close(gpu);
	}

	/**
	 * SUBTEST: vmsplice
	 * Description: pages that are in a pipe are written by the device, and stay where they are
	 */
	igt_describe("Pages that are in a pipe are written by the device, and stay where they are");
	igt_subtest_with_dynamic("vmsplice") {
		igt_dynamic("mapped")
			test_vmsplice(false);
		igt_dynamic("device-memory")
			test_vmsplice(true);
	}

	/**
	 * SUBTEST: process-vm
	 * Description: process_vm_readv() and process_vm_writev() of what the device has
	 */
	igt_describe("process_vm_readv() and process_vm_writev() of what the device has");
	igt_subtest_with_dynamic("process-vm") {
		igt_dynamic("mapped")
			test_process_vm(false);
		igt_dynamic("device-memory")
			test_process_vm(true);
	}

	/**
	 * SUBTEST: direct-io
	 * Description: a disk reads and writes what the device has, by O_DIRECT
	 */
	igt_describe("A disk reads and writes what the device has, by O_DIRECT");
	igt_subtest_with_dynamic("direct-io") {
		igt_dynamic("mapped")
			test_direct_io(false);
		igt_dynamic("device-memory")
			test_direct_io(true);
	}

	/**
	 * SUBTEST: registered
	 * Description: a buffer of io_uring is written by the device, and stays where it is
	 */
	igt_describe("A buffer of io_uring is written by the device, and stays where it is");
	igt_subtest_with_dynamic("registered") {
		igt_dynamic("mapped")
			test_registered(false);
		igt_dynamic("device-memory")
			test_registered(true);
	}

	/**
	 * SUBTEST: mlock
	 * Description: locked memory
	 */
	igt_describe("Locked memory");
	igt_subtest_with_dynamic("mlock") {
		igt_dynamic("mapped")
			test_mlock(false);
		igt_dynamic("device-memory")
			test_mlock(true);
	}

	/**
	 * SUBTEST: lazily-freed
	 * Description: what the device has written since it was freed lazily is not taken
	 */
	igt_describe("What the device has written since it was freed lazily is not taken");
	igt_subtest("lazily-freed")
		test_lazily_freed();

	/**
	 * SUBTEST: stays
	 * Description: memory that cannot go to the device stays as it is
	 */
	igt_describe("Memory that cannot go to the device stays as it is");
	igt_subtest_with_dynamic("stays") {
		igt_dynamic("shared")
			test_stays_shared();
		igt_dynamic("file")
			test_stays_file();
		igt_dynamic("vdso")
			test_stays_vdso();
	}

	/**
	 * SUBTEST: odd-sizes
	 * Description: parts of huge pages, and across them
	 */
	igt_describe("Parts of huge pages, and across them");
	igt_subtest("odd-sizes")
		test_odd_sizes();

	/**
	 * SUBTEST: one-word
	 * Description: the CPU and the device add to one word
	 */
	igt_describe("The CPU and the device add to one word");
	igt_subtest("one-word")
		test_one_word();

	/**
	 * SUBTEST: adjacent-bytes
	 * Description: the CPU and the device write bytes that are beside each other
	 */
	igt_describe("The CPU and the device write bytes that are beside each other");
	igt_subtest("adjacent-bytes")
		test_adjacent_bytes();

	/**
	 * SUBTEST: one-page
	 * Description: many queues and threads fault one page at once
	 */
	igt_describe("Many queues and threads fault one page at once");
	igt_subtest("one-page")
		test_one_page();

	/**
	 * SUBTEST: signals
	 * Description: signals come to a process that waits for the device
	 */
	igt_describe("Signals come to a process that waits for the device");
	igt_subtest("signals")
		test_signals();

	/**
	 * SUBTEST: merge
	 * Description: mappings become one and three again
	 */
	igt_describe("Mappings become one and three again");
	igt_subtest("merge")
		test_merge();

	/**
	 * SUBTEST: remap
	 * Description: read-only and shared mappings are moved
	 */
	igt_describe("Read-only and shared mappings are moved");
	igt_subtest("remap")
		test_remap();
}
