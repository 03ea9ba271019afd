// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#include "userfault.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096 };

static int answer(struct userfault *u, const struct uffd_msg *msg)
{
	const uint64_t page = msg->arg.pagefault.address & ~(uint64_t)(PAGE - 1);
	struct uffdio_zeropage zero = { .range = { page, PAGE } };
	struct uffdio_writeprotect writable = { .range = { page, PAGE } };

	if (u->mode == USERFAULT_WP)
		return ioctl(u->fd, UFFDIO_WRITEPROTECT, &writable);
	if (!ioctl(u->fd, UFFDIO_ZEROPAGE, &zero))
		return 0;
	/* Another thread's fault of the same page was answered before. */
	return errno == EEXIST ? ioctl(u->fd, UFFDIO_WAKE, &zero.range) : -1;
}

static void *run(void *arg)
{
	struct userfault *u = arg;
	struct pollfd fd[] = { { u->fd, POLLIN }, { u->stop, POLLIN } };
	struct uffd_msg msg;

	while (!u->error) {
		if (poll(fd, 2, -1) < 0 && errno != EINTR)
			u->error = errno;
		if (fd[1].revents)
			break;
		if (!fd[0].revents || read(u->fd, &msg, sizeof(msg)) != sizeof(msg))
			continue;
		if (msg.event != UFFD_EVENT_PAGEFAULT)
			continue;
		if (u->asked)
			u->asked(u->data);
		/* The mapping has changed meanwhile: then the fault is repeated. */
		if (answer(u, &msg) && errno != EAGAIN && errno != ENOENT)
			u->error = errno;
		atomic_fetch_add(&u->answered, 1);
	}
	return NULL;
}

static int begin(struct userfault *u, void *p, size_t size)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = u->mode == USERFAULT_WP ? UFFD_FEATURE_PAGEFAULT_FLAG_WP : 0,
	};
	struct uffdio_register range = {
		.range = { (uintptr_t)p, size },
		.mode = u->mode == USERFAULT_WP ? UFFDIO_REGISTER_MODE_WP :
			UFFDIO_REGISTER_MODE_MISSING,
	};
	const uint64_t wanted = 1ULL << (u->mode == USERFAULT_WP ? _UFFDIO_WRITEPROTECT :
					 _UFFDIO_ZEROPAGE);

	/* The kernel returns EINVAL for a feature that it lacks. */
	if (ioctl(u->fd, UFFDIO_API, &api) || ioctl(u->fd, UFFDIO_REGISTER, &range))
		return errno == EINVAL ? -EOPNOTSUPP : -errno;
	if (!(range.ioctls & wanted))
		return -EOPNOTSUPP;
	u->stop = eventfd(0, EFD_CLOEXEC);
	if (u->stop < 0)
		return -errno;
	if (pthread_create(&u->thread, NULL, run, u)) {
		close(u->stop);
		return -EAGAIN;
	}
	return 0;
}

int userfault_begin(struct userfault *u, enum userfault_mode mode, void *p, size_t size)
{
	int ret;

	*u = (struct userfault) { .mode = mode };
	u->fd = syscall(SYS_userfaultfd, O_NONBLOCK | O_CLOEXEC);
	if (u->fd < 0)
		return -errno;
	ret = begin(u, p, size);
	if (ret)
		close(u->fd);
	return ret;
}

int userfault_protect(struct userfault *u, void *p, size_t size)
{
	struct uffdio_writeprotect range = {
		.range = { (uintptr_t)p, size }, .mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	while (ioctl(u->fd, UFFDIO_WRITEPROTECT, &range))
		if (errno != EAGAIN)
			return -errno;
	return 0;
}

int userfault_end(struct userfault *u)
{
	const uint64_t one = 1;
	int ret = 0;

	if (write(u->stop, &one, sizeof(one)) != sizeof(one))
		ret = -errno;
	else
		pthread_join(u->thread, NULL);
	/* This unregisters the range. */
	close(u->fd);
	close(u->stop);
	return ret ? ret : -u->error;
}
