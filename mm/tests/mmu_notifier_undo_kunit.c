// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit test of the undo contract of mmu notifiers, see "undo contract" in
 * include/linux/mmu_notifier.h.
 *
 * A subscriber may refuse an invalidation that is not blockable. Tested is who is
 * called then, in which order, how often, for which range and in which context,
 * and that everything works as before afterwards:
 *
 *  - every order of registration of up to MN_SUBS subscribers, with every one of
 *    them as the refuser and with none, with an interval subscriber that is
 *    concerned, with one that is not, and without;
 *  - several that would refuse; a refuser that has an end; a subscriber that
 *    lacks one of the two callbacks;
 *  - an interval subscriber that refuses;
 *  - interval subscribers that are read, removed and inserted after a refusal,
 *    and while another invalidation is under way;
 *  - unregistering from inside a start;
 *  - starts that return what they must not.
 *
 * Not tested are races. What the subscribers of the tree make of the contract is
 * not tested either: all that are called here belong to the test.
 *
 * A kernel without the contract fails this test, it does not hang in it. It leaks
 * memory, and leaves workers behind that sleep for ever.
 */

#include "mmu_notifier_kunit.h"

static const struct mmu_interval_notifier_ops mn_itv_ops = {
	.invalidate = mn_invalidate,
};

/*
 * A mm with subscribers 0 to @nr_subs - 1 and interval subscribers likewise. The
 * highest address is registered first. That is the order which needs no sorting
 * where a newcomer becomes the head of the list: a kernel that does so fails
 * where the sorting is tested, see mn_test_orders() and
 * mn_test_registered_again(), and elsewhere for what is tested there.
 */
static struct mn_world *mn_world_with(struct kunit *test, unsigned int nr_subs,
				      unsigned int nr_itvs)
{
	struct mn_world *w = mn_world_new(test);
	unsigned int i;

	for (i = 0; i < nr_itvs; i++)
		mn_itv_insert(test, &w->itv[i], &mn_itv_ops);
	for (i = nr_subs; i > 0; i--)
		mn_subscribe(test, w, i - 1);
	return w;
}

/*
 * The contract: write to w->want what the record of an invalidation must be, and
 * return what the caller must get.
 */
static int mn_contract(struct mn_world *w, enum mn_where where, bool blockable)
{
	unsigned long listed = w->listed;
	unsigned long started = 0;
	unsigned long ended;
	bool refused = false;
	unsigned int i;

	w->want[0] = '\0';

	for (i = 0; i < MN_ITVS && where == MN_OVER && !refused; i++) {
		bool fails = blockable ? w->itv[i].refuse_blockable :
					 w->itv[i].refuse;

		if (!w->itv[i].inserted)
			continue;
		mn_say(w->want, MN_INTERVAL, i, fails);
		refused = fails && !blockable;
	}

	for (i = 0; i < MN_SUBS && !refused; i++) {
		struct mn_sub *sub = &w->sub[i];
		bool fails = blockable ? sub->blockable_err : sub->err;

		if (!(listed & BIT(i)) || !sub->ops.invalidate_range_start)
			continue;
		mn_say(w->want, MN_START, i, fails);
		listed &= ~sub->puts;
		refused = fails && !blockable;
		if (!refused)
			started |= BIT(i);
	}

	/* The caller ends everybody's, an undo only what was started. */
	ended = refused ? listed & started : listed;

	if (!refused)
		mn_say(w->want, MN_RETURN, 0, false);
	for (i = 0; i < MN_SUBS; i++)
		if ((ended & BIT(i)) && w->sub[i].ops.invalidate_range_end)
			mn_say(w->want, MN_END, i, false);
	if (refused)
		mn_say(w->want, MN_RETURN, 0, false);

	return refused ? -EAGAIN : 0;
}

static void mn_expect_contract(struct kunit *test, struct mn_world *w,
			       enum mn_where where, bool blockable,
			       const char *what)
{
	int ret = mn_contract(w, where, blockable);

	mn_expect_call(test, w, where, blockable, w->want, ret, what);
}

