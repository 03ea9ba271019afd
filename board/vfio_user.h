/* SPDX-License-Identifier: MIT */
#ifndef VFIO_USER_H
#define VFIO_USER_H
/*
 * The server's side of vfio-user (docs/interop/vfio-user.rst of QEMU), as much of it as a PCI
 * device with trapped and mapped regions and one interrupt needs. One client per socket; the next
 * may connect when it has gone. Nothing here knows a GPU; nothing that a client sends is believed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VFIO_USER_BARS		6
#define VFIO_USER_CONFIG	7	/* the region that is the configuration space */
#define VFIO_USER_REGIONS	9
#define VFIO_USER_FDS		16	/* that may come with a message */
#define VFIO_USER_TRANSFER	(1 << 20)

struct vfio_user_ops {
	/*
	 * Within a region, whole: offset + len is checked, len is not 0. What is to be written may
	 * be at any address: use memcpy().
	 */
	void (*read)(void *dev, unsigned int region, uint64_t offset, void *buf, uint32_t len);
	void (*write)(void *dev, unsigned int region, uint64_t offset, const void *buf,
		      uint32_t len);
	/* NULL: nothing has to be done. */
	void (*reset)(void *dev);
	/*
	 * The client's memory; fd is closed by the caller afterwards, -1: it has none. iova + size
	 * and offset + size do not overflow. NULL, or in words why not, which is logged and
	 * answered with EINVAL. Both may be NULL: the device does no DMA.
	 */
	const char *(*dma_map)(void *dev, uint64_t iova, uint64_t size, int fd, uint64_t offset,
			       bool writable);
	/*
	 * iova + size - 1 does not overflow. 0 and UINT64_MAX: all of it; that is also called when
	 * the client has gone.
	 */
	const char *(*dma_unmap)(void *dev, uint64_t iova, uint64_t size);
};

struct vfio_user_region {
	uint64_t size;
	int fd;			/* the client maps it, whole; or -1: every access is a message */
};

struct vfio_user {
	const char *name;	/* in messages: "gpu", "control" */
	const struct vfio_user_ops *ops;
	void *dev;
	struct vfio_user_region region[VFIO_USER_REGIONS];
	int send_ms;		/* limit for a client that takes no replies; 0: 5 s */

	char path[108];
	int listener, sock;	/* -1: none */
	bool hello;		/* the version has been agreed on */
	int irq;		/* eventfd of the vector, or -1 */
	unsigned int irq_index;	/* INTx or MSI */
	bool irq_masked, irq_pending;	/* INTx masks itself when it is raised */
	uint8_t *in;		/* what has been received and is not a whole message yet */
	size_t in_len;
	int fds[VFIO_USER_FDS];	/* of the message that the last received byte is in */
	unsigned int nr_fds;
	uint8_t *out;
};

/* Zeroed but for name, ops, dev and region. 0, or -1 having said why: the socket is in use, ... */
int vfio_user_listen(struct vfio_user *vu, const char *path);
/* The descriptor to poll for input: of the listener, or of the client. */
int vfio_user_fd(const struct vfio_user *vu);
/*
 * Something has come: take what is there, 4 KiB of messages at most or one that is larger, and
 * answer them. Returns without waiting if there is nothing. 1: all right; 0: the client has gone;
 * -1: it broke the protocol, which was said, and it was disconnected. After 0 and -1 its memory
 * is unmapped, and the next client may come.
 */
int vfio_user_receive(struct vfio_user *vu);
/* The client has enabled INTx, not MSI. */
bool vfio_user_intx(const struct vfio_user *vu);
/* Raise the interrupt. False: the client has not enabled it. */
bool vfio_user_interrupt(struct vfio_user *vu);
/* After vfio_user_listen(), also if that failed. Removes the socket. */
void vfio_user_close(struct vfio_user *vu);
#endif
