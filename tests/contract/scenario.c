// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "scenario.h"
#include "stale.h"
#include "victim.h"

/* 64 MiB, well within its limit. */
static const struct appetite modest = { .chunks = 8, .max = "256M" };
/* 192 MiB, twice its limit, which is also what it has when it is killed. */
#define GREEDY_MIB	96
static const struct appetite greedy = {
	.chunks = 24, .max = "96M", .greedy = true,
};

/* How long the reader may take, and the memory may take to be freed. */
#define READER_MS	10000
#define FREED_MS	20000
/* From telling the victim to allocate until the reaper has given up. */
#define OOM_MS		300000
/* Memory counts as freed when this much of the victim's is left, in percent. */
#define LEFT_PERCENT	5

static void note_memory(struct victim *v, struct outcome *o)
{
	o->rss_mib = (long long)v->status.anon_pages * sysconf(_SC_PAGESIZE) /
		     MIB;
	printf("  victim %d has %lld MiB of anonymous memory\n", v->pid,
	       o->rss_mib);
}

static int note_counts(struct victim *v, struct outcome *o)
{
	if (victim_status(v))
		return -1;
	o->counts = v->status;
	o->counted = true;
	return 0;
}

/*
 * Waits for the cgroup's memory to be given back. No event tells of that, so
 * that this is the one place that looks again and again, once in a millisecond.
 * The threshold leaves room for what the kernel keeps charged for a while: page
 * tables, the zombie, batches of charges kept by each CPU.
 */
static int note_freed(struct victim *v, struct outcome *o, long long before,
		      long long since, long long deadline)
{
	long long limit = o->rss_mib * MIB * LEFT_PERCENT / 100;
	long long memory;

	for (;;) {
		memory = cgroup_memory(&v->cg);
		if (memory < 0)
			return complain("cannot read memory.current");
		if (memory <= limit || !ms_until(deadline))
			break;
		usleep(1000);
	}
	o->freed = memory <= limit ? "yes" : "no";
	o->freed_mib = (before - memory) / MIB;
	if (memory <= limit)
		o->freed_ms = (now_ns() - since) / 1000000;
	else
		printf("  waited %d s for the memory to be freed, %lld MiB are left\n",
		       FREED_MS / 1000, memory / MIB);
	if (victim_status(v))
		return -1;
	o->pinned = v->status.flags & MN_CONTRACT_PINNED ? "yes" : "no";
	return 0;
}

static bool reader_done(const struct mn_contract_status *status)
{
	return status->reader == MN_CONTRACT_READER_DONE;
}

/* Returns the time the reader was started, or -1. */
static long long note_reader(struct victim *v, struct outcome *o)
{
	long long since = now_ns();
	bool done;
	int ret;

	if (victim_call(v, MN_CONTRACT_READ, "READ"))
		return -1;
	ret = victim_wait(v, reader_done, in_ms(READER_MS));
	if (ret < 0)
		return -1;
	done = !ret;
	o->reader_us = v->status.read_begin_ns / 1000;
	if (!done && v->status.reader != MN_CONTRACT_READER_REMOVE) {
		printf("  waited %d s for the mirror's reader to return\n",
		       READER_MS / 1000);
		o->reader = "stuck";
		return since;
	}
	o->reader = "returned";
	o->remove = done ? "returned" : "stuck";
	o->remove_us = v->status.remove_ns / 1000;
	if (!done)
		printf("  waited %d s for the mirror to be detached\n",
		       READER_MS / 1000);
	return since;
}

/*
 * The reader, while the lock is still held and nothing is under way; then the
 * lock is let go. If the reader came back, it has dropped the pin, and the
 * memory goes with the mm. It is counted from the start of the reader.
 */
static int reader_then_freed(struct victim *v, struct outcome *o)
{
	long long before = cgroup_memory(&v->cg);
	long long since = note_reader(v, o);

	if (since < 0 || victim_call(v, MN_CONTRACT_LET_GO, "LET_GO"))
		return -1;
	return note_freed(v, o, before, since, since + FREED_MS * 1000000LL);
}

/* SIGKILL and process_mrelease() of a victim that lingers. */
static int mrelease(struct victim *v, struct outcome *o)
{
	int err;

	if (victim_status(v))
		return -1;
	note_memory(v, o);
	if (victim_kill(v))
		return -1;
	err = victim_mrelease(v);
	if (err && err != EAGAIN)
		return complain("process_mrelease: %s", strerror(err));
	o->reap = err ? "refused" : "ok";
	printf("  process_mrelease: %s\n", err ? strerror(err) : "done");
	return note_counts(v, o);
}

