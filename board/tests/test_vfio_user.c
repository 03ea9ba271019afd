// SPDX-License-Identifier: MIT
/*
 * vfio_user.c driven by messages made by hand, over a real socket, in one thread: what is sent is
 * in the socket before the server is called, so that nothing has to be waited for. After each test
 * as many descriptors are open as before it.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../vfio_user.h"

/* Messages of the server are caught, those of ASan are not. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "log_path=stdout";
}

enum {
	VERSION = 1, DMA_MAP, DMA_UNMAP, DEVICE_GET_INFO, GET_REGION_INFO, GET_REGION_IO_FDS,
	GET_IRQ_INFO, SET_IRQS, REGION_READ, REGION_WRITE, DMA_READ, DMA_WRITE, DEVICE_RESET,
	DIRTY_PAGES, WRITE_MULTI, DEVICE_FEATURE, MIG_DATA_READ, MIG_DATA_WRITE
};

#define NO_REPLY	0x10
#define ERROR		0x20
#define INTX		VFIO_PCI_INTX_IRQ_INDEX
#define MSI		VFIO_PCI_MSI_IRQ_INDEX
#define BAR0_SIZE	0x200000

struct header {
	uint16_t id, command;
	uint32_t size, flags, error;
};

struct access {
	uint64_t offset;
	uint32_t region, count;
};

struct map {
	uint32_t argsz, flags;
	uint64_t offset, iova, size;
};

struct unmap {
	uint32_t argsz, flags;
	uint64_t iova, size;
};

struct bench {
	struct vfio_user vu;
	char dir[32], path[64];
	int client;		/* -1: not connected */
	unsigned int open;	/* descriptors, before */
	int stderr_saved, stderr_file;
	char said[8192];	/* on stderr in the last call of the server */

	/* What the device was asked for. */
	unsigned int reads, writes, resets, maps, unmaps, unmap_alls;
	struct access last;
	uint8_t written[64];
	struct map map;
	ino_t map_inode;	/* 0: no descriptor */
	const char *why;	/* it refuses DMA */

	/* The last reply. */
	struct header reply;
	uint8_t payload[VFIO_USER_TRANSFER + 64];
	int reply_fd;
};

static void dev_read(void *dev, unsigned int region, uint64_t offset, void *buf, uint32_t len)
{
	struct bench *b = dev;

	b->reads++;
	b->last = (struct access) { offset, region, len };
	for (uint32_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = offset + i;
}

static void dev_write(void *dev, unsigned int region, uint64_t offset, const void *buf,
		      uint32_t len)
{
	struct bench *b = dev;

	b->writes++;
	b->last = (struct access) { offset, region, len };
	memcpy(b->written, buf, len < sizeof(b->written) ? len : sizeof(b->written));
}

static void dev_reset(void *dev)
{
	((struct bench *)dev)->resets++;
}

static const char *dev_map(void *dev, uint64_t iova, uint64_t size, int fd, uint64_t offset,
			   bool writable)
{
	struct bench *b = dev;
	struct stat st = { 0 };

	if (fd >= 0)
		assert_int_equal(fstat(fd, &st), 0);
	b->maps++;
	b->map = (struct map) { .flags = writable, .offset = offset, .iova = iova, .size = size };
	b->map_inode = st.st_ino;
	return b->why;
}

static const char *dev_unmap(void *dev, uint64_t iova, uint64_t size)
{
	struct bench *b = dev;

	if (!iova && size == UINT64_MAX) {
		b->unmap_alls++;
		return b->why;
	}
	b->unmaps++;
	b->map = (struct map) { .iova = iova, .size = size };
	return b->why;
}

static const struct vfio_user_ops ops = {
	.read = dev_read, .write = dev_write, .reset = dev_reset,
	.dma_map = dev_map, .dma_unmap = dev_unmap,
};

static const struct vfio_user_ops ops_without_dma = { .read = dev_read, .write = dev_write };

static unsigned int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void catch_stderr(struct bench *b)
{
	assert_int_equal(ftruncate(b->stderr_file, 0), 0);
	lseek(b->stderr_file, 0, SEEK_SET);
	dup2(b->stderr_file, STDERR_FILENO);
}

static void release_stderr(struct bench *b)
{
	ssize_t len;

	dup2(b->stderr_saved, STDERR_FILENO);
	len = pread(b->stderr_file, b->said, sizeof(b->said) - 1, 0);
	assert_true(len >= 0);
	b->said[len] = '\0';
}

/* Call the server once, and keep what it says. */
static int receive(struct bench *b)
{
	int rc;

	catch_stderr(b);
	rc = vfio_user_receive(&b->vu);
	release_stderr(b);
	return rc;
}

static bool readable(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, 0) == 1;
}

/* Call it until it has taken all. */
static int serve(struct bench *b)
{
	int rc = 1;

	b->said[0] = '\0';
	while (b->vu.sock >= 0 && rc == 1 && readable(b->vu.sock))
		rc = receive(b);
	return rc;
}

static void send_bytes(struct bench *b, const void *data, size_t len, const int *fds,
		       unsigned int nr)
{
	char control[CMSG_SPACE(64 * sizeof(int))] = { 0 };
	struct iovec iov = { (void *)data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	assert_true(nr <= 64);
	if (nr) {
		struct cmsghdr *c;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(nr * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nr * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nr * sizeof(int));
	}
	assert_int_equal(sendmsg(b->client, &msg, MSG_NOSIGNAL | MSG_DONTWAIT), len);
}

/* A message in a buffer. Returns its size. */
static size_t make(void *at, unsigned int command, uint32_t flags, const void *payload, size_t len)
{
	const struct header h = { 0x1234, command, sizeof(h) + len, flags, 0 };

	memcpy(at, &h, sizeof(h));
	if (len)
		memcpy((uint8_t *)at + sizeof(h), payload, len);
	return h.size;
}

static void send_fds(struct bench *b, unsigned int command, uint32_t flags, const void *payload,
		     size_t len, const int *fds, unsigned int nr)
{
	uint8_t *buf = malloc(sizeof(struct header) + len);

	assert_non_null(buf);
	send_bytes(b, buf, make(buf, command, flags, payload, len), fds, nr);
	free(buf);
}

/* Receive a reply that is there. */
static void take_reply(struct bench *b, unsigned int command)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &b->reply, sizeof(b->reply) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	size_t len;

	assert_int_equal(recvmsg(b->client, &msg, MSG_DONTWAIT), sizeof(b->reply));
	assert_int_equal(b->reply.id, 0x1234);
	assert_int_equal(b->reply.command, command);
	assert_int_equal(b->reply.flags & 0xf, 1);
	b->reply_fd = -1;
	c = CMSG_FIRSTHDR(&msg);
	if (c)
		memcpy(&b->reply_fd, CMSG_DATA(c), sizeof(int));
	len = b->reply.size - sizeof(b->reply);
	assert_true(len <= sizeof(b->payload));
	if (len)
		assert_int_equal(recv(b->client, b->payload, len, MSG_DONTWAIT | MSG_WAITALL), len);
}

/* Send a command, with descriptors, and take the reply. Returns the error of the reply. */
static unsigned int ask_fds(struct bench *b, unsigned int command, const void *payload, size_t len,
			    const int *fds, unsigned int nr)
{
	send_fds(b, command, 0, payload, len, fds, nr);
	assert_int_equal(serve(b), 1);
	take_reply(b, command);
	assert_false(readable(b->client));
	if (!(b->reply.flags & ERROR)) {
		assert_int_equal(b->reply.error, 0);
		return 0;
	}
	assert_int_equal(b->reply.size, sizeof(struct header));
	assert_int_not_equal(b->reply.error, 0);
	return b->reply.error;
}

static unsigned int ask(struct bench *b, unsigned int command, const void *payload, size_t len)
{
	return ask_fds(b, command, payload, len, NULL, 0);
}

static void assert_said(const struct bench *b, const char *text)
{
	if (!strstr(b->said, text))
		fail_msg("said \"%s\", expected \"%s\"", b->said, text);
	assert_int_equal(strncmp(b->said, "board: test: ", 13), 0);
}

