// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit test of interval notifiers that invalidate in two passes, where the
 * invalidation is refused.
 *
 * What invalidate_start() has returned in *finish must come back, once, by
 * invalidate_finish(), also if somebody else refuses after it. A driver allocates
 * it, and may hold a lock or have the hardware busy in between. Who refuses has
 * nothing to finish. The rest of the undo contract is tested in
 * mmu_notifier_undo_kunit.c.
 */

#include "mmu_notifier_kunit.h"

/* Not allocated, so that one that never comes back is not a leak as well. */
static struct mmu_interval_notifier_finish mn_finishes[MN_ITVS];

/* One that is called by its interval subscriber in one pass, see mn_invalidate. */
static bool mn_onepass(struct mmu_interval_notifier *ni,
		       const struct mmu_notifier_range *range,
		       unsigned long cur_seq,
		       struct mmu_interval_notifier_finish **finish)
{
	return mn_invalidate(ni, range, cur_seq);
}

/* Refuses only after it has set *finish, which must make no difference. */
static bool mn_twopass(struct mmu_interval_notifier *ni,
		       const struct mmu_notifier_range *range,
		       unsigned long cur_seq,
		       struct mmu_interval_notifier_finish **finish)
{
	struct mn_itv *itv = container_of(ni, struct mn_itv, ni);

	*finish = &mn_finishes[itv - itv->w->itv];
	return mn_invalidate(ni, range, cur_seq);
}

static void mn_finish(struct mmu_interval_notifier_finish *finish)
{
	struct mn_itv *itv = container_of(finish->notifier, struct mn_itv, ni);

	/* Named by what came back: it must be that which was handed out. */
	mn_record(itv->w, MN_FINISH, finish - mn_finishes, false);
}

static const struct mmu_interval_notifier_ops mn_onepass_ops = {
	.invalidate_start = mn_onepass,
	.invalidate_finish = mn_finish,
};

static const struct mmu_interval_notifier_ops mn_twopass_ops = {
	.invalidate_start = mn_twopass,
	.invalidate_finish = mn_finish,
};

/* A mm with MN_ITVS interval subscribers and subscribers 0 and 1. */
static struct mn_world *mn_world_with(struct kunit *test,
				      const struct mmu_interval_notifier_ops *ops)
{
	struct mn_world *w = mn_world_new(test);
	unsigned int i;

	for (i = 0; i < MN_ITVS; i++)
		mn_itv_insert(test, &w->itv[i], ops);
	mn_subscribe(test, w, 1);
	mn_subscribe(test, w, 0);
	return w;
}

/* After whatever was refused: all goes as ever, readers and removers too. */
static void mn_expect_usable(struct kunit *test, struct mn_world *w,
			     const char *want)
{
	unsigned int i;

	for (i = 0; i < MN_ITVS; i++)
		mn_itv_read(test, &w->itv[i], "refused");
	mn_expect_call(test, w, MN_OVER, true, want, 0, "blockable");
	for (i = 0; i < MN_ITVS; i++)
		mn_itv_remove(test, &w->itv[i], "blockable");
}

#define MN_ALL_FINISH	"i0 i1 i2 f0 f1 f2 s0 s1 | e0 e1"
#define MN_NONE_FINISH	"i0 i1 i2 s0 s1 | e0 e1"

/* Somebody else refuses when the second pass is over: it is not repeated. */
static void mn_test_twopass_subscriber_refuses(struct kunit *test)
{
	struct mn_world *w = mn_world_with(test, &mn_twopass_ops);

	w->sub[1].err = -EAGAIN;
	mn_expect_call(test, w, MN_OVER, false,
		       "i0 i1 i2 f0 f1 f2 s0 s1! e0 |", -EAGAIN, "refused");
	w->sub[1].err = 0;
	mn_expect_usable(test, w, MN_ALL_FINISH);
}

/* The walk ends between the two passes of those who were called. */
static void mn_test_twopass_interval_refuses(struct kunit *test)
{
	struct mn_world *w = mn_world_with(test, &mn_twopass_ops);

	w->itv[2].refuse = true;
	mn_expect_call(test, w, MN_OVER, false, "i0 i1 i2! f0 f1 |", -EAGAIN,
		       "the last refuses");
	w->itv[2].refuse = false;

	w->itv[0].refuse = true;
	mn_expect_call(test, w, MN_OVER, false, "i0! |", -EAGAIN,
		       "the first refuses");
	mn_expect_usable(test, w, MN_ALL_FINISH);
}

/* Without *finish there is no second pass, refused or not. */
static void mn_test_no_second_pass(struct kunit *test)
{
	struct mn_world *w = mn_world_with(test, &mn_onepass_ops);

	w->sub[0].err = -EAGAIN;
	mn_expect_call(test, w, MN_OVER, false, "i0 i1 i2 s0! |", -EAGAIN,
		       "a subscriber refuses");
	w->itv[1].refuse = true;
	mn_expect_call(test, w, MN_OVER, false, "i0 i1! |", -EAGAIN,
		       "an interval subscriber refuses");
	mn_expect_usable(test, w, MN_NONE_FINISH);
}

/* The reaper's retry: each attempt has its own second pass. */
static void mn_test_twopass_retry(struct kunit *test)
{
	struct mn_world *w = mn_world_with(test, &mn_twopass_ops);

	w->sub[0].err = -EAGAIN;
	mn_expect_call(test, w, MN_OVER, false,
		       "i0 i1 i2 f0 f1 f2 s0! |", -EAGAIN, "refused");
	mn_expect_call(test, w, MN_OVER, false,
		       "i0 i1 i2 f0 f1 f2 s0! |", -EAGAIN, "refused again");
	w->sub[0].err = 0;
	mn_expect_call(test, w, MN_OVER, false, MN_ALL_FINISH, 0,
		       "tried again");
	mn_expect_usable(test, w, MN_ALL_FINISH);
}

static struct kunit_case mn_twopass_cases[] = {
	KUNIT_CASE(mn_test_twopass_subscriber_refuses),
	KUNIT_CASE(mn_test_twopass_interval_refuses),
	KUNIT_CASE(mn_test_no_second_pass),
	KUNIT_CASE(mn_test_twopass_retry),
	{}
};

static struct kunit_suite mn_twopass_suite = {
	.name = "mmu_notifier_twopass",
	.exit = mn_world_free,
	.test_cases = mn_twopass_cases,
};

kunit_test_suite(mn_twopass_suite);
