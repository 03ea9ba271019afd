// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/* By its system calls, as io_uring(7) tells of them. */
#include "uring.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int fail(struct uring *u)
{
	const int ret = -errno;

	uring_end(u);
	return ret;
}

int uring_begin(struct uring *u)
{
	struct io_uring_params p = {};
	size_t cq_size;

	memset(u, 0, sizeof(*u));
	u->fd = syscall(SYS_io_uring_setup, 1, &p);
	if (u->fd < 0)
		return -errno;
	/* Kernels of before 5.4 have a mapping for each ring. */
	if (!(p.features & IORING_FEAT_SINGLE_MMAP)) {
		errno = ENOSYS;
		return fail(u);
	}
	u->rings_size = p.sq_off.array + p.sq_entries * sizeof(unsigned int);
	cq_size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	if (u->rings_size < cq_size)
		u->rings_size = cq_size;
	u->entries_size = p.sq_entries * sizeof(struct io_uring_sqe);
	u->rings = mmap(NULL, u->rings_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			u->fd, IORING_OFF_SQ_RING);
	if (u->rings == MAP_FAILED) {
		u->rings = NULL;
		return fail(u);
	}
	u->entries = mmap(NULL, u->entries_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			  u->fd, IORING_OFF_SQES);
	if (u->entries == MAP_FAILED) {
		u->entries = NULL;
		return fail(u);
	}
	u->sq_tail = u->rings + p.sq_off.tail;
	u->sq_array = u->rings + p.sq_off.array;
	u->cq_head = u->rings + p.cq_off.head;
	u->cq_tail = u->rings + p.cq_off.tail;
	u->cq_mask = u->rings + p.cq_off.ring_mask;
	u->results = u->rings + p.cq_off.cqes;
	return 0;
}

void uring_end(struct uring *u)
{
	if (u->rings)
		munmap(u->rings, u->rings_size);
	if (u->entries)
		munmap(u->entries, u->entries_size);
	close(u->fd);
	memset(u, 0, sizeof(*u));
	u->fd = -1;
}

int uring_register(struct uring *u, void *buf, size_t n)
{
	const struct iovec iov = { .iov_base = buf, .iov_len = n };

	return syscall(SYS_io_uring_register, u->fd, IORING_REGISTER_BUFFERS, &iov, 1) ? -errno : 0;
}

int uring_unregister(struct uring *u)
{
	return syscall(SYS_io_uring_register, u->fd, IORING_UNREGISTER_BUFFERS, NULL, 0) ?
	       -errno : 0;
}

int uring_write(struct uring *u, int file, const void *buf, size_t n)
{
	struct io_uring_sqe *entry = u->entries;
	const struct io_uring_cqe *result;
	unsigned int head;
	int ret;

	*entry = (struct io_uring_sqe) {
		.opcode = IORING_OP_WRITE_FIXED,
		.fd = file,
		.addr = (uintptr_t)buf,
		.len = n,
	};
	/* A ring of one has one entry and one result. */
	*u->sq_array = 0;
	/* What the kernel reads is there before the tail says so. */
	__atomic_store_n(u->sq_tail, *u->sq_tail + 1, __ATOMIC_RELEASE);
	ret = syscall(SYS_io_uring_enter, u->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	if (ret != 1)
		return ret < 0 ? -errno : -EIO;
	/* With the kernel's release of the tail, behind the result. */
	head = *u->cq_head;
	if (__atomic_load_n(u->cq_tail, __ATOMIC_ACQUIRE) == head)
		return -EIO;
	result = (const struct io_uring_cqe *)u->results + (head & *u->cq_mask);
	ret = result->res == (int)n ? 0 : result->res < 0 ? result->res : -EIO;
	__atomic_store_n(u->cq_head, head + 1, __ATOMIC_RELEASE);
	return ret;
}