static void connect_client(struct bench *b)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	strcpy(addr.sun_path, b->path);
	b->client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(b->client >= 0);
	assert_int_equal(connect(b->client, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(vfio_user_fd(&b->vu), b->vu.listener);
	assert_true(readable(vfio_user_fd(&b->vu)));
	assert_int_equal(receive(b), 1);
	assert_int_equal(vfio_user_fd(&b->vu), b->vu.sock);
	assert_true(b->vu.sock >= 0);
}

static void hang_up(struct bench *b)
{
	close(b->client);
	b->client = -1;
}

#define HELLO	"\0\0\0\0{\"capabilities\": {\"max_msg_fds\": 16, \"write_multiple\": true}}"

static void hello(struct bench *b)
{
	assert_int_equal(ask(b, VERSION, HELLO, sizeof(HELLO)), 0);
}

/* The server has ended the connection: the client sees the end, and all its memory is unmapped. */
static void assert_disconnected(struct bench *b)
{
	char byte;
	ssize_t n;

	assert_int_equal(b->vu.sock, -1);
	assert_int_equal(b->vu.irq, -1);
	assert_int_equal(b->vu.nr_fds, 0);
	assert_int_equal(b->unmap_alls, 1);
	/* What it has not read resets the connection. */
	n = recv(b->client, &byte, 1, MSG_DONTWAIT);
	assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
}

static int setup_unconnected(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	*state = b;
	b->open = descriptors();
	strcpy(b->dir, "/tmp/test_vfio_user.XXXXXX");
	if (!mkdtemp(b->dir))
		return -1;
	snprintf(b->path, sizeof(b->path), "%s/socket", b->dir);
	b->client = -1;
	b->stderr_saved = dup(STDERR_FILENO);
	b->stderr_file = memfd_create("stderr", MFD_CLOEXEC);
	if (b->stderr_saved < 0 || b->stderr_file < 0)
		return -1;
	b->vu.name = "test";
	b->vu.ops = &ops;
	b->vu.dev = b;
	for (unsigned int i = 0; i < VFIO_USER_REGIONS; i++)
		b->vu.region[i].fd = -1;
	b->vu.region[0].size = BAR0_SIZE;
	b->vu.region[3].size = 0x10000;
	b->vu.region[3].fd = memfd_create("bar3", MFD_CLOEXEC);
	b->vu.region[VFIO_USER_CONFIG].size = 4096;
	return b->vu.region[3].fd < 0 || vfio_user_listen(&b->vu, b->path);
}

static int setup_connected(void **state)
{
	if (setup_unconnected(state))
		return -1;
	connect_client(*state);
	return 0;
}

static int setup(void **state)
{
	if (setup_connected(state))
		return -1;
	hello(*state);
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	int rc = 0;

	if (b->client >= 0)
		close(b->client);
	close(b->vu.region[3].fd);
	close(b->stderr_saved);
	close(b->stderr_file);
	vfio_user_close(&b->vu);
	if (!access(b->path, F_OK) || rmdir(b->dir)) {
		print_error("%s is left\n", b->path);
		rc = -1;
	}
	if (descriptors() != b->open) {
		print_error("%u descriptors are open, %u were\n", descriptors(), b->open);
		rc = -1;
	}
	free(b);
	return rc;
}

/* Version */

static void version_is_agreed_on(void **state)
{
	struct bench *b = *state;

	assert_int_equal(ask(b, VERSION, HELLO, sizeof(HELLO)), 0);
	assert_memory_equal(b->payload, "\0\0\0\0", 4);
	assert_string_equal((char *)b->payload + 4,
			    "{\"capabilities\":{\"max_msg_fds\":16,\"max_data_xfer_size\":1048576,"
			    "\"write_multiple\":true}}");
	/* QEMU has room for as much as it sent, with its own capabilities, which are more. */
	assert_true(b->reply.size < 16 + 4 + 120);
	assert_string_equal(b->said, "");
}

static void version_without_capabilities(void **state)
{
	struct bench *b = *state;

	assert_int_equal(ask(b, VERSION, "\0\0\1\0", 4), 0);
	assert_null(strstr((char *)b->payload + 4, "write_multiple"));
	assert_int_equal(b->payload[b->reply.size - 17], 0);
}

static void version_of_another_major_ends_it(void **state)
{
	struct bench *b = *state;

	send_fds(b, VERSION, 0, "\1\0\0\0", 4, NULL, 0);
	assert_int_equal(serve(b), -1);
	assert_said(b, "client sent VERSION 1.0, served is 0.0");
	take_reply(b, VERSION);
	assert_int_equal(b->reply.error, EINVAL);
	assert_disconnected(b);
}

static void version_without_nul_ends_it(void **state)
{
	struct bench *b = *state;

	send_fds(b, VERSION, 0, "\0\0\0\0{}", 6, NULL, 0);
	assert_int_equal(serve(b), -1);
	assert_said(b, "do not end with a NUL");
	take_reply(b, VERSION);
	assert_disconnected(b);
}

static void version_too_short_ends_it(void **state)
{
	struct bench *b = *state;

	send_fds(b, VERSION, 0, "\0\0\0", 3, NULL, 0);
	assert_int_equal(serve(b), -1);
	assert_said(b, "VERSION with a payload of 3 bytes: it has 4");
	take_reply(b, VERSION);
	assert_disconnected(b);
}

static void version_twice_is_refused(void **state)
{
	struct bench *b = *state;

	assert_int_equal(ask(b, VERSION, HELLO, sizeof(HELLO)), EINVAL);
	assert_said(b, "VERSION a second time");
	assert_int_equal(ask(b, DEVICE_RESET, NULL, 0), 0);
}

static void command_before_version_ends_it(void **state)
{
	struct bench *b = *state;

	send_fds(b, DEVICE_RESET, 0, NULL, 0, NULL, 0);
	assert_int_equal(serve(b), -1);
	assert_said(b, "command 13 before VERSION");
	assert_int_equal(b->resets, 0);
	assert_disconnected(b);
}

/* DMA */

static const struct map map = { sizeof(map), 3, 0x3000, 0x100000, 0x2000 };

static void dma_map_passes_the_descriptor(void **state)
{
	struct bench *b = *state;
	int file = memfd_create("ram", 0);
	struct stat st;

	fstat(file, &st);
	assert_int_equal(ask_fds(b, DMA_MAP, &map, sizeof(map), &file, 1), 0);
	assert_int_equal(b->reply.size, 16);
	assert_int_equal(b->map_inode, st.st_ino);
	assert_int_equal(b->map.iova, 0x100000);
	assert_int_equal(b->map.size, 0x2000);
	assert_int_equal(b->map.offset, 0x3000);
	assert_int_equal(b->map.flags, true);
	close(file);
}

static void dma_map_read_only_and_without_descriptor(void **state)
{
	struct bench *b = *state;
	struct map m = map;

	m.flags = 1;
	assert_int_equal(ask(b, DMA_MAP, &m, sizeof(m)), 0);
	assert_int_equal(b->map_inode, 0);
	assert_int_equal(b->map.flags, false);
}

static void dma_map_that_lies_is_refused(void **state)
{
	struct bench *b = *state;
	const struct map bad[] = {
		{ sizeof(map) - 1, 3, 0, 0x1000, 0x1000 },
		{ sizeof(map), 0, 0, 0x1000, 0x1000 },
		{ sizeof(map), 2, 0, 0x1000, 0x1000 },
		{ sizeof(map), 7, 0, 0x1000, 0x1000 },
		{ sizeof(map), 3, 0, 0x1000, 0 },
		{ sizeof(map), 3, 0, ~0ULL - 0xfff, 0x1000 },
		{ sizeof(map), 3, 0, ~0ULL - 0xfff, 0x2000 },
		{ sizeof(map), 3, ~0ULL - 0xfff, 0x1000, 0x2000 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(ask(b, DMA_MAP, &bad[i], sizeof(bad[i])), EINVAL);
		assert_said(b, "client sent DMA_MAP");
	}
	assert_int_equal(ask(b, DMA_MAP, &map, sizeof(map) - 1), EINVAL);
	assert_said(b, "DMA_MAP with a payload of 31 bytes: it has 32");
	assert_int_equal(b->maps, 0);
}

static void dma_map_with_two_descriptors_is_refused(void **state)
{
	struct bench *b = *state;
	const int two[] = { 0, 1 };

	assert_int_equal(ask_fds(b, DMA_MAP, &map, sizeof(map), two, 2), EINVAL);
	assert_said(b, "DMA_MAP with 2 descriptors: it has 1");
	assert_int_equal(b->maps, 0);
}

static void dma_map_that_the_device_refuses(void **state)
{
	struct bench *b = *state;
	int file = memfd_create("ram", 0);

	b->why = "it is no memfd";
	assert_int_equal(ask_fds(b, DMA_MAP, &map, sizeof(map), &file, 1), EINVAL);
	assert_said(b, "DMA_MAP of 0x2000 bytes at 0x100000: it is no memfd");
	close(file);
}

static void dma_unmap_is_answered_with_the_entry(void **state)
{
	struct bench *b = *state;
	struct unmap u = { sizeof(u), 0, 0x100000, 0x2000 };

	assert_int_equal(ask(b, DMA_UNMAP, &u, sizeof(u)), 0);
	assert_int_equal(b->reply.size, 16 + sizeof(u));
	assert_memory_equal(b->payload, &u, sizeof(u));
	assert_int_equal(b->map.iova, 0x100000);
	assert_int_equal(b->map.size, 0x2000);
	/* Up to the last address. */
	u.iova = u.size = 1ULL << 63;
	assert_int_equal(ask(b, DMA_UNMAP, &u, sizeof(u)), 0);
	assert_int_equal(b->unmaps, 2);
	b->why = "it is a part of a map";
	assert_int_equal(ask(b, DMA_UNMAP, &u, sizeof(u)), EINVAL);
	assert_said(b, "it is a part of a map");
}

static void dma_unmap_of_all(void **state)
{
	struct bench *b = *state;
	const struct unmap u = { sizeof(u), VFIO_DMA_UNMAP_FLAG_ALL, 0, 0 };

	assert_int_equal(ask(b, DMA_UNMAP, &u, sizeof(u)), 0);
	assert_int_equal(b->unmap_alls, 1);
	assert_int_equal(b->unmaps, 0);
}

static void dma_unmap_that_lies_is_refused(void **state)
{
	struct bench *b = *state;
	const struct unmap bad[] = {
		{ sizeof(*bad) - 1, 0, 0x1000, 0x1000 },
		{ sizeof(*bad), 0, 0x1000, 0 },
		{ sizeof(*bad), 0, ~0ULL - 0xfff, 0x1001 },
		{ sizeof(*bad), 4, 0x1000, 0x1000 },
		{ sizeof(*bad), VFIO_DMA_UNMAP_FLAG_ALL, 0, 0x1000 },
		{ sizeof(*bad), VFIO_DMA_UNMAP_FLAG_ALL, 0x1000, 0 },
	};
	const struct unmap dirty = {
		sizeof(dirty), VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, 0, 0x1000
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(ask(b, DMA_UNMAP, &bad[i], sizeof(bad[i])), EINVAL);
		assert_said(b, "client sent DMA_UNMAP");
	}
	assert_int_equal(ask(b, DMA_UNMAP, &bad[1], sizeof(*bad) - 1), EINVAL);
	assert_int_equal(ask(b, DMA_UNMAP, &dirty, sizeof(dirty)), ENOTSUP);
	assert_int_equal(b->unmaps + b->unmap_alls, 0);
}

static void dma_of_a_device_without_dma(void **state)
{
	struct bench *b = *state;
	const struct unmap u = { sizeof(u), 0, 0x100000, 0x2000 };
	int file = memfd_create("ram", 0);

	b->vu.ops = &ops_without_dma;
	assert_int_equal(ask_fds(b, DMA_MAP, &map, sizeof(map), &file, 1), 0);
	assert_int_equal(ask(b, DMA_UNMAP, &u, sizeof(u)), 0);
	assert_int_equal(ask(b, DEVICE_RESET, NULL, 0), 0);
	close(file);
}

/* What the device has */

static void device_info(void **state)
{
	struct bench *b = *state;
	uint32_t info[4] = { 16 };

	assert_int_equal(ask(b, DEVICE_GET_INFO, info, sizeof(info)), 0);
	assert_int_equal(b->reply.size, 16 + 16);
	memcpy(info, b->payload, sizeof(info));
	assert_int_equal(info[0], 16);
	assert_int_equal(info[1], VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI);
	assert_int_equal(info[2], 9);
	assert_int_equal(info[3], 5);
	info[0] = 15;
	assert_int_equal(ask(b, DEVICE_GET_INFO, info, sizeof(info)), EINVAL);
	assert_said(b, "DEVICE_GET_INFO with argsz 15: the reply has 16 bytes");
	assert_int_equal(ask(b, DEVICE_GET_INFO, info, sizeof(info) - 1), EINVAL);
	assert_said(b, "DEVICE_GET_INFO with a payload of 15 bytes: it has 16");
}

static struct vfio_region_info region_info(struct bench *b, uint32_t index)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

	assert_int_equal(ask(b, GET_REGION_INFO, &info, sizeof(info)), 0);
	assert_int_equal(b->reply.size, 16 + sizeof(info));
	memcpy(&info, b->payload, sizeof(info));
	assert_int_equal(info.argsz, sizeof(info));
	assert_int_equal(info.index, index);
	assert_int_equal(info.cap_offset, 0);
	assert_int_equal(info.offset, 0);
	return info;
}

static void region_info_of_a_trapped_region(void **state)
{
	struct vfio_region_info info = region_info(*state, 0);

	assert_int_equal(info.size, BAR0_SIZE);
	assert_int_equal(info.flags, VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE);
	assert_int_equal(((struct bench *)*state)->reply_fd, -1);
}

static void region_info_of_a_mapped_region(void **state)
{
	struct bench *b = *state;
	struct vfio_region_info info = region_info(b, 3);
	struct stat mine, theirs;

	assert_int_equal(info.size, 0x10000);
	assert_int_equal(info.flags, VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE |
			 VFIO_REGION_INFO_FLAG_MMAP);
	assert_true(b->reply_fd >= 0);
	fstat(b->vu.region[3].fd, &mine);
	fstat(b->reply_fd, &theirs);
	assert_int_equal(mine.st_ino, theirs.st_ino);
	close(b->reply_fd);
}

static void region_info_of_no_region(void **state)
{
	struct bench *b = *state;
	struct vfio_region_info info;

	/* Where there is nothing, nothing is mapped. */
	b->vu.region[8].fd = b->vu.region[3].fd;
	info = region_info(b, 8);
	assert_int_equal(b->reply_fd, -1);
	assert_int_equal(info.size, 0);
	assert_int_equal(info.flags, 0);
	info.index = 9;
	assert_int_equal(ask(b, GET_REGION_INFO, &info, sizeof(info)), EINVAL);
	assert_said(b, "GET_REGION_INFO of region 9: there are 9");
	info.index = 3;
	info.argsz = sizeof(info) - 1;
	assert_int_equal(ask(b, GET_REGION_INFO, &info, sizeof(info)), EINVAL);
	assert_int_equal(b->reply_fd, -1);
	assert_int_equal(ask(b, GET_REGION_INFO, &info, sizeof(info) - 1), EINVAL);
}

static void irq_info(void **state)
{
	static const uint32_t count[5] = { 1, 1, 0, 0, 0 };
	struct bench *b = *state;
	struct vfio_irq_info info = { .argsz = sizeof(info) };

	for (uint32_t i = 0; i < 5; i++) {
		info = (struct vfio_irq_info) { .argsz = sizeof(info), .index = i };
		if (i == VFIO_PCI_ERR_IRQ_INDEX) {
			assert_int_equal(ask(b, GET_IRQ_INFO, &info, sizeof(info)), ENOTSUP);
			assert_string_equal(b->said, "");
			continue;
		}
		assert_int_equal(ask(b, GET_IRQ_INFO, &info, sizeof(info)), 0);
		memcpy(&info, b->payload, sizeof(info));
		assert_int_equal(info.index, i);
		assert_int_equal(info.count, count[i]);
		assert_int_equal(info.flags, i == INTX ? 7 : 9);
	}
	info.index = 5;
	assert_int_equal(ask(b, GET_IRQ_INFO, &info, sizeof(info)), EINVAL);
	info = (struct vfio_irq_info) { .argsz = sizeof(info) - 1 };
	assert_int_equal(ask(b, GET_IRQ_INFO, &info, sizeof(info)), EINVAL);
	assert_int_equal(ask(b, GET_IRQ_INFO, &info, sizeof(info) - 1), EINVAL);
}

/* Interrupts */

#define NONE	VFIO_IRQ_SET_DATA_NONE
#define BOOL	VFIO_IRQ_SET_DATA_BOOL
#define EVENTFD	VFIO_IRQ_SET_DATA_EVENTFD
#define MASK	VFIO_IRQ_SET_ACTION_MASK
#define UNMASK	VFIO_IRQ_SET_ACTION_UNMASK
#define TRIGGER	VFIO_IRQ_SET_ACTION_TRIGGER

static unsigned int set_irqs(struct bench *b, uint32_t index, uint32_t flags, uint32_t start,
			     uint32_t count, const int *fds, unsigned int nr)
{
	const struct vfio_irq_set set = { sizeof(set), flags, index, start, count };

	return ask_fds(b, SET_IRQS, &set, sizeof(set), fds, nr);
}

/* How often it was raised since the last time. */
static uint64_t raised(int event)
{
	uint64_t n = 0;

	if (read(event, &n, sizeof(n)) != sizeof(n))
		assert_int_equal(errno, EAGAIN);
	return n;
}

static void msi_is_raised(void **state)
{
	struct bench *b = *state;
	int event = eventfd(0, EFD_NONBLOCK);

	assert_false(vfio_user_interrupt(&b->vu));
	assert_int_equal(set_irqs(b, MSI, EVENTFD | TRIGGER, 0, 1, &event, 1), 0);
	assert_int_equal(raised(event), 0);
	assert_true(vfio_user_interrupt(&b->vu));
	assert_true(vfio_user_interrupt(&b->vu));
	assert_int_equal(raised(event), 2);
	/* The client may have it raised. */
	assert_int_equal(set_irqs(b, MSI, NONE | TRIGGER, 0, 1, NULL, 0), 0);
	assert_int_equal(raised(event), 1);
	/* Another eventfd takes its place. */
	assert_int_equal(set_irqs(b, MSI, EVENTFD | TRIGGER, 0, 1, &event, 1), 0);
	/* Without a descriptor it has none any more. */
	assert_int_equal(set_irqs(b, MSI, EVENTFD | TRIGGER, 0, 1, NULL, 0), 0);
	assert_false(vfio_user_interrupt(&b->vu));
	assert_int_equal(raised(event), 0);
	close(event);
}

static void msi_is_disabled(void **state)
{
	struct bench *b = *state;
	int event = eventfd(0, EFD_NONBLOCK);

	assert_int_equal(set_irqs(b, MSI, EVENTFD | TRIGGER, 0, 1, &event, 1), 0);
	/* Another index' being disabled is nothing to it. */
	assert_int_equal(set_irqs(b, INTX, NONE | TRIGGER, 0, 0, NULL, 0), 0);
	assert_int_equal(set_irqs(b, INTX, EVENTFD | TRIGGER, 0, 1, NULL, 0), 0);
	assert_true(vfio_user_interrupt(&b->vu));
	assert_int_equal(set_irqs(b, MSI, NONE | TRIGGER, 0, 0, NULL, 0), 0);
	assert_false(vfio_user_interrupt(&b->vu));
	assert_int_equal(raised(event), 1);
	close(event);
}

static void msi_cannot_be_masked(void **state)
{
	struct bench *b = *state;

	assert_int_equal(set_irqs(b, MSI, NONE | MASK, 0, 1, NULL, 0), ENOTSUP);
	assert_int_equal(set_irqs(b, MSI, NONE | UNMASK, 0, 1, NULL, 0), ENOTSUP);
}

static void intx_masks_itself(void **state)
{
	struct bench *b = *state;
	int event = eventfd(0, EFD_NONBLOCK);

	assert_int_equal(set_irqs(b, INTX, EVENTFD | TRIGGER, 0, 1, &event, 1), 0);
	assert_true(vfio_user_interrupt(&b->vu));
	assert_true(vfio_user_interrupt(&b->vu));
	assert_true(vfio_user_interrupt(&b->vu));
	assert_int_equal(raised(event), 1);
	/* What came meanwhile comes once. */
	assert_int_equal(set_irqs(b, INTX, NONE | UNMASK, 0, 1, NULL, 0), 0);
	assert_int_equal(raised(event), 1);
	assert_int_equal(set_irqs(b, INTX, NONE | UNMASK, 0, 1, NULL, 0), 0);
	assert_int_equal(raised(event), 0);
	assert_int_equal(set_irqs(b, INTX, NONE | MASK, 0, 1, NULL, 0), 0);
	assert_true(vfio_user_interrupt(&b->vu));
	assert_int_equal(raised(event), 0);
	/* When it is enabled anew nothing is left. */
	assert_int_equal(set_irqs(b, INTX, NONE | TRIGGER, 0, 0, NULL, 0), 0);
	assert_int_equal(set_irqs(b, INTX, EVENTFD | TRIGGER, 0, 1, &event, 1), 0);
	assert_true(vfio_user_interrupt(&b->vu));
	assert_int_equal(raised(event), 1);
	close(event);
}

static void irqs_by_booleans(void **state)
{
	struct bench *b = *state;
	struct {
		struct vfio_irq_set set;
		uint8_t data;
	} set = { { sizeof(set), BOOL | TRIGGER, MSI, 0, 1 }, 0 };
	const size_t len = sizeof(set.set) + 1;
	int event = eventfd(0, EFD_NONBLOCK);

	assert_int_equal(set_irqs(b, MSI, EVENTFD | TRIGGER, 0, 1, &event, 1), 0);
	assert_int_equal(ask(b, SET_IRQS, &set, len), 0);
	assert_int_equal(raised(event), 0);
	((uint8_t *)&set)[sizeof(set.set)] = 1;
	assert_int_equal(ask(b, SET_IRQS, &set, len), 0);
	assert_int_equal(raised(event), 1);
	assert_int_equal(ask(b, SET_IRQS, &set, len - 1), EINVAL);
	assert_said(b, "SET_IRQS of 1 vectors with 0 bytes of data");
	close(event);
}

static void irqs_that_lie_are_refused(void **state)
{
	struct bench *b = *state;
	const struct vfio_irq_set bad[] = {
		{ sizeof(*bad) - 1, EVENTFD | TRIGGER, MSI, 0, 1 },
		{ sizeof(*bad), TRIGGER, MSI, 0, 1 },
		{ sizeof(*bad), EVENTFD, MSI, 0, 1 },
		{ sizeof(*bad), EVENTFD | NONE | TRIGGER, MSI, 0, 1 },
		{ sizeof(*bad), EVENTFD | TRIGGER | MASK, MSI, 0, 1 },
		{ sizeof(*bad), EVENTFD | TRIGGER | 0x40, MSI, 0, 1 },
		{ sizeof(*bad), EVENTFD | TRIGGER, MSI, 0, 2 },
		{ sizeof(*bad), EVENTFD | TRIGGER, MSI, 1, 1 },
		{ sizeof(*bad), EVENTFD | TRIGGER, MSI, 2, 0 },
		{ sizeof(*bad), EVENTFD | TRIGGER, MSI, 2, UINT32_MAX },
		{ sizeof(*bad), EVENTFD | TRIGGER, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1 },
		{ sizeof(*bad), EVENTFD | TRIGGER, 5, 0, 0 },
		{ sizeof(*bad), EVENTFD | TRIGGER, MSI, 0, 0 },
		{ sizeof(*bad), NONE | TRIGGER, MSI, 0, 1 },
	};
	int event = eventfd(0, EFD_NONBLOCK);

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(ask_fds(b, SET_IRQS, &bad[i], sizeof(*bad), &event, 1), EINVAL);
		assert_said(b, "client sent SET_IRQS");
		assert_int_equal(b->vu.irq, -1);
	}
	assert_int_equal(ask_fds(b, SET_IRQS, &bad[0], sizeof(*bad) - 1, &event, 1), EINVAL);
	assert_int_equal(set_irqs(b, MSI, NONE | BOOL | TRIGGER, 0, 0, NULL, 0), EINVAL);
	assert_int_equal(set_irqs(b, MSI, NONE | TRIGGER, 2, 0, NULL, 0), EINVAL);
	assert_int_equal(set_irqs(b, MSI, NONE | TRIGGER, 1, UINT32_MAX, NULL, 0), EINVAL);
	assert_int_equal(set_irqs(b, INTX, EVENTFD | UNMASK, 0, 1, &event, 1), ENOTSUP);
	close(event);
}

