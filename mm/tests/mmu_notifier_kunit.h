/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the KUnit tests of mmu notifiers share: a mm without any VMA, a row of
 * subscribers that write down when they are called, and a way to call what may
 * sleep for ever.
 *
 * The record of an invalidation is a line of text, so that a failure shows what
 * happened next to what should have happened:
 *
 *	i0	interval subscriber 0 was called, i0! it refused
 *	f0	the second pass of interval subscriber 0
 *	s1	the start of subscriber 1 was called, s1! it returned an error
 *	e1	the end of subscriber 1
 *	|	mmu_notifier_invalidate_range_start*() returned to its caller
 *
 * Subscriber n + 1 has a higher address than subscriber n. The contract does not
 * say in which order ends are called: neighbouring ends are written sorted.
 */
#ifndef _MM_TESTS_MMU_NOTIFIER_KUNIT_H
#define _MM_TESTS_MMU_NOTIFIER_KUNIT_H

#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#define MN_SUBS		5
#define MN_ITVS		3
#define MN_CALLS	48
#define MN_TEXT		256

/* Only something that never happens takes that long. */
#define MN_TIMEOUT	(10 * HZ)
/* Enough to see the same once more, see mn_itv_wait(). */
#define MN_TIMEOUT_AGAIN	(1 * HZ)

/* Interval subscriber k watches 1 MiB at MN_ITV_START + k * 1 MiB. */
#define MN_ITV_START	((unsigned long)SZ_16M)
#define MN_ITV_SIZE	((unsigned long)SZ_1M)

/**
 * enum mn_where - what an invalidation covers
 * @MN_OVER: all that the interval subscribers watch
 * @MN_ASIDE: nothing that an interval subscriber watches
 */
enum mn_where {
	MN_OVER,
	MN_ASIDE,
};

/**
 * enum mn_kind - who was called
 * @MN_INTERVAL: an interval subscriber
 * @MN_FINISH: the second pass of an interval subscriber
 * @MN_START: an invalidate_range_start()
 * @MN_END: an invalidate_range_end()
 * @MN_RETURN: nobody, the caller of the invalidation is back
 */
enum mn_kind {
	MN_INTERVAL,
	MN_FINISH,
	MN_START,
	MN_END,
	MN_RETURN,
};

/**
 * enum mn_job - what a worker does with an interval subscriber
 * @MN_INSERT: mmu_interval_notifier_insert()
 * @MN_READ_BEGIN: mmu_interval_read_begin()
 * @MN_REMOVE: mmu_interval_notifier_remove()
 */
enum mn_job {
	MN_INSERT,
	MN_READ_BEGIN,
	MN_REMOVE,
};

struct mn_world;

/**
 * struct mn_sub - a struct mmu_notifier that keeps a record
 * @mn: what is registered
 * @ops: its own, a test may take an op away
 * @w: where it belongs
 * @err: what start returns if the range is not blockable
 * @blockable_err: what start returns if the range is blockable
 * @puts: the subscribers that start unregisters when it is called next
 * @freed: nobody refers to @mn any more
 */
struct mn_sub {
	struct mmu_notifier mn;
	struct mmu_notifier_ops ops;
	struct mn_world *w;
	int err;
	int blockable_err;
	unsigned long puts;
	struct completion freed;
};

/**
 * struct mn_itv - an interval subscriber that keeps a record
 * @ni: what is inserted
 * @ops: what it is inserted with
 * @w: where it belongs
 * @refuse: refuse what is not blockable
 * @refuse_blockable: refuse what is blockable
 * @inserted: must be removed
 * @work: calls what may sleep for ever
 * @job: which is that
 * @begun: the worker runs
 * @done: it did not sleep for ever
 * @ret: what mmu_interval_notifier_insert() returned
 * @seq: what mmu_interval_read_begin() returned
 */
struct mn_itv {
	struct mmu_interval_notifier ni;
	const struct mmu_interval_notifier_ops *ops;
	struct mn_world *w;
	bool refuse;
	bool refuse_blockable;
	bool inserted;
	struct work_struct work;
	enum mn_job job;
	struct completion begun;
	struct completion done;
	int ret;
	unsigned long seq;
};

