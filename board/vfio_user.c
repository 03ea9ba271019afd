// SPDX-License-Identifier: MIT
/*
 * The server's side of vfio-user. Commands, payloads and flags are those of QEMU's
 * docs/interop/vfio-user.rst; what it takes from VFIO (regions, interrupts) is in <linux/vfio.h>.
 *
 * Errors: what the framing or the order of messages breaks ends the connection. A message that is
 * whole but asks for what cannot be is answered with an error, and the next one is served. Either
 * is said on stderr.
 *
 * Descriptors: recvmsg() on a stream returns at the end of the first send that carried some, so
 * they belong to the message that the last received byte is in. As long as that message is
 * incomplete, nothing beyond its end is received, so that there is never more than one set.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "vfio_user.h"

enum command {
	VERSION = 1, DMA_MAP, DMA_UNMAP, DEVICE_GET_INFO, GET_REGION_INFO, GET_REGION_IO_FDS,
	GET_IRQ_INFO, SET_IRQS, REGION_READ, REGION_WRITE, DMA_READ, DMA_WRITE, DEVICE_RESET,
	DIRTY_PAGES, REGION_WRITE_MULTI, DEVICE_FEATURE, MIG_DATA_READ, MIG_DATA_WRITE, COMMANDS
};

#define TYPE_MASK	0xf
#define TYPE_REPLY	1
#define NO_REPLY	(1 << 4)
#define ERROR		(1 << 5)

struct header {
	uint16_t id, command;
	uint32_t size, flags, error;
};

struct version {
	uint16_t major, minor;
};

struct dma_map {
	uint32_t argsz, flags;
	uint64_t offset, iova, size;
};

struct dma_unmap {
	uint32_t argsz, flags;
	uint64_t iova, size;
};

struct device_info {
	uint32_t argsz, flags, regions, irqs;
};

struct region_access {
	uint64_t offset;
	uint32_t region, count;
};

/* One of a REGION_WRITE_MULTI. */
struct write_one {
	struct region_access access;
	uint8_t data[8];
};

#define MESSAGE_MAX	(sizeof(struct header) + sizeof(struct region_access) + VFIO_USER_TRANSFER)
#define CHUNK		4096
#define SEND_MS		5000

struct message {
	struct header header;
	const char *name;
	const uint8_t *data;
	size_t len;
	int *fds;		/* closed afterwards but for what has become -1 */
	unsigned int nr_fds;
};

/* The payload is at vu->out, after the header. */
struct reply {
	uint8_t *data;
	size_t len;
	int fd;			/* -1: none */
};

static void __attribute__((format(printf, 2, 3)))
complain(const struct vfio_user *vu, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "board: %s: %s\n", vu->name, text);
}

/* What is wrong with a command of the client's. Returns what it is answered with. */
static int __attribute__((format(printf, 3, 4)))
refuse(const struct vfio_user *vu, const struct message *m, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	complain(vu, "client sent %s %s", m->name, text);
	return EINVAL;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_fds(struct vfio_user *vu)
{
	while (vu->nr_fds)
		close_fd(&vu->fds[--vu->nr_fds]);
}

/* The client has gone, or has to go. */
static void disconnect(struct vfio_user *vu)
{
	if (vu->sock < 0)
		return;
	close_fds(vu);
	close_fd(&vu->irq);
	close_fd(&vu->sock);
	vu->in_len = 0;
	vu->hello = false;
	vu->irq_masked = false;
	vu->irq_pending = false;
	/* There may be nothing to unmap. */
	if (vu->ops->dma_unmap)
		vu->ops->dma_unmap(vu->dev, 0, UINT64_MAX);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* 0; 1: the client has gone; -1: it does not take it, which was said. */
static int send_all(struct vfio_user *vu, const uint8_t *data, size_t len, int fd)
{
	const int limit = vu->send_ms ? vu->send_ms : SEND_MS;
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(fd))];
	} control = { 0 };
	int64_t end = 0;

	while (len) {
		struct iovec iov = { (void *)data, len };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
		ssize_t n;

		if (fd >= 0) {
			struct cmsghdr *c = &control.align;

			msg.msg_control = &control;
			msg.msg_controllen = sizeof(control);
			c->cmsg_level = SOL_SOCKET;
			c->cmsg_type = SCM_RIGHTS;
			c->cmsg_len = CMSG_LEN(sizeof(fd));
			memcpy(CMSG_DATA(c), &fd, sizeof(fd));
		}
		n = sendmsg(vu->sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			data += n;
			len -= n;
			fd = -1;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { vu->sock, POLLOUT, 0 };
			const int64_t now = now_ms();

			if (!end)
				end = now + limit;
			if (now < end) {
				if (poll(&p, 1, end - now) >= 0 || errno == EINTR)
					continue;
			} else {
				complain(vu, "client takes no replies: %zu bytes are left after "
					 "%d ms; it is disconnected", len, limit);
				return -1;
			}
		}
		if (errno == EPIPE || errno == ECONNRESET)
			return 1;
		complain(vu, "cannot send a reply: %s", strerror(errno));
		return -1;
	}
	return 0;
}