static void irqs_with_wrong_descriptors_are_refused(void **state)
{
	struct bench *b = *state;
	int event = eventfd(0, EFD_NONBLOCK), two[2] = { event, event }, ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(set_irqs(b, MSI, EVENTFD | TRIGGER, 0, 1, two, 2), EINVAL);
	assert_said(b, "SET_IRQS of 1 vectors with 2 descriptors");
	assert_int_equal(set_irqs(b, MSI, EVENTFD | TRIGGER, 0, 1, &ends[1], 1), EINVAL);
	assert_said(b, "no eventfd");
	assert_false(vfio_user_interrupt(&b->vu));
	assert_int_equal(set_irqs(b, MSI, EVENTFD | TRIGGER, 0, 1, &event, 1), 0);
	assert_int_equal(set_irqs(b, INTX, EVENTFD | TRIGGER, 0, 1, &event, 1), EINVAL);
	assert_said(b, "to enable index 0 while index 1 is enabled");
	assert_true(vfio_user_interrupt(&b->vu));
	close(ends[0]);
	close(ends[1]);
	close(event);
}

/* A full counter would have a write wait for ever. */
static void interrupt_never_waits(void **state)
{
	struct bench *b = *state;
	int event = eventfd(0, 0);
	uint64_t n = UINT64_MAX - 1;

	assert_int_equal(write(event, &n, sizeof(n)), sizeof(n));
	assert_int_equal(set_irqs(b, MSI, EVENTFD | TRIGGER, 0, 1, &event, 1), 0);
	assert_true(vfio_user_interrupt(&b->vu));
	close(event);
}