struct mn_size {
	const char *name;
	unsigned int nr_subs;
	unsigned int nr_itvs;
};

static const struct mn_size mn_sizes[] = {
	{ "1 subscriber", 1, 0 },
	{ "2 subscribers", 2, 0 },
	{ "3 subscribers", 3, 0 },
	{ "4 subscribers", 4, 0 },
	{ "5 subscribers", 5, 0 },
	{ "1 subscriber and an interval", 1, 1 },
	{ "2 subscribers and an interval", 2, 1 },
	{ "3 subscribers and an interval", 3, 1 },
	{ "4 subscribers and an interval", 4, 1 },
	{ "5 subscribers and an interval", 5, 1 },
};

KUNIT_ARRAY_PARAM_DESC(mn_size, mn_sizes, name);

/* Register by the @nth of all orders, numbered from 0. Describe it in @text. */
static void mn_subscribe_nth(struct kunit *test, struct mn_world *w,
			     unsigned int nr_subs, unsigned int nth,
			     char *text, size_t size)
{
	unsigned int left[MN_SUBS];
	unsigned int nr_left, pick;
	size_t len = scnprintf(text, size, "registered in order");

	for (nr_left = 0; nr_left < nr_subs; nr_left++)
		left[nr_left] = nr_left;

	for (; nr_left; nr_left--) {
		pick = nth % nr_left;
		nth /= nr_left;
		mn_subscribe(test, w, left[pick]);
		len += scnprintf(text + len, size - len, " %u", left[pick]);
		left[pick] = left[nr_left - 1];
	}
}

/*
 * An undo relies on the order of the list, and drivers register in any order. So
 * all of them, with a refusal at every place.
 *
 * Each refusal is followed by an invalidation that must not notice, and by a
 * reader. What an undo has done too much or too little shows there if not before.
 */
static void mn_test_orders(struct kunit *test)
{
	const struct mn_size *size = test->param_value;
	enum mn_where last = size->nr_itvs ? MN_ASIDE : MN_OVER;
	unsigned int nr_orders = 1;
	unsigned int nth, refuser;
	enum mn_where where;
	char order[64];
	char what[128];

	for (nth = 2; nth <= size->nr_subs; nth++)
		nr_orders *= nth;

	for (nth = 0; nth < nr_orders; nth++) {
		struct mn_world *w = mn_world_with(test, 0, size->nr_itvs);

		mn_subscribe_nth(test, w, size->nr_subs, nth, order,
				 sizeof(order));

		/* The last is nobody. */
		for (refuser = 0; refuser <= size->nr_subs; refuser++) {
			for (where = MN_OVER; where <= last; where++) {
				scnprintf(what, sizeof(what),
					  "%s, refuser %u of %u, range is %s",
					  order, refuser, size->nr_subs,
					  where == MN_OVER ? "over" : "aside");
				if (refuser < size->nr_subs)
					w->sub[refuser].err = -EAGAIN;

				mn_expect_contract(test, w, where, false, what);
				if (size->nr_itvs)
					mn_itv_read(test, &w->itv[0], what);
				mn_expect_contract(test, w, MN_OVER, true,
						   what);
				if (size->nr_itvs)
					mn_itv_read(test, &w->itv[0], what);

				if (refuser < size->nr_subs)
					w->sub[refuser].err = 0;
			}
		}
		mn_world_free(test);
	}
}

/* The first of several refusals ends the walk. The others do not come up. */
static void mn_test_several_refusers(struct kunit *test)
{
	struct mn_world *w = mn_world_with(test, MN_SUBS, 0);
	unsigned long refusers;
	char what[32];
	unsigned int i;

	for (refusers = 0; refusers < BIT(MN_SUBS); refusers++) {
		scnprintf(what, sizeof(what), "refusers 0x%lx", refusers);
		for (i = 0; i < MN_SUBS; i++)
			w->sub[i].err = refusers & BIT(i) ? -EAGAIN : 0;

		mn_expect_contract(test, w, MN_OVER, false, what);
		mn_expect_contract(test, w, MN_OVER, true, what);
	}
}