/* freed_ms: from the call of process_mrelease() */
static int control_steps(struct victim *v, struct outcome *o)
{
	long long before = cgroup_memory(&v->cg);
	long long since = now_ns();

	if (mrelease(v, o) ||
	    note_freed(v, o, before, since, in_ms(FREED_MS)))
		return -1;
	return note_reader(v, o) < 0 ? -1 : 0;
}

/* freed_ms: from the start of the reader */
static int mrelease_steps(struct victim *v, struct outcome *o)
{
	if (victim_call(v, MN_CONTRACT_HOLD, "HOLD") || mrelease(v, o))
		return -1;
	return reader_then_freed(v, o);
}

/*
 * Waits for the last word of the kernel's own reaper about the victim; the log
 * is at the end that it had before the victim was told to allocate.
 */
static int oom_reaper_word(struct victim *v, struct outcome *o, int kmsg,
			   long long deadline)
{
	static const char *const words[] = { "unable", "ok" };
	char unable[64], reaped[64];
	const char *const texts[] = { unable, reaped };
	int which;

	snprintf(unable, sizeof(unable), "oom_reaper: unable to reap pid:%d ",
		 v->pid);
	snprintf(reaped, sizeof(reaped), "oom_reaper: reaped process %d ",
		 v->pid);
	which = kmsg_wait(kmsg, texts, 2, deadline);
	if (which < 0)
		return complain("waited %d s for \"%s\" or \"%s\" on /dev/kmsg",
				OOM_MS / 1000, unable, reaped);
	o->reap = words[which];
	printf("  the kernel says: %s...\n", texts[which]);
	return note_counts(v, o);
}

/* freed_ms: from the start of the reader */
static int oom_steps(struct victim *v, struct outcome *o, int kmsg)
{
	long long deadline = in_ms(OOM_MS);

	if (victim_call(v, MN_CONTRACT_HOLD, "HOLD") || victim_go(v) ||
	    oom_reaper_word(v, o, kmsg, deadline))
		return -1;
	note_memory(v, o);
	return reader_then_freed(v, o);
}

/*
 * The monitor is too late to see the memory that the victim had.
 * freed_ms: from when the victim was told to allocate
 */
static int oom_control_steps(struct victim *v, struct outcome *o, int kmsg)
{
	long long deadline = in_ms(OOM_MS);
	long long since = now_ns();

	if (victim_go(v) || oom_reaper_word(v, o, kmsg, deadline))
		return -1;
	o->rss_mib = GREEDY_MIB;
	if (note_freed(v, o, GREEDY_MIB * MIB, since, in_ms(FREED_MS)))
		return -1;
	return note_reader(v, o) < 0 ? -1 : 0;
}

/*
 * One subscriber refuses all that the reaper tries; the lock is not contended.
 * freed_ms: from the start of the reader
 */
static int oom_ordered(struct victim *v, struct outcome *o, int kmsg,
		       enum mn_contract_who who, int error)
{
	long long deadline = in_ms(OOM_MS);
	long long before, since;

	if (victim_refuse(v, who, error) || victim_go(v) ||
	    oom_reaper_word(v, o, kmsg, deadline))
		return -1;
	note_memory(v, o);
	before = cgroup_memory(&v->cg);
	since = note_reader(v, o);
	if (since < 0)
		return -1;
	return note_freed(v, o, before, since, since + FREED_MS * 1000000LL);
}

static int oom_above_steps(struct victim *v, struct outcome *o, int kmsg)
{
	return oom_ordered(v, o, kmsg, MN_CONTRACT_ABOVE, EAGAIN);
}

static int oom_mirror_steps(struct victim *v, struct outcome *o, int kmsg)
{
	return oom_ordered(v, o, kmsg, MN_CONTRACT_MIRROR, ENOMEM);
}

static bool refused(const struct mn_contract_status *status)
{
	return status->lock.refusals;
}