/* Accesses */

static unsigned int read_region(struct bench *b, uint32_t region, uint64_t offset, uint32_t count)
{
	const struct access a = { offset, region, count };

	return ask(b, REGION_READ, &a, sizeof(a));
}

static unsigned int write_region(struct bench *b, uint32_t region, uint64_t offset, uint32_t count,
				 size_t len)
{
	uint8_t *buf = calloc(1, sizeof(struct access) + len);
	const struct access a = { offset, region, count };
	unsigned int error;

	memcpy(buf, &a, sizeof(a));
	memset(buf + sizeof(a), 0x5a, len);
	error = ask(b, REGION_WRITE, buf, sizeof(a) + len);
	free(buf);
	return error;
}

static void region_is_read(void **state)
{
	struct bench *b = *state;
	struct access a;

	assert_int_equal(read_region(b, 0, 0x1230, 4), 0);
	assert_int_equal(b->reply.size, 16 + 16 + 4);
	memcpy(&a, b->payload, sizeof(a));
	assert_int_equal(a.offset, 0x1230);
	assert_int_equal(a.region, 0);
	assert_int_equal(a.count, 4);
	assert_memory_equal(b->payload + 16, "\x30\x31\x32\x33", 4);
	/* The last bytes; a region that is mapped as well; all that can be transferred. */
	assert_int_equal(read_region(b, 0, BAR0_SIZE - 8, 8), 0);
	assert_int_equal(read_region(b, 3, 0, 1), 0);
	assert_int_equal(read_region(b, VFIO_USER_CONFIG, 4095, 1), 0);
	assert_int_equal(b->reads, 4);
	assert_string_equal(b->said, "");
}