/**
 * struct mn_world - a mm, its subscribers, and what they were called for
 * @mm: has no VMA and no user but the test
 * @sub: what can be registered, as members of one array in order of address
 * @listed: the members of @sub that are registered
 * @used: the members of @sub whose memory mm/mmu_notifier.c may still refer to
 * @itv: what can be inserted, in order of address
 * @stuck: a worker sleeps for ever in something that belongs here
 * @range: what the callbacks must be told
 * @blockable: as @range, kept apart since it is the callee that sets the flag
 * @nr_calls: how much of @calls is in use
 * @calls: the record of an invalidation
 * @got: @calls as text
 * @want: what @got should be
 * @wrong_range: calls for something else than @range
 * @wrong_start: calls of start in non-blocking context for a blockable range,
 *		 or the other way round
 * @wrong_end: the same, of end
 */
struct mn_world {
	struct mm_struct *mm;
	struct mn_sub sub[MN_SUBS];
	unsigned long listed;
	unsigned long used;
	struct mn_itv itv[MN_ITVS];
	bool stuck;

	struct mmu_notifier_range range;
	bool blockable;
	unsigned int nr_calls;
	struct {
		enum mn_kind kind;
		unsigned int who;
		bool failed;
	} calls[MN_CALLS];
	char got[MN_TEXT];
	char want[MN_TEXT];
	unsigned int wrong_range;
	unsigned int wrong_start;
	unsigned int wrong_end;
};

/* For the callbacks, which do not sleep: see mn_got() for the text. */
static inline void mn_record(struct mn_world *w, enum mn_kind kind,
			     unsigned int who, bool failed)
{
	unsigned int i = w->nr_calls;

	if (i == MN_CALLS)
		return;

	while (kind == MN_END && i && w->calls[i - 1].kind == MN_END &&
	       w->calls[i - 1].who > who) {
		w->calls[i] = w->calls[i - 1];
		i--;
	}
	w->calls[i].kind = kind;
	w->calls[i].who = who;
	w->calls[i].failed = failed;
	w->nr_calls++;
}

/* Append one call to a line of MN_TEXT bytes, see the top of this file. */
static inline void mn_say(char *text, enum mn_kind kind, unsigned int who,
			  bool failed)
{
	static const char letter[] = {
		[MN_INTERVAL] = 'i',
		[MN_FINISH] = 'f',
		[MN_START] = 's',
		[MN_END] = 'e',
	};
	size_t len = strlen(text);
	const char *space = len ? " " : "";

	if (kind == MN_RETURN)
		scnprintf(text + len, MN_TEXT - len, "%s|", space);
	else
		scnprintf(text + len, MN_TEXT - len, "%s%c%u%s", space,
			  letter[kind], who, failed ? "!" : "");
}

static inline const char *mn_got(struct mn_world *w)
{
	unsigned int i;

	w->got[0] = '\0';
	for (i = 0; i < w->nr_calls; i++)
		mn_say(w->got, w->calls[i].kind, w->calls[i].who,
		       w->calls[i].failed);
	return w->got;
}

/* Whether a callback that is called for @blockable would be right to sleep. */
static inline bool mn_context_is_wrong(bool blockable)
{
#ifdef CONFIG_DEBUG_ATOMIC_SLEEP
	return blockable == !!current->non_block_count;
#else
	return false;
#endif
}

static inline void mn_check_range(struct mn_world *w,
				  const struct mmu_notifier_range *range)
{
	if (range->mm != w->mm || range->start != w->range.start ||
	    range->end != w->range.end || range->event != w->range.event ||
	    mmu_notifier_range_blockable(range) != w->blockable)
		w->wrong_range++;
}