/*
 * The obvious driver: trylock in start, unlock in end. If it has not got the
 * lock, its end must not unlock it. It was once forbidden to have one.
 */
static void mn_test_refuser_has_end(struct kunit *test)
{
	struct mn_world *w = mn_world_new(test);

	mn_subscribe(test, w, 1);
	w->sub[1].err = -EAGAIN;
	mn_expect_call(test, w, MN_OVER, false, "s1! |", -EAGAIN, "alone");

	mn_subscribe(test, w, 0);
	mn_expect_call(test, w, MN_OVER, false, "s0 s1! e0 |", -EAGAIN, "last");

	w->sub[1].err = 0;
	w->sub[0].err = -EAGAIN;
	mn_expect_call(test, w, MN_OVER, false, "s0! |", -EAGAIN, "first");
}

/* The one kind of refuser that was allowed before must still work. */
static void mn_test_refuser_without_end(struct kunit *test)
{
	struct mn_world *w = mn_world_new(test);

	w->sub[1].ops.invalidate_range_end = NULL;
	w->sub[1].err = -EAGAIN;
	mn_subscribe(test, w, 2);
	mn_subscribe(test, w, 1);
	mn_subscribe(test, w, 0);

	mn_expect_call(test, w, MN_OVER, false, "s0 s1! e0 |", -EAGAIN,
		       "refused");
	mn_expect_call(test, w, MN_OVER, true, "s0 s1 s2 | e0 e2", 0,
		       "blockable");
}

/*
 * Some subscribers are interested in ends only. They were not started, so an undo
 * is none of their business, wherever they are in the list.
 */
static void mn_test_end_without_start(struct kunit *test)
{
	struct mn_world *w = mn_world_new(test);

	w->sub[0].ops.invalidate_range_start = NULL;
	w->sub[2].ops.invalidate_range_start = NULL;
	w->sub[4].ops.invalidate_range_start = NULL;
	mn_subscribe(test, w, 4);
	mn_subscribe(test, w, 3);
	mn_subscribe(test, w, 2);
	mn_subscribe(test, w, 1);
	mn_subscribe(test, w, 0);

	w->sub[1].err = -EAGAIN;
	mn_expect_call(test, w, MN_OVER, false, "s1! |", -EAGAIN,
		       "the first that has a start refuses");
	w->sub[1].err = 0;
	w->sub[3].err = -EAGAIN;
	mn_expect_call(test, w, MN_OVER, false, "s1 s3! e1 |", -EAGAIN,
		       "the second that has a start refuses");
	w->sub[3].err = 0;
	mn_expect_call(test, w, MN_OVER, false, "s1 s3 | e0 e1 e2 e3 e4", 0,
		       "nobody refuses");
	mn_expect_call(test, w, MN_OVER, true, "s1 s3 | e0 e1 e2 e3 e4", 0,
		       "blockable");
}

/* There is nothing to undo of who has no end, nor a function to call. */
static void mn_test_start_without_end(struct kunit *test)
{
	struct mn_world *w = mn_world_new(test);

	w->sub[1].ops.invalidate_range_end = NULL;
	w->sub[2].err = -EAGAIN;
	mn_subscribe(test, w, 2);
	mn_subscribe(test, w, 1);
	mn_subscribe(test, w, 0);

	mn_expect_call(test, w, MN_OVER, false, "s0 s1 s2! e0 |", -EAGAIN,
		       "refused");
	mn_expect_call(test, w, MN_OVER, true, "s0 s1 s2 | e0 e2", 0,
		       "blockable");
}

