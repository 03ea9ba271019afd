// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#include "neighbours.h"
#include "clock.h"
#include "poll_within.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

int neighbours_open(struct neighbours *n)
{
	n->rig = open(MN_CONTRACT_DEVICE, O_RDWR | O_CLOEXEC);
	if (n->rig >= 0)
		return 0;
	return errno == ENOENT ? -ENODEV : -errno;
}

static int call(const struct neighbours *n, unsigned long what, void *arg)
{
	return ioctl(n->rig, what, arg) < 0 ? -errno : 0;
}

int neighbours_attach(const struct neighbours *n, void *p, uint64_t size)
{
	struct mn_contract_attach attach = { .start = (uintptr_t)p, .length = size };

	return call(n, MN_CONTRACT_ATTACH, &attach);
}

int neighbours_hold(const struct neighbours *n, bool hold)
{
	return call(n, hold ? MN_CONTRACT_HOLD : MN_CONTRACT_LET_GO, NULL);
}

int neighbours_refuse(const struct neighbours *n, enum mn_contract_who who, bool refuse)
{
	struct mn_contract_refuse arg = { .who = who, .error = refuse ? EAGAIN : 0 };

	return call(n, MN_CONTRACT_REFUSE, &arg);
}

int neighbours_status(const struct neighbours *n, struct mn_contract_status *status)
{
	return call(n, MN_CONTRACT_STATUS, status);
}

int neighbours_read(const struct neighbours *n, unsigned int ms)
{
	const uint64_t end = now_ms() + ms;
	struct mn_contract_status status;
	int ret = call(n, MN_CONTRACT_READ, NULL);

	while (!ret) {
		const uint64_t now = now_ms();

		/* First, as it is what rearms the poll. */
		ret = neighbours_status(n, &status);
		if (ret || status.reader == MN_CONTRACT_READER_DONE)
			break;
		if (now >= end)
			return -ETIME;
		ret = poll_within(n->rig, POLLIN, end - now);
		if (ret >= 0)
			ret = 0;
	}
	return ret;
}

void neighbours_close(struct neighbours *n)
{
	close(n->rig);
	n->rig = -1;
}