static inline int mn_range_start(struct mmu_notifier *mn,
				 const struct mmu_notifier_range *range)
{
	struct mn_sub *sub = container_of(mn, struct mn_sub, mn);
	struct mn_world *w = sub->w;
	int ret = w->blockable ? sub->blockable_err : sub->err;
	unsigned long puts = sub->puts;
	unsigned int i;

	mn_record(w, MN_START, sub - w->sub, ret);
	mn_check_range(w, range);
	if (mn_context_is_wrong(w->blockable))
		w->wrong_start++;

	sub->puts = 0;
	for_each_set_bit(i, &puts, MN_SUBS) {
		w->listed &= ~BIT(i);
		mmu_notifier_put(&w->sub[i].mn);
	}
	return ret;
}

static inline void mn_range_end(struct mmu_notifier *mn,
				const struct mmu_notifier_range *range)
{
	struct mn_sub *sub = container_of(mn, struct mn_sub, mn);
	struct mn_world *w = sub->w;

	mn_record(w, MN_END, sub - w->sub, false);
	mn_check_range(w, range);
	if (mn_context_is_wrong(w->blockable))
		w->wrong_end++;
}

static inline void mn_free_notifier(struct mmu_notifier *mn)
{
	complete(&container_of(mn, struct mn_sub, mn)->freed);
}

static inline bool mn_invalidate(struct mmu_interval_notifier *ni,
				 const struct mmu_notifier_range *range,
				 unsigned long cur_seq)
{
	struct mn_itv *itv = container_of(ni, struct mn_itv, ni);
	struct mn_world *w = itv->w;
	bool refuse = w->blockable ? itv->refuse_blockable : itv->refuse;

	mn_record(w, MN_INTERVAL, itv - w->itv, refuse);
	mn_check_range(w, range);
	if (refuse)
		return false;

	mmu_interval_set_seq(ni, cur_seq);
	return true;
}

static inline void mn_work(struct work_struct *work)
{
	struct mn_itv *itv = container_of(work, struct mn_itv, work);
	struct mn_world *w = itv->w;
	unsigned long start;

	complete(&itv->begun);
	switch (itv->job) {
	case MN_INSERT:
		start = MN_ITV_START + (itv - w->itv) * MN_ITV_SIZE;
		itv->ret = mmu_interval_notifier_insert(&itv->ni, w->mm, start,
							MN_ITV_SIZE, itv->ops);
		break;
	case MN_READ_BEGIN:
		itv->seq = mmu_interval_read_begin(&itv->ni);
		break;
	case MN_REMOVE:
		mmu_interval_notifier_remove(&itv->ni);
		break;
	}
	complete(&itv->done);
}

static inline void mn_itv_queue(struct mn_itv *itv, enum mn_job job)
{
	itv->job = job;
	reinit_completion(&itv->begun);
	reinit_completion(&itv->done);
	INIT_WORK(&itv->work, mn_work);
	schedule_work(&itv->work);
}

/*
 * One that got stuck tells that the kernel is broken, and that many more will get
 * stuck. Be patient with the first only, or the tests take minutes to fail.
 */
static inline bool mn_itv_wait(struct mn_itv *itv)
{
	static bool again;

	if (wait_for_completion_timeout(&itv->done, again ? MN_TIMEOUT_AGAIN :
							    MN_TIMEOUT))
		return true;
	again = true;
	itv->w->stuck = true;
	return false;
}

/**
 * mn_itv_do - call what may sleep for ever, and do not
 * @itv: the interval subscriber
 * @job: what to call
 *
 * An invalidation that was begun and never ended makes readers and removers of
 * interval subscribers sleep, without a way to wake them. A test that calls them
 * itself would not fail but hang.
 *
 * Return: whether the call came back. If not, the worker stays where it is and
 * the struct mn_world must never be freed.
 */
static inline bool mn_itv_do(struct mn_itv *itv, enum mn_job job)
{
	mn_itv_queue(itv, job);
	return mn_itv_wait(itv);
}

static inline void mn_itv_insert(struct kunit *test, struct mn_itv *itv,
				 const struct mmu_interval_notifier_ops *ops)
{
	itv->ops = ops;
	KUNIT_ASSERT_TRUE_MSG(test, mn_itv_do(itv, MN_INSERT),
			      "mmu_interval_notifier_insert() sleeps for ever");
	KUNIT_ASSERT_EQ(test, itv->ret, 0);
	itv->inserted = true;
}