static void region_is_written(void **state)
{
	struct bench *b = *state;

	assert_int_equal(write_region(b, 0, 0x1230, 4, 4), 0);
	assert_int_equal(b->reply.size, 16 + 16);
	assert_int_equal(b->last.offset, 0x1230);
	assert_int_equal(b->last.count, 4);
	assert_memory_equal(b->written, "\x5a\x5a\x5a\x5a\0", 5);
	assert_int_equal(write_region(b, 3, 0xffff, 1, 1), 0);
	assert_int_equal(b->last.region, 3);
}

static void accesses_that_lie_are_refused(void **state)
{
	static const struct access bad[] = {
		{ BAR0_SIZE, 0, 1 },
		{ BAR0_SIZE - 3, 0, 4 },
		{ ~0ULL, 0, 4 },
		{ ~0ULL - 3, 0, 4 },
		{ 0, 0, 0 },
		{ BAR0_SIZE, 0, 0 },
		{ 0, 0, VFIO_USER_TRANSFER + 1 },
		{ 0, 0, UINT32_MAX },
		{ 0, 1, 4 },
		{ 0, 8, 4 },
		{ 0, 9, 4 },
		{ 0, UINT32_MAX, 4 },
		{ 4096, VFIO_USER_CONFIG, 1 },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const struct access *a = &bad[i];

		assert_int_equal(read_region(b, a->region, a->offset, a->count), EINVAL);
		assert_said(b, "client sent REGION_READ of");
		assert_int_equal(write_region(b, a->region, a->offset, a->count, a->count & 0xff),
				 EINVAL);
		assert_said(b, "client sent REGION_WRITE of");
	}
	assert_int_equal(read_region(b, 0, BAR0_SIZE - 3, 4), EINVAL);
	assert_said(b, "REGION_READ of 4 bytes at 0x1ffffd, beyond region 0 of 0x200000 bytes");
	assert_int_equal(write_region(b, 0, 0, 4, 3), EINVAL);
	assert_said(b, "REGION_WRITE of 4 bytes with 3 bytes of data");
	assert_int_equal(write_region(b, 0, 0, 4, 5), EINVAL);
	assert_int_equal(ask(b, REGION_WRITE, &bad[0], sizeof(*bad) - 1), EINVAL);
	assert_int_equal(ask(b, REGION_READ, &bad[0], sizeof(*bad) - 1), EINVAL);
	assert_int_equal(b->reads + b->writes, 0);
	assert_int_equal(read_region(b, 0, 0, 4), 0);
}

static void fill(uint8_t *data, uint64_t offset, uint32_t region, uint32_t count)
{
	const struct access a = { offset, region, count };

	memcpy(data, &a, sizeof(a));
	memset(data + sizeof(a), count, 8);
}

static void writes_in_one_message(void **state)
{
	struct bench *b = *state;
	uint8_t data[8 + 3 * 24] = { 3 };

	fill(data + 8, 0x100, 0, 4);
	fill(data + 32, 0xfff8, 3, 8);
	fill(data + 56, 0x10, VFIO_USER_CONFIG, 1);
	assert_int_equal(ask(b, WRITE_MULTI, data, sizeof(data)), 0);
	assert_int_equal(b->reply.size, 16 + 8);
	assert_memory_equal(b->payload, data, 8);
	assert_int_equal(b->writes, 3);
	assert_int_equal(b->last.region, VFIO_USER_CONFIG);
	assert_int_equal(b->written[0], 1);
	/* None at all. */
	data[0] = 0;
	assert_int_equal(ask(b, WRITE_MULTI, data, 8), 0);
	assert_int_equal(b->writes, 3);
}

static void writes_in_one_message_that_lie_are_refused(void **state)
{
	struct bench *b = *state;
	uint8_t data[8 + 2 * 24] = { 2 };
	/* Times the size of one this is the size of two: the product overflows. */
	const uint64_t many = (1ULL << 61) + 2;

	fill(data + 8, 0x100, 0, 4);
	fill(data + 32, 0xfff9, 3, 8);
	assert_int_equal(ask(b, WRITE_MULTI, data, sizeof(data)), EINVAL);
	assert_said(b, "REGION_WRITE_MULTI of 8 bytes at 0xfff9, beyond region 3");
	fill(data + 32, 0, 3, 9);
	assert_int_equal(ask(b, WRITE_MULTI, data, sizeof(data)), EINVAL);
	assert_said(b, "REGION_WRITE_MULTI of 9 bytes in one write: 8 fit");
	fill(data + 32, 0, 3, 8);
	assert_int_equal(ask(b, WRITE_MULTI, data, sizeof(data) - 1), EINVAL);
	assert_int_equal(ask(b, WRITE_MULTI, data, 7), EINVAL);
	data[0] = 3;
	assert_int_equal(ask(b, WRITE_MULTI, data, sizeof(data)), EINVAL);
	assert_said(b, "REGION_WRITE_MULTI of 3 writes with 48 bytes of data");
	memcpy(data, &many, sizeof(many));
	assert_int_equal(ask(b, WRITE_MULTI, data, sizeof(data)), EINVAL);
	assert_said(b, "of 2305843009213693954 writes with 48 bytes of data");
	memcpy(data, "\1\0\0\0\0\0\0\0", 8);
	assert_int_equal(ask(b, WRITE_MULTI, data, 8 + 24 + 5), EINVAL);
	assert_int_equal(b->writes, 0);
}