/* freed_ms: from when the lock was let go */
static int oom_retry_steps(struct victim *v, struct outcome *o, int kmsg)
{
	long long deadline = in_ms(OOM_MS);
	long long before, since;

	if (victim_call(v, MN_CONTRACT_HOLD, "HOLD") || victim_go(v))
		return -1;
	if (victim_wait(v, refused, deadline))
		return complain("waited %d s for the first refusal",
				OOM_MS / 1000);
	note_memory(v, o);
	before = cgroup_memory(&v->cg);
	since = now_ns();
	if (victim_call(v, MN_CONTRACT_LET_GO, "LET_GO"))
		return -1;
	if (oom_reaper_word(v, o, kmsg, deadline) ||
	    note_freed(v, o, before, since, in_ms(FREED_MS)))
		return -1;
	return note_reader(v, o) < 0 ? -1 : 0;
}

static int lingering_victim(const struct scenario *s, struct outcome *o)
{
	struct victim v;
	int ret;

	ret = victim_start(&v, s->name, &modest);
	if (!ret)
		ret = s->lingering(&v, o);
	victim_end(&v);
	return ret;
}

static int oom_victim(const struct scenario *s, struct outcome *o)
{
	int kmsg = kmsg_open();
	struct victim v;
	int ret;

	if (kmsg < 0)
		return -1;
	ret = victim_start(&v, s->name, &greedy);
	if (!ret)
		ret = s->oom(&v, o, kmsg);
	victim_end(&v);
	close(kmsg);
	return ret;
}

static int stale(const struct scenario *s, struct outcome *o)
{
	(void)s;
	if (stale_run(&o->looked_up))
		return -1;
	o->asked = true;
	return 0;
}

/* A start that fails a range which cannot be refused, as i915's does. */
static int fail_blockable(int rig, char *pages, void *result)
{
	struct mn_contract_refuse refuse = {
		.who = MN_CONTRACT_BLOCKABLE, .error = EINTR,
	};

	if (child_call(rig, MN_CONTRACT_REFUSE, &refuse, "REFUSE") ||
	    child_drop(pages))
		return -1;
	/* Nothing is under way now. What comes until it exits, succeeds. */
	refuse.error = 0;
	if (child_call(rig, MN_CONTRACT_REFUSE, &refuse, "REFUSE"))
		return -1;
	return child_call(rig, MN_CONTRACT_STATUS, result, "STATUS");
}

static int blockable(const struct scenario *s, struct outcome *o)
{
	(void)s;
	if (in_child(fail_blockable, &o->counts, sizeof(o->counts)))
		return -1;
	o->counted = true;
	return 0;
}

const struct scenario scenarios[] = {
	{
		.name = "control",
		.what = "nobody refuses, process_mrelease() frees the memory",
		.run = lingering_victim,
		.lingering = control_steps,
		.reap = "ok",
		.mrelease = true,
	}, {
		.name = "mrelease",
		.what = "a subscriber refuses process_mrelease()",
		.run = lingering_victim,
		.lingering = mrelease_steps,
		.reap = "refused",
		.refuser = THE_LOCK,
		.mrelease = true,
	}, {
		.name = "oom",
		.what = "a subscriber refuses all tries of the OOM reaper",
		.run = oom_victim,
		.oom = oom_steps,
		.reap = "unable",
		.refuser = THE_LOCK,
	}, {
		.name = "oom-retry",
		.what = "a subscriber refuses the first try of the OOM reaper",
		.run = oom_victim,
		.oom = oom_retry_steps,
		.reap = "ok",
		.refuser = THE_LOCK,
	}, {
		.name = "oom-control",
		.what = "nobody refuses, the OOM reaper frees the memory",
		.run = oom_victim,
		.oom = oom_control_steps,
		.reap = "ok",
		.hmm = true,
	}, {
		.name = "oom-above",
		.what = "the last subscriber refuses all tries of the OOM reaper",
		.run = oom_victim,
		.oom = oom_above_steps,
		.reap = "unable",
		.refuser = ABOVE,
		.hmm = true,
	}, {
		.name = "oom-mirror",
		.what = "the mirror refuses all tries of the OOM reaper with -ENOMEM",
		.run = oom_victim,
		.oom = oom_mirror_steps,
		.reap = "unable",
		.refuser = MIRROR,
		.hmm = true,
	}, {
		.name = "blockable",
		.what = "a subscriber fails a range that cannot be refused",
		.run = blockable,
		.hmm = true,
	}, {
		.name = "stale",
		.what = "an invalidation comes and goes before a looked up page is mapped",
		.run = stale,
		.hmm = true,
	},
};

const int scenario_count = ARRAY_SIZE(scenarios);