/* The OOM reaper tries again, and may be luckier. Nothing may add up. */
static void mn_test_retry(struct kunit *test)
{
	struct mn_world *w = mn_world_with(test, 3, 1);
	unsigned int i;

	w->sub[1].err = -EAGAIN;
	for (i = 0; i < 10; i++)
		mn_expect_call(test, w, MN_OVER, false, "i0 s0 s1! e0 |",
			       -EAGAIN, "refused");
	w->sub[1].err = 0;
	mn_expect_call(test, w, MN_OVER, false, "i0 s0 s1 s2 | e0 e1 e2", 0,
		       "tried again");
	mn_itv_read(test, &w->itv[0], "tried again");
	mn_expect_call(test, w, MN_OVER, true, "i0 s0 s1 s2 | e0 e1 e2", 0,
		       "blockable");
	mn_itv_read(test, &w->itv[0], "blockable");
}

/* Who leaves and comes back gets its old place, not that of a newcomer. */
static void mn_test_registered_again(struct kunit *test)
{
	struct mn_world *w = mn_world_with(test, 3, 0);

	mn_unsubscribe(w, 1);
	KUNIT_ASSERT_TRUE(test, mn_wait_freed(w));
	mn_expect_call(test, w, MN_OVER, true, "s0 s2 | e0 e2", 0, "away");

	mn_subscribe(test, w, 1);
	w->sub[2].err = -EAGAIN;
	mn_expect_call(test, w, MN_OVER, false, "s0 s1 s2! e0 e1 |", -EAGAIN,
		       "back");
}

/*
 * An end that is called for a range which is not blockable must not sleep, no
 * matter who calls it. Only with DEBUG_ATOMIC_SLEEP does the kernel know.
 */
static void mn_test_context(struct kunit *test)
{
	struct mn_world *w;

	if (!IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP))
		kunit_skip(test, "needs DEBUG_ATOMIC_SLEEP");

	w = mn_world_with(test, 3, 0);
	/* The last: that it is an undo's end must be all that can be wrong. */
	w->sub[2].err = -EAGAIN;
	w->sub[2].ops.invalidate_range_end = NULL;

	KUNIT_EXPECT_EQ(test, mn_call(w, MN_OVER, false), -EAGAIN);
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(mn_got(w), "e0"),
				  "no end was called");
	KUNIT_EXPECT_EQ_MSG(test, w->wrong_start, 0, "refused");
	KUNIT_EXPECT_EQ_MSG(test, w->wrong_end, 0, "refused");

	w->sub[2].err = 0;
	KUNIT_EXPECT_EQ(test, mn_call(w, MN_OVER, false), 0);
	KUNIT_EXPECT_EQ_MSG(test, w->wrong_start, 0, "not blockable");
	KUNIT_EXPECT_EQ_MSG(test, w->wrong_end, 0, "not blockable");

	KUNIT_EXPECT_EQ(test, mn_call(w, MN_OVER, true), 0);
	KUNIT_EXPECT_EQ_MSG(test, w->wrong_start, 0, "blockable");
	KUNIT_EXPECT_EQ_MSG(test, w->wrong_end, 0, "blockable");
}

struct mn_removal {
	const char *name;
	unsigned int who;	/* calls mmu_notifier_put() in its start */
	unsigned long puts;	/* for these */
	unsigned int refuser;	/* MN_SUBS: nobody */
	const char *want;
};