static void reset_is_passed_on(void **state)
{
	struct bench *b = *state;

	assert_int_equal(ask(b, DEVICE_RESET, NULL, 0), 0);
	assert_int_equal(b->reply.size, 16);
	assert_int_equal(b->resets, 1);
}

static void commands_that_are_not_served(void **state)
{
	static const unsigned int quiet[] = { GET_REGION_IO_FDS, DIRTY_PAGES, DEVICE_FEATURE,
					      MIG_DATA_READ, MIG_DATA_WRITE };
	static const unsigned int loud[] = { 0, DMA_READ, DMA_WRITE, MIG_DATA_WRITE + 1, 0xffff };
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(quiet) / sizeof(*quiet); i++) {
		assert_int_equal(ask(b, quiet[i], "12345678", 8), ENOTSUP);
		assert_string_equal(b->said, "");
	}
	for (size_t i = 0; i < sizeof(loud) / sizeof(*loud); i++) {
		assert_int_equal(ask(b, loud[i], NULL, 0), ENOTSUP);
		assert_said(b, "which is none of a client's");
	}
}

static void descriptors_where_none_are_expected(void **state)
{
	struct bench *b = *state;
	const int fd = 0;

	for (unsigned int command = 0; command < 20; command++) {
		if (command == DMA_MAP)
			continue;
		assert_int_not_equal(ask_fds(b, command, NULL, 0, &fd, 1), 0);
	}
	assert_int_equal(ask_fds(b, DEVICE_RESET, NULL, 0, &fd, 1), EINVAL);
	assert_said(b, "DEVICE_RESET with 1 descriptors: it has 0");
	assert_int_equal(b->resets, 0);
}

/* Framing */

static void sizes_that_lie_end_it(void **state, uint32_t size, const char *text)
{
	struct bench *b = *state;
	const struct header h = { 1, DEVICE_RESET, size, 0, 0 };

	send_bytes(b, &h, sizeof(h), NULL, 0);
	assert_int_equal(serve(b), -1);
	assert_said(b, text);
	assert_int_equal(b->resets, 0);
	assert_disconnected(b);
}

static void size_below_the_header(void **state)
{
	sizes_that_lie_end_it(state, 15, "client sent a message of 15 bytes: it has 16 to 1048608");
}

static void size_of_nothing(void **state)
{
	sizes_that_lie_end_it(state, 0, "client sent a message of 0 bytes");
}

static void size_beyond_the_limit(void **state)
{
	sizes_that_lie_end_it(state, 1048609, "client sent a message of 1048609 bytes");
}

static void size_of_4_gib(void **state)
{
	sizes_that_lie_end_it(state, UINT32_MAX, "client sent a message of 4294967295 bytes");
}

static void reply_of_the_client_ends_it(void **state)
{
	struct bench *b = *state;

	send_fds(b, DEVICE_RESET, 1, NULL, 0, NULL, 0);
	assert_int_equal(serve(b), -1);
	assert_said(b, "client sent a message of type 1");
	assert_int_equal(b->resets, 0);
	assert_disconnected(b);
}

static void no_reply_where_none_is_wanted(void **state)
{
	struct bench *b = *state;
	const struct access bad = { 0, 9, 4 };

	send_fds(b, DEVICE_RESET, NO_REPLY, NULL, 0, NULL, 0);
	assert_int_equal(serve(b), 1);
	assert_int_equal(b->resets, 1);
	assert_false(readable(b->client));
	/* An error is said all the same, and it goes on. */
	send_fds(b, REGION_READ, NO_REPLY, &bad, sizeof(bad), NULL, 0);
	assert_int_equal(serve(b), 1);
	assert_said(b, "REGION_READ of region 9");
	assert_false(readable(b->client));
	assert_int_equal(read_region(b, 0, 0, 4), 0);
}

static void message_in_pieces(void **state)
{
	struct bench *b = *state;
	const struct access a = { 0x40, 0, 8 };
	uint8_t message[64];
	const size_t len = make(message, REGION_READ, 0, &a, sizeof(a));

	/* In three writes, cut anywhere. */
	for (size_t i = 1; i < len - 1; i++) {
		for (size_t j = i + 1; j < len; j++) {
			const unsigned int reads = b->reads;

			send_bytes(b, message, i, NULL, 0);
			assert_int_equal(serve(b), 1);
			send_bytes(b, message + i, j - i, NULL, 0);
			assert_int_equal(serve(b), 1);
			assert_int_equal(b->reads, reads);
			assert_false(readable(b->client));
			send_bytes(b, message + j, len - j, NULL, 0);
			assert_int_equal(serve(b), 1);
			assert_int_equal(b->reads, reads + 1);
			take_reply(b, REGION_READ);
		}
	}
}

static void messages_in_one_write(void **state)
{
	struct bench *b = *state;
	const struct access a = { 0x40, 0, 8 }, another = { 0x80, 3, 4 };
	uint8_t messages[256];
	size_t len = make(messages, REGION_READ, 0, &a, sizeof(a));

	len += make(messages + len, DEVICE_RESET, 0, NULL, 0);
	len += make(messages + len, REGION_READ, 0, &another, sizeof(another));
	/* The last of it one byte short. */
	send_bytes(b, messages, len - 1, NULL, 0);
	assert_int_equal(receive(b), 1);
	assert_int_equal(b->reads, 1);
	assert_int_equal(b->resets, 1);
	send_bytes(b, messages + len - 1, 1, NULL, 0);
	assert_int_equal(receive(b), 1);
	assert_int_equal(b->reads, 2);
	assert_memory_equal(&b->last, &another, sizeof(another));
	take_reply(b, REGION_READ);
	take_reply(b, DEVICE_RESET);
	take_reply(b, REGION_READ);
	assert_false(readable(b->client));
}

/* The device gets its turn between: a call takes 4 KiB. */
static void a_call_is_bounded(void **state)
{
	struct bench *b = *state;
	uint8_t message[64], payload[20] = { 0 };
	const struct access a = { 0x40, 0, 4 };
	size_t len;
	unsigned int calls = 0;

	memcpy(payload, &a, sizeof(a));
	len = make(message, REGION_WRITE, NO_REPLY, payload, sizeof(payload));
	for (unsigned int i = 0; i < 250; i++)
		send_bytes(b, message, len, NULL, 0);
	while (readable(b->vu.sock)) {
		const unsigned int before = b->writes;

		assert_int_equal(receive(b), 1);
		assert_in_range(b->writes - before, 1, 4096 / len + 1);
		calls++;
	}
	assert_int_equal(b->writes, 250);
	assert_int_equal(calls, 3);
}

static void receive_does_not_wait(void **state)
{
	struct bench *b = *state;

	assert_int_equal(receive(b), 1);
	assert_string_equal(b->said, "");
	assert_int_equal(read_region(b, 0, 0, 4), 0);
}

/* A large message: neither end has room for all of it in its socket. */
static void as_much_as_can_be_transferred(void **state)
{
	struct bench *b = *state;
	const struct access a = { 0, 0, VFIO_USER_TRANSFER };
	const size_t len = 16 + 16 + VFIO_USER_TRANSFER;
	uint8_t *message = calloc(1, len);

	assert_non_null(message);
	make(message, REGION_WRITE, 0, message + 16, len - 16);
	memcpy(message + 16, &a, sizeof(a));
	message[len - 1] = 0x77;
	for (size_t at = 0; at < len;) {
		ssize_t n = send(b->client, message + at, len - at, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0)
			at += n;
		else
			assert_int_equal(errno, EAGAIN);
		assert_int_equal(serve(b), 1);
	}
	take_reply(b, REGION_WRITE);
	assert_int_equal(b->reply.error, 0);
	assert_int_equal(b->writes, 1);
	assert_int_equal(b->last.count, VFIO_USER_TRANSFER);
	free(message);
}

