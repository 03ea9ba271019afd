// SPDX-License-Identifier: MIT
/* The protocol is that of include/uapi/linux/fuse.h. */
#include "fuse.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>

static int told[2], asked[2];

/* What is in the file. */
static uint8_t page[4096];

static void answer(int fd, uint64_t unique, int error, const void *data, size_t n)
{
	struct fuse_out_header header = { sizeof(header) + n, error, unique };
	struct iovec part[] = { { &header, sizeof(header) }, { (void *)data, n } };

	/* Who has asked may be gone. */
	CHECK(writev(fd, part, 2) == (ssize_t)header.len || errno == ENOENT, "an answer: %s",
	      strerror(errno));
}

/* The root is the file. */
static const struct fuse_attr attr = {
	.ino = FUSE_ROOT_ID, .size = 4096, .blocks = 8, .mode = S_IFREG | 0644, .nlink = 1,
	.blksize = 4096,
};

static void serve(int fd)
{
	static union {
		struct fuse_in_header header;
		char room[FUSE_MIN_READ_BUFFER + 4096];
	} in;
	static const struct fuse_attr_out attr_out = { .attr_valid = 60, .attr = attr };
	static const struct fuse_open_out open_out;
	const struct fuse_init_out init_out = {
		.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
		.max_write = 4096, .time_gran = 1, .flags = FUSE_ASYNC_DIO,
	};
	struct pollfd ready[] = { { fd, POLLIN, 0 }, { asked[0], POLLIN, 0 } };
	uint64_t reads[16];
	unsigned int nr = 0;
	char c;

	/* A read waits to be answered, everything else is answered meanwhile: who exits flushes. */
	for (;;) {
		CHECK(poll(ready, 2, -1) > 0 || errno == EINTR, "poll: %s", strerror(errno));
		if (ready[1].revents && nr) {
			CHECK(read(asked[0], &c, 1) == 1, "pipe");
			answer(fd, reads[0], 0, page, sizeof(page));
			memmove(reads, reads + 1, --nr * sizeof(*reads));
		}
		/* It is looked at as long as somebody waits, and nothing is lost meanwhile. */
		ready[1].fd = nr ? asked[0] : -1;
		if (!ready[0].revents)
			continue;
		if (read(fd, &in, sizeof(in)) < (ssize_t)sizeof(in.header))
			break;
		switch (in.header.opcode) {
		case FUSE_INIT:
			answer(fd, in.header.unique, 0, &init_out, sizeof(init_out));
			break;
		case FUSE_GETATTR:
			answer(fd, in.header.unique, 0, &attr_out, sizeof(attr_out));
			break;
		case FUSE_OPEN:
			answer(fd, in.header.unique, 0, &open_out, sizeof(open_out));
			break;
		case FUSE_READ:
			CHECK(nr < sizeof(reads) / sizeof(*reads), "too many reads");
			reads[nr++] = in.header.unique;
			ready[1].fd = asked[0];
			CHECK(write(told[1], "r", 1) == 1, "pipe");
			break;
		case FUSE_FORGET:
		case FUSE_BATCH_FORGET:
		case FUSE_INTERRUPT:
			break;
		default:
			answer(fd, in.header.unique, -ENOSYS, NULL, 0);
		}
	}
	CHECK(false, "/dev/fuse: %s", strerror(errno));
}

int fuse_open(int *server)
{
	char path[] = "/tmp/fuse.XXXXXX", options[64];
	int fd = mkstemp(path), file;
	struct stat stat;

	CHECK(fd >= 0 && !close(fd), "%s: %s", path, strerror(errno));
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0 && !pipe(told) && !pipe(asked), "/dev/fuse: %s", strerror(errno));
	snprintf(options, sizeof(options), "fd=%d,rootmode=%o,user_id=0,group_id=0", fd, S_IFREG);
	CHECK(!mount("none", path, "fuse", 0, options), "mount: %s", strerror(errno));
	*server = child();
	if (!*server) {
		close(told[0]);
		close(asked[1]);
		memset(page, FUSE_BYTE, sizeof(page));
		serve(fd);
	}
	close(fd);
	close(told[1]);
	close(asked[0]);
	file = open(path, O_RDONLY);
	/* Of a root, the kernel knows no size before it has asked. */
	CHECK(file >= 0 && !fstat(file, &stat) && (uint64_t)stat.st_size == attr.size, "%s: %s", path,
	      strerror(errno));
	/* It is there as long as it is open. */
	CHECK(!umount2(path, MNT_DETACH) && !unlink(path), "umount: %s", strerror(errno));
	return file;
}

void fuse_is_read(void)
{
	char c;

	CHECK(poll(&(struct pollfd) { .fd = told[0], .events = POLLIN }, 1, patience_ms()) == 1 &&
	      read(told[0], &c, 1) == 1, "nobody reads the file");
}

void fuse_answer(void)
{
	CHECK(write(asked[1], "r", 1) == 1, "pipe");
}

void fuse_end(int server)
{
	CHECK(!kill(server, SIGKILL) && reap(server) == 128 + SIGKILL, "who serves the file");
	close(told[0]);
	close(asked[1]);
}