/* The commands. 0, or an errno to answer with, having said why. */

static int version(struct vfio_user *vu, const struct message *m, struct reply *r)
{
	const char *caps = (const char *)m->data + sizeof(struct version);
	const size_t caps_len = m->len - sizeof(struct version);
	const char *multi = "";
	struct version v;
	int len;

	memcpy(&v, m->data, sizeof(v));
	if (vu->hello)
		return refuse(vu, m, "a second time");
	if (v.major != 0)
		return refuse(vu, m, "%u.%u, served is 0.0: another QEMU is needed", v.major,
			      v.minor);
	if (caps_len && caps[caps_len - 1])
		return refuse(vu, m, "with capabilities that do not end with a NUL");
	/* Of the client's capabilities this one is needed: only what it has may be answered. */
	if (caps_len && strstr(caps, "\"write_multiple\""))
		multi = ",\"write_multiple\":true";
	v.minor = 0;
	memcpy(r->data, &v, sizeof(v));
	len = sprintf((char *)r->data + sizeof(v),
		      "{\"capabilities\":{\"max_msg_fds\":%u,\"max_data_xfer_size\":%u%s}}",
		      VFIO_USER_FDS, VFIO_USER_TRANSFER, multi);
	r->len = sizeof(v) + len + 1;
	vu->hello = true;
	return 0;
}

static int dma_map(struct vfio_user *vu, const struct message *m, struct reply *r)
{
	const char *why;
	struct dma_map d;

	(void)r;
	memcpy(&d, m->data, sizeof(d));
	if (d.argsz < sizeof(d) || !(d.flags & VFIO_DMA_MAP_FLAG_READ) ||
	    (d.flags & ~(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)))
		return refuse(vu, m, "with argsz %u, flags %#x", d.argsz, d.flags);
	if (!d.size || d.iova + d.size < d.iova || d.offset + d.size < d.offset)
		return refuse(vu, m, "of %#" PRIx64 " bytes at %#" PRIx64 ", offset %#" PRIx64
			      ": no such range", d.size, d.iova, d.offset);
	if (!vu->ops->dma_map)
		return 0;
	why = vu->ops->dma_map(vu->dev, d.iova, d.size, m->nr_fds ? m->fds[0] : -1, d.offset,
			       d.flags & VFIO_DMA_MAP_FLAG_WRITE);
	if (why)
		return refuse(vu, m, "of %#" PRIx64 " bytes at %#" PRIx64 ": %s", d.size, d.iova,
			      why);
	return 0;
}

