/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * mn_contract: what a refused non-blockable invalidation does to the mmu
 * notifier subscribers of an mm. The private interface between the test module
 * and its program; nothing else may rely on it.
 */
#ifndef MN_CONTRACT_UAPI_H
#define MN_CONTRACT_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define MN_CONTRACT_DEVICE	"/dev/mn_contract"

/**
 * struct mn_contract_attach - what the mirror mirrors
 * @start: first address, in bytes, a multiple of the page size
 * @length: length in bytes, a multiple of the page size, not 0
 */
struct mn_contract_attach {
	__u64 start;
	__u64 length;
};

/**
 * struct mn_contract_counter - a subscriber that counts and never refuses
 * @starts: number of non-blockable ranges started
 * @ends: number of non-blockable ranges ended
 * @blockable: number of blockable ranges started
 * @count: starts less ends of all ranges, now; 0 when no range is under way
 */
struct mn_contract_counter {
	__u64 starts;
	__u64 ends;
	__u64 blockable;
	__s64 count;
};

/**
 * struct mn_contract_lock - the subscriber that holds a lock from start to end
 * @granted: number of non-blockable ranges started
 * @refusals: number of non-blockable ranges refused with -EAGAIN
 * @ends: number of ends of a start that was granted, blockable or not
 * @stray_ends: number of ends for which no granted start was left
 * @blockable: number of blockable ranges started
 * @held: number of starts granted and not ended, now
 */
struct mn_contract_lock {
	__u64 granted;
	__u64 refusals;
	__u64 ends;
	__u64 stray_ends;
	__u64 blockable;
	__s64 held;
};

/**
 * enum mn_contract_reader - how far the mirror's reader has come
 * @MN_CONTRACT_READER_IDLE: not started
 * @MN_CONTRACT_READER_BEGIN: in mmu_interval_read_begin(), or waits for a range
 *	of HMM's to be valid
 * @MN_CONTRACT_READER_REMOVE: in mmu_interval_notifier_remove(), or takes the
 *	HMM mirror off
 * @MN_CONTRACT_READER_DONE: both have returned
 */
enum mn_contract_reader {
	MN_CONTRACT_READER_IDLE,
	MN_CONTRACT_READER_BEGIN,
	MN_CONTRACT_READER_REMOVE,
	MN_CONTRACT_READER_DONE,
};

/* Bits of mn_contract_status.flags */
#define MN_CONTRACT_ATTACHED	0x01	/* to an mm, for good */
#define MN_CONTRACT_PINNED	0x02	/* the rig holds an mm user */
#define MN_CONTRACT_LINGERING	0x04	/* a task is in LINGER */
#define MN_CONTRACT_HELD	0x08	/* lock is held for writing */
#define MN_CONTRACT_RELEASED	0x10	/* mm called ->release */
#define MN_CONTRACT_HMM		0x20	/* the mirror is HMM's */

/**
 * enum mn_contract_who - who refuses by order
 * @MN_CONTRACT_ABOVE: the counter above
 * @MN_CONTRACT_MIRROR: the mirror
 * @MN_CONTRACT_BLOCKABLE: the counter below, but blockable ranges, which it
 *	counts as started nevertheless
 * @MN_CONTRACT_WHOS: how many there are
 */
enum mn_contract_who {
	MN_CONTRACT_ABOVE,
	MN_CONTRACT_MIRROR,
	MN_CONTRACT_BLOCKABLE,
	MN_CONTRACT_WHOS
};

/**
 * struct mn_contract_refuse - who is to refuse
 * @who: enum mn_contract_who
 * @error: with which error number, positive; 0: it does not any longer
 */
struct mn_contract_refuse {
	__u32 who;
	__s32 error;
};

/**
 * struct mn_contract_status - everything a rig knows, read at one time
 * @below: the counter whose address is below the lock subscriber's
 * @above: the counter whose address is above the lock subscriber's
 * @lock: the subscriber that can refuse
 * @invalidations: number of calls of the mirror's callback
 * @ordered: number of refusals that REFUSE has asked for
 * @under_way: number of invalidations under way, as the mirror sees it; 0 where
 *	it cannot
 * @read_begin_ns: time that MN_CONTRACT_READER_BEGIN took, or has taken so far,
 *	in nanoseconds
 * @remove_ns: the same of MN_CONTRACT_READER_REMOVE
 * @anon_pages: resident anonymous memory of the mm now, in pages
 * @reader: enum mn_contract_reader
 * @flags: MN_CONTRACT_ATTACHED and so on
 */
struct mn_contract_status {
	struct mn_contract_counter below;
	struct mn_contract_counter above;
	struct mn_contract_lock lock;
	__u64 invalidations;
	__u64 ordered;
	__s64 under_way;
	__u64 read_begin_ns;
	__u64 remove_ns;
	__u64 anon_pages;
	__u32 reader;
	__u32 flags;
};

/*
 * One open file is one rig. The monitor opens it; a forked victim inherits the
 * descriptor and attaches. When the monitor closes it, the lock is let go and a
 * lingering task is released. poll() reports EPOLLIN | EPOLLPRI when something
 * has changed since the last STATUS.
 *
 * Errors of all: -EINVAL where the rig is not in the state that the call needs
 * (not attached, not held, no pin), -EBUSY where what is asked for has been
 * done or is being done already, -ENOTTY for an unknown call.
 *
 * ATTACH   subscribe to the caller's mm and pin it. Not for the monitor.
 * HOLD     have the lock taken for writing; returns when it is held.
 * LET_GO   have it released; returns when it is.
 * LINGER   sleep, deaf to signals, until the pin is dropped: a task of the
 *          attached mm that SIGKILL does not end at once.
 * READ     start the mirror's read side, then its removal, then drop the pin, in
 *          a worker; returns at once.
 * REFUSE   see struct mn_contract_refuse.
 * SNAPSHOT have the first page of the mirrored part faulted in and looked up, as
 *          a fault handler does before it maps it. HMM's mirror only.
 * VALID    returns 1 if what SNAPSHOT has looked up may still be mapped, else 0.
 * STATUS   see struct mn_contract_status.
 */
#define MN_CONTRACT_IOC		0xb7
#define MN_CONTRACT_ATTACH	_IOW(MN_CONTRACT_IOC, 0, \
				     struct mn_contract_attach)
#define MN_CONTRACT_HOLD	_IO(MN_CONTRACT_IOC, 1)
#define MN_CONTRACT_LET_GO	_IO(MN_CONTRACT_IOC, 2)
#define MN_CONTRACT_LINGER	_IO(MN_CONTRACT_IOC, 3)
#define MN_CONTRACT_READ	_IO(MN_CONTRACT_IOC, 4)
#define MN_CONTRACT_STATUS	_IOR(MN_CONTRACT_IOC, 5, \
				     struct mn_contract_status)
#define MN_CONTRACT_REFUSE	_IOW(MN_CONTRACT_IOC, 6, \
				     struct mn_contract_refuse)
#define MN_CONTRACT_SNAPSHOT	_IO(MN_CONTRACT_IOC, 7)
#define MN_CONTRACT_VALID	_IO(MN_CONTRACT_IOC, 8)

#endif