static void client_that_takes_no_replies_is_disconnected(void **state)
{
	struct bench *b = *state;
	const struct access a = { 0, 0, VFIO_USER_TRANSFER };

	b->vu.send_ms = 20;
	send_fds(b, REGION_READ, 0, &a, sizeof(a), NULL, 0);
	assert_int_equal(serve(b), -1);
	assert_said(b, "client takes no replies");
	assert_int_equal(b->vu.sock, -1);
	assert_int_equal(b->unmap_alls, 1);
}

static void close_between_messages(void **state)
{
	struct bench *b = *state;

	hang_up(b);
	assert_int_equal(receive(b), 0);
	assert_string_equal(b->said, "");
	assert_int_equal(b->vu.sock, -1);
	assert_int_equal(b->unmap_alls, 1);
}

static void close_within_a_header(void **state)
{
	struct bench *b = *state;

	send_bytes(b, "1234567", 7, NULL, 0);
	hang_up(b);
	assert_int_equal(serve(b), -1);
	assert_said(b, "closed the connection in the middle of a message, after 7 bytes");
	assert_int_equal(b->vu.sock, -1);
}

static void close_within_a_payload(void **state)
{
	struct bench *b = *state;
	int event = eventfd(0, EFD_NONBLOCK);
	uint8_t message[64];
	const struct vfio_irq_set set = { sizeof(set), EVENTFD | TRIGGER, MSI, 0, 1 };

	/* Descriptors have come already. */
	make(message, SET_IRQS, 0, &set, sizeof(set));
	send_bytes(b, message, 20, &event, 1);
	hang_up(b);
	assert_int_equal(serve(b), -1);
	assert_said(b, "in the middle of a message, after 20 bytes");
	assert_int_equal(b->vu.nr_fds, 0);
	close(event);
}

static void close_before_the_reply(void **state)
{
	struct bench *b = *state;

	send_fds(b, DEVICE_RESET, 0, NULL, 0, NULL, 0);
	hang_up(b);
	assert_int_equal(serve(b), 0);
	assert_string_equal(b->said, "");
	assert_int_equal(b->resets, 1);
	assert_int_equal(b->vu.sock, -1);
}

/* Descriptors and the message they belong to */

static void descriptors_after_other_messages(void **state)
{
	struct bench *b = *state;
	int file = memfd_create("ram", 0);

	send_fds(b, DEVICE_RESET, NO_REPLY, NULL, 0, NULL, 0);
	send_fds(b, DEVICE_RESET, NO_REPLY, NULL, 0, NULL, 0);
	send_fds(b, DMA_MAP, NO_REPLY, &map, sizeof(map), &file, 1);
	send_fds(b, DMA_MAP, NO_REPLY, &map, sizeof(map), NULL, 0);
	assert_int_equal(receive(b), 1);
	assert_int_equal(b->resets, 2);
	assert_int_equal(b->maps, 1);
	assert_int_not_equal(b->map_inode, 0);
	assert_int_equal(receive(b), 1);
	assert_int_equal(b->maps, 2);
	assert_int_equal(b->map_inode, 0);
	assert_string_equal(b->said, "");
	close(file);
}

static void descriptors_with_a_part_of_a_message(void **state)
{
	struct bench *b = *state;
	int file[2] = { memfd_create("1", 0), memfd_create("2", 0) };
	uint8_t message[64];
	const size_t len = make(message, DMA_MAP, NO_REPLY, &map, sizeof(map));
	struct stat st[2];

	fstat(file[0], &st[0]);
	fstat(file[1], &st[1]);
	for (size_t cut = 1; cut < len; cut++) {
		/* The next message, with its own, is there before the rest is received. */
		send_bytes(b, message, cut, &file[0], 1);
		assert_int_equal(serve(b), 1);
		send_bytes(b, message + cut, len - cut, NULL, 0);
		send_bytes(b, message, len, &file[1], 1);
		b->maps = 0;
		while (!b->maps)
			assert_int_equal(receive(b), 1);
		assert_int_equal(b->maps, 1);
		assert_int_equal(b->map_inode, st[0].st_ino);
		while (b->maps == 1)
			assert_int_equal(receive(b), 1);
		assert_int_equal(b->map_inode, st[1].st_ino);
	}
	assert_string_equal(b->said, "");
	close(file[0]);
	close(file[1]);
}

static void descriptors_with_the_last_part_of_a_message(void **state)
{
	struct bench *b = *state;
	int file = memfd_create("ram", 0);
	uint8_t message[64];
	const size_t len = make(message, DMA_MAP, NO_REPLY, &map, sizeof(map));

	send_bytes(b, message, 20, NULL, 0);
	send_bytes(b, message + 20, len - 20, &file, 1);
	assert_int_equal(serve(b), 1);
	assert_int_equal(b->maps, 1);
	assert_int_not_equal(b->map_inode, 0);
	/* With both parts they are too many. */
	send_bytes(b, message, 20, &file, 1);
	send_bytes(b, message + 20, len - 20, &file, 1);
	assert_int_equal(serve(b), 1);
	assert_said(b, "DMA_MAP with 2 descriptors");
	assert_int_equal(b->maps, 1);
	close(file);
}

static void too_many_descriptors_end_it(void **state)
{
	struct bench *b = *state;
	int fds[VFIO_USER_FDS + 1] = { 0 };

	assert_int_equal(ask_fds(b, DEVICE_RESET, NULL, 0, fds, VFIO_USER_FDS), EINVAL);
	send_fds(b, DEVICE_RESET, 0, NULL, 0, fds, VFIO_USER_FDS + 1);
	assert_int_equal(serve(b), -1);
	assert_said(b, "more than 16 descriptors");
	assert_disconnected(b);
}

static void too_many_descriptors_in_parts_end_it(void **state)
{
	struct bench *b = *state;
	int fds[VFIO_USER_FDS] = { 0 };
	uint8_t message[64];

	make(message, DMA_MAP, 0, &map, sizeof(map));
	send_bytes(b, message, 20, fds, VFIO_USER_FDS);
	assert_int_equal(serve(b), 1);
	send_bytes(b, message + 20, 5, fds, 1);
	assert_int_equal(serve(b), -1);
	assert_said(b, "more than 16 descriptors");
	assert_disconnected(b);
}

static void descriptors_beyond_the_process_limit_end_it(void **state)
{
	struct bench *b = *state;
	int fds[8] = { 0 }, rc;
	struct rlimit old, few;

	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	send_fds(b, DMA_MAP, 0, &map, sizeof(map), fds, 8);
	/* opendir() of descriptors(), "." and ".." are three; two can be opened. */
	few.rlim_cur = descriptors() - 3 + 2;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	rc = receive(b);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(rc, -1);
	assert_said(b, "than this process may open");
	assert_int_equal(b->maps, 0);
	assert_disconnected(b);
}

/* Connections */

static void next_client_after_the_first(void **state)
{
	struct bench *b = *state;
	int event = eventfd(0, EFD_NONBLOCK);

	assert_int_equal(set_irqs(b, MSI, EVENTFD | TRIGGER, 0, 1, &event, 1), 0);
	send_bytes(b, "123", 3, NULL, 0);
	hang_up(b);
	assert_int_equal(serve(b), -1);
	assert_false(vfio_user_interrupt(&b->vu));
	connect_client(b);
	/* It has to say its version anew, and nothing of the first's is left. */
	hello(b);
	assert_int_equal(read_region(b, 0, 0, 4), 0);
	close(event);
}

static void who_connects_and_goes_is_no_client(void **state)
{
	struct bench *b = *state;

	connect_client(b);
	hang_up(b);
	assert_int_equal(receive(b), 1);
	assert_string_equal(b->said, "");
	connect_client(b);
	hello(b);
}

static void accept_does_not_wait(void **state)
{
	struct bench *b = *state;

	assert_int_equal(receive(b), 1);
	assert_int_equal(b->vu.sock, -1);
}

/* It would be tried, and said, again and again. */
static void client_that_cannot_be_accepted(void **state)
{
	struct bench *b = *state;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct rlimit old, none;
	int rc;

	strcpy(addr.sun_path, b->path);
	b->client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(b->client, (struct sockaddr *)&addr, sizeof(addr)), 0);
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	/* stderr can still be replaced. */
	none.rlim_cur = STDERR_FILENO + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	b->said[0] = '\0';
	rc = receive(b);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(rc, -1);
	assert_said(b, "none can come any more");
	assert_int_equal(vfio_user_fd(&b->vu), -1);
}