static int dma_unmap(struct vfio_user *vu, const struct message *m, struct reply *r)
{
	const char *why;
	struct dma_unmap d;
	bool all;

	memcpy(&d, m->data, sizeof(d));
	all = d.flags & VFIO_DMA_UNMAP_FLAG_ALL;
	if (d.flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP)
		return ENOTSUP;
	if (d.argsz < sizeof(d) || (d.flags & ~VFIO_DMA_UNMAP_FLAG_ALL))
		return refuse(vu, m, "with argsz %u, flags %#x", d.argsz, d.flags);
	if (all ? d.iova || d.size : !d.size || d.iova + d.size - 1 < d.iova)
		return refuse(vu, m, "of %#" PRIx64 " bytes at %#" PRIx64 ", flags %#x: no such "
			      "range", d.size, d.iova, d.flags);
	memcpy(r->data, &d, sizeof(d));
	r->len = sizeof(d);
	if (!vu->ops->dma_unmap)
		return 0;
	why = vu->ops->dma_unmap(vu->dev, d.iova, all ? UINT64_MAX : d.size);
	if (why)
		return refuse(vu, m, "of %#" PRIx64 " bytes at %#" PRIx64 ": %s", d.size, d.iova,
			      why);
	return 0;
}

/* The reply has a size of its own, which the client must have room for. */
static bool fits(const struct vfio_user *vu, const struct message *m, uint32_t argsz, size_t size)
{
	if (argsz < size)
		refuse(vu, m, "with argsz %u: the reply has %zu bytes", argsz, size);
	return argsz >= size;
}

static int device_get_info(struct vfio_user *vu, const struct message *m, struct reply *r)
{
	struct device_info info;

	memcpy(&info, m->data, sizeof(info));
	if (!fits(vu, m, info.argsz, sizeof(info)))
		return EINVAL;
	info = (struct device_info) {
		.argsz = sizeof(info),
		.flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI,
		.regions = VFIO_USER_REGIONS,
		.irqs = VFIO_PCI_NUM_IRQS,
	};
	memcpy(r->data, &info, sizeof(info));
	r->len = sizeof(info);
	return 0;
}

static int get_region_info(struct vfio_user *vu, const struct message *m, struct reply *r)
{
	const struct vfio_user_region *region;
	struct vfio_region_info info;

	memcpy(&info, m->data, sizeof(info));
	if (!fits(vu, m, info.argsz, sizeof(info)))
		return EINVAL;
	if (info.index >= VFIO_USER_REGIONS)
		return refuse(vu, m, "of region %u: there are %u", info.index, VFIO_USER_REGIONS);
	region = &vu->region[info.index];
	info = (struct vfio_region_info) {
		.argsz = sizeof(info),
		.index = info.index,
		.size = region->size,
	};
	if (region->size)
		info.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (region->size && region->fd >= 0) {
		info.flags |= VFIO_REGION_INFO_FLAG_MMAP;
		r->fd = region->fd;
	}
	memcpy(r->data, &info, sizeof(info));
	r->len = sizeof(info);
	return 0;
}

static uint32_t vectors(uint32_t index)
{
	return index == VFIO_PCI_INTX_IRQ_INDEX || index == VFIO_PCI_MSI_IRQ_INDEX;
}

static int get_irq_info(struct vfio_user *vu, const struct message *m, struct reply *r)
{
	struct vfio_irq_info info;

	memcpy(&info, m->data, sizeof(info));
	if (!fits(vu, m, info.argsz, sizeof(info)))
		return EINVAL;
	/* QEMU takes an error for "no error reporting"; of 0 vectors it warns. */
	if (info.index == VFIO_PCI_ERR_IRQ_INDEX)
		return ENOTSUP;
	if (info.index >= VFIO_PCI_NUM_IRQS)
		return refuse(vu, m, "of index %u: there are %u", info.index, VFIO_PCI_NUM_IRQS);
	info = (struct vfio_irq_info) {
		.argsz = sizeof(info),
		.flags = VFIO_IRQ_INFO_EVENTFD,
		.index = info.index,
		.count = vectors(info.index),
	};
	if (info.index == VFIO_PCI_INTX_IRQ_INDEX)
		info.flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	else
		info.flags |= VFIO_IRQ_INFO_NORESIZE;
	memcpy(r->data, &info, sizeof(info));
	r->len = sizeof(info);
	return 0;
}