static const struct mn_removal mn_removals[] = {
	{ "itself", 1, BIT(1), MN_SUBS, "i0 s0 s1 s2 s3 | e0 e2 e3" },
	{ "an earlier one", 2, BIT(0), MN_SUBS, "i0 s0 s1 s2 s3 | e1 e2 e3" },
	{ "a later one", 1, BIT(2), MN_SUBS, "i0 s0 s1 s3 | e0 e1 e3" },
	{ "itself, a later one refuses", 1, BIT(1), 3,
	  "i0 s0 s1 s2 s3! e0 e2 |" },
	{ "an earlier one, a later one refuses", 2, BIT(0), 3,
	  "i0 s0 s1 s2 s3! e1 e2 |" },
	{ "a later one, one after that refuses", 1, BIT(2), 3,
	  "i0 s0 s1 s3! e0 e1 |" },
	{ "who would have refused", 1, BIT(3), 3, "i0 s0 s1 s2 | e0 e1 e2" },
	{ "itself, and refuses", 2, BIT(2), 2, "i0 s0 s1 s2! e0 e1 |" },
	{ "itself, and refuses as the first", 0, BIT(0), 0, "i0 s0! |" },
	{ "itself, and refuses as the last", 3, BIT(3), 3,
	  "i0 s0 s1 s2 s3! e0 e1 e2 |" },
	{ "an earlier one, and refuses", 2, BIT(0), 2, "i0 s0 s1 s2! e1 |" },
	{ "a later one, and refuses", 1, BIT(2), 1, "i0 s0 s1! e0 |" },
	{ "itself and an earlier one, and refuses", 2, BIT(1) | BIT(2), 2,
	  "i0 s0 s1 s2! e0 |" },
	{ "everybody, and refuses", 2, GENMASK(3, 0), 2, "i0 s0 s1 s2! |" },
};

KUNIT_ARRAY_PARAM_DESC(mn_removal, mn_removals, name);

/*
 * Nothing keeps a subscriber from being unregistered while an invalidation is
 * under way. By others it happens at any time, by a callback it happens at a
 * certain time, so by a callback here. Who is gone gets no end, and that it is
 * gone must not change who else gets one: the undo cannot count, and must find
 * its way if it is the refuser that is gone.
 */
static void mn_test_unregister_in_start(struct kunit *test)
{
	const struct mn_removal *r = test->param_value;
	struct mn_world *w = mn_world_with(test, 4, 1);
	bool refused = strchr(r->want, '!');

	w->sub[r->who].puts = r->puts;
	if (r->refuser < MN_SUBS)
		w->sub[r->refuser].err = -EAGAIN;

	mn_expect_call(test, w, MN_OVER, false, r->want,
		       refused ? -EAGAIN : 0, r->name);
	mn_itv_read(test, &w->itv[0], r->name);

	KUNIT_EXPECT_TRUE(test, mn_wait_freed(w));
	mn_expect_contract(test, w, MN_OVER, true, "those who are left");
	mn_itv_read(test, &w->itv[0], "those who are left");
}

struct mn_error {
	const char *name;
	int err;
};

static const struct mn_error mn_errors[] = {
	{ "-EAGAIN", -EAGAIN },
	{ "-EINVAL", -EINVAL },
	{ "-ENOMEM", -ENOMEM },
};

KUNIT_ARRAY_PARAM_DESC(mn_error, mn_errors, name);

/*
 * A caller that may block is not told of errors, it changes the page tables and
 * calls everybody's end. An undo before that would make it two.
 */
static void mn_test_blockable_error(struct kunit *test)
{
	const struct mn_error *e = test->param_value;
	struct mn_world *w = mn_world_with(test, 3, 1);

	w->sub[1].blockable_err = e->err;
	kunit_info(test, "expected warning: \"failed with\" an error \"in blockable context\", the first time");
	mn_expect_call(test, w, MN_OVER, true, "i0 s0 s1! s2 | e0 e1 e2", 0,
		       e->name);
	mn_itv_read(test, &w->itv[0], e->name);
}

/* The same of an interval subscriber. */
static void mn_test_blockable_interval_refuses(struct kunit *test)
{
	struct mn_world *w = mn_world_with(test, 2, 2);

	w->itv[0].refuse_blockable = true;
	kunit_info(test, "expected warning: in mn_itree_invalidate(), the first time");
	mn_expect_call(test, w, MN_OVER, true, "i0! i1 s0 s1 | e0 e1", 0,
		       "blockable");
	mn_itv_read(test, &w->itv[1], "blockable");
}

