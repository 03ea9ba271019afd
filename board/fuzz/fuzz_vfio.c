// SPDX-License-Identifier: MIT
/*
 * Messages of a client, through a socket. An input is flags, then what the client sends, in pieces;
 * a descriptor of memory may come with the first. Whatever it is, the next client is served.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../memory.h"
#include "../vfio_user.h"

enum { HELLO = 1, DESCRIPTOR = 2, PIECES = 4 };

/* VERSION 0.0, as QEMU says it. */
static const char hello[] = "\0\0\0\0{\"capabilities\":{\"max_msg_fds\":8}}";

static struct memory memory;
static struct vfio_user vu;
static char dir[] = "/tmp/fuzz_vfio.XXXXXX";
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static int fd;

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_vfio: %s\n", what);
	abort();
}

/* All of a buffer is there, and all of it is given. */
static void on_read(void *dev, unsigned int region, uint64_t offset, void *buf, uint32_t len)
{
	(void)dev;
	must(len && offset + len <= vu.region[region].size, "a read beyond a region");
	memset(buf, 0x11, len);
}

static void on_write(void *dev, unsigned int region, uint64_t offset, const void *buf, uint32_t len)
{
	static uint8_t copy[VFIO_USER_TRANSFER];

	(void)dev;
	must(len && len <= sizeof(copy) && offset + len <= vu.region[region].size,
	     "a write beyond a region");
	memcpy(copy, buf, len);
}

static const char *on_map(void *dev, uint64_t iova, uint64_t size, int file, uint64_t offset,
			  bool writable)
{
	(void)dev;
	return memory_map(&memory, iova, size, file, offset, writable);
}

static const char *on_unmap(void *dev, uint64_t iova, uint64_t size)
{
	(void)dev;
	if (iova || size != UINT64_MAX)
		return memory_unmap(&memory, iova, size);
	memory_unmap_all(&memory);
	return NULL;
}

static const struct vfio_user_ops ops = {
	.read = on_read, .write = on_write, .dma_map = on_map, .dma_unmap = on_unmap,
};

static void remove_socket(void)
{
	vfio_user_close(&vu);
	rmdir(dir);
}

static void start(void)
{
	must(!memory_init(&memory, 1 << 20) && mkdtemp(dir), "no memory, or no directory in /tmp");
	vu = (struct vfio_user) { .name = "fuzz", .ops = &ops, .listener = -1, .sock = -1, .irq = -1,
				  .send_ms = 1 };
	for (unsigned int i = 0; i < VFIO_USER_REGIONS; i++)
		vu.region[i].fd = -1;
	fd = memfd_create("guest", MFD_ALLOW_SEALING);
	must(fd >= 0 && !ftruncate(fd, 1 << 16) && !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK),
	     "memfd_create()");
	vu.region[0].size = 1 << 20;
	vu.region[1] = (struct vfio_user_region) { 1 << 16, fd };
	vu.region[VFIO_USER_CONFIG].size = 4096;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", dir);
	must(!vfio_user_listen(&vu, address.sun_path), "vfio_user_listen()");
	atexit(remove_socket);
}

static void client_sends(int sock, const void *data, size_t len, bool with_fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct iovec iov = { (void *)data, len };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (with_fd) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header = (struct cmsghdr) { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	}
	/* The server may have hung up, or be full: then this is over. */
	(void)!sendmsg(sock, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The server does what it can; false: it has hung up. */
static bool serve(int sock)
{
	static uint8_t reply[1 << 16];

	for (int i = 0; i < 64; i++) {
		const size_t before = vu.in_len;

		if (vfio_user_receive(&vu) <= 0)
			return false;
		while (recv(sock, reply, sizeof(reply), MSG_DONTWAIT) > 0)
			;
		if (vu.in_len == before && i)
			break;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t flags = size ? *data : 0;
	int sock;

	if (!vu.ops)
		start();
	sock = socket(AF_UNIX, SOCK_STREAM, 0);
	must(sock >= 0 && !connect(sock, (struct sockaddr *)&address, sizeof(address)), "connect()");
	vfio_user_receive(&vu);		/* accepts it */
	must(vu.sock >= 0, "the next client is not served");
	if (flags & HELLO) {
		struct { uint16_t id, command; uint32_t size, flags, error; } header = {
			.command = 1, .size = sizeof(header) + sizeof(hello),
		};

		client_sends(sock, &header, sizeof(header), false);
		client_sends(sock, hello, sizeof(hello), false);
		must(serve(sock) && vu.hello, "a right VERSION is refused");
	}
	for (data += !!size, size -= !!size; size;) {
		const size_t n = flags & PIECES && size > 20 ? 20 : size;

		client_sends(sock, data, n, flags & DESCRIPTOR);
		flags &= ~DESCRIPTOR;
		data += n;
		size -= n;
		if (!serve(sock))
			break;
	}
	close(sock);
	/* Until it has seen that. */
	for (int i = 0; vu.sock >= 0; i++) {
		must(i < 100000, "the server does not notice that its client has gone");
		vfio_user_receive(&vu);
	}
	must(!memory.maps, "memory of a client that has gone is mapped");
	return 0;
}