static void irq_off(struct vfio_user *vu)
{
	close_fd(&vu->irq);
	vu->irq_masked = false;
	vu->irq_pending = false;
}

static void irq_unmask(struct vfio_user *vu)
{
	const bool pending = vu->irq_pending;

	vu->irq_masked = false;
	vu->irq_pending = false;
	if (pending)
		vfio_user_interrupt(vu);
}

/* A write to anything else may block, or end the process by a signal. */
static bool is_eventfd(int fd)
{
	static const char is[] = "anon_inode:[eventfd]";
	char path[32], name[sizeof(is)];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, name, sizeof(name));
	return len == sizeof(is) - 1 && !memcmp(name, is, len);
}

/* An eventfd for the vector, or none any more. */
static int irq_set_eventfd(struct vfio_user *vu, const struct message *m,
			   const struct vfio_irq_set *set)
{
	const bool others = vu->irq >= 0 && vu->irq_index != set->index;
	int flags;

	if (!m->nr_fds) {
		if (!others)
			irq_off(vu);
		return 0;
	}
	if (m->nr_fds != set->count)
		return refuse(vu, m, "of %u vectors with %u descriptors", set->count, m->nr_fds);
	if (others)
		return refuse(vu, m, "to enable index %u while index %u is enabled", set->index,
			      vu->irq_index);
	if (!is_eventfd(m->fds[0]))
		return refuse(vu, m, "with a descriptor that is no eventfd");
	flags = fcntl(m->fds[0], F_GETFL);
	if (flags < 0 || fcntl(m->fds[0], F_SETFL, flags | O_NONBLOCK))
		return refuse(vu, m, "with an eventfd that cannot be made non-blocking: %s",
			      strerror(errno));
	irq_off(vu);
	vu->irq = m->fds[0];
	m->fds[0] = -1;
	vu->irq_index = set->index;
	return 0;
}

static bool one_bit(uint32_t bits)
{
	return bits && !(bits & (bits - 1));
}

static int set_irqs(struct vfio_user *vu, const struct message *m, struct reply *r)
{
	const size_t fixed = sizeof(struct vfio_irq_set);
	struct vfio_irq_set set;
	uint32_t data, action;

	(void)r;
	memcpy(&set, m->data, fixed);
	data = set.flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
	action = set.flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
	if (set.argsz < fixed || set.flags != (data | action) || !one_bit(data) || !one_bit(action))
		return refuse(vu, m, "with argsz %u, flags %#x", set.argsz, set.flags);
	if (set.index >= VFIO_PCI_NUM_IRQS || set.start > vectors(set.index) ||
	    set.count > vectors(set.index) - set.start)
		return refuse(vu, m, "of %u vectors from %u of index %u: there are none", set.count,
			      set.start, set.index);
	if (data == VFIO_IRQ_SET_DATA_EVENTFD) {
		if (action != VFIO_IRQ_SET_ACTION_TRIGGER)
			return ENOTSUP;
		return irq_set_eventfd(vu, m, &set);
	}
	if (m->nr_fds)
		return refuse(vu, m, "with %u descriptors, flags %#x: none is expected", m->nr_fds,
			      set.flags);
	if (data == VFIO_IRQ_SET_DATA_BOOL && m->len - fixed < set.count)
		return refuse(vu, m, "of %u vectors with %zu bytes of data", set.count,
			      m->len - fixed);
	if (action != VFIO_IRQ_SET_ACTION_TRIGGER && set.index != VFIO_PCI_INTX_IRQ_INDEX)
		return ENOTSUP;
	if (vu->irq < 0 || vu->irq_index != set.index)
		return 0;

	if (!set.count) {
		/* To trigger no vector, without data, ends all of the index. */
		if (data == VFIO_IRQ_SET_DATA_NONE && action == VFIO_IRQ_SET_ACTION_TRIGGER)
			irq_off(vu);
		return 0;
	}
	if (data == VFIO_IRQ_SET_DATA_BOOL && !m->data[fixed])
		return 0;
	if (action == VFIO_IRQ_SET_ACTION_MASK)
		vu->irq_masked = true;
	else if (action == VFIO_IRQ_SET_ACTION_UNMASK)
		irq_unmask(vu);
	else
		vfio_user_interrupt(vu);
	return 0;
}