/*
 * Sleeping is the only excuse. Whoever calls knows how to deal with -EAGAIN only,
 * so that is what it gets.
 */
static void mn_test_nonblockable_error(struct kunit *test)
{
	const struct mn_error *e = test->param_value;
	struct mn_world *w = mn_world_with(test, 3, 1);

	w->sub[1].err = e->err;
	if (e->err != -EAGAIN)
		kunit_info(test, "expected warning: \"failed with\" an error \"in non-blockable context\", the first time");
	mn_expect_call(test, w, MN_OVER, false, "i0 s0 s1! e0 |", -EAGAIN,
		       e->name);
	mn_itv_read(test, &w->itv[0], e->name);
}

struct mn_interval_refuser {
	const char *name;
	unsigned int refuser;
	const char *want;
};

static const struct mn_interval_refuser mn_interval_refusers[] = {
	{ "the first", 0, "i0! |" },
	{ "the second", 1, "i0 i1! |" },
	{ "the last", 2, "i0 i1 i2! |" },
};

KUNIT_ARRAY_PARAM_DESC(mn_interval_refuser, mn_interval_refusers, name);

/*
 * Interval subscribers come first. If one of them refuses, the list has not been
 * walked: nobody's end, and no start.
 */
static void mn_test_interval_refuses(struct kunit *test)
{
	const struct mn_interval_refuser *r = test->param_value;
	struct mn_world *w = mn_world_with(test, 2, MN_ITVS);
	unsigned int i;

	w->itv[r->refuser].refuse = true;
	/* Does not come up. */
	w->sub[1].err = -EAGAIN;

	mn_expect_call(test, w, MN_OVER, false, r->want, -EAGAIN, r->name);
	for (i = 0; i < MN_ITVS; i++)
		mn_itv_read(test, &w->itv[i], r->name);

	mn_expect_call(test, w, MN_ASIDE, false, "s0 s1! e0 |", -EAGAIN,
		       "none of them is concerned");
	mn_expect_call(test, w, MN_OVER, true, "i0 i1 i2 s0 s1 | e0 e1", 0,
		       "blockable");
	for (i = 0; i < MN_ITVS; i++) {
		mn_itv_read(test, &w->itv[i], "blockable");
		mn_itv_remove(test, &w->itv[i], "blockable");
	}
}

struct mn_range {
	const char *name;
	enum mn_where where;
};

static const struct mn_range mn_ranges[] = {
	{ "range is over", MN_OVER },
	{ "range is aside", MN_ASIDE },
};

KUNIT_ARRAY_PARAM_DESC(mn_range, mn_ranges, name);

/* A mm with an interval subscriber, of which a later subscriber has refused. */
static struct mn_world *mn_refused(struct kunit *test)
{
	const struct mn_range *r = test->param_value;
	struct mn_world *w = mn_world_with(test, 2, 1);

	w->sub[1].err = -EAGAIN;
	KUNIT_ASSERT_EQ(test, mn_call(w, r->where, false), -EAGAIN);
	return w;
}

/*
 * The fault handler of a device reads before it maps anything. An invalidation
 * that was refused behind the interval subscribers' back, and not ended for them,
 * is to them one that goes on for ever.
 */
static void mn_test_read_after_refusal(struct kunit *test)
{
	struct mn_world *w = mn_refused(test);

	mn_itv_read(test, &w->itv[0], "refused");
	KUNIT_ASSERT_EQ(test, mn_call(w, MN_OVER, true), 0);
	KUNIT_EXPECT_TRUE_MSG(test,
			      mmu_interval_read_retry(&w->itv[0].ni,
						      w->itv[0].seq),
			      "a reader does not notice an invalidation");
	mn_itv_read(test, &w->itv[0], "blockable");
}

/* Removing waits for invalidations too. */
static void mn_test_remove_after_refusal(struct kunit *test)
{
	struct mn_world *w = mn_refused(test);

	mn_itv_remove(test, &w->itv[0], "refused");
	mn_expect_call(test, w, MN_OVER, true, "s0 s1 | e0 e1", 0, "removed");
}