/* Another server, which cannot listen. */
static void assert_cannot_listen(struct bench *b, const char *path, const char *text)
{
	struct vfio_user other = { .name = "test", .ops = &ops };
	int rc;

	catch_stderr(b);
	rc = vfio_user_listen(&other, path);
	vfio_user_close(&other);
	release_stderr(b);
	assert_int_equal(rc, -1);
	assert_said(b, text);
	/* The first is not disturbed. */
	assert_int_equal(access(b->path, F_OK), 0);
}

static void socket_in_use(void **state)
{
	struct bench *b = *state;

	assert_cannot_listen(b, b->path, "is in use; end the process that listens there");
	/* What looked has gone again. */
	while (readable(vfio_user_fd(&b->vu)))
		assert_int_equal(receive(b), 1);
	connect_client(b);
	hello(b);
	/* And while there is a client, until the backlog is full. */
	for (unsigned int i = 0; i < 8; i++)
		assert_cannot_listen(b, b->path, "is in use");
	assert_int_equal(read_region(b, 0, 0, 4), 0);
}

static void socket_path_too_long(void **state)
{
	char path[200];

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_cannot_listen(*state, path, "the path of the socket has 199 characters: it can "
			     "have 1 to 107");
	path[108] = '\0';
	assert_cannot_listen(*state, path, "has 108 characters");
	assert_cannot_listen(*state, "", "has 0 characters");
}

static void socket_that_cannot_be(void **state)
{
	struct bench *b = *state;
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "%s/none/socket", b->dir);
	assert_cannot_listen(b, path, "No such file or directory");
	snprintf(path, sizeof(path), "%s/file", b->dir);
	fd = creat(path, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_cannot_listen(b, path, "exists and is no socket");
	assert_int_equal(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/file/socket", b->dir);
	assert_cannot_listen(b, path, "Not a directory");
	snprintf(path, sizeof(path), "%s/file", b->dir);
	unlink(path);
}

static void stale_socket_is_removed(void **state)
{
	struct bench *b = *state;
	struct vfio_user stale = { .name = "test", .ops = &ops };

	vfio_user_close(&b->vu);
	/* Somebody who ended without removing it. */
	assert_int_equal(vfio_user_listen(&stale, b->path), 0);
	stale.path[0] = '\0';
	vfio_user_close(&stale);
	assert_int_equal(access(b->path, F_OK), 0);
	assert_int_equal(vfio_user_listen(&b->vu, b->path), 0);
	connect_client(b);
	hello(b);
}

static void two_servers(void **state)
{
	struct bench *b = *state, *other;
	void *other_state;

	assert_int_equal(setup(&other_state), 0);
	other = other_state;
	assert_int_equal(read_region(b, 0, 0, 4), 0);
	assert_int_equal(ask(other, DEVICE_RESET, NULL, 0), 0);
	assert_int_equal(other->reads, 0);
	assert_int_equal(b->resets, 0);
	assert_int_equal(teardown(&other_state), 0);
	assert_int_equal(read_region(b, 0, 0, 4), 0);
}

/* Anything: whatever comes, it ends with an error or goes on. */

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void anything(void **state)
{
	static const uint32_t words[] = { 0, 1, 2, 4, 8, 16, 20, 24, 32, 36, 0x1000, 0x100000,
					  0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff };
	struct bench *b = *state;
	uint32_t seed = 20261130;
	unsigned int connections = 0;
	int event = eventfd(0, EFD_NONBLOCK);
	char drop[4096];

	b->vu.send_ms = 1;
	for (unsigned int i = 0; i < 20000; i++) {
		uint32_t message[24];
		size_t len = 16 + next_random(&seed) % 80;
		int rc;

		for (size_t j = 0; j < 24; j++) {
			const uint32_t r = next_random(&seed);

			message[j] = r % 4 ? words[r / 4 % 16] : r;
		}
		/* Most have a command, a size and a type that can be. */
		message[0] = (next_random(&seed) % 19) << 16;
		if (next_random(&seed) % 64) {
			message[1] = len;
			message[2] = next_random(&seed) & NO_REPLY;
		}
		if (send(b->client, message, len, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)len ||
		    (next_random(&seed) % 8 == 0 && b->vu.sock >= 0))
			send_bytes(b, message, 1, &event, 1);
		rc = serve(b);
		while (recv(b->client, drop, sizeof(drop), MSG_DONTWAIT) > 0)
			rc = rc == 1 ? serve(b) : rc;
		if (rc != 1) {
			hang_up(b);
			connect_client(b);
			hello(b);
			connections++;
		}
	}
	assert_in_range(connections, 10, 19999);
	close(event);
}

#define TEST(name)		cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_CONNECTED(name)	cmocka_unit_test_setup_teardown(name, setup_connected, teardown)
#define TEST_UNCONNECTED(name)	cmocka_unit_test_setup_teardown(name, setup_unconnected, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_CONNECTED(version_is_agreed_on),
		TEST_CONNECTED(version_without_capabilities),
		TEST_CONNECTED(version_of_another_major_ends_it),
		TEST_CONNECTED(version_without_nul_ends_it),
		TEST_CONNECTED(version_too_short_ends_it),
		TEST(version_twice_is_refused),
		TEST_CONNECTED(command_before_version_ends_it),
		TEST(dma_map_passes_the_descriptor),
		TEST(dma_map_read_only_and_without_descriptor),
		TEST(dma_map_that_lies_is_refused),
		TEST(dma_map_with_two_descriptors_is_refused),
		TEST(dma_map_that_the_device_refuses),
		TEST(dma_unmap_is_answered_with_the_entry),
		TEST(dma_unmap_of_all),
		TEST(dma_unmap_that_lies_is_refused),
		TEST(dma_of_a_device_without_dma),
		TEST(device_info),
		TEST(region_info_of_a_trapped_region),
		TEST(region_info_of_a_mapped_region),
		TEST(region_info_of_no_region),
		TEST(irq_info),
		TEST(msi_is_raised),
		TEST(msi_is_disabled),
		TEST(msi_cannot_be_masked),
		TEST(intx_masks_itself),
		TEST(irqs_by_booleans),
		TEST(irqs_that_lie_are_refused),
		TEST(irqs_with_wrong_descriptors_are_refused),
		TEST(interrupt_never_waits),
		TEST(region_is_read),
		TEST(region_is_written),
		TEST(accesses_that_lie_are_refused),
		TEST(writes_in_one_message),
		TEST(writes_in_one_message_that_lie_are_refused),
		TEST(reset_is_passed_on),
		TEST(commands_that_are_not_served),
		TEST(descriptors_where_none_are_expected),
		TEST(size_below_the_header),
		TEST(size_of_nothing),
		TEST(size_beyond_the_limit),
		TEST(size_of_4_gib),
		TEST(reply_of_the_client_ends_it),
		TEST(no_reply_where_none_is_wanted),
		TEST(message_in_pieces),
		TEST(messages_in_one_write),
		TEST(a_call_is_bounded),
		TEST(receive_does_not_wait),
		TEST(as_much_as_can_be_transferred),
		TEST(client_that_takes_no_replies_is_disconnected),
		TEST(close_between_messages),
		TEST(close_within_a_header),
		TEST(close_within_a_payload),
		TEST(close_before_the_reply),
		TEST(descriptors_after_other_messages),
		TEST(descriptors_with_a_part_of_a_message),
		TEST(descriptors_with_the_last_part_of_a_message),
		TEST(too_many_descriptors_end_it),
		TEST(too_many_descriptors_in_parts_end_it),
		TEST(descriptors_beyond_the_process_limit_end_it),
		TEST(next_client_after_the_first),
		TEST_UNCONNECTED(who_connects_and_goes_is_no_client),
		TEST_UNCONNECTED(accept_does_not_wait),
		TEST_UNCONNECTED(client_that_cannot_be_accepted),
		TEST_UNCONNECTED(socket_in_use),
		TEST_UNCONNECTED(socket_path_too_long),
		TEST_UNCONNECTED(socket_that_cannot_be),
		TEST_UNCONNECTED(stale_socket_is_removed),
		TEST(two_servers),
		TEST(anything),
	};

	return cmocka_run_group_tests_name("vfio_user", tests, NULL, NULL);
}