/* False: it is not within a region, which was said. */
static bool within(const struct vfio_user *vu, const struct message *m,
		   const struct region_access *a)
{
	uint64_t size;

	if (a->region >= VFIO_USER_REGIONS) {
		refuse(vu, m, "of region %u: there are %u", a->region, VFIO_USER_REGIONS);
		return false;
	}
	size = vu->region[a->region].size;
	if (!a->count || a->count > VFIO_USER_TRANSFER) {
		refuse(vu, m, "of %u bytes: 1 to %u can be transferred", a->count,
		       VFIO_USER_TRANSFER);
		return false;
	}
	if (a->offset > size || a->count > size - a->offset) {
		refuse(vu, m, "of %u bytes at %#" PRIx64 ", beyond region %u of %#" PRIx64 " bytes",
		       a->count, a->offset, a->region, size);
		return false;
	}
	return true;
}

static int region_read(struct vfio_user *vu, const struct message *m, struct reply *r)
{
	struct region_access a;

	memcpy(&a, m->data, sizeof(a));
	if (!within(vu, m, &a))
		return EINVAL;
	memcpy(r->data, &a, sizeof(a));
	vu->ops->read(vu->dev, a.region, a.offset, r->data + sizeof(a), a.count);
	r->len = sizeof(a) + a.count;
	return 0;
}

static int region_write(struct vfio_user *vu, const struct message *m, struct reply *r)
{
	struct region_access a;

	memcpy(&a, m->data, sizeof(a));
	if (!within(vu, m, &a))
		return EINVAL;
	if (m->len - sizeof(a) != a.count)
		return refuse(vu, m, "of %u bytes with %zu bytes of data", a.count,
			      m->len - sizeof(a));
	vu->ops->write(vu->dev, a.region, a.offset, m->data + sizeof(a), a.count);
	memcpy(r->data, &a, sizeof(a));
	r->len = sizeof(a);
	return 0;
}

/* All of it is looked at first: nothing is written if one is wrong. */
static int region_write_multi(struct vfio_user *vu, const struct message *m, struct reply *r)
{
	const uint8_t *data = m->data + sizeof(uint64_t);
	const size_t len = m->len - sizeof(uint64_t);
	struct write_one one;
	uint64_t count;

	memcpy(&count, m->data, sizeof(count));
	if (len % sizeof(one) || count != len / sizeof(one))
		return refuse(vu, m, "of %" PRIu64 " writes with %zu bytes of data", count, len);
	for (uint64_t i = 0; i < count; i++) {
		memcpy(&one, data + i * sizeof(one), sizeof(one));
		if (!within(vu, m, &one.access))
			return EINVAL;
		if (one.access.count > sizeof(one.data))
			return refuse(vu, m, "of %u bytes in one write: %zu fit", one.access.count,
				      sizeof(one.data));
	}
	for (uint64_t i = 0; i < count; i++) {
		memcpy(&one, data + i * sizeof(one), sizeof(one));
		vu->ops->write(vu->dev, one.access.region, one.access.offset, one.data,
			       one.access.count);
	}
	memcpy(r->data, &count, sizeof(count));
	r->len = sizeof(count);
	return 0;
}

static int device_reset(struct vfio_user *vu, const struct message *m, struct reply *r)
{
	(void)m;
	(void)r;
	if (vu->ops->reset)
		vu->ops->reset(vu->dev);
	return 0;
}

/* Clients send it to see whether it is served. */
static int not_served(struct vfio_user *vu, const struct message *m, struct reply *r)
{
	(void)vu;
	(void)m;
	(void)r;
	return ENOTSUP;
}