/* @when: what went before, for the message. */
static inline void mn_itv_read(struct kunit *test, struct mn_itv *itv,
			       const char *when)
{
	KUNIT_ASSERT_TRUE_MSG(test, mn_itv_do(itv, MN_READ_BEGIN),
			      "mmu_interval_read_begin() sleeps for ever, %s",
			      when);
	KUNIT_EXPECT_FALSE_MSG(test,
			       mmu_interval_read_retry(&itv->ni, itv->seq),
			       "a reader collides with nothing, %s", when);
}

static inline void mn_itv_remove(struct kunit *test, struct mn_itv *itv,
				 const char *when)
{
	itv->inserted = false;
	KUNIT_ASSERT_TRUE_MSG(test, mn_itv_do(itv, MN_REMOVE),
			      "mmu_interval_notifier_remove() sleeps for ever, %s",
			      when);
}

/**
 * mn_world_new - make a mm to which nobody subscribes yet
 * @test: it is freed with, if mn_world_free() is not called before
 *
 * Not by kunit_kzalloc(): what a stuck worker refers to must outlive the test.
 *
 * Return: never NULL, the test ends if there is no memory.
 */
static inline struct mn_world *mn_world_new(struct kunit *test)
{
	struct mn_world *w = kzalloc(sizeof(*w), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, w);
	w->mm = mm_alloc();
	if (!w->mm)
		kfree(w);
	KUNIT_ASSERT_NOT_NULL(test, w->mm);

	for (i = 0; i < MN_SUBS; i++) {
		w->sub[i].w = w;
		w->sub[i].ops.invalidate_range_start = mn_range_start;
		w->sub[i].ops.invalidate_range_end = mn_range_end;
		w->sub[i].ops.free_notifier = mn_free_notifier;
		init_completion(&w->sub[i].freed);
	}
	for (i = 0; i < MN_ITVS; i++) {
		w->itv[i].w = w;
		init_completion(&w->itv[i].begun);
		init_completion(&w->itv[i].done);
	}
	test->priv = w;
	return w;
}

/**
 * mn_subscribe - register a subscriber
 * @test: fails if that fails
 * @w: the world
 * @who: its number, which gives it its address
 *
 * Not by mmu_notifier_get(), whose alloc_notifier() is not told which address is
 * wanted. What was registered may be put all the same, and has to be where it is
 * unregistered by a callback: mmu_notifier_unregister() waits for the callbacks.
 */
static inline void mn_subscribe(struct kunit *test, struct mn_world *w,
				unsigned int who)
{
	struct mn_sub *sub = &w->sub[who];

	sub->mn.ops = &sub->ops;
	reinit_completion(&sub->freed);
	KUNIT_ASSERT_EQ(test, mmu_notifier_register(&sub->mn, w->mm), 0);
	w->listed |= BIT(who);
	w->used |= BIT(who);
}

static inline void mn_unsubscribe(struct mn_world *w, unsigned int who)
{
	w->listed &= ~BIT(who);
	mmu_notifier_put(&w->sub[who].mn);
}

/**
 * mn_wait_freed - wait until unregistered subscribers may be freed or reused
 * @w: the world
 *
 * mmu_notifier_synchronize() alone waits for a grace period, the callback that
 * mmu_notifier_put() queued on some other CPU may come later.
 *
 * Return: whether that took no longer than it may.
 */
static inline bool mn_wait_freed(struct mn_world *w)
{
	unsigned long pending = w->used & ~w->listed;
	unsigned int i;

	if (!pending)
		return true;
	mmu_notifier_synchronize();
	for_each_set_bit(i, &pending, MN_SUBS) {
		if (!wait_for_completion_timeout(&w->sub[i].freed, MN_TIMEOUT))
			return false;
		w->used &= ~BIT(i);
	}
	return true;
}