/*
 * Inserting does not wait, reading what was inserted during an invalidation does.
 * It does so whether or not the invalidation concerned anybody.
 */
static void mn_test_insert_after_refusal(struct kunit *test)
{
	struct mn_world *w = mn_refused(test);

	mn_itv_insert(test, &w->itv[1], &mn_itv_ops);
	mn_itv_read(test, &w->itv[1], "inserted");
	mn_expect_call(test, w, MN_OVER, true, "i0 i1 s0 s1 | e0 e1", 0,
		       "inserted");
	mn_itv_read(test, &w->itv[1], "blockable");
}

/*
 * Invalidations overlap in time, and are counted. The end of the one that was
 * refused must be its own and not somebody else's: until the outer one is ended,
 * readers wait.
 */
static void mn_test_refusal_inside(struct kunit *test)
{
	struct mn_world *w = mn_world_with(test, 2, 1);
	struct mn_itv *itv = &w->itv[0];
	struct mmu_notifier_range outer, inner;
	bool early;

	w->sub[1].err = -EAGAIN;

	mmap_read_lock(w->mm);
	mn_begin(w, &outer, MN_OVER, true);
	KUNIT_EXPECT_EQ(test, mn_begin(w, &inner, MN_OVER, false), -EAGAIN);

	mn_itv_queue(itv, MN_READ_BEGIN);
	KUNIT_EXPECT_TRUE_MSG(test,
			      wait_for_completion_timeout(&itv->begun, MN_TIMEOUT),
			      "the reader's worker does not run");
	/* From its first line to the waiting is a few instructions. */
	early = wait_for_completion_timeout(&itv->done, HZ / 5);
	KUNIT_EXPECT_FALSE_MSG(test, early,
			       "a reader does not wait for the outer invalidation");

	mn_end(w, &outer);
	mmap_read_unlock(w->mm);

	KUNIT_EXPECT_STREQ(test, mn_got(w), "i0 s0 s1! e0 | e0 e1");
	KUNIT_ASSERT_TRUE_MSG(test, early || mn_itv_wait(itv),
			      "mmu_interval_read_begin() sleeps for ever");
}

static struct kunit_case mn_undo_cases[] = {
	KUNIT_CASE_PARAM_ATTR(mn_test_orders, mn_size_gen_params,
			      { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE(mn_test_several_refusers),
	KUNIT_CASE(mn_test_refuser_has_end),
	KUNIT_CASE(mn_test_refuser_without_end),
	KUNIT_CASE(mn_test_end_without_start),
	KUNIT_CASE(mn_test_start_without_end),
	KUNIT_CASE(mn_test_retry),
	KUNIT_CASE(mn_test_registered_again),
	KUNIT_CASE(mn_test_context),
	KUNIT_CASE_PARAM(mn_test_unregister_in_start, mn_removal_gen_params),
	KUNIT_CASE_PARAM(mn_test_blockable_error, mn_error_gen_params),
	KUNIT_CASE(mn_test_blockable_interval_refuses),
	KUNIT_CASE_PARAM(mn_test_nonblockable_error, mn_error_gen_params),
	KUNIT_CASE_PARAM(mn_test_interval_refuses,
			 mn_interval_refuser_gen_params),
	KUNIT_CASE_PARAM(mn_test_read_after_refusal, mn_range_gen_params),
	KUNIT_CASE_PARAM(mn_test_remove_after_refusal, mn_range_gen_params),
	KUNIT_CASE_PARAM(mn_test_insert_after_refusal, mn_range_gen_params),
	KUNIT_CASE(mn_test_refusal_inside),
	{}
};

static struct kunit_suite mn_undo_suite = {
	.name = "mmu_notifier_undo",
	.exit = mn_world_free,
	.test_cases = mn_undo_cases,
};

kunit_test_suite(mn_undo_suite);