static const struct {
	const char *name;
	int (*serve)(struct vfio_user *vu, const struct message *m, struct reply *r);
	uint32_t least;		/* bytes of payload */
	unsigned int fds;	/* at most */
} commands[COMMANDS] = {
	[VERSION] = { "VERSION", version, sizeof(struct version), 0 },
	[DMA_MAP] = { "DMA_MAP", dma_map, sizeof(struct dma_map), 1 },
	[DMA_UNMAP] = { "DMA_UNMAP", dma_unmap, sizeof(struct dma_unmap), 0 },
	[DEVICE_GET_INFO] = { "DEVICE_GET_INFO", device_get_info, sizeof(struct device_info), 0 },
	[GET_REGION_INFO] = { "GET_REGION_INFO", get_region_info,
			      sizeof(struct vfio_region_info), 0 },
	[GET_REGION_IO_FDS] = { "GET_REGION_IO_FDS", not_served, 0, 0 },
	[GET_IRQ_INFO] = { "GET_IRQ_INFO", get_irq_info, sizeof(struct vfio_irq_info), 0 },
	[SET_IRQS] = { "SET_IRQS", set_irqs, sizeof(struct vfio_irq_set), VFIO_USER_FDS },
	[REGION_READ] = { "REGION_READ", region_read, sizeof(struct region_access), 0 },
	[REGION_WRITE] = { "REGION_WRITE", region_write, sizeof(struct region_access), 0 },
	[DEVICE_RESET] = { "DEVICE_RESET", device_reset, 0, 0 },
	[DIRTY_PAGES] = { "DIRTY_PAGES", not_served, 0, 0 },
	[REGION_WRITE_MULTI] = { "REGION_WRITE_MULTI", region_write_multi, sizeof(uint64_t), 0 },
	[DEVICE_FEATURE] = { "DEVICE_FEATURE", not_served, 0, 0 },
	[MIG_DATA_READ] = { "MIG_DATA_READ", not_served, 0, 0 },
	[MIG_DATA_WRITE] = { "MIG_DATA_WRITE", not_served, 0, 0 },
};

/* 0, or an errno to answer with. */
static int serve(struct vfio_user *vu, struct message *m, struct reply *r)
{
	const unsigned int command = m->header.command;

	if (command >= COMMANDS || !commands[command].serve) {
		complain(vu, "client sent command %u, which is none of a client's", command);
		return ENOTSUP;
	}
	m->name = commands[command].name;
	if (m->len < commands[command].least)
		return refuse(vu, m, "with a payload of %zu bytes: it has %u", m->len,
			      commands[command].least);
	if (m->nr_fds > commands[command].fds)
		return refuse(vu, m, "with %u descriptors: it has %u", m->nr_fds,
			      commands[command].fds);
	return commands[command].serve(vu, m, r);
}

/* A whole message. 0; 1: the client has gone; -1: the connection has to end. */
static int handle(struct vfio_user *vu, struct message *m)
{
	struct reply r = { .data = vu->out + sizeof(struct header), .fd = -1 };
	struct header h;
	int error, rc;

	if (m->header.flags & TYPE_MASK) {
		complain(vu, "client sent a message of type %u: a command is 0; it is disconnected",
			 m->header.flags & TYPE_MASK);
		return -1;
	}
	if (!vu->hello && m->header.command != VERSION) {
		complain(vu, "client sent command %u before VERSION; it is disconnected",
			 m->header.command);
		return -1;
	}
	error = serve(vu, m, &r);
	if (!(m->header.flags & NO_REPLY)) {
		if (error)
			r.len = 0;
		h = (struct header) {
			.id = m->header.id,
			.command = m->header.command,
			.size = sizeof(h) + r.len,
			.flags = TYPE_REPLY | (error ? ERROR : 0),
			.error = error,
		};
		memcpy(vu->out, &h, sizeof(h));
		rc = send_all(vu, vu->out, h.size, r.fd);
		if (rc)
			return rc;
	}
	/* Nothing can follow where no version is agreed on. */
	return vu->hello ? 0 : -1;
}