/**
 * mn_world_free - unregister everybody and free the mm
 * @test: it was made for
 *
 * Or leak it: if a worker is stuck then so would exit_mmap() be, or its memory
 * would go away from under the worker.
 */
static inline void mn_world_free(struct kunit *test)
{
	struct mn_world *w = test->priv;
	unsigned int i;

	if (!w)
		return;
	test->priv = NULL;

	for (i = 0; i < MN_ITVS && !w->stuck; i++)
		if (w->itv[i].inserted && !mn_itv_do(&w->itv[i], MN_REMOVE))
			KUNIT_FAIL(test, "mmu_interval_notifier_remove() sleeps for ever");

	if (!w->stuck) {
		for (i = 0; i < MN_SUBS; i++)
			if (w->listed & BIT(i))
				mn_unsubscribe(w, i);
		if (!mn_wait_freed(w)) {
			KUNIT_FAIL(test, "a subscriber that was put is not freed");
			w->stuck = true;
		}
	}

	if (w->stuck) {
		kunit_warn(test, "leaks a mm and its subscribers");
		return;
	}
	mmput(w->mm);
	kfree(w);
}

/**
 * mn_begin - begin an invalidation
 * @w: the world, in which the record begins anew
 * @range: to be passed to mn_end()
 * @where: what to invalidate
 * @blockable: whether the subscribers may sleep
 *
 * The caller holds the mmap_lock.
 *
 * Return: what the caller of mmu_notifier_invalidate_range_start_nonblock() gets.
 */
static inline int mn_begin(struct mn_world *w, struct mmu_notifier_range *range,
			   enum mn_where where, bool blockable)
{
	unsigned long start = MN_ITV_START;
	int ret = 0;

	if (where == MN_ASIDE)
		start += SZ_1G;
	mmu_notifier_range_init(range, MMU_NOTIFY_CLEAR, 0, w->mm, start,
				start + MN_ITVS * MN_ITV_SIZE);
	w->range = *range;
	w->blockable = blockable;
	w->nr_calls = 0;
	w->wrong_range = 0;
	w->wrong_start = 0;
	w->wrong_end = 0;

	if (blockable)
		mmu_notifier_invalidate_range_start(range);
	else
		ret = mmu_notifier_invalidate_range_start_nonblock(range);
	mn_record(w, MN_RETURN, 0, false);
	return ret;
}

static inline void mn_end(struct mn_world *w, struct mmu_notifier_range *range)
{
	w->blockable = mmu_notifier_range_blockable(range);
	mmu_notifier_invalidate_range_end(range);
}

/**
 * mn_call - do a whole invalidation: change nothing, but keep to the rules
 * @w: the world
 * @where: what to invalidate
 * @blockable: whether the subscribers may sleep
 *
 * Return: see mn_begin(). If it is not 0, nobody's end is called here.
 */
static inline int mn_call(struct mn_world *w, enum mn_where where,
			  bool blockable)
{
	struct mmu_notifier_range range;
	int ret;

	mmap_read_lock(w->mm);
	ret = mn_begin(w, &range, where, blockable);
	if (!ret)
		mn_end(w, &range);
	mmap_read_unlock(w->mm);
	return ret;
}

/**
 * mn_expect_call - do a whole invalidation that must go as given
 * @test: fails if it does not
 * @w: the world
 * @where: what to invalidate
 * @blockable: whether the subscribers may sleep
 * @want: the record that it must leave
 * @ret: what it must return
 * @what: a description, for the message
 */
static inline void mn_expect_call(struct kunit *test, struct mn_world *w,
				  enum mn_where where, bool blockable,
				  const char *want, int ret, const char *what)
{
	int got = mn_call(w, where, blockable);

	KUNIT_ASSERT_STREQ_MSG(test, mn_got(w), want, "%s", what);
	KUNIT_ASSERT_EQ_MSG(test, got, ret, "%s", what);
	KUNIT_ASSERT_EQ_MSG(test, w->wrong_range, 0, "%s", what);
}

#endif /* _MM_TESTS_MMU_NOTIFIER_KUNIT_H */
