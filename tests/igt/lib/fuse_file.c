// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/* The protocol is that of include/uapi/linux/fuse.h. */
#include "fuse_file.h"
#include "board_scenario.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>

enum { PAGE = 4096, READS = 16 };

/* Pipes: somebody has read, and may be answered. */
static int told[2], asked[2];

/* The root of the file system is the file. */
static const struct fuse_attr attr = {
	.ino = FUSE_ROOT_ID, .size = PAGE, .blocks = 8, .mode = S_IFREG | 0644, .nlink = 1,
	.blksize = PAGE,
};

static void answer(int fd, uint64_t unique, int error, const void *data, size_t n)
{
	struct fuse_out_header header = { sizeof(header) + n, error, unique };
	struct iovec part[] = { { &header, sizeof(header) }, { (void *)data, n } };

	/* Who has asked may be gone. */
	CHILD_CHECK(writev(fd, part, 2) == (ssize_t)header.len || errno == ENOENT,
		    "an answer to the kernel: %s", strerror(errno));
}

/* Reads wait to be answered; everything else is answered meanwhile, for who exits flushes. */
struct waiting {
	uint64_t unique[READS];
	unsigned int nr;
};

static void answer_first(int fd, struct waiting *reads, const uint8_t *page)
{
	char c;

	CHILD_CHECK(read(asked[0], &c, 1) == 1, "the pipe");
	answer(fd, reads->unique[0], 0, page, PAGE);
	memmove(reads->unique, reads->unique + 1, --reads->nr * sizeof(*reads->unique));
}

static void take(int fd, const struct fuse_in_header *in, struct waiting *reads)
{
	static const struct fuse_attr_out attr_out = { .attr_valid = 60, .attr = attr };
	static const struct fuse_open_out open_out;
	const struct fuse_init_out init_out = {
		.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
		.max_write = PAGE, .time_gran = 1, .flags = FUSE_ASYNC_DIO,
	};

	switch (in->opcode) {
	case FUSE_INIT:
		answer(fd, in->unique, 0, &init_out, sizeof(init_out));
		break;
	case FUSE_GETATTR:
		answer(fd, in->unique, 0, &attr_out, sizeof(attr_out));
		break;
	case FUSE_OPEN:
		answer(fd, in->unique, 0, &open_out, sizeof(open_out));
		break;
	case FUSE_READ:
		CHILD_CHECK(reads->nr < READS, "%u reads wait already", READS);
		reads->unique[reads->nr++] = in->unique;
		CHILD_CHECK(write(told[1], "r", 1) == 1, "the pipe");
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(fd, in->unique, -ENOSYS, NULL, 0);
	}
}

static void serve(int fd)
{
	static union {
		struct fuse_in_header header;
		char room[FUSE_MIN_READ_BUFFER + PAGE];
	} in;
	static uint8_t page[PAGE];
	struct pollfd ready[] = { { fd, POLLIN, 0 }, { -1, POLLIN, 0 } };
	struct waiting reads = { .nr = 0 };

	memset(page, FUSE_FILE_BYTE, sizeof(page));
	for (;;) {
		/* An answer that comes before its read stays in the pipe. */
		ready[1].fd = reads.nr ? asked[0] : -1;
		CHILD_CHECK(poll(ready, 2, -1) > 0 || errno == EINTR, "poll: %s",
			    strerror(errno));
		if (ready[1].revents && reads.nr)
			answer_first(fd, &reads, page);
		if (!ready[0].revents)
			continue;
		CHILD_CHECK(read(fd, &in, sizeof(in)) >= (ssize_t)sizeof(in.header),
			    "/dev/fuse: %s", strerror(errno));
		take(fd, &in.header, &reads);
	}
}

int fuse_file_open(pid_t *server)
{
	char path[] = "/tmp/fuse.XXXXXX", options[64];
	int fd = mkstemp(path), file;
	struct stat stat;

	CHILD_CHECK(fd >= 0 && !close(fd), "%s: %s", path, strerror(errno));
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	CHILD_CHECK(fd >= 0, "/dev/fuse: %s", strerror(errno));
	CHILD_CHECK(!pipe(told) && !pipe(asked), "pipe: %s", strerror(errno));
	snprintf(options, sizeof(options), "fd=%d,rootmode=%o,user_id=0,group_id=0", fd, S_IFREG);
	CHILD_CHECK(!mount("none", path, "fuse", 0, options), "mount of a fuse file: %s",
		    strerror(errno));
	*server = scenario_child();
	if (!*server) {
		close(told[0]);
		close(asked[1]);
		serve(fd);
	}
	close(fd);
	close(told[1]);
	close(asked[0]);
	file = open(path, O_RDONLY);
	CHILD_CHECK(file >= 0, "%s: %s", path, strerror(errno));
	/* Of a root, the kernel knows no size before it has asked. */
	CHILD_CHECK(!fstat(file, &stat) && stat.st_size == PAGE, "%s: %s", path, strerror(errno));
	/* It is there as long as it is open. */
	CHILD_CHECK(!umount2(path, MNT_DETACH) && !unlink(path), "umount of %s: %s", path,
		    strerror(errno));
	return file;
}

void fuse_file_is_read(void)
{
	const int ret = svm_wait_readable(told[0], SVM_WAIT_MS, "somebody reads the fuse file");
	char c;

	CHILD_CHECK(!ret && read(told[0], &c, 1) == 1, "nobody reads the fuse file");
}

void fuse_file_answer(void)
{
	CHILD_CHECK(write(asked[1], "r", 1) == 1, "who serves the fuse file is gone");
}

void fuse_file_end(pid_t server)
{
	scenario_kill(server);
	close(told[0]);
	close(asked[1]);
}