/* All whole messages. Returns as handle() does. */
static int handle_all(struct vfio_user *vu)
{
	size_t at = 0;

	while (vu->in_len - at >= sizeof(struct header)) {
		struct message m = { .data = vu->in + at + sizeof(struct header) };
		int rc;

		memcpy(&m.header, vu->in + at, sizeof(m.header));
		if (m.header.size < sizeof(m.header) || m.header.size > MESSAGE_MAX) {
			complain(vu, "client sent a message of %u bytes: it has %zu to %zu; "
				 "it is disconnected", m.header.size, sizeof(m.header),
				 MESSAGE_MAX);
			return -1;
		}
		if (vu->in_len - at < m.header.size)
			break;
		m.len = m.header.size - sizeof(m.header);
		at += m.header.size;
		if (at == vu->in_len) {
			m.fds = vu->fds;
			m.nr_fds = vu->nr_fds;
		}
		rc = handle(vu, &m);
		if (m.nr_fds)
			close_fds(vu);
		if (rc)
			return rc;
	}
	vu->in_len -= at;
	if (at && vu->in_len)
		memmove(vu->in, vu->in + at, vu->in_len);
	return 0;
}

/* Bytes to receive: see the head of this file. What is in the buffer is part of one message. */
static size_t wanted(const struct vfio_user *vu)
{
	size_t missing = sizeof(struct header) - vu->in_len;
	struct header h;

	if (vu->in_len >= sizeof(h)) {
		memcpy(&h, vu->in, sizeof(h));
		missing = h.size - vu->in_len;
	}
	if (vu->nr_fds)
		return missing;
	return vu->in_len >= sizeof(h) && missing > CHUNK ? missing : CHUNK;
}

/* Takes what came with a message. False: it is too much, which was said. */
static bool take_fds(struct vfio_user *vu, struct msghdr *msg)
{
	bool fit = true;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (vu->nr_fds < VFIO_USER_FDS) {
				vu->fds[vu->nr_fds++] = fd;
			} else {
				close(fd);
				fit = false;
			}
		}
	}
	if (msg->msg_flags & MSG_CTRUNC)
		fit = false;
	if (!fit)
		complain(vu, "client sent more than %u descriptors with a message, or than this "
			 "process may open (ulimit -n); it is disconnected", VFIO_USER_FDS);
	return fit;
}

/* It closed the connection, or that broke. */
static int gone(struct vfio_user *vu)
{
	int rc = 0;

	if (vu->in_len) {
		complain(vu, "client closed the connection in the middle of a message, after %zu "
			 "bytes", vu->in_len);
		rc = -1;
	} else if (!vu->hello) {
		/* It was no client: somebody looked whether the socket is in use. */
		rc = 1;
	}
	disconnect(vu);
	return rc;
}

static int accept_client(struct vfio_user *vu)
{
	vu->sock = accept4(vu->listener, NULL, NULL, SOCK_CLOEXEC);
	if (vu->sock >= 0 || errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return 1;
	complain(vu, "cannot accept a client at %s: %s; none can come any more", vu->path,
		 strerror(errno));
	close_fd(&vu->listener);
	return -1;
}

int vfio_user_receive(struct vfio_user *vu)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(VFIO_USER_FDS * sizeof(int))];
	} control;
	struct iovec iov;
	struct msghdr msg;
	ssize_t n;
	int rc;

	if (vu->sock < 0)
		return accept_client(vu);

	iov = (struct iovec) { vu->in + vu->in_len, wanted(vu) };
	msg = (struct msghdr) { .msg_iov = &iov, .msg_iovlen = 1,
				.msg_control = &control, .msg_controllen = sizeof(control) };
	n = recvmsg(vu->sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (n < 0 && errno != ECONNRESET)
		complain(vu, "cannot receive from the client: %s", strerror(errno));
	if (n <= 0)
		return gone(vu);
	vu->in_len += n;
	rc = take_fds(vu, &msg) ? handle_all(vu) : -1;
	if (!rc)
		return 1;
	disconnect(vu);
	return rc > 0 ? 0 : -1;
}

bool vfio_user_intx(const struct vfio_user *vu)
{
	return vu->irq >= 0 && vu->irq_index == VFIO_PCI_INTX_IRQ_INDEX;
}

bool vfio_user_interrupt(struct vfio_user *vu)
{
	const uint64_t one = 1;

	if (vu->irq < 0)
		return false;
	if (vu->irq_masked) {
		vu->irq_pending = true;
		return true;
	}
	vu->irq_masked = vu->irq_index == VFIO_PCI_INTX_IRQ_INDEX;
	/* EAGAIN: the counter is full, so that it has been raised and not been looked at. */
	if (write(vu->irq, &one, sizeof(one)) != sizeof(one) && errno != EAGAIN)
		complain(vu, "cannot raise the interrupt: %s", strerror(errno));
	return true;
}

int vfio_user_fd(const struct vfio_user *vu)
{
	return vu->sock >= 0 ? vu->sock : vu->listener;
}

/* Remove a socket that nobody listens at. 0, or -1 having said why not. */
static int remove_stale(const struct vfio_user *vu, const struct sockaddr_un *addr)
{
	struct stat st;
	int s, rc, error;

	if (lstat(addr->sun_path, &st)) {
		if (errno == ENOENT)
			return 0;
		complain(vu, "%s: %s; name another socket", addr->sun_path, strerror(errno));
		return -1;
	}
	if (!S_ISSOCK(st.st_mode)) {
		complain(vu, "%s exists and is no socket; remove it, or name another",
			 addr->sun_path);
		return -1;
	}
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s < 0) {
		complain(vu, "socket: %s", strerror(errno));
		return -1;
	}
	rc = connect(s, (const struct sockaddr *)addr, sizeof(*addr));
	error = errno;
	close(s);
	if (!rc || error == EAGAIN) {
		complain(vu, "the socket %s is in use; end the process that listens there, "
			 "or name another", addr->sun_path);
		return -1;
	}
	if (error == ENOENT)
		return 0;
	if (error != ECONNREFUSED) {
		complain(vu, "%s: %s; name another socket", addr->sun_path, strerror(error));
		return -1;
	}
	if (unlink(addr->sun_path) && errno != ENOENT) {
		complain(vu, "cannot remove the stale socket %s: %s; name another", addr->sun_path,
			 strerror(errno));
		return -1;
	}
	return 0;
}

int vfio_user_listen(struct vfio_user *vu, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	_Static_assert(sizeof(vu->path) == sizeof(addr.sun_path), "size of path");
	vu->listener = -1;
	vu->sock = -1;
	vu->irq = -1;
	if (!*path || strlen(path) >= sizeof(addr.sun_path)) {
		complain(vu, "the path of the socket has %zu characters: it can have 1 to %zu; "
			 "name another: %s", strlen(path), sizeof(addr.sun_path) - 1, path);
		return -1;
	}
	strcpy(addr.sun_path, path);
	if (remove_stale(vu, &addr))
		return -1;

	vu->in = malloc(MESSAGE_MAX + CHUNK);
	vu->out = malloc(MESSAGE_MAX);
	if (!vu->in || !vu->out) {
		complain(vu, "no memory for messages");
		return -1;
	}
	vu->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (vu->listener < 0) {
		complain(vu, "socket: %s", strerror(errno));
		return -1;
	}
	if (bind(vu->listener, (struct sockaddr *)&addr, sizeof(addr))) {
		complain(vu, "cannot create the socket %s: %s; name another", path,
			 strerror(errno));
		return -1;
	}
	strcpy(vu->path, path);
	if (listen(vu->listener, 1)) {
		complain(vu, "cannot listen at %s: %s", path, strerror(errno));
		return -1;
	}
	return 0;
}

void vfio_user_close(struct vfio_user *vu)
{
	disconnect(vu);
	close_fd(&vu->listener);
	if (*vu->path && unlink(vu->path) && errno != ENOENT)
		complain(vu, "cannot remove the socket %s: %s", vu->path, strerror(errno));
	*vu->path = '\0';
	free(vu->in);
	free(vu->out);
	vu->in = NULL;
	vu->out = NULL;
}
